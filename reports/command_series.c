/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command series: what has a curve over the time of the recording. */
#include "reports/command.h"

#include "reports/series.h"
#include "reports/summary.h"

struct options {
	struct command_single single;
	bool svg;
};

enum {
	OPTION_SVG = 256
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->single;
		return 0;
	case OPTION_SVG:
		options->svg = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"svg", OPTION_SVG, NULL, 0, "Draw the curves as SVG, with ticks where steps ended", 0},
	{0},
};

static const struct argp_child children[] = {{&command_single_argp, 0, NULL, 0}, {0}};

const struct argp command_series_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Shows what the target used over the time of a recording: memory, threads, faults, context "
	"switches, I/O, and the time on each core.\v"
	"Looked up ten times a second, in all its processes together. Of totals (faults, switches, "
	"bytes, core time) the mean, least and most are rates a second. What threads switched "
	"between the last look at them and their end is found at the end of a program that was "
	"started, and missing of one that was attached to. JSON has all points.",
	children,
	NULL,
	NULL,
};

static void write_report(const struct report *report, const struct options *options, FILE *stream)
{
	json_t *json;

	if (options->svg) {
		series_draw_report(report, SERIES_ALL, stream);
		return;
	}
	if (!options->single.json) {
		series_write(report, stream, output_columns(stream), output_has_colour(stream));
		fputc('\n', stream);
		summary_trust(report, stream, output_has_colour(stream));
		return;
	}
	json = summary_head_json(report);
	json_object_set_new(json, "series", series_json(report));
	output_json(json, stream);
	json_decref(json);
}

static const char *why_no_series(const struct report *report)
{
	return report->profile->points_count
		       ? NULL
		       : "this profile has no series: its recording ended too soon";
}

int command_series(int count, char **arguments)
{
	struct options options = {0};
	struct report report;
	struct output output;

	argp_parse(&command_series_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.single.files, NULL, why_no_series, &report, &output))
		return 1;
	write_report(&report, &options, output.stream);
	return command_end(&report, &output);
}
