/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls_write: see calls_write.h. */
#include "reports/calls_write.h"

#include "reports/amount.h"
#include "reports/calls_notes.h"
#include "reports/output.h"
#include "reports/summary.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>
#include <math.h>

enum {
	AMOUNT_BYTES = 32
};

static const char *name_of(const struct calls_row *row, struct obstack *memory)
{
	return text_plain(memory, row->name, 0);
}

static void duration_cell(struct table *table, bool is_known, bool is_least, double duration_ns)
{
	char text[AMOUNT_BYTES];

	table_cell(table, "%s%s", is_known && is_least ? "> " : "",
		   is_known ? amount_format(duration_ns, "ns", text, sizeof(text)) : "");
}

/* ---- text ---------------------------------------------------------------------------------- */

static const char *margin(const struct calls_figure *figure, char text[AMOUNT_BYTES])
{
	return amount_brief(figure->value > 0 ? 100 * figure->margin / figure->value : 0, text,
			    AMOUNT_BYTES);
}

/* What was counted, or an estimate of all: "≈1.23e+06 ±4 %". */
static void calls_cell(struct table *table, struct calls_figure calls)
{
	char text[AMOUNT_BYTES];

	if (calls.is_estimate)
		table_cell(table, "%s≈%.3g ±%s %%", calls.is_least ? "> " : "", calls.value,
			   margin(&calls, text));
	else
		table_cell(table, "%s%.0f", calls.is_least ? "> " : "", calls.value);
}

static void time_cell(struct table *table, bool is_known, struct calls_figure time_ns)
{
	char text[AMOUNT_BYTES], of_it[AMOUNT_BYTES];

	amount_format(time_ns.value, "ns", text, sizeof(text));
	if (!is_known)
		table_cell(table, "%s", "");
	else if (time_ns.is_least && time_ns.is_most)
		table_cell(table, "?");
	else if (time_ns.is_estimate)
		table_cell(table, "%s≈%s ±%s %%", time_ns.is_least ? "> " : "", text,
			   margin(&time_ns, of_it));
	else
		table_cell(table, "%s%s", time_ns.is_least ? "> " : (time_ns.is_most ? "< " : ""),
			   text);
}

/* What was seen of a figure in one thread, where that is not all of it. */
static struct calls_figure seen(const struct calls_figure *all, double value)
{
	return (struct calls_figure){
		.value = value,
		.is_least = all->is_least || (all->is_estimate && !all->is_most),
		.is_most = all->is_most,
	};
}

static void ratio_cell(struct table *table, double ratio, bool is_least)
{
	if (isnan(ratio))
		table_cell(table, "%s", "");
	else
		table_cell(table, "%s%.2f", is_least ? "> " : "", ratio);
}

static void add_function(struct table *table, const struct calls *calls,
			 const struct calls_row *row, struct obstack *memory)
{
	const struct profile_timing *sum = &row->sum;
	bool is_timed = sum->returns, is_least = calls_durations_are_least(row);

	calls_cell(table, row->calls);
	if (calls->step_count)
		ratio_cell(table, calls_per_step(calls, row), false);
	time_cell(table, is_timed, row->total_ns);
	time_cell(table, is_timed, row->self_ns);
	duration_cell(table, is_timed, is_least,
		      is_timed ? (double)sum->sum_ns / (double)sum->returns : 0);
	duration_cell(table, is_timed, is_least, (double)sum->min_ns);
	duration_cell(table, is_timed, is_least, calls_percentile(row, 0.5));
	duration_cell(table, is_timed, is_least, calls_percentile(row, 0.95));
	duration_cell(table, is_timed, is_least, calls_percentile(row, 0.99));
	duration_cell(table, is_timed, is_least, calls_percentile(row, 0.999));
	duration_cell(table, is_timed, is_least, (double)sum->max_ns);
	table_cell(table, "%s", name_of(row, memory));
}

