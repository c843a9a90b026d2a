/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command calls: exact call counts and durations of probed functions. */
#include "reports/command.h"

#include "reports/calls_write.h"
#include "reports/output.h"

struct options {
	struct command_files files;
	uint32_t limit;
	bool threads;
	bool json;
};

enum {
	OPTION_THREADS = 256,
	OPTION_JSON
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;
	char *end;
	long limit;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		return 0;
	case 'n':
		limit = strtol(argument, &end, 10);
		if (*end || end == argument || limit < 0 || limit > INT32_MAX)
			argp_error(state, "--limit wants a number of rows, 0 for all, not '%s'",
				   argument);
		options->limit = limit ? limit : UINT32_MAX;
		return 0;
	case OPTION_THREADS:
		options->threads = true;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"limit", 'n', "N", 0, "Show N rows of each table, 0 for all (default 40; with --json all)",
	 0},
	{"threads", OPTION_THREADS, NULL, 0, "A table by thread, too", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON, with histograms", 0},
	{0},
};

static const struct argp_child children[] = {{&command_files_argp, 0, NULL, 0}, {0}};

const struct argp command_calls_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Lists the functions that were probed (collector run --time, --count, --step) with their "
	"calls, durations and callers.\v"
	"Calls are counted, not sampled. Durations are wall time without the probes' own cost: "
	"mean and percentiles of all calls, percentiles within 1.6 %; total counts recursion once; "
	"self is without callees that were timed themselves.",
	children,
	NULL,
	NULL,
};

int command_calls(int count, char **arguments)
{
	struct options options = {0};
	struct report report;
	struct output output;
	struct calls calls;
	struct error error;

	argp_parse(&command_calls_argp, count, arguments, 0, NULL, &options);
	if (!options.limit)
		options.limit = options.json ? UINT32_MAX : 40;
	if (report_open(&report, options.files.profile, &error))
		return command_failed(error.text);
	if (!report.profile->probes_count) {
		report_done(&report);
		return command_failed("no function was probed in this recording; record with "
				      "--time FUNCTIONS or --count FUNCTIONS");
	}
	if (output_open(&output, options.files.output, &error)) {
		report_done(&report);
		return command_failed(error.text);
	}
	calls_measure(&calls, &report);
	if (options.json)
		calls_write_json(&report, &calls, options.limit, output.stream);
	else
		calls_write_text(&report, &calls, options.limit, options.threads, output.stream);
	calls_done(&calls);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
