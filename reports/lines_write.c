/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines_write: see lines_write.h. */
#include "reports/lines_write.h"

#include "reports/amount.h"
#include "reports/export_rows.h"
#include "reports/output.h"
#include "reports/source.h"
#include "reports/summary.h"
#include "reports/table.h"

enum {
	CONTEXT_LINES = 3, /* shown around a line that has samples */
	REMARKS = 6	   /* of functions whose hits are restricted; --json has all */
};

/* ---- the columns, of which a profile has some ------------------------------------------------ */

enum {
	COSTS = 5, /* columns that every profile has */
	COST_AMOUNT = 2,
	HITS = 2,
	ALLOCATIONS = 2
};

static const struct table_column cost_columns[COSTS] = {
	{"self %", .right = true},
	{"95 %, this run", .right = true, .dropped = 3},
	{"time", .right = true, .dropped = 4},
	{"samples", .right = true, .dropped = 5},
	{"total %", .right = true, .dropped = 6},
};
static const struct table_column hits_columns[HITS] = {
	{"hits", .right = true},
	{"time/hit", .right = true, .dropped = 1},
};
static const struct table_column allocations_columns[ALLOCATIONS] = {
	{"allocations", .right = true, .dropped = 2},
	{"allocated", .right = true, .dropped = 2},
};
static const struct table_column place_columns[] = {
	{"line", .right = true},
	{"source", .elastic = true},
};

struct listing {
	const struct lines_view *view;
	struct table_column columns[TABLE_COLUMNS];
	int count;
	struct table table;
	struct obstack memory;
};

static void add_columns(struct listing *listing, const struct table_column *columns, int count)
{
	memcpy(listing->columns + listing->count, columns, count * sizeof(*columns));
	listing->count += count;
}

static void listing_begin(struct listing *listing, const struct lines_view *view)
{
	*listing = (struct listing){.view = view};
	add_columns(listing, cost_columns, COSTS);
	if (strcmp(view->report->unit, "ns") != 0)
		listing->columns[COST_AMOUNT].title = "amount";
	if (view->lines->has_hits)
		add_columns(listing, hits_columns, HITS);
	if (view->lines->has_allocations)
		add_columns(listing, allocations_columns, ALLOCATIONS);
	add_columns(listing, place_columns, 2);
	table_init(&listing->table, listing->columns, listing->count);
	obstack_init(&listing->memory);
}

static void listing_end(struct listing *listing, FILE *stream)
{
	table_write(&listing->table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&listing->table);
	obstack_free(&listing->memory, NULL);
}

static double share(const struct lines *lines, uint64_t value)
{
	return lines->value ? (double)value / (double)lines->value : 0;
}

static void hits_cells(struct listing *listing, const struct line_row *row)
{
	const struct report *report = listing->view->report;
	char text[32];

	if (!row->has_hits)
		table_cell(&listing->table, "%s", "");
	else if (row->label == PROFILE_HIT_ESTIMATED)
		table_cell(&listing->table, "≈%lu ±%lu", row->hits, row->hits_margin);
	else
		table_cell(&listing->table, "%s%lu", row->label == PROFILE_HIT_DERIVED ? "=" : "",
			   row->hits);
	table_cell(&listing->table, "%s",
		   lines_know_hits(row) && row->self
			   ? amount_format((double)row->self * report->period / (double)row->hits,
					   report->unit, text, sizeof(text))
			   : "");
}

