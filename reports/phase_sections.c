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

enum {
	FUNCTIONS = 20,
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
		if (scaling->runs[i])
			shares.of_run[shares.count++] = scaling->runs[i]->components[component];
	return shares;
}

static struct shares function_shares(const struct scaling *scaling, size_t id, bool is_total)
{
	struct shares shares = {.count = 0};

	for (size_t i = 0; i < scaling->sweep.count && shares.count < RUNS; i++) {
		struct measured_function function;

		if (!scaling->runs[i] || scaling->runs[i]->step_cpu_ns <= 0)
			continue;
		function = measured_function(scaling->runs[i], id);
		shares.of_run[shares.count++] = (is_total ? function.total_ns : function.self_ns) /
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
			struct shares self = function_shares(scaling, id, false);

			if (!is_shown[id] && mean_of(&self) > most) {
				most = mean_of(&self);
				best = id;
			}
		}
		if (most <= 0)
			break;
		is_shown[best] = true;
		row = document_row(table);
		for (int is_total = 0; is_total < 2; is_total++) {
			struct shares shares = function_shares(scaling, best, is_total);

			add_share(row, &shares, mean_samples(scaling));
		}
		document_text(row, scaling->names.rows[best]->name);
		document_text(row, scaling->map.names[scaling->names.rows[best]->component]);
		document_text(row, scaling->names.rows[best]->file);
	}
	free(is_shown);
}

void phase_add_shares(json_t *document, const struct scaling *scaling)
{
	json_t *section = document_section(document, "shares", "Where the time goes");

	if (mean_samples(scaling) <= 0) {
		document_miss(section, "there is no recording with samples");
		return;
	}
	document_say(section, "Intervals (95 %%) are between runs.");
	add_components(section, scaling);
	add_functions(section, scaling);
}

enum duration {
	CALLS,
	ALL_CALLS,
	MEAN,
	P50,
	P95,
	P99,
	DURATIONS
};

static double duration_of(const struct measured_function *function, enum duration duration)
{
	const double values[DURATIONS] = {
		[CALLS] = function->calls,  [ALL_CALLS] = function->all_calls,
		[MEAN] = function->mean_ns, [P50] = function->p50_ns,
		[P95] = function->p95_ns,   [P99] = function->p99_ns,
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

json_t *phase_add_calls(json_t *document, const char *name, const struct scaling *scaling)
{
	static const struct document_column columns[] = {
		{"point", "point", "text", NULL},
		{"function", "function", "code", NULL},
		{"calls", "calls per step", "number", NULL},
		{"all", "calls", "number", NULL},
		{"mean", "mean", "amount", "ns"},
		{"p50", "p50", "amount", "ns"},
		{"p95", "p95", "amount", "ns"},
		{"p99", "p99", "amount", "ns"},
	};
	json_t *section = document_section(document, name, name), *table, *point;
	size_t i;

	document_say(section,
		     "Timed from outside; medians over the runs of a point. A function "
		     "whose probe was taken off to keep the budget was timed as a run began "
		     "and in windows of time. Without steps the whole run is one.");
	table = document_table(section, "calls", "Durations of calls", columns,
			       COLUMN_COUNT(columns));
	json_array_foreach (scaling->sweep.points, i, point) {
		char *label = sweep_point_label(point);

		for (size_t id = 0; id < scaling->names.count; id++) {
			json_t *row;

			if (isnan(median_of(scaling, i, id, MEAN)))
				continue;
			row = document_row(table);
			document_text(row, label);
			document_text(row, scaling->names.rows[id]->name);
			for (int k = 0; k < DURATIONS; k++)
				document_number(row, median_of(scaling, i, id, k));
		}
		free(label);
	}
	return section;
}

void phase_add_scaling(json_t *document, const char *name, const json_t *scaling)
{
	static const struct document_column columns[] = {
		{"what", "what", "code", NULL},		  {"kind", "kind", "text", NULL},
		{"component", "component", "text", NULL}, {"growth", "growth", "text", NULL},
		{"calls", "calls", "text", NULL},	  {"cost", "cost of a call", "text", NULL},
	};
	static const char *const fits[] = {"time", "calls", "cost"};
	json_t *section = document_section(document, name, name), *group, *row, *limit;
	char text[400];
	size_t i, k;

	json_array_foreach (json_object_get(scaling, "groups"), i, group) {
		json_t *table = document_table(section, "growth",
					       json_string_value(json_object_get(group, "machine")),
					       columns, COLUMN_COUNT(columns));

		json_array_foreach (json_object_get(group, "rows"), k, row) {
			json_t *cells = document_row(table);

			document_text(cells, json_string_value(json_object_get(row, "name")));
			document_text(cells, json_string_value(json_object_get(row, "kind")));
			document_text(cells, json_string_value(json_object_get(row, "component")));
			for (size_t f = 0; f < sizeof(fits) / sizeof(*fits); f++) {
				const json_t *fit = json_object_get(row, fits[f]);

				document_text(cells,
					      fit ? growth_describe(fit, text, sizeof(text)) : "");
			}
			*text = '\0';
			if (scaling_remark(row, text, sizeof(text)))
				document_note(section, "%s", text);
		}
		json_array_foreach (json_object_get(group, "limits"), k, limit) {
			*text = '\0';
			scaling_limit(limit, text, sizeof(text));
			document_note(section, "%s", text);
		}
	}
}
