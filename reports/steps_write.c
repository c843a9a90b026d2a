/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steps_write: see steps_write.h. */
#include "reports/steps_write.h"

#include "reports/amount.h"
#include "reports/output.h"
#include "reports/step_amounts.h"
#include "reports/step_functions.h"
#include "reports/summary.h"
#include "reports/table.h"
#include "reports/text.h"

#include <inttypes.h>

enum {
	AMOUNT_BYTES = 32,
	SLOWEST = 10
};

static const char *duration(double duration_ns, char text[AMOUNT_BYTES])
{
	return amount_format(duration_ns, "ns", text, AMOUNT_BYTES);
}

/* Lists the slowest steps, slowest first; returns their number. */
static uint32_t list_slowest(const struct steps *steps, uint32_t list[SLOWEST])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < steps->count; i++) {
		uint32_t at;

		if (!steps->is_slow[i])
			continue;
		for (at = count; at && steps->duration_ns[list[at - 1]] < steps->duration_ns[i];
		     at--)
			if (at < SLOWEST)
				list[at] = list[at - 1];
		if (at < SLOWEST) {
			list[at] = i;
			count += count < SLOWEST;
		}
	}
	return count;
}

/* ---- text ---------------------------------------------------------------------------------- */

static void write_series(const struct steps *steps, FILE *stream)
{
	char median[AMOUNT_BYTES], p95[AMOUNT_BYTES], p99[AMOUNT_BYTES], max[AMOUNT_BYTES];

	fprintf(stream, "%u step%s, %.3g a second; median %s, p95 %s, p99 %s, longest %s\n",
		steps->count, steps->count == 1 ? "" : "s", steps->steps_per_second,
		duration(steps->median_ns, median), duration(steps->p95_ns, p95),
		duration(steps->p99_ns, p99), duration(steps->max_ns, max));
	if (steps->warm_up)
		fprintf(stream,
			"warm-up: steps 1 to %u, median %s; all other figures are without\n",
			steps->warm_up, duration(steps->segments[0].median_ns, median));
	for (uint32_t i = 1; i < steps->segment_count; i++)
		if (steps->segments[i].first != steps->warm_up)
			fprintf(stream, "from step %u on: median %s, before %s\n",
				steps->segments[i].first + 1,
				duration(steps->segments[i].median_ns, median),
				duration(steps->segments[i - 1].median_ns, p95));
}

static void write_order(const struct steps *steps, FILE *stream)
{
	for (uint32_t i = 0; i < steps->rhythm_count; i++) {
		const struct steps_rhythm *rhythm = &steps->rhythms[i];

		fprintf(stream,
			"every %u steps a %s one, from step %u on: %u of %u of them stand out\n",
			rhythm->period, rhythm->within ? "longer" : "long", rhythm->phase + 1,
			rhythm->raised, rhythm->count);
	}
	if (steps->beside)
		fprintf(stream,
			"(!) %u more slow steps are not of these: below they are neither long nor "
			"typical\n",
			steps->beside);
	if (steps->rhythm_count > 1)
		fprintf(stream, "long in the tables below are those of every %u\n",
			steps->rhythms[steps->compared].period);
}

static void write_slow(const struct report *report, const struct steps *steps, FILE *stream)
{
	static const struct table_column columns[] = {
		{"step", true, false, 0},     {"at", true, false, 1},
		{"duration", true, false, 0}, {"of the median", true, false, 0},
		{"robust z", true, false, 2},
	};
	uint32_t list[SLOWEST], count = list_slowest(steps, list);
	struct table table;
	char text[AMOUNT_BYTES];

	if (!count) {
		fputs("no step is slow\n", stream);
		return;
	}
	fprintf(stream, "slow: %u step%s, %s %%\n", steps->slow_count,
		steps->slow_count == 1 ? "" : "s",
		amount_brief(100.0 * steps->slow_count / (steps->count - steps->warm_up), text,
			     sizeof(text)));
	table_init(&table, columns, 5);
	for (uint32_t i = 0; i < count; i++) {
		const struct profile_step *step = &report->profile->steps[list[i]];

		table_cell(&table, "%u", list[i] + 1);
		table_cell(&table, "%s", duration((double)step->start_ns, text));
		table_cell(&table, "%s", duration(steps->duration_ns[list[i]], text));
		table_cell(&table, "%.2fx", steps->duration_ns[list[i]] / steps->median_ns);
		table_cell(&table, "%.0f", steps->z[list[i]]);
	}
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (steps->slow_count > count)
		fprintf(stream, "… and %u more\n", steps->slow_count - count);
}