static void write_functions(const struct calls *calls, uint32_t limit, FILE *stream,
			    struct obstack *memory)
{
	static const struct table_column columns[] = {
		{"calls", true, false, 0}, {"per step", true, false, 4},
		{"total", true, false, 0}, {"self", true, false, 5},
		{"mean", true, false, 0},  {"min", true, false, 2},
		{"p50", true, false, 6},   {"p95", true, false, 7},
		{"p99", true, false, 3},   {"p99.9", true, false, 1},
		{"max", true, false, 8},   {"function", false, true, 0},
	};
	struct table_column shown[12];
	struct table table;
	int column_count = 0;

	for (int i = 0; i < 12; i++)
		if (i != 1 || calls->step_count)
			shown[column_count++] = columns[i];
	table_init(&table, shown, column_count);
	for (uint32_t i = 0; i < calls->count && i < limit; i++)
		add_function(&table, calls, &calls->rows[i], memory);
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (calls->count > limit)
		fprintf(stream, "… and %u more\n", calls->count - limit);
}

static void write_edges(const struct report *report, const struct calls *calls, uint32_t limit,
			FILE *stream, struct obstack *memory)
{
	static const struct table_column columns[] = {
		{"calls", true, false, 0},  {"per call of", true, false, 0},
		{"total", true, false, 1},  {"mean", true, false, 2},
		{"caller", false, true, 0}, {"function", false, true, 0},
	};
	const struct profile *profile = report->profile;
	struct table table;
	uint32_t count = (uint32_t)profile->call_edges_count;

	if (!count)
		return;
	table_init(&table, columns, 6);
	for (uint32_t i = 0; i < count && i < limit; i++) {
		const struct profile_edge *edge = &profile->call_edges[i];
		const struct calls_row *caller = &calls->rows[calls->row_of_probe[edge->caller]];
		const struct calls_row *callee = &calls->rows[calls->row_of_probe[edge->callee]];
		struct calls_figure ratio = calls_per_call(calls, edge);

		calls_cell(&table, calls_edge_calls(calls, edge));
		ratio_cell(&table, ratio.value, ratio.is_least);
		time_cell(&table, true, calls_edge_total(calls, edge));
		duration_cell(&table, edge->calls, calls_durations_are_least(callee),
			      (double)edge->sum_ns / (double)edge->calls);
		table_cell(&table, "%s", name_of(caller, memory));
		table_cell(&table, "%s", name_of(callee, memory));
	}
	fputs("\ncalled by timed functions\n", stream);
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (count > limit)
		fprintf(stream, "… and %u more\n", count - limit);
}

static void write_threads(const struct report *report, const struct calls *calls, uint32_t limit,
			  FILE *stream, struct obstack *memory)
{
	static const struct table_column columns[] = {
		{"calls", true, false, 0}, {"total", true, false, 0},	 {"self", true, false, 2},
		{"mean", true, false, 0},  {"max", true, false, 1},	 {"thread", true, false, 0},
		{"name", false, true, 0},  {"function", false, true, 0},
	};
	struct table table;
	uint32_t shown = 0;

	table_init(&table, columns, 8);
	for (uint32_t i = 0; i < calls->count; i++)
		for (uint32_t j = 0; j < calls->rows[i].thread_count && shown < limit; j++) {
			const struct calls_row *row = &calls->rows[i];
			const struct profile_timing *timing = &row->threads[j];
			const struct profile_thread *thread =
				&report->profile->threads[timing->thread];

			bool is_least = calls_durations_are_least(row);
			bool is_part = row->calls.is_estimate || row->calls.is_least;

			shown++;
			table_cell(&table, "%s%" PRIu64, is_part ? "> " : "", timing->calls);
			time_cell(&table, timing->returns,
				  seen(&row->total_ns, (double)timing->outer_ns));
			time_cell(&table, timing->returns,
				  seen(&row->self_ns, (double)timing->self_ns));
			duration_cell(&table, timing->returns, is_least,
				      (double)timing->sum_ns / (double)timing->returns);
			duration_cell(&table, timing->returns, is_least, (double)timing->max_ns);
			table_cell(&table, "%d", thread->tid);
			table_cell(&table, "%s",
				   timing->thread ? text_plain(memory, thread->name, 0)
						  : "several");
			table_cell(&table, "%s", name_of(row, memory));
		}
	fputs("\nby thread\n", stream);
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
}

static bool is_by_exits(const struct profile *profile, uint32_t probe)
{
	char key[64];

	snprintf(key, sizeof(key), "by_exits.%u", probe);
	return profile_number(profile, key, 0);
}

