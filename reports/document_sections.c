/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_sections: see document_sections.h. */
#include "reports/document_sections.h"

#include "reports/calls_draw.h"
#include "reports/series.h"
#include "reports/step_amounts.h"
#include "reports/step_functions.h"
#include "reports/steps.h"
#include "reports/thread_times.h"

#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	CALLS = 40
};

/* ---- figures --------------------------------------------------------------------------------- */

/* Appends a row where the profile knows the number. */
static void add_figure(json_t *table, const struct report *report, const char *key,
		       const char *title)
{
	int64_t value = profile_number(report->profile, key, -1);
	json_t *row;

	if (value < 0)
		return;
	row = document_row(table);
	document_text(row, title);
	document_number(row, (double)value);
}

void document_add_figures(json_t *document, const struct report *report)
{
	static const struct document_column times[] = {{"what", "time", "text", NULL},
						       {"value", "value", "amount", "ns"}};
	static const struct document_column counts[] = {{"what", "count", "text", NULL},
							{"value", "value", "count", NULL}};
	json_t *section = document_section(document, "figures", "The run");
	json_t *table = document_table(section, "times", "Times", times, 2), *row;

	add_figure(table, report, "duration_ns", "from start to end");
	add_figure(table, report, "target_cpu_ns", "CPU time of the program");
	add_figure(table, report, "collector_cpu_ns", "CPU time of the collector");
	add_figure(table, report, "naming_cpu_ns",
		   "CPU time of the collector afterwards, to name what was seen");
	table = document_table(section, "counts", "Counts", counts, 2);
	row = document_row(table);
	document_text(row, "samples");
	document_count(row, report->trust.samples);
	/* A text of another profiler does not say so. */
	if (!report->trust.imported || report->trust.lost) {
		row = document_row(table);
		document_text(row, "samples lost");
		document_count(row, report->trust.lost);
	}
	row = document_row(table);
	document_text(row, "threads");
	document_count(row, report->profile->threads_count - 1);
	if (profile_number(report->profile, "exit_status", -1) >= 0) {
		row = document_row(table);
		document_text(row, "exit status");
		document_count(row, (uint64_t)profile_number(report->profile, "exit_status", 0));
	}
}

/* ---- durations of calls ---------------------------------------------------------------------- */

/* What lacks a part, or has another function's in it, is a bound: the row's note says why. */
static void figure_cell(json_t *row, const struct calls_figure *figure)
{
	if (!figure || (figure->is_least && figure->is_most))
		document_number(row, NAN);
	else if (figure->is_least || figure->is_most)
		document_bound(row, figure->value, figure->is_least);
	else if (figure->is_estimate)
		document_interval(row, figure->value, fmax(figure->value - figure->margin, 0),
				  figure->value + figure->margin);
	else
		document_count(row, (uint64_t)figure->value);
}

static void duration_cell(json_t *row, const struct calls_row *call, double duration_ns)
{
	if (!call->sum.returns)
		document_number(row, NAN);
	else if (calls_durations_are_least(call))
		document_bound(row, duration_ns, true);
	else
		document_number(row, duration_ns);
}

void document_add_durations(json_t *document, const struct report *report)
{
	static const struct document_column columns[] = {
		{"function", "function", "code", NULL},	  {"calls", "calls", "count", NULL},
		{"per_step", "per step", "number", NULL}, {"total", "total", "amount", "ns"},
		{"self", "self", "amount", "ns"},	  {"mean", "mean", "amount", "ns"},
		{"p50", "p50", "amount", "ns"},		  {"p90", "p90", "amount", "ns"},
		{"p99", "p99", "amount", "ns"},		  {"p99_9", "p99.9", "amount", "ns"},
		{"max", "max", "amount", "ns"},
	};
	static const double shares[] = {0.5, 0.9, 0.99, 0.999};
	json_t *section = document_section(document, "latency", "Durations of calls"), *table;
	struct calls calls;
	char note[800];

	if (!report->profile->probes_count) {
		document_miss(section, "no function was probed (--time, --step)");
		return;
	}
	calls_measure(&calls, report);
	document_say(section,
		     "Calls are counted, not sampled; those with an interval (95 %%) are "
		     "estimates from windows, to keep the budget; those with > or < "
		     "lack a part, or have another function's in them. Durations are wall time "
		     "without the probes' own cost, percentiles within 1.6 %%.");
	document_add_chart(section, document_durations_chart(report));
	table = document_table(section, "calls", "Probed functions", columns,
			       COLUMN_COUNT(columns));
	for (uint32_t i = 0; i < calls.count && i < CALLS; i++) {
		const struct calls_row *call = &calls.rows[i];
		bool is_timed = call->sum.returns;
		json_t *row = document_row(table);

		document_text(row, call->name);
		figure_cell(row, &call->calls);
		document_number(row, calls.step_count ? calls_per_step(&calls, call) : NAN);
		figure_cell(row, is_timed ? &call->total_ns : NULL);
		figure_cell(row, is_timed ? &call->self_ns : NULL);
		duration_cell(row, call, (double)call->sum.sum_ns / (double)call->sum.returns);
		for (int j = 0; j < 4; j++)
			duration_cell(row, call, calls_percentile(call, shares[j]));
		duration_cell(row, call, (double)call->sum.max_ns);
		if (*calls_restriction(report, call, note, sizeof(note)))
			document_note(section, "%s: %s.", call->name, note);
	}
	if (calls.count > CALLS)
		document_note(section, "… and %u more.", calls.count - CALLS);
	calls_done(&calls);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void add_step_amounts(json_t *section, const struct report *report,
			     const struct steps *steps)
{
	static const struct document_column columns[] = {
		{"what", "counted in a step", "text", NULL},
		{"mean", "mean", "text", NULL},
		{"median", "median", "text", NULL},
		{"p95", "p95", "text", NULL},
		{"most", "most", "text", NULL},
		{"slow", "long steps", "text", NULL},
		{"typical", "typical", "text", NULL},
	};
	struct step_amounts amounts;
	json_t *table = NULL;

	step_amounts_measure(&amounts, report->profile, steps);
	if (amounts.count)
		table = document_table(section, "step_amounts",
				       "What the program did in a step, counted, without warm-up",
				       columns, COLUMN_COUNT(columns));
	for (size_t i = 0; i < amounts.count; i++) {
		const struct step_amount *amount = &amounts.rows[i];
		const double values[] = {amount->mean, amount->median, amount->p95,
					 amount->most, amount->slow,   amount->typical};
		json_t *row = document_row(table);
		char text[64];

		document_text(row, amount->name);
		for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++)
			document_text(row, step_amounts_text(amount, values[j], text));
	}
	step_amounts_done(&amounts);
}

