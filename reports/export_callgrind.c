/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_callgrind: see export_callgrind in export.h.
 * Source: Valgrind's manual, "Callgrind Format Specification".
 */
#include "reports/export.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"

/* A cost at a line of a function: its own (callee 0) or of a call from there. */
struct cost {
	uint32_t symbol;
	uint32_t line;
	uint32_t callee; /* symbol + 1, 0: none */
	uint64_t samples;
	uint64_t amount;
};

struct callgrind {
	const struct profile *profile;
	struct symbol_table symbols;
	struct export_rows rows;
	struct cost *costs;
	size_t costs_count, costs_capacity;
	bool *named; /* functions whose name is already in the file, by symbol */
	FILE *stream;
};

/* Every place of one stack: a function and the line where it is, innermost first. */
struct place {
	uint32_t symbol;
	uint32_t line;
};

static int compare_costs(const void *left, const void *right)
{
	const struct cost *a = left, *b = right;

	if (a->symbol != b->symbol)
		return a->symbol < b->symbol ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->callee > b->callee) - (a->callee < b->callee);
}

static void merge_costs(struct callgrind *file)
{
	size_t kept = 0;

	if (!file->costs_count)
		return;
	qsort(file->costs, file->costs_count, sizeof(*file->costs), compare_costs);
	for (size_t i = 0; i < file->costs_count; i++) {
		if (kept && !compare_costs(&file->costs[kept - 1], &file->costs[i])) {
			file->costs[kept - 1].samples += file->costs[i].samples;
			file->costs[kept - 1].amount += file->costs[i].amount;
		} else {
			file->costs[kept++] = file->costs[i];
		}
	}
	file->costs_count = kept;
}

static void add_cost(struct callgrind *file, const struct place *place, uint32_t callee,
		     const struct export_row *row)
{
	xgrow(file->costs, file->costs_count, file->costs_capacity);
	file->costs[file->costs_count++] =
		(struct cost){place->symbol, place->line, callee, row->samples, row->amount};
}

/* A recursion passes a call many times in one stack; the stack's cost is inside it once. */
static void add_calls(struct callgrind *file, const struct export_row *row,
		      const struct place *places, size_t count)
{
	size_t first = file->costs_count, kept;

	for (size_t i = 1; i < count; i++)
		add_cost(file, &places[i], places[i - 1].symbol + 1, row);
	qsort(file->costs + first, file->costs_count - first, sizeof(*file->costs), compare_costs);
	kept = first;
	for (size_t i = first; i < file->costs_count; i++)
		if (kept == first || compare_costs(&file->costs[kept - 1], &file->costs[i]))
			file->costs[kept++] = file->costs[i];
	file->costs_count = kept;
}

static void add_row(struct callgrind *file, const struct export_row *row)
{
	const struct profile *profile = file->profile;
	struct place *places = NULL;
	size_t count = 0, capacity = 0;
	const uint32_t *frames;
	uint32_t frames_count = export_frames(&file->rows, profile, row->stack, &frames);

	for (uint32_t i = 0; i < frames_count; i++) {
		const struct profile_frame *frame = &profile->frames[frames[i]];

		for (uint32_t depth = 0; depth < symbol_depth(profile, frames[i]); depth++) {
			xgrow(places, count, capacity);
			places[count++] = (struct place){
				symbol_at(profile, frames[i], depth).symbol,
				frame->line_count ? profile->lines[frame->first_line + depth].line
						  : 0,
			};
		}
	}
	if (!count) {
		xgrow(places, count, capacity);
		places[count++] = (struct place){0, 0};
	}
	add_cost(file, &places[0], 0, row);
	add_calls(file, row, places, count);
	free(places);
}

/* Long lists of costs are merged now and then, so that memory grows with the distinct ones. */
static void add_rows(struct callgrind *file)
{
	size_t merge_at = 1 << 20;

	for (size_t i = 0; i < file->rows.count; i++) {
		add_row(file, &file->rows.rows[i]);
		if (file->costs_count < merge_at)
			continue;
		merge_costs(file);
		merge_at = 2 * file->costs_count + (1 << 20);
	}
	merge_costs(file);
}

static void write_text(FILE *stream, const char *text)
{
	struct obstack memory;

	obstack_init(&memory);
	fputs(text_plain(&memory, text, 0), stream);
	obstack_free(&memory, NULL);
}

/* "cfn=(12) observe" the first time, then "cfn=(12)". Readers take "???" for an unknown file. */
static void write_function(struct callgrind *file, const char *prefix, uint32_t symbol)
{
	const struct symbol *row = &file->symbols.symbols[symbol];
	const char *module = file->profile->modules[row->module].path;
	FILE *stream = file->stream;

	fprintf(stream, "%sob=", prefix);
	write_text(stream, *module ? module : "???");
	fprintf(stream, "\n%s=", *prefix ? "cfi" : "fl");
	write_text(stream, row->file ? file->profile->files[row->file] : "???");
	fprintf(stream, "\n%sfn=(%u)", prefix, symbol + 1);
	if (!file->named[symbol]) {
		fputc(' ', stream);
		write_text(stream, symbol ? row->label : EXPORT_NO_STACK);
		file->named[symbol] = true;
	}
	fputc('\n', stream);
}

static void write_costs(struct callgrind *file)
{
	FILE *stream = file->stream;

	for (size_t i = 0; i < file->costs_count; i++) {
		const struct cost *cost = &file->costs[i];

		if (!i || cost->symbol != cost[-1].symbol) {
			fputc('\n', stream);
			write_function(file, "", cost->symbol);
		}
		if (cost->callee) {
			write_function(file, "c", cost->callee - 1);
			fprintf(stream, "calls=%ju %u\n", (uintmax_t)cost->samples,
				file->symbols.symbols[cost->callee - 1].line);
		}
		fprintf(stream, "%u %ju %ju\n", cost->line, (uintmax_t)cost->amount,
			(uintmax_t)cost->samples);
	}
}

static void write_head(struct callgrind *file)
{
	FILE *stream = file->stream;

	fputs("# callgrind format\nversion: 1\ncreator: simprof " VERSION "\npid: 0\ncmd: ",
	      stream);
	write_text(stream, profile_text(file->profile, "command", ""));
	fputs("\npart: 1\ndesc: Trigger: sampled; calls= is the number of samples inside, not of "
	      "calls\npositions: line\nevent: Amount : ",
	      stream);
	write_text(stream, file->rows.name);
	fputs(" in ", stream);
	write_text(stream, export_unit(file->rows.unit));
	fprintf(stream, "\nevent: Samples : samples\nevents: Amount Samples\nsummary: %ju %ju\n",
		(uintmax_t)file->rows.amount, (uintmax_t)file->rows.samples);
}

void export_callgrind(const struct profile *profile, uint16_t metric, FILE *stream)
{
	struct callgrind file = {.profile = profile, .stream = stream};

	symbol_table_init(&file.symbols, profile);
	file.named = xcalloc(file.symbols.count, sizeof(*file.named));
	export_rows_init(&file.rows, profile, metric);
	add_rows(&file);
	write_head(&file);
	write_costs(&file);
	fprintf(stream, "\ntotals: %ju %ju\n", (uintmax_t)file.rows.amount,
		(uintmax_t)file.rows.samples);
	free(file.costs);
	free(file.named);
	export_rows_done(&file.rows);
	symbol_table_done(&file.symbols);
}
