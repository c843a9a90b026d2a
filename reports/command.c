/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command: what all commands share; see command.h. */
#include "reports/command.h"

#include "collector/base/xalloc.h"
#include "reports/text.h"

#include <errno.h>
#include <inttypes.h>

enum {
	OPTION_JSON = 256,
	OPTION_COLOUR
};

static error_t parse_colour(int key, char *argument, struct argp_state *state)
{
	if (key != OPTION_COLOUR)
		return ARGP_ERR_UNKNOWN;
	if (output_ask_colour(argument))
		argp_error(state, "--color takes auto, always or never, not '%s'", argument);
	return 0;
}

static const struct argp_option colour_options[] = {
	{"color", OPTION_COLOUR, "WHEN", 0,
	 "Colour text: auto (default: on terminals, as NO_COLOR and FORCE_COLOR say), always or "
	 "never",
	 11},
	{0},
};

const struct argp command_colour_argp = {colour_options, parse_colour, NULL, NULL,
					 NULL,		 NULL,	       NULL};

static error_t parse_files(int key, char *argument, struct argp_state *state)
{
	struct command_files *files = state->input;

	switch (key) {
	case 'o':
		files->output = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (files->profile)
			argp_error(state, "one profile at a time, not also '%s'", argument);
		files->profile = argument;
		return 0;
	case ARGP_KEY_END:
		if (!files->profile)
			argp_error(state, "which profile? Name a .prof file");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option files_options[] = {
	{"output", 'o', "FILE", 0, "Write to FILE instead of standard output", 10},
	{0},
};

static const struct argp_child files_children[] = {{&command_colour_argp, 0, NULL, 0}, {0}};

const struct argp command_files_argp = {files_options,	parse_files, NULL, NULL,
					files_children, NULL,	     NULL};

static error_t parse_metric(int key, char *argument, struct argp_state *state)
{
	const char **metric = state->input;

	if (key != 'm')
		return ARGP_ERR_UNKNOWN;
	*metric = argument;
	return 0;
}

static const struct argp_option metric_options[] = {
	{"metric", 'm', "METRIC", 0,
	 "What to report: cpu (default; where it has no samples but threads waited, summary, "
	 "functions, lines and report show the longer wait), or when recorded with --off-cpu also "
	 "off-cpu, run-queue, "
	 "or wall: all three; with --memory also allocations, allocated, temporaries, live, "
	 "live-blocks, peak or peak-blocks",
	 10},
	{0},
};

const struct argp command_metric_argp = {metric_options, parse_metric, NULL, NULL,
					 NULL,		 NULL,	       NULL};

enum {
	OPTION_THREAD = 700,
	OPTION_COMPONENT,
	OPTION_STEPS
};

static error_t parse_selection(int key, char *argument, struct argp_state *state)
{
	struct selection *selection = state->input;

	switch (key) {
	case OPTION_THREAD:
		selection->thread = argument;
		return 0;
	case OPTION_COMPONENT:
		selection->component = argument;
		return 0;
	case OPTION_STEPS:
		selection->steps = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option selection_options[] = {
	{"thread", OPTION_THREAD, "NAME", 0,
	 "Only samples of threads of this name ('worker*') or number", 8},
	{"component", OPTION_COMPONENT, "NAME", 0,
	 "Only samples in functions of this component, as the flame graph's legend names it", 8},
	{"steps", OPTION_STEPS, "SET", 0,
	 "Only samples in these steps: slow, typical, warm-up, or numbers like 10-20", 8},
	{0},
};

const struct argp command_selection_argp = {
	selection_options, parse_selection, NULL, NULL, NULL, NULL, NULL};

static error_t parse_json(int key, char *argument, struct argp_state *state)
{
	bool *json = state->input;

	(void)argument;
	if (key != OPTION_JSON)
		return ARGP_ERR_UNKNOWN;
	*json = true;
	return 0;
}

static const struct argp_option json_options[] = {
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 9},
	{0},
};

const struct argp command_json_argp = {json_options, parse_json, NULL, NULL, NULL, NULL, NULL};

static uint32_t parse_limit(const struct argp_state *state, const char *argument)
{
	char *end;
	long limit = strtol(argument, &end, 10);

	if (*end || end == argument || limit < 0 || limit > INT32_MAX)
		argp_error(state, "--limit wants a number of rows, 0 for all, not '%s'", argument);
	return limit ? (uint32_t)limit : UINT32_MAX;
}

static error_t parse_rows(int key, char *argument, struct argp_state *state)
{
	struct command_rows *rows = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &rows->json;
		return 0;
	case 'n':
		rows->limit = parse_limit(state, argument);
		return 0;
	case ARGP_KEY_END:
		if (!rows->limit)
			rows->limit = rows->json ? UINT32_MAX : rows->standard;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option rows_options[] = {
	{"limit", 'n', "N", 0, "Show N rows of each table, 0 for all", 9},
	{0},
};

/* Adds what happens without --limit, which differs between commands. */
static char *tell_standard(int key, const char *text, void *input)
{
	const struct command_rows *rows = input;
	char *help = NULL;

	if (key != 'n' || !rows || rows->standard == UINT32_MAX)
		return (char *)text;
	help = xasprintf("%s (default %" PRIu32 "; with --json all)", text, rows->standard);
	return help;
}

static const struct argp_child rows_children[] = {{&command_json_argp, 0, NULL, 0}, {0}};

const struct argp command_rows_argp = {rows_options,  parse_rows,    NULL, NULL,
				       rows_children, tell_standard, NULL};

error_t command_listing_parse(int key, char *argument, struct argp_state *state)
{
	struct command_listing *listing = state->input;

	(void)argument;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = &listing->files;
	state->child_inputs[1] = &listing->rows;
	return 0;
}

const struct argp_child command_listing_children[] = {
	{&command_files_argp, 0, NULL, 0}, {&command_rows_argp, 0, NULL, 0}, {0}};

const struct argp command_listing_argp = {
	NULL, command_listing_parse, NULL, NULL, command_listing_children, NULL, NULL};

static error_t parse_single(int key, char *argument, struct argp_state *state)
{
	struct command_single *single = state->input;

	(void)argument;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = &single->files;
	state->child_inputs[1] = &single->json;
	return 0;
}

static const struct argp_child single_children[] = {
	{&command_files_argp, 0, NULL, 0}, {&command_json_argp, 0, NULL, 0}, {0}};

const struct argp command_single_argp = {NULL, parse_single, NULL, NULL, single_children,
					 NULL, NULL};

int command_begin(const struct command_files *files, const char *metric,
		  const char *(*refuse)(const struct report *report), struct report *report,
		  struct output *output)
{
	const char *refusal;
	struct error error;

	if (report_open_metric(report, files->profile, metric, &error))
		return command_failed(error.text);
	refusal = refuse ? refuse(report) : NULL;
	if (refusal || output_open(output, files->output, &error)) {
		command_failed(refusal ? refusal
				       : error.text); /* it may be the profile's own words */
		report_done(report);
		return 1;
	}
	return 0;
}

int command_select(const struct selection *selection, struct report *report, struct output *output)
{
	struct error error;

	if (!selection_apply(report, selection, &error))
		return 0;
	report_done(report);
	output_discard(output);
	return command_failed(error.text);
}

int command_end(struct report *report, struct output *output)
{
	struct error error;

	report_done(report);
	return output_close(output, &error) ? command_failed(error.text) : 0;
}

int command_failed(const char *sentence)
{
	struct obstack memory;

	/* It may quote the file: names, and what SQLite says of them. */
	obstack_init(&memory);
	fprintf(stderr, "%s: %s\n", program_invocation_short_name,
		text_plain(&memory, sentence, 0));
	obstack_free(&memory, NULL);
	return 1;
}
