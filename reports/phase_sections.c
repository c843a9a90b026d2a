/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_sections: see phase_sections.h.
 *
 * The interval of a share between runs is Student's on the logits of the runs' shares:
 * reports.md's rule, after Cox & Snell 1989, Analysis of Binary Data, 1.4 (logit); without two runs
 * there is none.
 */
#include "reports/phase_sections.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))
#define CALLERS		      "its caller's" /* component of a function of a library */

enum {
	FUNCTIONS = 20,
	CAUSES = 3, /* functions of a component */
	RUNS = 1000,
};

/* Shares of one thing in the runs. */
struct shares {
	double of_run[RUNS];
	size_t count;
};

static double logit(double share, double samples)
{
	return log((share * samples + 0.5) / ((1 - share) * samples + 0.5));
}

static void add_share(json_t *row, const struct shares *shares, double samples)
{
	double mean = 0, sum = 0, squares = 0, half, count = (double)shares->count;

	for (size_t i = 0; i < shares->count; i++) {
		mean += shares->of_run[i] / count;
		sum += logit(shares->of_run[i], samples) / count;
	}
	for (size_t i = 0; i < shares->count; i++)
		squares += pow(logit(shares->of_run[i], samples) - sum, 2);
	if (shares->count < 2) {
		document_number(row, mean);
		return;
	}
	half = gsl_cdf_tdist_Pinv(0.975, count - 1) * sqrt(squares / (count - 1) / count);
	document_interval(row, mean, fmin(mean, 1 / (1 + exp(half - sum))),
			  fmax(mean, 1 / (1 + exp(-half - sum))));
}

/* Samples of a run, on average. */
static double mean_samples(const struct scaling *scaling)
{
	double sum = 0, count = 0;

	for (size_t i = 0; i < scaling->sweep.count; i++)
		if (scaling->runs[i]) {
			sum += scaling->runs[i]->samples;
			count++;
		}
	return count > 0 ? sum / count : 0;
}

static struct shares component_shares(const struct scaling *scaling, int component)
{
	struct shares shares = {.count = 0};

	for (size_t i = 0; i < scaling->sweep.count && shares.count < RUNS; i++)
		if (scaling->runs[i] && scaling->runs[i]->step_cpu_ns > 0)
			shares.of_run[shares.count++] = scaling->runs[i]->components[component];
	return shares;
}

/* What is told of the CPU time of a function. */
enum part {
	SELF,
	TOTAL,
	BORNE,
};

static struct shares function_shares(const struct scaling *scaling, size_t id, enum part part)
{
	struct shares shares = {.count = 0};

	for (size_t i = 0; i < scaling->sweep.count && shares.count < RUNS; i++) {
		struct measured_function function;

		if (!scaling->runs[i] || scaling->runs[i]->step_cpu_ns <= 0)
			continue;
		function = measured_function(scaling->runs[i], id);
		shares.of_run[shares.count++] = (part == SELF	 ? function.self_ns
						 : part == TOTAL ? function.total_ns
								 : function.borne_ns) /
						scaling->runs[i]->step_cpu_ns;
	}
	return shares;
}

static double mean_of(const struct shares *shares)
{
	double sum = 0;

	for (size_t i = 0; i < shares->count; i++)
		sum += shares->of_run[i];
	return shares->count ? sum / (double)shares->count : 0;
}

static void add_components(json_t *section, const struct scaling *scaling)
{
	static const struct document_column columns[] = {
		{"component", "component", "text", NULL},
		{"share", "of CPU time", "share", NULL},
	};
	json_t *table = document_table(section, "components",
				       "Components: what libraries do for one is its cost", columns,
				       COLUMN_COUNT(columns));

	for (int i = scaling->map.count - 1; i >= 0; i--) {
		struct shares shares = component_shares(scaling, i);
		json_t *row = document_row(table);

		document_text(row, scaling->map.names[i]);
		add_share(row, &shares, mean_samples(scaling));
	}
}

/* What belongs to no component, and lies in a library or is inlined from a header, does its work
 * for whoever calls it: most of its own time is borne by others. */
