/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command compare: what changed between two groups of recordings. */
#include "reports/command.h"

#include "reports/command_sides.h"
#include "reports/comparison_level.h"
#include "reports/comparison_write.h"
#include "reports/document.h"
#include "reports/flame.h"
#include "reports/output.h"
#include "reports/scaling.h"

#include "collector/base/xalloc.h"

#include <errno.h>

enum {
	OPTION_SORT = 256,
	OPTION_JSON,
	OPTION_MARKDOWN,
	OPTION_PAIRED,
	OPTION_FORCE,
	OPTION_ALPHA,
	OPTION_MARGIN,
	OPTION_DECIDED,
	OPTION_HTML,
	OPTION_DOCUMENT,
	OPTION_SCALING,
};

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_MARKDOWN,
	FORMAT_HTML
};

struct options {
	struct comparison_options comparison;
	const char *output;
	enum format format;
	size_t limit;
	bool force, decided;
	const char *scaling; /* folder of a sweep, or NULL */
	bool is_document;    /* the whole report, not the comparison alone */
	struct command_sides sides;
};

static double percentage(const char *argument, const char *name, double most,
			 struct argp_state *state)
{
	char *end;
	double value = strtod(argument, &end);

	if (*end || end == argument || !(value > 0 && value <= most))
		argp_error(state, "--%s wants a percentage above 0 and up to %g, not '%s'", name,
			   most, argument);
	return value / 100;
}

static void take_sort(struct options *options, const char *argument, struct argp_state *state)
{
	if (strcmp(argument, "self") && strcmp(argument, "total"))
		argp_error(state, "--sort wants self or total, not '%s'", argument);
	options->comparison.order = *argument == 's' ? FUNCTIONS_BY_SELF : FUNCTIONS_BY_TOTAL;
}

static void take_limit(struct options *options, const char *argument, struct argp_state *state)
{
	char *end;
	long limit = strtol(argument, &end, 10);

	if (*end || end == argument || limit < 0)
		argp_error(state, "--limit wants a number of rows, 0 for all, not '%s'", argument);
	options->limit = limit ? (size_t)limit : SIZE_MAX;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		take_limit(options, argument, state);
		return 0;
	case 'o':
		options->output = argument;
		return 0;
	case OPTION_SORT:
		take_sort(options, argument, state);
		return 0;
	case OPTION_JSON:
	case OPTION_MARKDOWN:
		options->format = key == OPTION_JSON ? FORMAT_JSON : FORMAT_MARKDOWN;
		return 0;
	case OPTION_HTML:
		options->format = FORMAT_HTML;
		return 0;
	case OPTION_DOCUMENT:
		options->is_document = true;
		return 0;
	case OPTION_SCALING:
		options->scaling = argument;
		return 0;
	case OPTION_PAIRED:
		options->comparison.paired = true;
		return 0;
	case OPTION_FORCE:
		options->force = true;
		return 0;
	case OPTION_ALPHA:
		options->comparison.alpha = percentage(argument, "alpha", 50, state);
		return 0;
	case OPTION_MARGIN:
		options->comparison.function_margin = percentage(argument, "margin", 1000, state);
		return 0;
	case OPTION_DECIDED:
		options->decided = true;
		return 0;
	case ARGP_KEY_ARG:
		command_sides_add(&options->sides, argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"paired", OPTION_PAIRED, NULL, 0,
	 "The runs are pairs: the first base run was made beside the first new one, and so on", 0},
	{"sort", OPTION_SORT, "COST", 0, "Test functions by self (default) or total cost", 0},
	{"margin", OPTION_MARGIN, "PERCENT", 0,
	 "A change of a function that nobody cares about (default 3)", 0},
	{"alpha", OPTION_ALPHA, "PERCENT", 0,
	 "Share of findings that may be false (default 5); intervals have the rest", 0},
	{"force", OPTION_FORCE, NULL, 0, "Compare different machines and broken runs, too", 0},
	{"limit", 'n', "N", 0, "Show N functions, 0 for all (default 25; JSON has all)", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"markdown", OPTION_MARKDOWN, NULL, 0, "Write Markdown", 0},
	{"html", OPTION_HTML, NULL, 0,
	 "Write one HTML page with the flame graph of the change; needs no network", 0},
	{"output", 'o', "FILE", 0, "Write to FILE instead of standard output", 0},
	{"compare", OPTION_DOCUMENT, NULL, OPTION_HIDDEN, "Of the command report", 0},
	{"scaling", OPTION_SCALING, "DIR", OPTION_HIDDEN, "Of the command report", 0},
	{"decided", OPTION_DECIDED, NULL, OPTION_HIDDEN,
	 "Exit with status 2 when the total is inconclusive, else 0", 0},
	{0},
};

static const struct argp_child children[] = {{&command_colour_argp, 0, NULL, 0}, {0}};

const struct argp command_compare_argp = {
	argp_options,
	parse,
	"BASE.prof... -- NEW.prof...",
	"Says what changed between two groups of recordings.\v"
	"Every recording is one run of the same work; runs are the replicates, so record several "
	"on each side (10 find a change of 10 % in a function of 30 %), in turn. With one on a "
	"side "
	"the comparison is marked unreplicated and decides nothing.\n\n"
	"Verdicts: regressed and improved mean beyond the margin for certain, unchanged within it, "
	"inconclusive neither. \"sees\" is the change that would have been found.\n\n"
	"Exit status: 0 done, 1 failed or not comparable, 2 something regressed.",
	children,
	NULL,
	NULL,
};

