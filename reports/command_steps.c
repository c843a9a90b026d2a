/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command steps: durations of simulation steps, slow ones and what they do, and their order. */
#include "reports/command.h"

#include "reports/steps_flame.h"
#include "reports/steps_write.h"

struct options {
	struct command_listing listing;
	bool folded, flame;
};

enum {
	OPTION_FOLDED = 256,
	OPTION_FLAME
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->listing;
		return 0;
	case OPTION_FOLDED:
		options->folded = true;
		return 0;
	case OPTION_FLAME:
		options->flame = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"flame", OPTION_FLAME, NULL, 0,
	 "Draw slow steps against typical ones as a flame graph of what changes (SVG)", 0},
	{"folded", OPTION_FOLDED, NULL, 0,
	 "Write stacks with their cost in typical and in slow steps, for differential flame graphs",
	 0},
	{0},
};

static const struct argp_child children[] = {{&command_listing_argp, 0, NULL, 0}, {0}};

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
	"process. JSON has the duration of every step, too.",
	children,
	NULL,
	NULL,
};

static int write_flame(struct report *report, const struct steps *steps,
		       const struct steps_contrast *contrast, FILE *stream)
{
	struct flame_change change;

	if (!steps_flame_prepare(&change, report, steps, contrast))
		return command_failed("there are no slow steps with samples to draw beside typical "
				      "ones");
	steps_flame_write(report, &change, contrast, stream);
	return 0;
}

static int write_report(struct report *report, const struct options *options, FILE *stream)
{
	struct steps_contrast contrast;
	struct steps steps;
	int status = 0;

	steps_measure(&steps, report->profile);
	steps_contrast_measure(&contrast, report, &steps);
	if (options->flame)
		status = write_flame(report, &steps, &contrast, stream);
	else if (options->folded)
		steps_write_folded(report, &contrast, stream);
	else if (options->listing.rows.json)
		steps_write_json(report, &steps, &contrast, options->listing.rows.limit, stream);
	else
		steps_write_text(report, &steps, &contrast, options->listing.rows.limit, stream);
	steps_contrast_done(&contrast);
	steps_done(&steps);
	return status;
}

static const char *why_no_steps(const struct report *report)
{
	return report->profile->steps_count
		       ? NULL
		       : "no step ended in this recording; record with --step FUNCTION, the "
			 "function that makes one step";
}

int command_steps(int count, char **arguments)
{
	struct options options = {.listing.rows.standard = 20};
	struct report report;
	struct output output;

	argp_parse(&command_steps_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.listing.files, NULL, why_no_steps, &report, &output))
		return 1;
	if (!write_report(&report, &options, output.stream))
		return command_end(&report, &output);
	output_discard(&output);
	report_done(&report);
	return 1;
}
