/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command lines: cost per source line, as a list of the hottest or beside the source. */
#include "reports/command.h"

#include "reports/lines_write.h"
#include "reports/metric.h"
#include "reports/output.h"
#include "reports/summary.h"

#include <errno.h>

enum view {
	VIEW_DEFAULT,
	VIEW_HOT,
	VIEW_SOURCE
};

struct options {
	struct selection selection;
	const char *profile, *target, *output, *metric, *folder;
	enum lines_inlined inlined;
	enum view view;
	uint32_t limit;
	bool json, disassembly;
};

enum {
	OPTION_JSON = 256,
	OPTION_AT_CALL,
	OPTION_SORT,
	OPTION_FOLDER,
	OPTION_DISASSEMBLY,
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
		state->child_inputs[1] = &options->selection;
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
	case OPTION_DISASSEMBLY:
		options->disassembly = true;
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
		if (options->disassembly && !options->target)
			argp_error(state,
				   "--disassembly of which function? Name a FUNCTION or FILE");
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
	{"disassembly", OPTION_DISASSEMBLY, NULL, 0,
	 "Show the instructions of FUNCTION, too, with what was sampled at each", 0},
	{"source-dir", OPTION_FOLDER, "DIR", 0,
	 "Look for source files below DIR too, by the last parts of their paths", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"output", 'o', "FILE", 0, "Write to FILE instead of standard output", 10},
	{0},
};

static const struct argp_child children[] = {{&command_metric_argp, 0, NULL, 0},
					     {&command_selection_argp, 0, NULL, 0},
					     {&command_colour_argp, 0, NULL, 0},
					     {0}};

const struct argp command_lines_argp = {
	argp_options,
	parse,
	"NAME.prof [FUNCTION|FILE]",
	"Lists source lines with their cost.\v"
	"Self is what was sampled at the line, total also what it called. The 95 % interval speaks "
	"of this run only. Hits are there after collector run --hits: how often control came to "
	"the "
	"line, counted, derived (=) or estimated (≈); allocations after --memory: those at the "
	"line "
	"and in what it called. A hint is given only where the numbers in it were measured. The "
	"text "
	"is read from the source files where this machine has them; one that was modified after "
	"the "
	"recording began is marked, its lines may be others. A program without debug information "
	"(-g) "
	"has no lines. FUNCTION may be less than a whole name of C++ or Rust: step, World::step; "
	"or a "
	"glob: '*_step'.",
	children,
	NULL,
	NULL,
};

static void write_json(const struct lines_view *view, const struct options *options,
		       const bool *wanted, FILE *stream)
{
	json_t *json = lines_json(view), *blocks = lines_blocks_json(view, wanted);

	if (json_array_size(blocks))
		json_object_set(json, "hits_by_address", blocks);
	json_decref(blocks);
	if (options->disassembly)
		json_object_set_new(json, "disassembly", lines_disassembly_json(view, wanted));
	output_json(json, stream);
	json_decref(json);
}

static void write_lines(const struct lines_view *view, const struct options *options, FILE *stream)
{
	if (!view->lines->count)
		fputs("no sample has a source line; programs need debug information (-g)\n",
		      stream);
	else if (options->view == VIEW_HOT)
		lines_write_hot(view, stream);
	else
		lines_write_source(view, stream);
}

static void write_text(const struct lines_view *view, const struct options *options,
		       const bool *wanted, FILE *stream)
{
	if (!view->lines->samples || report_has_waits_alone(view->report))
		summary_empty(view->report, stream);
	if (view->lines->samples || view->lines->has_hits)
		write_lines(view, options, stream);
	lines_write_remarks(view, stream);
	lines_write_blocks(view, wanted, stream);
	if (options->disassembly)
		lines_write_disassembly(view, wanted, stream);
	fputc('\n', stream);
	summary_trust(view->report, stream, output_has_colour(stream));
}

static void write_report(const struct report *report, const struct options *options,
			 const bool *wanted, FILE *stream)
{
	struct lines lines;
	struct lines_hints hints;
	struct lines_view view = {.report = report,
				  .lines = &lines,
				  .hints = &hints,
				  .inlined = options->inlined,
				  .folder = options->folder,
				  .limit = options->limit};

	lines_measure(&lines, report, options->inlined, wanted, options->limit);
	lines_hints_find(&hints, report, &lines);
	if (options->json)
		write_json(&view, options, wanted, stream);
	else
		write_text(&view, options, wanted, stream);
	lines_hints_done(&hints);
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
	struct options options = {.metric = METRIC_FIRST_OR_WAIT};
	struct report report;
	struct output output;
	struct error error;
	bool *wanted = NULL;
	char near[256];

	argp_parse(&command_lines_argp, count, arguments, 0, NULL, &options);
	set_defaults(&options);
	if (report_open_metric(&report, options.profile, options.metric, &error))
		return command_failed(error.text);
	if (options.target && !(wanted = lines_find(&report, options.target))) {
		lines_near(&report, options.target, near, sizeof(near));
		fail(&error, -ENOENT,
		     *near ? "no function and no file called '%s' in %s; did you mean %s?"
			   : "no function and no file called '%s' in %s",
		     options.target, options.profile, near);
		report_done(&report);
		return command_failed(error.text);
	}
	if (output_open(&output, options.output, &error)) {
		free(wanted);
		report_done(&report);
		return command_failed(error.text);
	}
	if (command_select(&options.selection, &report, &output)) {
		free(wanted);
		return 1;
	}
	write_report(&report, &options, wanted, output.stream);
	free(wanted);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