/* Says what the probes cost, by kind. */
static void write_costs(const struct report *report, const struct calls *calls, FILE *stream)
{
	static const char *const says[PROFILE_PROBE_KINDS] = {
		"on a 5-byte nop", "on an instruction the kernel emulates",
		"on one that it must step over"};
	const struct profile *profile = report->profile;
	uint64_t subtracted_ns = 0;
	char added[AMOUNT_BYTES], subtracted[AMOUNT_BYTES];

	fputs("probes:", stream);
	for (int group = 0; group < 2 * PROFILE_PROBE_KINDS; group++) {
		bool by_exits = group % 2;
		int kind = group / 2;
		const struct profile_probe *example = NULL;
		uint32_t count = 0;

		for (uint32_t i = 0; i < profile->probes_count; i++)
			if (profile->probes[i].kind == kind &&
			    is_by_exits(profile, i) == by_exits) {
				example = &profile->probes[i];
				count++;
			}
		if (example)
			fprintf(stream, " %u %s%s (%.2f us a timed call, %.2f a counted one) ·",
				count, says[kind],
				by_exits ? " and at exits, most of which it must step over" : "",
				example->time_ns / 1e3, example->count_ns / 1e3);
	}
	for (uint32_t i = 0; i < calls->count; i++)
		subtracted_ns += calls->rows[i].sum.subtracted_ns;
	fprintf(stream, " they cost the program about %s · %s taken off durations\n",
		amount_format((double)calls->added_ns, "ns", added, sizeof(added)),
		amount_format((double)subtracted_ns, "ns", subtracted, sizeof(subtracted)));
}

static void write_untimed(const struct profile *profile, FILE *stream, struct obstack *memory)
{
	const char *untimed = profile_text(profile, "untimed", "");

	if (*untimed)
		fprintf(stream, "not timed: %s\n", text_plain(memory, untimed, 0));
}

static bool are_exact(const struct calls *calls)
{
	for (uint32_t i = 0; i < calls->count; i++) {
		const struct calls_row *row = &calls->rows[i];

		if (row->calls.is_least || row->calls.is_estimate || row->is_scaled ||
		    row->tail_calls)
			return false;
	}
	return true;
}

static void write_exactness(const struct report *report, const struct calls *calls, FILE *stream)
{
	const struct profile *profile = report->profile;
	int64_t threads = profile_number(profile, "lost.timed_threads", 0);
	int64_t edges = profile_number(profile, "lost.edges", 0);
	const char *state = profile_text(profile, "state", "");

	fputs("counts: ", stream);
	if (threads)
		fprintf(stream, "(!) the calls of %" PRId64 " threads were not seen", threads);
	else
		fputs(are_exact(calls)
			      ? "exact, every call of the recording"
			      : "exact, but for those with > or <, which lack a part of "
				"the time, and with ≈, which are estimates of all with "
				"their 95 % interval; ? is not known; durations are of the "
				"calls that were timed",
		      stream);
	if (strcmp(state, "complete") != 0)
		fputs(" up to its last commit; it did not reach its end", stream);
	if (edges)
		fprintf(stream, " · (!) callers of %" PRId64 " calls are missing", edges);
	fputc('\n', stream);
}

void calls_write_text(const struct report *report, const struct calls *calls, uint32_t limit,
		      bool threads, FILE *stream)
{
	struct obstack memory;

	obstack_init(&memory);
	if (calls->step_count)
		fprintf(stream, "%" PRIu64 " step%s\n\n", calls->step_count,
			calls->step_count == 1 ? "" : "s");
	write_functions(calls, limit, stream, &memory);
	write_edges(report, calls, limit, stream, &memory);
	if (threads)
		write_threads(report, calls, limit, stream, &memory);
	fputc('\n', stream);
	calls_notes_write(report, calls, limit, stream);
	write_costs(report, calls, stream);
	write_untimed(report->profile, stream, &memory);
	write_exactness(report, calls, stream);
	obstack_free(&memory, NULL);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *timing_json(const struct profile_timing *timing)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "calls",
		(json_int_t)timing->calls, "step_calls", (json_int_t)timing->step_calls, "returns",
		(json_int_t)timing->returns, "sum_ns", (json_int_t)timing->sum_ns, "total_ns",
		(json_int_t)timing->outer_ns, "self_ns", (json_int_t)timing->self_ns, "min_ns",
		(json_int_t)timing->min_ns, "max_ns", (json_int_t)timing->max_ns, "open",
		(json_int_t)timing->open, "deep", (json_int_t)timing->deep, "subtracted_ns",
		(json_int_t)timing->subtracted_ns, "thrown", (json_int_t)timing->thrown);
}