static void cost_cells(struct listing *listing, const struct line_row *row)
{
	const struct report *report = listing->view->report;
	const struct lines *lines = listing->view->lines;
	struct table *table = &listing->table;
	double half = (row->share.high - row->share.low) / 2;
	char text[4][32];

	table_cell(table, "%s",
		   amount_percent(share(lines, row->self), half, text[0], sizeof(text[0])));
	table_cell(table, "%s – %s", amount_percent(row->share.low, half, text[1], sizeof(text[1])),
		   amount_percent(row->share.high, half, text[2], sizeof(text[2])));
	table_cell(table, "%s",
		   amount_format((double)row->self * report->period, report->unit, text[3],
				 sizeof(text[3])));
	table_cell(table, "%u", row->self_samples);
	table_cell(table, "%s",
		   amount_percent(share(lines, row->total), half, text[0], sizeof(text[0])));
	if (lines->has_hits)
		hits_cells(listing, row);
	if (!lines->has_allocations)
		return;
	table_cell(table, row->allocations ? "%lu" : "", row->allocations);
	table_cell(table, "%s",
		   row->allocations ? amount_format((double)row->allocated, "bytes", text[0],
						    sizeof(text[0]))
				    : "");
}

/* Source text as one cell: tabs as four spaces, at most 200 bytes. */
static void source_cell(struct listing *listing, const char *text)
{
	for (; *text; text++)
		if (*text == '\t')
			obstack_grow(&listing->memory, "    ", 4);
		else
			obstack_1grow(&listing->memory, *text);
	obstack_1grow(&listing->memory, '\0');
	table_cell(&listing->table, "%s",
		   text_plain(&listing->memory, obstack_finish(&listing->memory), 200));
}

static const char *row_file(const struct report *report, const struct line_row *row)
{
	return report->profile->files[report->symbols.symbols[row->symbol].file];
}

/* ---- the hottest lines: where each is stands instead of its text ------------------------------
 */

void lines_write_hot(const struct lines_view *view, FILE *stream)
{
	const struct report *report = view->report;
	struct listing listing;

	listing_begin(&listing, view);
	for (uint32_t i = 0; i < view->lines->count && i < view->limit; i++) {
		const struct line_row *row = &view->lines->rows[i];
		const char *file = symbol_base_name(row_file(report, row));

		cost_cells(&listing, row);
		table_cell(&listing.table, row->line ? "%u" : "?", row->line);
		table_cell(&listing.table, "%s in %s",
			   *file ? text_plain(&listing.memory, file, 60) : "?",
			   text_plain(&listing.memory, report->symbols.symbols[row->symbol].label,
				      100));
	}
	listing_end(&listing, stream);
	if (view->lines->count > view->limit)
		fprintf(stream, "… and %u more\n", view->lines->count - view->limit);
}

/* ---- lines beside the source ------------------------------------------------------------------
 */

struct order {
	const struct lines_view *view;
	uint32_t *rows; /* by file, then line */
};

static int compare_order(const void *left, const void *right, void *context)
{
	const struct lines_view *view = context;
	const struct line_row *a = &view->lines->rows[*(const uint32_t *)left];
	const struct line_row *b = &view->lines->rows[*(const uint32_t *)right];
	int file = strcmp(row_file(view->report, a), row_file(view->report, b));

	if (file)
		return file;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->symbol > b->symbol) - (a->symbol < b->symbol);
}

static void context_cells(struct listing *listing, const struct source *source, uint32_t line)
{
	for (int i = 0; i < listing->count - 2; i++)
		table_cell(&listing->table, "%s", "");
	table_cell(&listing->table, "%u", line);
	source_cell(listing, source_line(source, line));
}

/* Lines between the last one written and that of a row: all when they are few, else its nearest. */
static void write_context(struct listing *listing, const struct source *source, uint32_t last,
			  uint32_t next)
{
	uint32_t from = last + 1, end = next <= source->count ? next : source->count + 1;

	if (next > from + 2 * CONTEXT_LINES) {
		for (; last && from <= last + CONTEXT_LINES && from < end; from++)
			context_cells(listing, source, from);
		from = next - CONTEXT_LINES;
		for (int i = 0; i < listing->count && last; i++)
			table_cell(&listing->table, "%s", i == listing->count - 2 ? "…" : "");
	}
	for (; from < end; from++)
		context_cells(listing, source, from);
}

