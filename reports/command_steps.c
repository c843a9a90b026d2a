/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command steps: durations of simulation steps, slow ones and what they do, and their order. */
#include "reports/command.h"

#include "reports/output.h"
#include "reports/steps_write.h"

struct options {
	struct command_files files;
	uint32_t limit;
	bool json;
	bool folded;
};

enum {
	OPTION_JSON = 256,
	OPTION_FOLDED
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
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_FOLDED:
		options->folded = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"limit", 'n', "N", 0, "Show N functions, 0 for all (default 20; with --json all)", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON, with the duration of every step", 0},
	{"folded", OPTION_FOLDED, NULL, 0,
	 "Write stacks with their cost in typical and in slow steps, for differential flame graphs",
	 0},
	{0},
};

static const struct argp_child children[] = {{&command_files_argp, 0, NULL, 0}, {0}};

const struct argp command_steps_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Lists the steps of a simulation (collector run --step FUNCTION): how long they take, "
	"where "
	"that changes, which are slow and at what intervals, and what slow steps do that typical "
	"ones do not.\v"
	"A step is slow when its robust z-score is above 5 and it takes a tenth longer than the "
	"median. What steps do is told by the samples taken in them, of all threads of the "
	"process.",
	children,
	NULL,
	NULL,
};

static void write_report(const struct report *report, const struct options *options, FILE *stream)
{
	struct steps_contrast contrast;
	struct steps steps;

	steps_measure(&steps, report->profile);
	steps_contrast_measure(&contrast, report, &steps);
	if (options->folded)
		steps_write_folded(report, &contrast, stream);
	else if (options->json)
		steps_write_json(report, &steps, &contrast, options->limit, stream);
	else
		steps_write_text(report, &steps, &contrast, options->limit, stream);
	steps_contrast_done(&contrast);
	steps_done(&steps);
}

int command_steps(int count, char **arguments)
{
	struct options options = {0};
	struct report report;
	struct output output;
	struct error error;

	argp_parse(&command_steps_argp, count, arguments, 0, NULL, &options);
	if (!options.limit)
		options.limit = options.json ? UINT32_MAX : 20;
	if (report_open(&report, options.files.profile, &error))
		return command_failed(error.text);
	if (!report.profile->steps_count) {
		report_done(&report);
		return command_failed(
			"no step ended in this recording; record with --step FUNCTION, "
			"the function that makes one step");
	}
	if (output_open(&output, options.files.output, &error)) {
		report_done(&report);
		return command_failed(error.text);
	}
	write_report(&report, &options, output.stream);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