static const char *component_of(const struct scaling *scaling, size_t id)
{
	const struct measured_name *name = scaling->names.rows[id];
	struct shares self = function_shares(scaling, id, SELF);
	struct shares borne = function_shares(scaling, id, BORNE);

	return name->component || scaling->map.count <= 1 || mean_of(&borne) >= mean_of(&self) / 2
		       ? scaling->map.names[name->component]
		       : CALLERS;
}

/* The function of a component that bears most of those that are not shown; NULL: none bears. */
static const struct measured_name *find_cause(const struct scaling *scaling, int component,
					      const bool *is_shown)
{
	const struct measured_name *cause = NULL;
	double most = 0;

	for (size_t i = 0; i < scaling->names.count; i++) {
		struct shares borne;

		if (is_shown[i] || scaling->names.rows[i]->component != component)
			continue;
		borne = function_shares(scaling, i, BORNE);
		if (mean_of(&borne) <= most)
			continue;
		most = mean_of(&borne);
		cause = scaling->names.rows[i];
	}
	return cause;
}

static void add_causes(json_t *section, const struct scaling *scaling)
{
	static const struct document_column columns[] = {
		{"component", "component", "text", NULL},
		{"function", "function", "code", NULL},
		{"borne", "with calls outside of components", "share", NULL},
		{"self", "self", "share", NULL},
	};
	json_t *table = document_table(
		section, "causes",
		"Costliest functions of each component: what libraries do for one is its cost",
		columns, COLUMN_COUNT(columns));
	bool *is_shown = xcalloc(scaling->names.count, sizeof(*is_shown));

	for (int component = scaling->map.count - 1; component >= 0; component--) {
		const struct measured_name *cause;

		for (int i = 0; i < CAUSES && (cause = find_cause(scaling, component, is_shown));
		     i++) {
			struct shares borne = function_shares(scaling, cause->id, BORNE);
			struct shares self = function_shares(scaling, cause->id, SELF);
			json_t *row = document_row(table);

			is_shown[cause->id] = true;
			document_text(row, scaling->map.names[component]);
			document_text(row, cause->name);
			add_share(row, &borne, mean_samples(scaling));
			add_share(row, &self, mean_samples(scaling));
		}
	}
	free(is_shown);
}

static void add_functions(json_t *section, const struct scaling *scaling)
{
	static const struct document_column columns[] = {
		{"self", "self", "share", NULL},	{"total", "total", "share", NULL},
		{"function", "function", "code", NULL}, {"component", "component", "text", NULL},
		{"file", "declared in", "code", NULL},
	};
	json_t *table = document_table(section, "functions", "Functions by their own time", columns,
				       COLUMN_COUNT(columns));
	bool *is_shown = xcalloc(scaling->names.count, sizeof(*is_shown));

	for (int shown = 0; shown < FUNCTIONS; shown++) {
		size_t best = 0;
		double most = 0;
		json_t *row;

		for (size_t id = 0; id < scaling->names.count; id++) {
			struct shares self = function_shares(scaling, id, SELF);

			if (!is_shown[id] && mean_of(&self) > most) {
				most = mean_of(&self);
				best = id;
			}
		}
		if (most <= 0)
			break;
		is_shown[best] = true;
		row = document_row(table);
		for (enum part part = SELF; part <= TOTAL; part++) {
			struct shares shares = function_shares(scaling, best, part);

			add_share(row, &shares, mean_samples(scaling));
		}
		document_text(row, scaling->names.rows[best]->name);
		document_text(row, component_of(scaling, best));
		document_text(row, scaling->names.rows[best]->file);
	}
	free(is_shown);
}

/* Every recording has one; that of the first is named. */
static void say_where_flames_are(json_t *section, const struct scaling *scaling)
{
	const char *folder = strrchr(scaling->sweep.folder, '/');

	for (size_t i = 0; i < scaling->sweep.count; i++) {
		const char *run = strrchr(scaling->sweep.results[i].folder, '/');

		if (!scaling->runs[i] || !folder || !run)
			continue;
		document_say(section,
			     "The flame graph of the first run: %.100s/runs/%.40s/run.svg.",
			     folder + 1, run + 1);
		return;
	}
}

/* What lies outside of steps, on average over the runs; in a table, since the matrix says it too.
 */