static void write_rows(struct listing *listing, const uint32_t *rows, uint32_t count,
		       const struct source *source)
{
	const struct lines_view *view = listing->view;
	uint32_t last = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct line_row *row = &view->lines->rows[rows[i]];

		if (source && row->line > last)
			write_context(listing, source, last, row->line);
		cost_cells(listing, row);
		table_cell(&listing->table, row->line ? "%u" : "?", row->line);
		source_cell(listing, source && row->line
					     ? source_line(source, row->line)
					     : view->report->symbols.symbols[row->symbol].label);
		last = row->line;
	}
	if (source && last)
		write_context(listing, source, last,
			      last + 1 + CONTEXT_LINES < source->count ? last + 1 + CONTEXT_LINES
								       : source->count + 1);
}

/* The rows of one file, with its text where it is found. */
static void write_file(const struct lines_view *view, const uint32_t *rows, uint32_t count,
		       FILE *stream)
{
	const struct report *report = view->report;
	const char *path = row_file(report, &view->lines->rows[*rows]);
	uint32_t file = report->symbols.symbols[view->lines->rows[*rows].symbol].file;
	struct source source = {0};
	struct error error = {"source not found: no debug information names the file"};
	bool found =
		*path && !source_of_profile(&source, report->profile, file, view->folder, &error);
	struct listing listing;

	listing_begin(&listing, view);
	fprintf(stream, "%s%s\n", *path ? text_plain(&listing.memory, path, 0) : "[unknown file]",
		source.is_changed ? " (!) changed since the recording: its lines may be others"
		: source.is_newer
			? " (!) modified after the recording began: its lines may be others"
			: "");
	if (!found)
		fprintf(stream, "%s\n", text_plain(&listing.memory, error.text, 0));
	write_rows(&listing, rows, count, found ? &source : NULL);
	listing_end(&listing, stream);
	source_done(&source);
}

void lines_write_source(const struct lines_view *view, FILE *stream)
{
	const struct lines *lines = view->lines;
	uint32_t count = lines->count < view->limit ? lines->count : view->limit, end;
	uint32_t *rows = xcalloc(count, sizeof(*rows));

	for (uint32_t i = 0; i < count; i++)
		rows[i] = i;
	qsort_r(rows, count, sizeof(*rows), compare_order, (void *)view);
	for (uint32_t i = 0; i < count; i = end) {
		const char *path = row_file(view->report, &lines->rows[rows[i]]);

		for (end = i + 1;
		     end < count && !strcmp(path, row_file(view->report, &lines->rows[rows[end]]));)
			end++;
		fputs(i ? "\n" : "", stream);
		write_file(view, &rows[i], end - i, stream);
	}
	if (lines->count > view->limit)
		fprintf(stream, "… and %u more lines\n", lines->count - view->limit);
	free(rows);
}

/* ---- what is said below -----------------------------------------------------------------------
 */