static int take_arguments(struct options *options, int count, char **arguments, struct error *error)
{
	if (!command_sides_read(&options->sides, &command_compare_argp, count, arguments, options))
		return fail(error, -EINVAL,
			    "which are the new recordings? Write them after \"--\": compare "
			    "BASE.prof... -- NEW.prof...");
	return command_sides_check(&options->sides, options->comparison.paired, error);
}

/* Writes the page, with the picture of what changed. */
static int write_html(const json_t *document, const struct options *options, FILE *stream,
		      struct error *error)
{
	uint32_t base_count = (uint32_t)options->sides.base_count;
	struct flame_change change;
	struct report report;
	size_t bytes;
	char *flame = NULL;
	FILE *memory;
	int result = flame_change_load(&change, options->sides.paths, base_count,
				       (uint32_t)options->sides.count - base_count,
				       &options->comparison, options->force, error);

	if (result)
		return result;
	memory = xalloc_checked(open_memstream(&flame, &bytes));
	flame_change_open(&change, &report);
	flame_write(&report,
		    &(struct flame_options){.change = &change,
					    .bytes = FLAME_PAGE_BYTES,
					    .boxes = FLAME_PAGE_BOXES},
		    memory);
	fclose(memory);
	document_write_html(document,
			    &(struct document_parts){.flame = flame, .flame_bytes = bytes}, stream);
	free(flame);
	report_done(&report);
	flame_change_done(&change);
	return 0;
}

/* Opens the first recording of each side; report_done of both after success. */
static int open_sides(struct report sides[2], const struct options *options, struct error *error)
{
	int result = report_open(&sides[0], options->sides.paths[0], error);

	if (result)
		return result;
	result = report_open(&sides[1], options->sides.paths[options->sides.base_count], error);
	if (result)
		report_done(&sides[0]);
	return result;
}

/* Writes the whole report. */
static int write_document(const struct comparison *comparison, const struct options *options,
			  FILE *stream, struct error *error)
{
	struct report sides[2];
	json_t *document, *scaling = NULL;
	int result = open_sides(sides, options, error);

	if (result)
		return result;
	if (options->scaling) {
		scaling = scaling_read(options->scaling, error);
		if (!scaling)
			result = -EINVAL;
	}
	if (result) {
		report_done(&sides[0]);
		report_done(&sides[1]);
		return result;
	}
	document = document_of_comparison(comparison, &sides[0], &sides[1], scaling);
	report_done(&sides[0]);
	report_done(&sides[1]);
	json_decref(scaling);
	if (options->format == FORMAT_JSON)
		output_json(document, stream);
	else if (options->format == FORMAT_MARKDOWN)
		document_write_markdown(document, stream);
	else
		result = write_html(document, options, stream, error);
	json_decref(document);
	return result;
}

static void write_comparison(const struct comparison *comparison, const struct options *options,
			     FILE *stream)
{
	json_t *json;

	if (options->format == FORMAT_MARKDOWN) {
		comparison_write_markdown(comparison, options->limit, stream);
	} else if (options->format == FORMAT_TEXT) {
		comparison_write(comparison, options->limit, stream, output_columns(stream),
				 output_has_colour(stream));
	} else {
		json = comparison_json(comparison);
		output_json(json, stream);
		json_decref(json);
	}
}

/* Compares loaded runs. Returns the exit status, or a negative errno. */
static int compare(const struct options *options, const struct comparison_run *runs,
		   const struct comparison_names *names, struct error *error)
{
	size_t base_count = options->sides.base_count,
	       fresh_count = options->sides.count - base_count;
	const struct comparison_run **all = xcalloc(options->sides.count, sizeof(*all));
	struct comparison comparison;
	struct output output;
	int result;

	for (size_t i = 0; i < options->sides.count; i++)
		all[i] = &runs[i];
	result = comparison_check(all, options->sides.count, options->force, error);
	if (!result)
		result = output_open(&output, options->output, error);
	if (!result) {
		comparison_make(&comparison, &options->comparison, names, all, base_count,
				all + base_count, fresh_count);
		if (options->is_document || options->format == FORMAT_HTML)
			result = write_document(&comparison, options, output.stream, error);
		else
			write_comparison(&comparison, options, output.stream);
		if (result)
			output_discard(&output);
		else
			result = output_close(&output, error);
		if (!result && options->decided)
			result = comparison.total.verdict == COMPARISON_INCONCLUSIVE ? 2 : 0;
		else if (!result && comparison_is_worse(&comparison))
			result = 2;
		comparison_done(&comparison);
	}
	free(all);
	return result;
}

int command_compare(int count, char **arguments)
{
	struct options options = {.comparison = comparison_defaults, .limit = 25};
	struct comparison_names names = {0};
	struct comparison_run *runs = NULL;
	size_t loaded = 0;
	struct error error;
	int result;

	result = take_arguments(&options, count, arguments, &error);
	if (!result) {
		runs = xcalloc(options.sides.count, sizeof(*runs));
		result = comparison_runs_load(runs, options.sides.paths, options.sides.count,
					      &loaded, &names, &error);
	}
	if (!result)
		result = compare(&options, runs, &names, &error);
	for (size_t i = 0; i < loaded; i++)
		comparison_run_done(&runs[i]);
	free(runs);
	command_sides_done(&options.sides);
	comparison_names_done(&names);
	return result < 0 ? command_failed(error.text) : result;
}