static json_t *threads_json(const struct report *report, const struct calls_row *row)
{
	json_t *threads = json_array();

	for (uint32_t i = 0; i < row->thread_count; i++) {
		const struct profile_thread *thread =
			&report->profile->threads[row->threads[i].thread];
		json_t *json = timing_json(&row->threads[i]);

		json_object_set_new(json, "pid", json_integer(thread->pid));
		json_object_set_new(json, "tid", json_integer(thread->tid));
		json_object_set_new(json, "name", text_json(thread->name));
		json_array_append_new(threads, json);
	}
	return threads;
}

static json_t *histogram_json(const struct calls_row *row)
{
	json_t *histogram = json_array();

	for (uint32_t i = 0; i < row->bucket_count; i++)
		json_array_append_new(histogram, json_pack("[I, I]",
							   (json_int_t)profile_bucket_start(
								   row->buckets[i].bucket),
							   (json_int_t)row->buckets[i].count));
	return histogram;
}

/* What was seen has the plain names. */
static void add_estimate(json_t *json, const char *name, struct calls_figure figure)
{
	char margin[64];

	snprintf(margin, sizeof(margin), "%s_margin", name);
	json_object_set_new(json, name, json_integer((json_int_t)llround(figure.value)));
	json_object_set_new(json, margin, json_integer((json_int_t)llround(figure.margin)));
}

/* The names of a function's figures that lack a part, or have something in them that is not theirs:
 * what is known of them is a bound. */
static json_t *bounded_json(const struct calls_row *row, bool at_least)
{
	static const char *const durations[] = {"min_ns", "mean_ns", "p50_ns",	"p95_ns",
						"p99_ns", "max_ns",  "p99_9_ns"};
	json_t *names = json_array();

	if (at_least && row->calls.is_least)
		json_array_append_new(names, json_string("calls"));
	if (!row->sum.returns)
		return names;
	if (at_least ? row->total_ns.is_least : row->total_ns.is_most)
		json_array_append_new(names, json_string("total_ns"));
	if (at_least ? row->self_ns.is_least : row->self_ns.is_most)
		json_array_append_new(names, json_string("self_ns"));
	for (size_t i = 0; i < 7 && at_least && calls_durations_are_least(row); i++)
		json_array_append_new(names, json_string(durations[i]));
	return names;
}