void lines_write_remarks(const struct lines_view *view, FILE *stream)
{
	const struct profile *profile = view->report->profile;
	char hit_time[LINES_HIT_TIME];
	size_t noted = 0;
	struct obstack memory;

	obstack_init(&memory);
	for (size_t i = 0; i < view->hints->count; i++) {
		const struct line_row *row = &view->lines->rows[view->hints->rows[i].row];

		fprintf(stream, "hint: %s:%u: %s\n",
			text_plain(&memory, symbol_base_name(row_file(view->report, row)), 60),
			row->line, text_plain(&memory, view->hints->rows[i].text, 0));
	}
	if (view->lines->has_hits)
		fprintf(stream,
			"hits: counted; = derived from counts elsewhere; ≈ estimated from windows "
			"of "
			"time\n%s\n",
			lines_hit_time(profile, hit_time));
	for (size_t i = 0; i < profile->hit_functions_count; i++) {
		const struct profile_hit_function *function = &profile->hit_functions[i];

		if (function->note && noted++ < REMARKS)
			fprintf(stream, "hits of %s: %s\n",
				text_plain(&memory,
					   view->report->symbols
						   .symbols[symbol_owner(profile, function->frame)]
						   .label,
					   100),
				text_plain(&memory, function->note, 0));
	}
	if (noted > REMARKS)
		fprintf(stream, "… and %zu more functions with restricted hits; --json has all\n",
			noted - REMARKS);
	if (view->lines->has_allocations)
		fprintf(stream, "allocations: at the line and in what it called%s\n",
			profile_number(profile, "memory.rate", 0) ? ", estimated from samples"
								  : "");
	obstack_free(&memory, NULL);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_hits_json(json_t *json, const struct report *report, const struct line_row *row)
{
	static const char *const labels[PROFILE_HIT_LABELS] = {"exact", "derived", "estimated"};
	json_t *hits = json_pack("{s:I, s:I, s:s, s:b}", "count", (json_int_t)row->hits, "margin",
				 (json_int_t)row->hits_margin, "label", labels[row->label],
				 "restricted", row->is_restricted);

	if (lines_know_hits(row))
		json_object_set_new(
			hits, "self_per_hit",
			json_real((double)row->self * report->period / (double)row->hits));
	json_object_set_new(json, "hits", hits);
}

static json_t *row_json(const struct lines_view *view, uint32_t index)
{
	const struct report *report = view->report;
	const struct line_row *row = &view->lines->rows[index];
	struct obstack memory;
	json_t *json, *hints = json_array();

	obstack_init(&memory);
	json = json_pack(
		"{s:s, s:s, s:i, s:{s:f, s:i, s:f, s:[f, f]}, s:{s:f, s:i, s:f}}", "function",
		text_clean(&memory, report->symbols.symbols[row->symbol].label, 0), "file",
		text_clean(&memory, row_file(report, row), 0), "line", (int)row->line, "self",
		"amount", (double)row->self * report->period, "samples", (int)row->self_samples,
		"share", share(view->lines, row->self), "share_95_this_run", row->share.low,
		row->share.high, "total", "amount", (double)row->total * report->period, "samples",
		(int)row->total_samples, "share", share(view->lines, row->total));
	if (row->has_hits)
		add_hits_json(json, report, row);
	if (view->lines->has_allocations)
		json_object_set_new(json, "allocations",
				    json_pack("{s:I, s:I, s:I}", "count",
					      (json_int_t)row->allocations, "own",
					      (json_int_t)row->own_allocations, "bytes",
					      (json_int_t)row->allocated));
	for (size_t i = 0; i < view->hints->count; i++)
		if (view->hints->rows[i].row == index)
			json_array_append_new(hints, text_json(view->hints->rows[i].text));
	if (json_array_size(hints))
		json_object_set(json, "hints", hints);
	json_decref(hints);
	obstack_free(&memory, NULL);
	return json;
}

/* Functions whose hits are restricted, and by what. */
static json_t *restrictions_json(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->profile->hit_functions_count; i++) {
		const struct profile_hit_function *function = &report->profile->hit_functions[i];
		uint32_t symbol = symbol_owner(report->profile, function->frame);

		if (function->note)
			json_array_append_new(
				list, json_pack("{s:o, s:o}", "function",
						text_json(report->symbols.symbols[symbol].label),
						"note", text_json(function->note)));
	}
	return list;
}

json_t *lines_json(const struct lines_view *view)
{
	json_t *json = summary_head_json(view->report), *rows = json_array();
	char hit_time[LINES_HIT_TIME];

	for (uint32_t i = 0; i < view->lines->count && i < view->limit; i++)
		json_array_append_new(rows, row_json(view, i));
	json_object_set_new(json, "inlined",
			    json_string(view->inlined == LINES_AT_CALL ? "at call" : "in source"));
	json_object_set_new(json, "lines", rows);
	if (view->lines->has_allocations)
		json_object_set_new(
			json, "allocations_are_estimates",
			json_boolean(profile_number(view->report->profile, "memory.rate", 0)));
	if (view->lines->has_hits) {
		json_object_set_new(json, "restricted_hits", restrictions_json(view->report));
		json_object_set_new(json, "self_per_hit_is",
				    json_string(lines_hit_time(view->report->profile, hit_time)));
	}
	return json;
}