static void amount_cell(struct table *table, const struct report *report, double amount)
{
	char text[AMOUNT_BYTES];

	table_cell(table, "%s%s", amount < 0 ? "-" : "",
		   amount_format(amount < 0 ? -amount : amount, report->unit, text, sizeof(text)));
}

static void write_functions(const struct report *report, const struct steps_contrast *contrast,
			    uint32_t limit, FILE *stream, struct obstack *memory)
{
	static const struct table_column slow_columns[] = {
		{"more", true, false, 0},	{"+-", true, false, 1},
		{"long step", true, false, 0},	{"typical", true, false, 0},
		{"self, long", true, false, 2}, {"self, typical", true, false, 3},
		{"function", false, true, 0},
	};
	bool has_slow = contrast->slow_steps;
	struct table table;

	table_init(&table, has_slow ? slow_columns : slow_columns + 3, has_slow ? 7 : 4);
	for (uint32_t i = 0; i < contrast->count && i < limit; i++) {
		const struct steps_cost *cost = &contrast->rows[i];

		if (has_slow) {
			amount_cell(&table, report, cost->slow - cost->typical);
			amount_cell(&table, report, NORMAL_95 * cost->error);
			amount_cell(&table, report, cost->slow);
		}
		amount_cell(&table, report, cost->typical);
		if (has_slow)
			amount_cell(&table, report, cost->slow_self);
		else
			table_cell(&table, "%s", "");
		amount_cell(&table, report, cost->typical_self);
		table_cell(&table, "%s",
			   text_plain(memory, report->symbols.symbols[cost->symbol].label, 0));
	}
	fprintf(stream, "\nper step%s\n",
		has_slow ? ", and what long steps do more (95 %, this run)" : "");
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	if (contrast->count > limit)
		fprintf(stream, "… and %u more\n", contrast->count - limit);
}

/* Which steps are the long ones, where there are several kinds. */
static const char *long_steps(const struct steps *steps, char text[AMOUNT_BYTES])
{
	snprintf(text, AMOUNT_BYTES, "long steps");
	if (steps->rhythm_count > 1)
		snprintf(text, AMOUNT_BYTES, "long steps (every %u)",
			 steps->rhythms[steps->compared].period);
	return text;
}

static void write_path(const struct report *report, const struct steps *steps,
		       const struct steps_contrast *contrast, FILE *stream, struct obstack *memory)
{
	bool is_explained = steps_contrast_explains(contrast, report);
	char part[AMOUNT_BYTES], all[AMOUNT_BYTES], which[AMOUNT_BYTES];

	if (!contrast->path_count)
		return;
	if (is_explained)
		fprintf(stream, "\n%s are long in ", long_steps(steps, which));
	else
		fputs("\nwhat was sampled of it is in ", stream);
	for (uint32_t i = 0; i < contrast->path_count; i++)
		fprintf(stream, "%s%s", i ? " > " : "",
			text_plain(memory, report->symbols.symbols[contrast->path[i]].label, 0));
	fprintf(stream, ": %s of %s more a step\n",
		amount_format(contrast->path_excess, report->unit, part, sizeof(part)),
		amount_format(contrast->excess, report->unit, all, sizeof(all)));
}

/* Where samples do not explain why long steps are long that is said first: these wait, or there are
 * too few samples. */
static void write_unexplained(const struct report *report, const struct steps *steps,
			      const struct steps_contrast *contrast, FILE *stream)
{
	const char *kind = contrast->has_waits ? "time" : "CPU time";
	double all_ns = contrast->duration_excess_ns,
	       sampled_ns = contrast->excess > 0 ? contrast->excess : 0;
	char part[AMOUNT_BYTES], all[AMOUNT_BYTES], error[AMOUNT_BYTES], which[AMOUNT_BYTES];

	if (!contrast->slow_steps || !contrast->samples || all_ns <= 0 ||
	    steps_contrast_explains(contrast, report))
		return;
	duration(all_ns, all);
	duration(NORMAL_95 * contrast->excess_error, error);
	if (sampled_ns >= all_ns / 2)
		fprintf(stream,
			"\n%s take %s more; samples are too few to tell where: %s ± %s of "
			"%s more\n",
			long_steps(steps, which), all, duration(sampled_ns, part), error, kind);
	else
		fprintf(stream,
			"\nof %s that %s take more %s (± %s) is not %s of the sampled "
			"threads: they wait, or were not sampled%s\n",
			all, long_steps(steps, which), duration(all_ns - sampled_ns, part), error,
			kind, contrast->has_waits ? "" : "; --off-cpu records where they wait");
}

