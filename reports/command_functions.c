/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command functions: self and total cost per function. */
#include "reports/command.h"

#include "reports/metric.h"
#include "reports/summary.h"

struct options {
	struct command_files files;
	struct command_rows rows;
	const char *metric;
	struct selection selection;
	enum functions_order order;
};

enum {
	OPTION_SORT = 256
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		state->child_inputs[1] = &options->rows;
		state->child_inputs[2] = &options->metric;
		state->child_inputs[3] = &options->selection;
		return 0;
	case OPTION_SORT:
		if (strcmp(argument, "self") && strcmp(argument, "total"))
			argp_error(state, "--sort wants self or total, not '%s'", argument);
		options->order = *argument == 's' ? FUNCTIONS_BY_SELF : FUNCTIONS_BY_TOTAL;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"sort", OPTION_SORT, "COST", 0, "Order by self (default) or total", 0},
	{0},
};

static const struct argp_child children[] = {{&command_files_argp, 0, NULL, 0},
					     {&command_rows_argp, 0, NULL, 0},
					     {&command_metric_argp, 0, NULL, 0},
					     {&command_selection_argp, 0, NULL, 0},
					     {0}};

const struct argp command_functions_argp = {
	argp_options,
	parse,
	"NAME.prof",
	"Lists the functions of a profile with their self and total cost.\v"
	"Self is time in the function itself, total also in what it called; recursion counts once. "
	"The 95 % interval speaks of this run only: runs differ by more than that.",
	children,
	NULL,
	NULL,
};

static void write_json(const struct report *report, const struct functions *functions,
		       uint32_t limit, FILE *stream)
{
	json_t *json = summary_head_json(report);

	json_object_set_new(json, "functions", summary_functions_json(report, functions, limit));
	output_json(json, stream);
	json_decref(json);
}

static void write_text(const struct report *report, const struct functions *functions,
		       const struct options *options, FILE *stream)
{
	bool colour = output_has_colour(stream);

	if (!functions->samples || report_has_waits_alone(report))
		summary_empty(report, stream);
	if (functions->samples)
		summary_functions(report, functions, options->order, options->rows.limit, stream,
				  output_columns(stream), colour);
	fputc('\n', stream);
	summary_trust(report, stream, colour);
}

static void write_report(const struct report *report, const struct options *options, FILE *stream)
{
	struct call_tree *tree = call_tree_build(
		report->profile, &(struct call_tree_options){.metric = report->metric});
	struct functions functions;

	functions_measure(&functions, report->profile, tree, report->metric, &report->symbols,
			  options->order, options->rows.limit);
	if (options->rows.json)
		write_json(report, &functions, options->rows.limit, stream);
	else
		write_text(report, &functions, options, stream);
	functions_done(&functions);
	call_tree_free(tree);
}

int command_functions(int count, char **arguments)
{
	struct options options = {
		.metric = METRIC_FIRST_OR_WAIT, .rows.standard = 40, .order = FUNCTIONS_BY_SELF};
	struct report report;
	struct output output;

	argp_parse(&command_functions_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.files, options.metric, NULL, &report, &output) ||
	    command_select(&options.selection, &report, &output))
		return 1;
	write_report(&report, &options, output.stream);
	return command_end(&report, &output);
}
