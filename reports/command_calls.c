/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command calls: exact call counts and durations of probed functions. */
#include "reports/command.h"

#include "collector/base/xalloc.h"
#include "reports/calls_draw.h"
#include "reports/calls_write.h"
#include "reports/output.h"

struct options {
	struct command_files files;
	uint32_t limit;
	bool threads;
	bool json, svg;
};

enum {
	OPTION_THREADS = 256,
	OPTION_JSON,
	OPTION_SVG
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
	case OPTION_SVG:
		options->svg = true;
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
	{"svg", OPTION_SVG, NULL, 0,
	 "Draw the distributions of durations as SVG, of N functions (default 6)", 0},
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

/* Draws the first timed functions; false when there is none. */
static bool draw(const struct report *report, const struct calls *calls, uint32_t limit,
		 FILE *stream)
{
	struct calls_histogram *histograms = xcalloc(calls->count, sizeof(*histograms));
	char title[REPORT_COMMAND_LIMIT + 32];
	struct obstack memory;
	uint32_t count = 0;

	obstack_init(&memory);
	for (uint32_t i = 0; i < calls->count && count < limit; i++)
		if (calls->rows[i].sum.returns)
			calls_histogram_init(&histograms[count++], report, &calls->rows[i]);
	snprintf(title, sizeof(title), "%s · durations of calls",
		 text_clean(&memory, report_command(report), REPORT_COMMAND_LIMIT));
	if (count)
		calls_draw(histograms, count, title, false, stream);
	for (uint32_t i = 0; i < count; i++)
		calls_histogram_done(&histograms[i]);
	free(histograms);
	obstack_free(&memory, NULL);
	return count;
}

int command_calls(int count, char **arguments)
{
	struct options options = {0};
	struct report report;
	struct output output;
	struct calls calls;
	struct error error;
	bool is_drawn = true;

	argp_parse(&command_calls_argp, count, arguments, 0, NULL, &options);
	if (!options.limit)
		options.limit = options.json ? UINT32_MAX : options.svg ? 6 : 40;
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
	if (options.svg)
		is_drawn = draw(&report, &calls, options.limit, output.stream);
	else if (options.json)
		calls_write_json(&report, &calls, options.limit, output.stream);
	else
		calls_write_text(&report, &calls, options.limit, options.threads, output.stream);
	calls_done(&calls);
	report_done(&report);
	if (!is_drawn) {
		output_discard(&output);
		return command_failed("no function was timed in this recording, only counted");
	}
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
