/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command summary: where the time went, in one screen. */
#include "reports/command.h"

#include "reports/metric.h"
#include "reports/summary.h"

struct options {
	struct command_single single;
	const char *metric;
	bool check;
};

enum {
	OPTION_CHECK = 256
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->single;
		state->child_inputs[1] = &options->metric;
		return 0;
	case OPTION_CHECK:
		options->check = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"check", OPTION_CHECK, NULL, 0,
	 "Exit with status 2 when the trust line says that the data does not carry the report", 0},
	{0},
};

static const struct argp_child children[] = {
	{&command_single_argp, 0, NULL, 0}, {&command_metric_argp, 0, NULL, 0}, {0}};

const struct argp command_summary_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Says where the time of a profile went, and how far the profile may be trusted.\v"
	"Statements of the trust line that mean trouble are marked (!), and red on a terminal.",
	children,
	NULL,
	NULL,
};

static void write_report(const struct report *report, bool as_json, FILE *stream)
{
	json_t *json;

	if (!as_json) {
		summary_write(report, stream, output_columns(stream), output_has_colour(stream));
		return;
	}
	json = summary_json(report);
	output_json(json, stream);
	json_decref(json);
}

int command_summary(int count, char **arguments)
{
	struct options options = {.metric = METRIC_FIRST_OR_WAIT};
	struct report report;
	struct output output;
	bool bad;

	argp_parse(&command_summary_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.single.files, options.metric, NULL, &report, &output))
		return 1;
	write_report(&report, options.single.json, output.stream);
	bad = report.trust.bad;
	if (command_end(&report, &output))
		return 1;
	return options.check && bad ? 2 : 0;
}