/* What the long steps of the rhythms besides do. */
static void write_other_rhythms(const struct report *report, struct steps *steps, FILE *stream,
				struct obstack *memory)
{
	for (uint32_t i = 1; i < steps->rhythm_count; i++) {
		struct steps_contrast contrast;

		steps_compare(steps, i);
		steps_contrast_measure(&contrast, report, steps);
		write_unexplained(report, steps, &contrast, stream);
		write_path(report, steps, &contrast, stream, memory);
		steps_contrast_done(&contrast);
	}
	steps_compare(steps, 0);
}

/* What the program itself counted. */
static void write_amounts(const struct report *report, const struct steps *steps, FILE *stream)
{
	struct step_amounts amounts;

	step_amounts_measure(&amounts, report->profile, steps);
	step_amounts_write(&amounts, steps, stream);
	step_amounts_done(&amounts);
}

static void write_sentence(void *stream, const char *sentence)
{
	fprintf(stream, "(!) %s\n", sentence);
}

void steps_write_text(const struct report *report, struct steps *steps,
		      const struct steps_contrast *contrast, uint32_t limit, FILE *stream)
{
	struct obstack memory;
	int64_t lost = profile_number(report->profile, "lost.steps", 0);

	obstack_init(&memory);
	write_series(steps, stream);
	if (lost)
		fprintf(stream, "(!) %" PRId64 " steps are missing: they were too many at a time\n",
			lost);
	step_functions_say(report, write_sentence, stream);
	fputc('\n', stream);
	write_slow(report, steps, stream);
	write_order(steps, stream);
	if (contrast->samples)
		write_functions(report, contrast, limit, stream, &memory);
	else
		fputs("\nno samples were taken in steps, so that nothing tells what they did\n",
		      stream);
	write_unexplained(report, steps, contrast, stream);
	write_path(report, steps, contrast, stream, &memory);
	write_other_rhythms(report, steps, stream, &memory);
	write_amounts(report, steps, stream);
	fprintf(stream, "\n%" PRIu64 " samples in steps, %" PRIu64 " outside\n", contrast->samples,
		contrast->outside);
	summary_trust(report, stream, output_has_colour(stream));
	obstack_free(&memory, NULL);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *label_json(const struct report *report, uint32_t symbol)
{
	struct obstack memory;
	json_t *json;

	obstack_init(&memory);
	json = json_string(text_clean(&memory, report->symbols.symbols[symbol].label, 0));
	obstack_free(&memory, NULL);
	return json;
}

static json_t *functions_json(const struct report *report, const struct steps_contrast *contrast,
			      uint32_t limit)
{
	json_t *functions = json_array();

	for (uint32_t i = 0; i < contrast->count && i < limit; i++) {
		const struct steps_cost *cost = &contrast->rows[i];

		json_array_append_new(functions,
				      json_pack("{s:o, s:f, s:f, s:f, s:f, s:f}", "function",
						label_json(report, cost->symbol), "slow",
						cost->slow, "typical", cost->typical, "slow_self",
						cost->slow_self, "typical_self", cost->typical_self,
						"difference_error", cost->error));
	}
	return functions;
}

static json_t *series_json(const struct report *report, const struct steps *steps)
{
	json_t *series = json_array();

	for (uint32_t i = 0; i < steps->count; i++)
		json_array_append_new(series,
				      json_pack("{s:I, s:f, s:b, s:f}", "start_ns",
						(json_int_t)report->profile->steps[i].start_ns,
						"duration_ns", steps->duration_ns[i], "slow",
						steps->is_slow[i], "z", steps->z[i]));
	return series;
}

static json_t *segments_json(const struct steps *steps)
{
	json_t *segments = json_array();

	for (uint32_t i = 0; i < steps->segment_count; i++)
		json_array_append_new(segments,
				      json_pack("{s:i, s:i, s:f}", "first_step",
						(int)steps->segments[i].first + 1, "steps",
						(int)steps->segments[i].count, "median_ns",
						steps->segments[i].median_ns));
	return segments;
}

static json_t *path_json(const struct report *report, const struct steps_contrast *contrast)
{
	json_t *path = json_array();

	for (uint32_t i = 0; i < contrast->path_count; i++)
		json_array_append_new(path, label_json(report, contrast->path[i]));
	return path;
}

static json_t *rhythm_json(const struct steps_rhythm *rhythm)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:b}", "every", (int)rhythm->period, "first",
			 (int)rhythm->phase + 1, "slow_of_them", (int)rhythm->raised, "places",
			 (int)rhythm->count, "within_another", rhythm->within);
}