static void say_sentence(void *section, const char *sentence)
{
	document_say(section, "%s.", sentence);
}

void document_add_steps(json_t *document, const struct report *report)
{
	static const struct document_column columns[] = {{"what", "steps", "text", NULL},
							 {"value", "value", "amount", "ns"}};
	json_t *section = document_section(document, "steps", "Steps"), *table;
	struct steps steps;

	if (!report->profile->steps_count) {
		document_miss(section, "no function was named as step (--step)");
		return;
	}
	steps_measure(&steps, report->profile);
	document_say(section, "%u steps, %.3g a second, the first %u of them warm-up; %u are slow.",
		     steps.count, steps.steps_per_second, steps.warm_up, steps.slow_count);
	for (uint32_t i = 0; i < steps.rhythm_count; i++)
		document_say(section,
			     "Every %u steps a %s one, from step %u on: %u of %u of them stand "
			     "out.",
			     steps.rhythms[i].period, steps.rhythms[i].within ? "longer" : "long",
			     steps.rhythms[i].phase + 1, steps.rhythms[i].raised,
			     steps.rhythms[i].count);
	step_functions_say(report, say_sentence, section);
	table = document_table(section, "steps", "Durations of steps without warm-up", columns, 2);
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = {"median", "p95", "p99", "longest"};
		const double values[] = {steps.median_ns, steps.p95_ns, steps.p99_ns, steps.max_ns};
		json_t *row = document_row(table);

		document_text(row, names[i]);
		document_number(row, values[i]);
	}
	add_step_amounts(section, report, &steps);
	steps_done(&steps);
}

/* ---- waits ----------------------------------------------------------------------------------- */

void document_add_waits(json_t *document, const struct report *report)
{
	static const struct document_column columns[] = {
		{"tid", "thread", "count", NULL},
		{"name", "name", "text", NULL},
		{"wall_ns", "lived", "amount", "ns"},
		{"cpu_ns", "on CPU", "amount", "ns"},
		{"run_queue_ns", "run queue", "amount", "ns"},
		{"off_cpu_ns", "off CPU", "amount", "ns"},
		{"unexplained_ns", "unexplained", "amount", "ns"},
		{"switches", "switches", "count", NULL},
	};
	json_t *section = document_section(document, "waits", "Threads and waits"), *table;
	json_t *threads = thread_times_json(report), *thread;
	size_t i;

	if (!threads) {
		document_miss(section, "waits were not recorded (--off-cpu)");
		return;
	}
	table = document_table(section, "threads", "What became of the time of each thread",
			       columns, COLUMN_COUNT(columns));
	json_array_foreach (threads, i, thread) {
		json_t *row = document_row(table);

		if (i == CALLS)
			break;
		for (int j = 0; j < COLUMN_COUNT(columns); j++)
			json_array_append(row, json_object_get(thread, columns[j].id));
	}
	if (json_array_size(threads) > CALLS)
		document_note(section, "… and %zu more.", json_array_size(threads) - CALLS);
	json_decref(threads);
}

/* ---- series ---------------------------------------------------------------------------------- */

void document_add_series(json_t *document, const struct report *report)
{
	static const struct document_column columns[] = {
		{"series", "series", "text", NULL}, {"end", "at the end", "text", NULL},
		{"mean", "mean", "text", NULL},	    {"least", "least", "text", NULL},
		{"most", "most", "text", NULL},
	};
	json_t *section = document_section(document, "series", "Over time"), *table;
	struct series_curve *curves;
	size_t count;
	char text[64];

	if (!report->profile->points_count) {
		document_miss(section, "the recording ended before the first look");
		return;
	}
	document_add_chart(section, document_series_chart(report, false));
	table = document_table(section, "series", "Levels, and totals with their rates a second",
			       columns, COLUMN_COUNT(columns));
	curves = series_curves(report->profile, &count);
	for (size_t i = 0; i < count; i++) {
		struct series_figures figures = series_measure(&curves[i]);
		json_t *row = document_row(table);
		bool is_total = curves[i].is_total;

		document_text(row, curves[i].name);
		document_text(row, series_amount(&curves[i], figures.last, false, text));
		document_text(row, series_amount(&curves[i], figures.mean, is_total, text));
		document_text(row, series_amount(&curves[i], figures.least, is_total, text));
		document_text(row, series_amount(&curves[i], figures.most, is_total, text));
	}
	free(curves);
}