static void add_outside(json_t *section, const struct scaling *scaling)
{
	static const struct document_column columns[] = {
		{"where", "where", "text", NULL},
		{"share", "of all CPU time", "share", NULL},
	};
	double outside = 0, count = 0;
	json_t *table, *row;

	for (size_t i = 0; i < scaling->sweep.count; i++)
		if (scaling->runs[i] && scaling->runs[i]->has_steps) {
			outside += scaling->runs[i]->outside_share;
			count++;
		}
	if (count <= 0)
		return;
	table = document_table(section, "outside", "All other tables are of the CPU time in steps",
			       columns, COLUMN_COUNT(columns));
	row = document_row(table);
	document_text(row, "in steps");
	document_number(row, 1 - outside / count);
	row = document_row(table);
	document_text(row, "outside of steps");
	document_number(row, outside / count);
}

void phase_add_shares(json_t *document, const struct scaling *scaling)
{
	json_t *section = document_section(document, "shares", "Where the time goes");

	if (mean_samples(scaling) <= 0) {
		document_miss(section, "there is no recording with samples");
		return;
	}
	document_say(section, "Intervals (95 %%) are between runs.");
	say_where_flames_are(section, scaling);
	add_outside(section, scaling);
	add_components(section, scaling);
	add_causes(section, scaling);
	add_functions(section, scaling);
}

enum duration {
	TIMED_CALLS,
	MEAN,
	P50,
	P95,
	P99,
	DURATIONS
};

static double duration_of(const struct measured_function *function, enum duration duration)
{
	const double values[DURATIONS] = {
		[TIMED_CALLS] = function->timed_calls,
		[MEAN] = function->mean_ns,
		[P50] = function->p50_ns,
		[P95] = function->p95_ns,
		[P99] = function->p99_ns,
	};

	return values[duration];
}

/* Median over the runs of a point; NAN when none of them has timed the function. */
static double median_of(const struct scaling *scaling, size_t point, size_t id,
			enum duration duration)
{
	double values[RUNS];
	size_t count = 0;

	for (size_t i = 0; i < scaling->sweep.count && count < RUNS; i++) {
		struct measured_function function;

		if (!scaling->runs[i] || scaling->sweep.results[i].point != point)
			continue;
		function = measured_function(scaling->runs[i], id);
		if (function.is_timed)
			values[count++] = duration_of(&function, duration);
	}
	return count ? growth_median(values, count) : NAN;
}

/* Whether there is nothing that varies, and no name for a point. */
static bool is_one_point(const struct scaling *scaling)
{
	return json_array_size(scaling->sweep.points) == 1 &&
	       !json_object_size(json_array_get(scaling->sweep.points, 0));
}

json_t *phase_add_calls(json_t *document, const char *name, const struct scaling *scaling)
{
	static const struct document_column columns[] = {
		{"point", "point", "text", NULL},	 {"function", "function", "code", NULL},
		{"timed", "calls timed", "count", NULL}, {"mean", "mean", "amount", "ns"},
		{"p50", "p50", "amount", "ns"},		 {"p95", "p95", "amount", "ns"},
		{"p99", "p99", "amount", "ns"},
	};
	json_t *section = document_section(document, name, name), *table, *point;
	int skipped = is_one_point(scaling);
	size_t i;

	document_say(section,
		     "Timed from outside; medians over the runs of a point. Where a "
		     "probe would break the budget, calls are timed as a run begins and in windows "
		     "of time: then those that were timed are a part of all. What a probe costs is "
		     "taken off, so that durations far below a microsecond are orders of "
		     "magnitude.");
	table = document_table(section, "calls", "Durations of calls", columns + skipped,
			       COLUMN_COUNT(columns) - skipped);
	json_array_foreach (scaling->sweep.points, i, point) {
		char *label = sweep_point_label(point);

		for (size_t id = 0; id < scaling->names.count; id++) {
			json_t *row;

			if (isnan(median_of(scaling, i, id, MEAN)))
				continue;
			row = document_row(table);
			if (!skipped)
				document_text(row, label);
			document_text(row, scaling->names.rows[id]->name);
			document_count(row, (uint64_t)median_of(scaling, i, id, TIMED_CALLS));
			for (int k = MEAN; k < DURATIONS; k++)
				document_number(row, median_of(scaling, i, id, k));
		}
		free(label);
	}
	if (!json_array_size(json_object_get(table, "rows")))
		document_note(section, "No call was timed.");
	return section;
}
