/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command: what all commands share; see command.h. */
#include "reports/command.h"

#include "reports/text.h"

#include <errno.h>
#include <stdio.h>

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

const struct argp command_files_argp = {files_options, parse_files, NULL, NULL, NULL, NULL, NULL};

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
	 "What to report: cpu (default), or when recorded with --off-cpu also off-cpu, run-queue, "
	 "or wall: all three; with --memory also allocations, allocated, temporaries, live, "
	 "live-blocks, peak or peak-blocks",
	 10},
	{0},
};

const struct argp command_metric_argp = {metric_options, parse_metric, NULL, NULL,
					 NULL,		 NULL,	       NULL};

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
