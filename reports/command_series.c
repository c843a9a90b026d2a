/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command series: what has a curve over the time of the recording. */
#include "reports/command.h"

#include "reports/output.h"
#include "reports/series.h"
#include "reports/summary.h"

struct options {
	struct command_files files;
	bool json, svg;
};

enum {
	OPTION_JSON = 256,
	OPTION_SVG,
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
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
	{"json", OPTION_JSON, NULL, 0, "Write JSON, with all points", 0},
	{"svg", OPTION_SVG, NULL, 0, "Draw the curves as SVG, with ticks where steps ended", 0},
	{0},
};

static const struct argp_child children[] = {{&command_files_argp, 0, NULL, 0}, {0}};

const struct argp command_series_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Shows what the target used over the time of a recording: memory, threads, faults, context "
	"switches, I/O, and the time on each core.\v"
	"Looked up ten times a second, in all its processes together. Of totals (faults, switches, "
	"bytes, core time) the mean, least and most are rates a second.",
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
	if (!options->json) {
		series_write(report, stream, output_columns(stream), output_has_colour(stream));
		return;
	}
	json = summary_head_json(report);
	json_object_set_new(json, "series", series_json(report));
	json_dumpf(json, stream, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
	fputc('\n', stream);
	json_decref(json);
}

int command_series(int count, char **arguments)
{
	struct options options = {0};
	struct report report;
	struct output output;
	struct error error;

	argp_parse(&command_series_argp, count, arguments, 0, NULL, &options);
	if (report_open(&report, options.files.profile, &error))
		return command_failed(error.text);
	if (!report.profile->points_count) {
		report_done(&report);
		return command_failed("this profile has no series: its recording ended too soon");
	}
	if (output_open(&output, options.files.output, &error)) {
		report_done(&report);
		return command_failed(error.text);
	}
	write_report(&report, &options, output.stream);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
