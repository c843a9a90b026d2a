/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command lines: cost per source line, as a list of the hottest or beside the source. */
#include "reports/command.h"

#include "reports/amount.h"
#include "reports/export_rows.h"
#include "reports/lines.h"
#include "reports/output.h"
#include "reports/source.h"
#include "reports/summary.h"
#include "reports/table.h"

enum view {
	VIEW_DEFAULT,
	VIEW_HOT,
	VIEW_SOURCE
};

struct options {
	const char *profile, *target, *output, *metric, *folder;
	enum lines_inlined inlined;
	enum view view;
	uint32_t limit;
	bool json;
};

enum {
	OPTION_JSON = 256,
	OPTION_AT_CALL,
	OPTION_SORT,
	OPTION_FOLDER,
	CONTEXT_LINES = 3, /* shown around a line that has samples */
};

static uint32_t parse_limit(struct argp_state *state, const char *text)
{
	char *end;
	long limit = strtol(text, &end, 10);

	if (*end || end == text || limit < 0 || limit > INT32_MAX)
		argp_error(state, "--limit wants a number of lines, 0 for all, not '%s'", text);
	return limit ? limit : UINT32_MAX;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->metric;
		return 0;
	case 'o':
		options->output = argument;
		return 0;
	case 'n':
		options->limit = parse_limit(state, argument);
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_AT_CALL:
		options->inlined = LINES_AT_CALL;
		return 0;
	case OPTION_FOLDER:
		options->folder = argument;
		return 0;
	case OPTION_SORT:
		if (strcmp(argument, "hot") && strcmp(argument, "source"))
			argp_error(state, "--view wants hot or source, not '%s'", argument);
		options->view = *argument == 'h' ? VIEW_HOT : VIEW_SOURCE;
		return 0;
	case ARGP_KEY_ARG:
		if (!options->profile)
			options->profile = argument;
		else if (!options->target)
			options->target = argument;
		else
			argp_error(state, "one function or file at a time, not also '%s'",
				   argument);
		return 0;
	case ARGP_KEY_END:
		if (!options->profile)
			argp_error(state, "which profile? Name a .prof file");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"limit", 'n', "N", 0, "Show N lines, 0 for all (default 40; with --json or source all)",
	 0},
	{"view", OPTION_SORT, "VIEW", 0,
	 "hot: the costliest lines first (default); source: in order of the source (default with "
	 "FUNCTION or FILE)",
	 0},
	{"inlined-at-call", OPTION_AT_CALL, NULL, 0,
	 "Charge inlined code to the line that calls it, not to its own", 0},
	{"source-dir", OPTION_FOLDER, "DIR", 0,
	 "Look for source files below DIR too, by the last parts of their paths", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"output", 'o', "FILE", 0, "Write to FILE instead of standard output", 10},
	{0},
};

static const struct argp_child children[] = {{&command_metric_argp, 0, NULL, 0}, {0}};

const struct argp command_lines_argp = {
	argp_options,
	parse,
	"NAME.prof [FUNCTION|FILE]",
	"Lists source lines with their cost.\v"
	"Self is what was sampled at the line, total also what it called. The 95 % interval speaks "
	"of "
	"this run only. The text is read from the source files where this machine has them; one "
	"that "
	"was modified after the recording began is marked, its lines may be others. A program "
	"without "
	"debug information (-g) has no lines.",
	children,
	NULL,
	NULL,
};

static const struct table_column columns[] = {
	{"self %", .right = true},
	{"95 %, this run", .right = true, .dropped = 2},
	{"time", .right = true, .dropped = 3},
	{"samples", .right = true, .dropped = 4},
	{"total %", .right = true, .dropped = 5},
	{"line", .right = true},
	{"source", .elastic = true},
};

enum {
	COLUMNS = sizeof(columns) / sizeof(*columns)
};

static double share(const struct lines *lines, uint64_t value)
{
	return lines->value ? (double)value / lines->value : 0;
}

static void cost_cells(struct table *table, const struct report *report, const struct lines *lines,
		       const struct line_row *row)
{
	double half = (row->share.high - row->share.low) / 2;
	char text[4][32];

	table_cell(table, "%s",
		   amount_percent(share(lines, row->self), half, text[0], sizeof(text[0])));
	table_cell(table, "%s – %s", amount_percent(row->share.low, half, text[1], sizeof(text[1])),
		   amount_percent(row->share.high, half, text[2], sizeof(text[2])));
	table_cell(
		table, "%s",
		amount_format(row->self * report->period, report->unit, text[3], sizeof(text[3])));
	table_cell(table, "%u", row->self_samples);
	table_cell(table, "%s",
		   amount_percent(share(lines, row->total), half, text[0], sizeof(text[0])));
}