/* All rhythms, with what their long steps do. */
static json_t *rhythms_json(const struct report *report, struct steps *steps)
{
	json_t *rhythms = json_array();

	for (uint32_t i = 0; i < steps->rhythm_count; i++) {
		json_t *json = rhythm_json(&steps->rhythms[i]);
		struct steps_contrast contrast;

		steps_compare(steps, i);
		steps_contrast_measure(&contrast, report, steps);
		json_object_set_new(json, "slow_path", path_json(report, &contrast));
		json_object_set_new(json, "slow_path_excess", json_real(contrast.path_excess));
		json_object_set_new(json, "duration_excess_ns",
				    json_real(contrast.duration_excess_ns));
		json_object_set_new(json, "explained",
				    json_boolean(steps_contrast_explains(&contrast, report)));
		json_array_append_new(rhythms, json);
		steps_contrast_done(&contrast);
	}
	steps_compare(steps, 0);
	return rhythms;
}

void steps_write_json(const struct report *report, struct steps *steps,
		      const struct steps_contrast *contrast, uint32_t limit, FILE *stream)
{
	static const struct steps_rhythm none = {0};
	json_t *json = summary_head_json(report);
	struct step_amounts amounts;

	step_amounts_measure(&amounts, report->profile, steps);
	json_object_set_new(json, "steps",
			    json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:o, s:o}", "count",
				      (int)steps->count, "per_second", steps->steps_per_second,
				      "median_ns", steps->median_ns, "p95_ns", steps->p95_ns,
				      "p99_ns", steps->p99_ns, "max_ns", steps->max_ns, "warm_up",
				      (int)steps->warm_up, "slow", (int)steps->slow_count,
				      "segments", segments_json(steps), "series",
				      series_json(report, steps)));
	json_object_set_new(json, "period",
			    rhythm_json(steps->rhythm_count ? &steps->rhythms[0] : &none));
	json_object_set_new(json, "periods", rhythms_json(report, steps));
	json_object_set_new(json, "step_functions", step_functions_json(report));
	json_object_set_new(json, "amounts", step_amounts_json(&amounts));
	step_amounts_done(&amounts);
	json_object_set_new(json, "functions", functions_json(report, contrast, limit));
	json_object_set_new(json, "slow_path", path_json(report, contrast));
	json_object_set_new(json, "slow_path_excess", json_real(contrast->path_excess));
	json_object_set_new(json, "excess", json_real(contrast->excess));
	json_object_set_new(json, "excess_error", json_real(contrast->excess_error));
	json_object_set_new(json, "duration_excess_ns", json_real(contrast->duration_excess_ns));
	json_object_set_new(json, "explained",
			    json_boolean(steps_contrast_explains(contrast, report)));
	json_object_set_new(json, "samples_in_steps", json_integer((json_int_t)contrast->samples));
	json_object_set_new(json, "samples_outside", json_integer((json_int_t)contrast->outside));
	output_json(json, stream);
	json_decref(json);
}

/* ---- folded -------------------------------------------------------------------------------- */

/* Writes the stack up to @stack, outermost first. A semicolon would end a name. */
static void write_stack(const struct report *report, uint32_t stack, FILE *stream,
			struct obstack *memory)
{
	const struct profile *profile = report->profile;
	uint32_t depth = 0;
	uint32_t *list;

	for (uint32_t at = stack; at; at = profile->stacks[at].parent)
		depth++;
	list = xcalloc(depth + 1u, sizeof(*list));
	for (uint32_t at = stack, i = depth; at; at = profile->stacks[at].parent)
		list[--i] = profile->stacks[at].frame;
	for (uint32_t i = 0; i < depth; i++)
		for (uint32_t inner = symbol_depth(profile, list[i]); inner-- > 0;) {
			uint32_t symbol = symbol_at(profile, list[i], inner).symbol;
			const char *label =
				text_plain(memory, report->symbols.symbols[symbol].label, 0);

			if (i || inner + 1 < symbol_depth(profile, list[i]))
				fputc(';', stream);
			for (; *label; label++)
				fputc(*label == ';' || *label == '\n' ? ':' : *label, stream);
		}
	free(list);
}

void steps_write_folded(const struct report *report, const struct steps_contrast *contrast,
			FILE *stream)
{
	double slow_steps = contrast->slow_steps ? contrast->slow_steps : 1;
	double typical_steps = contrast->typical_steps ? contrast->typical_steps : 1;
	struct obstack memory;

	obstack_init(&memory);
	for (uint32_t i = 1; i < report->profile->stacks_count; i++) {
		if (contrast->slow_of_stack[i] <= 0 && contrast->typical_of_stack[i] <= 0)
			continue;
		write_stack(report, i, stream, &memory);
		fprintf(stream, " %.0f %.0f\n",
			1000 * contrast->typical_of_stack[i] / typical_steps,
			1000 * contrast->slow_of_stack[i] / slow_steps);
	}
	obstack_free(&memory, NULL);
}