static json_t *function_json(const struct report *report, const struct calls *calls,
			     const struct calls_row *row)
{
	static const char *const modes[PROFILE_PROBE_MODES] = {"time", "count", "step"};
	static const char *const kinds[PROFILE_PROBE_KINDS] = {"nop5", "emulated", "stepped"};
	const struct profile_probe *probe = &report->profile->probes[row->probe];
	const struct symbol *symbol = &report->symbols.symbols[row->symbol];
	char text[800];
	json_t *json = timing_json(&row->sum);

	json_object_set_new(json, "function", text_json(row->name));
	json_object_set_new(json, "symbol", text_json(symbol->label));
	json_object_set_new(json, "file", text_json(report->profile->files[symbol->file]));
	json_object_set_new(json, "module",
			    text_json(report->profile->modules[symbol->module].path));
	json_object_set_new(json, "mode", json_string(modes[probe->mode]));
	json_object_set_new(
		json, "partial",
		json_boolean(probe->is_partial || row->inlined || calls_durations_are_least(row)));
	json_object_set_new(json, "at_least", bounded_json(row, true));
	json_object_set_new(json, "at_most", bounded_json(row, false));
	if (row->calls.is_estimate)
		add_estimate(json, "estimated_calls", row->calls);
	if (row->total_ns.is_estimate)
		add_estimate(json, "estimated_total_ns", row->total_ns);
	if (row->self_ns.is_estimate)
		add_estimate(json, "estimated_self_ns", row->self_ns);
	json_object_set_new(json, "left", json_integer((json_int_t)row->left));
	json_object_set_new(json, "ended", json_integer((json_int_t)row->ended));
	json_object_set_new(json, "tail_calls", json_integer((json_int_t)row->tail_calls));
	json_object_set_new(json, "withheld", json_integer((json_int_t)row->withheld));
	json_object_set_new(json, "note",
			    text_json(calls_restriction(report, row, text, sizeof(text))));
	json_object_set_new(json, "probe",
			    json_pack("{s:s, s:i, s:i, s:i, s:i}", "kind", kinds[probe->kind],
				      "place", (int)probe->place, "count_ns", (int)probe->count_ns,
				      "time_ns", (int)probe->time_ns, "inside_ns",
				      (int)probe->inside_ns));
	json_object_set_new(json_object_get(json, "probe"), "by_exits",
			    json_boolean(is_by_exits(report->profile, row->probe)));
	json_object_set_new(json, "threads", threads_json(report, row));
	if (calls->step_count)
		json_object_set_new(json, "calls_per_step",
				    row->calls.is_least ? json_null()
							: json_real(calls_per_step(calls, row)));
	if (!row->sum.returns)
		return json;
	json_object_set_new(json, "mean_ns",
			    json_real((double)row->sum.sum_ns / (double)row->sum.returns));
	json_object_set_new(json, "p50_ns", json_real(calls_percentile(row, 0.5)));
	json_object_set_new(json, "p95_ns", json_real(calls_percentile(row, 0.95)));
	json_object_set_new(json, "p99_ns", json_real(calls_percentile(row, 0.99)));
	json_object_set_new(json, "p99_9_ns", json_real(calls_percentile(row, 0.999)));
	json_object_set_new(json, "histogram", histogram_json(row));
	return json;
}

static json_t *edges_json(const struct report *report, const struct calls *calls)
{
	const struct profile *profile = report->profile;
	json_t *edges = json_array();

	for (size_t i = 0; i < profile->call_edges_count; i++) {
		const struct profile_edge *edge = &profile->call_edges[i];
		const struct calls_row *caller = &calls->rows[calls->row_of_probe[edge->caller]];
		const struct calls_row *callee = &calls->rows[calls->row_of_probe[edge->callee]];
		struct calls_figure all = calls_edge_calls(calls, edge);
		struct calls_figure total = calls_edge_total(calls, edge);
		struct calls_figure ratio = calls_per_call(calls, edge);
		bool is_known = !isnan(ratio.value) && !ratio.is_least;
		json_t *json = json_pack("{s:o, s:o, s:I, s:I, s:o}", "caller",
					 text_json(caller->name), "function",
					 text_json(callee->name), "calls", (json_int_t)edge->calls,
					 "sum_ns", (json_int_t)edge->sum_ns, "calls_per_call",
					 is_known ? json_real(ratio.value) : json_null());

		if (all.is_estimate)
			add_estimate(json, "estimated_calls", all);
		if (total.is_estimate)
			add_estimate(json, "estimated_sum_ns", total);
		json_object_set_new(json, "at_least",
				    json_pack("[s*, s*]", all.is_least ? "calls" : NULL,
					      total.is_least ? "sum_ns" : NULL));
		json_array_append_new(edges, json);
	}
	return edges;
}

void calls_write_json(const struct report *report, const struct calls *calls, uint32_t limit,
		      FILE *stream)
{
	json_t *json = summary_head_json(report), *functions = json_array();

	for (uint32_t i = 0; i < calls->count && i < limit; i++)
		json_array_append_new(functions, function_json(report, calls, &calls->rows[i]));
	json_object_set_new(json, "functions", functions);
	json_object_set_new(json, "edges", edges_json(report, calls));
	json_object_set_new(json, "steps", json_integer((json_int_t)calls->step_count));
	json_object_set_new(json, "probes_cost_ns", json_integer((json_int_t)calls->added_ns));
	output_json(json, stream);
	json_decref(json);
}