/* Source text as one cell: tabs as four spaces, at most 200 bytes. */
static void source_cell(struct table *table, struct obstack *memory, const char *text)
{
	for (; *text; text++)
		if (*text == '\t')
			obstack_grow(memory, "    ", 4);
		else
			obstack_1grow(memory, *text);
	obstack_1grow(memory, '\0');
	table_cell(table, "%s", text_plain(memory, obstack_finish(memory), 200));
}

static const char *row_file(const struct report *report, const struct line_row *row)
{
	return report->profile->files[report->symbols.symbols[row->symbol].file];
}

/* The hottest lines: where each is stands instead of its text. */
static void write_hot(const struct report *report, const struct lines *lines, uint32_t limit,
		      FILE *stream)
{
	struct obstack memory;
	struct table table;

	obstack_init(&memory);
	table_init(&table, columns, COLUMNS);
	for (uint32_t i = 0; i < lines->count && i < limit; i++) {
		const struct line_row *row = &lines->rows[i];
		const char *file = symbol_base_name(row_file(report, row));

		cost_cells(&table, report, lines, row);
		table_cell(&table, row->line ? "%u" : "?", row->line);
		table_cell(&table, "%s in %s", *file ? text_plain(&memory, file, 60) : "?",
			   text_plain(&memory, report->symbols.symbols[row->symbol].label, 100));
	}
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	if (lines->count > limit)
		fprintf(stream, "… and %u more\n", lines->count - limit);
	table_done(&table);
	obstack_free(&memory, NULL);
}

struct order {
	const struct report *report;
	const struct lines *lines;
	const char *folder; /* to look for sources in, or NULL */
	uint32_t *rows;	    /* by file, then line */
};

static int compare_order(const void *left, const void *right, void *context)
{
	const struct order *order = context;
	const struct line_row *a = &order->lines->rows[*(const uint32_t *)left];
	const struct line_row *b = &order->lines->rows[*(const uint32_t *)right];
	int file = strcmp(row_file(order->report, a), row_file(order->report, b));

	if (file)
		return file;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->symbol > b->symbol) - (a->symbol < b->symbol);
}

static void context_cells(struct table *table, struct obstack *memory, const struct source *source,
			  uint32_t line)
{
	for (int i = 0; i < 5; i++)
		table_cell(table, "%s", "");
	table_cell(table, "%u", line);
	source_cell(table, memory, source_line(source, line));
}

/* Lines between the last one written and that of a row: all when they are few, else its nearest. */
static void write_context(struct table *table, struct obstack *memory, const struct source *source,
			  uint32_t last, uint32_t next)
{
	uint32_t from = last + 1, end = next <= source->count ? next : source->count + 1;

	if (next > from + 2 * CONTEXT_LINES) {
		for (; last && from <= last + CONTEXT_LINES && from < end; from++)
			context_cells(table, memory, source, from);
		from = next - CONTEXT_LINES;
		for (int i = 0; i < COLUMNS && last; i++)
			table_cell(table, "%s", i == COLUMNS - 2 ? "…" : "");
	}
	for (; from < end; from++)
		context_cells(table, memory, source, from);
}

/* The rows of one file, with its text where it is found. */
static void write_file(const struct order *order, const uint32_t *rows, uint32_t count,
		       FILE *stream)
{
	const struct report *report = order->report;
	const char *path = row_file(report, &order->lines->rows[*rows]);
	struct source source = {0};
	struct error error = {"source not found: no debug information names the file"};
	bool found = *path && !source_find(&source, path, order->folder,
					   export_start_ns(report->profile), &error);
	struct obstack memory;
	struct table table;
	uint32_t last = 0;

	obstack_init(&memory);
	fprintf(stream, "%s%s\n", *path ? text_plain(&memory, path, 0) : "[unknown file]",
		found && source.is_newer
			? " (!) modified after the recording began: its lines may be others"
			: "");
	if (!found)
		fprintf(stream, "%s\n", text_plain(&memory, error.text, 0));
	table_init(&table, columns, COLUMNS);
	for (uint32_t i = 0; i < count; i++) {
		const struct line_row *row = &order->lines->rows[rows[i]];

		if (found && row->line > last)
			write_context(&table, &memory, &source, last, row->line);
		cost_cells(&table, report, order->lines, row);
		table_cell(&table, row->line ? "%u" : "?", row->line);
		source_cell(&table, &memory,
			    found && row->line ? source_line(&source, row->line)
					       : report->symbols.symbols[row->symbol].label);
		last = row->line;
	}
	if (found && last)
		write_context(&table, &memory, &source, last,
			      last + 1 + CONTEXT_LINES < source.count ? last + 1 + CONTEXT_LINES
								      : source.count + 1);
	table_write(&table, stream, output_columns(stream), output_has_colour(stream));
	table_done(&table);
	source_done(&source);
	obstack_free(&memory, NULL);
}

