/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command flame: the picture. */
#include "reports/command.h"

#include "reports/flame.h"
#include "reports/metric.h"
#include "reports/output.h"

struct options {
	struct command_files files;
	const char *metric;
	struct flame_options flame;
};

enum {
	OPTION_TITLE = 256,
	OPTION_FLAME,
	OPTION_ICICLE
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		state->child_inputs[1] = &options->metric;
		return 0;
	case OPTION_TITLE:
		options->flame.title = argument;
		return 0;
	case OPTION_FLAME:
	case OPTION_ICICLE:
		options->flame.root_below = key == OPTION_FLAME;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"title", OPTION_TITLE, "TEXT", 0, "Title of the picture", 0},
	{"icicle", OPTION_ICICLE, NULL, 0, "Callers above their callees (default)", 0},
	{"flame", OPTION_FLAME, NULL, 0, "Callers below their callees", 0},
	{0},
};

static const struct argp_child children[] = {
	{&command_files_argp, 0, NULL, 0}, {&command_metric_argp, 0, NULL, 0}, {0}};

const struct argp command_flame_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Draws a profile as one self-contained SVG: open it in a browser, embed it, or publish it "
	"as a CI artifact.\v"
	"With the waits of collector run --off-cpu in the profile, the picture shows all the time "
	"of all threads (wall) unless --metric says otherwise. At most 4,000 boxes and 0.8 MB for "
	"any profile; what is left out is said in the picture.",
	children,
	NULL,
	NULL,
};

int command_flame(int count, char **arguments)
{
	struct options options = {.metric = METRIC_WALL_OR_FIRST};
	struct report report;
	struct output output;
	struct error error;

	argp_parse(&command_flame_argp, count, arguments, 0, NULL, &options);
	if (report_open_metric(&report, options.files.profile, options.metric, &error))
		return command_failed(error.text);
	if (output_open(&output, options.files.output, &error)) {
		report_done(&report);
		return command_failed(error.text);
	}
	flame_write(&report, &options.flame, output.stream);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
