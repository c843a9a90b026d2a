/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command calls: exact call counts and durations of probed functions. */
#include "reports/command.h"

#include "collector/base/xalloc.h"
#include "reports/calls_draw.h"
#include "reports/calls_write.h"
#include "reports/summary.h"

#define DRAWN 6 /* functions in a picture, unless told otherwise */

struct options {
	struct command_listing listing;
	bool threads;
	bool svg;
};

enum {
	OPTION_THREADS = 256,
	OPTION_SVG
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->listing;
		return 0;
	case OPTION_THREADS:
		options->threads = true;
		return 0;
	case OPTION_SVG:
		options->svg = true;
		options->listing.rows.standard = DRAWN;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"threads", OPTION_THREADS, NULL, 0, "A table by thread, too", 0},
	{"svg", OPTION_SVG, NULL, 0,
	 "Draw the distributions of durations as SVG, of N functions (default 6)", 0},
	{0},
};

static const struct argp_child children[] = {{&command_listing_argp, 0, NULL, 0}, {0}};

const struct argp command_calls_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Lists the functions that were probed (collector run --time, --count, --step) with their "
	"calls, durations and callers.\v"
	"Calls are counted, not sampled. Durations are wall time without the probes' own cost: "
	"mean and percentiles of all calls, percentiles within 1.6 %; total counts recursion once; "
	"self is without callees that were timed themselves. JSON has the histograms, too.",
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
			calls_histogram_init(&histograms[count++], &calls->rows[i]);
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

static void write_text(const struct report *report, const struct calls *calls,
		       const struct options *options, FILE *stream)
{
	calls_write_text(report, calls, options->listing.rows.limit, options->threads, stream);
	fputc('\n', stream);
	summary_trust(report, stream, output_has_colour(stream));
}

static const char *why_no_calls(const struct report *report)
{
	static char text[600]; /* outlives the report */

	if (report->profile->probes_count)
		return NULL;
	snprintf(text, sizeof(text), "%s",
		 profile_text(report->profile, "untimed",
			      "no function was probed in this recording; record with --time "
			      "FUNCTIONS or --count FUNCTIONS"));
	return text;
}

int command_calls(int count, char **arguments)
{
	struct options options = {.listing.rows.standard = 40};
	struct report report;
	struct output output;
	struct calls calls;
	bool is_drawn = true;

	argp_parse(&command_calls_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.listing.files, NULL, why_no_calls, &report, &output))
		return 1;
	calls_measure(&calls, &report);
	if (options.svg)
		is_drawn = draw(&report, &calls, options.listing.rows.limit, output.stream);
	else if (options.listing.rows.json)
		calls_write_json(&report, &calls, options.listing.rows.limit, output.stream);
	else
		write_text(&report, &calls, &options, output.stream);
	calls_done(&calls);
	if (is_drawn)
		return command_end(&report, &output);
	report_done(&report);
	output_discard(&output);
	return command_failed("no function was timed in this recording, only counted");
}