static void write_source(const struct report *report, const struct lines *lines,
			 const struct options *options, FILE *stream)
{
	uint32_t limit = options->limit;
	uint32_t count = lines->count < limit ? lines->count : limit, end;
	struct order order = {report, lines, options->folder, xcalloc(count, sizeof(*order.rows))};

	for (uint32_t i = 0; i < count; i++)
		order.rows[i] = i;
	qsort_r(order.rows, count, sizeof(*order.rows), compare_order, &order);
	for (uint32_t i = 0; i < count; i = end) {
		const char *path = row_file(report, &lines->rows[order.rows[i]]);

		for (end = i + 1;
		     end < count && !strcmp(path, row_file(report, &lines->rows[order.rows[end]]));)
			end++;
		fputs(i ? "\n" : "", stream);
		write_file(&order, &order.rows[i], end - i, stream);
	}
	if (lines->count > limit)
		fprintf(stream, "… and %u more lines\n", lines->count - limit);
	free(order.rows);
}

static json_t *row_json(const struct report *report, const struct lines *lines,
			const struct line_row *row)
{
	struct obstack memory;
	json_t *json;

	obstack_init(&memory);
	json = json_pack(
		"{s:s, s:s, s:i, s:{s:f, s:i, s:f, s:[f, f]}, s:{s:f, s:i, s:f}}", "function",
		text_clean(&memory, report->symbols.symbols[row->symbol].label, 0), "file",
		text_clean(&memory, row_file(report, row), 0), "line", (int)row->line, "self",
		"amount", row->self * report->period, "samples", (int)row->self_samples, "share",
		share(lines, row->self), "share_95_this_run", row->share.low, row->share.high,
		"total", "amount", row->total * report->period, "samples", (int)row->total_samples,
		"share", share(lines, row->total));
	obstack_free(&memory, NULL);
	return json;
}

static void write_json(const struct report *report, const struct lines *lines,
		       const struct options *options, FILE *stream)
{
	json_t *json = summary_head_json(report), *rows = json_array();

	for (uint32_t i = 0; i < lines->count && i < options->limit; i++)
		json_array_append_new(rows, row_json(report, lines, &lines->rows[i]));
	json_object_set_new(
		json, "inlined",
		json_string(options->inlined == LINES_AT_CALL ? "at call" : "in source"));
	json_object_set_new(json, "lines", rows);
	output_json(json, stream);
	json_decref(json);
}

static void write_report(const struct report *report, const struct options *options,
			 const bool *wanted, FILE *stream)
{
	bool colour = output_has_colour(stream);
	struct lines lines;

	lines_measure(&lines, report, options->inlined, wanted, options->limit);
	if (options->json) {
		write_json(report, &lines, options, stream);
		lines_done(&lines);
		return;
	}
	if (!lines.samples)
		summary_empty(report, stream);
	else if (!lines.count)
		fputs("no sample has a source line; programs need debug information (-g)\n",
		      stream);
	else if (options->view == VIEW_HOT)
		write_hot(report, &lines, options->limit, stream);
	else
		write_source(report, &lines, options, stream);
	fputc('\n', stream);
	summary_trust(report, stream, colour);
	lines_done(&lines);
}

static void set_defaults(struct options *options)
{
	if (!options->view)
		options->view = options->target ? VIEW_SOURCE : VIEW_HOT;
	if (!options->limit)
		options->limit = options->json || options->view == VIEW_SOURCE ? UINT32_MAX : 40;
}

int command_lines(int count, char **arguments)
{
	struct options options = {0};
	struct report report;
	struct output output;
	struct error error;
	bool *wanted = NULL;

	argp_parse(&command_lines_argp, count, arguments, 0, NULL, &options);
	set_defaults(&options);
	if (report_open_metric(&report, options.profile, options.metric, &error))
		return command_failed(error.text);
	if (options.target && !(wanted = lines_find(&report, options.target))) {
		fail(&error, -1, "no function and no file called '%s' in %s", options.target,
		     options.profile);
		report_done(&report);
		return command_failed(error.text);
	}
	if (output_open(&output, options.output, &error)) {
		free(wanted);
		report_done(&report);
		return command_failed(error.text);
	}
	write_report(&report, &options, wanted, output.stream);
	free(wanted);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
