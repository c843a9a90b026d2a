/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command functions: self and total cost per function. */
#include "reports/command.h"

#include "reports/output.h"
#include "reports/summary.h"

struct options {
	struct command_files files;
	const char *metric;
	enum functions_order order;
	uint32_t limit;
	bool json;
};

enum {
	OPTION_SORT = 256,
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
		state->child_inputs[1] = &options->metric;
		return 0;
	case 'n':
		limit = strtol(argument, &end, 10);
		if (*end || end == argument || limit < 0 || limit > INT32_MAX)
			argp_error(state, "--limit wants a number of rows, 0 for all, not '%s'",
				   argument);
		options->limit = limit ? limit : UINT32_MAX;
		return 0;
	case OPTION_SORT:
		if (strcmp(argument, "self") && strcmp(argument, "total"))
			argp_error(state, "--sort wants self or total, not '%s'", argument);
		options->order = *argument == 's' ? FUNCTIONS_BY_SELF : FUNCTIONS_BY_TOTAL;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"limit", 'n', "N", 0, "Show N functions, 0 for all (default 40; with --json all)", 0},
	{"sort", OPTION_SORT, "COST", 0, "Order by self (default) or total", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{0},
};

static const struct argp_child children[] = {
	{&command_files_argp, 0, NULL, 0}, {&command_metric_argp, 0, NULL, 0}, {0}};

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
	json_dumpf(json, stream, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
	fputc('\n', stream);
	json_decref(json);
}

static void write_text(const struct report *report, const struct functions *functions,
		       const struct options *options, FILE *stream)
{
	bool colour = output_has_colour(stream);

	if (functions->samples)
		summary_functions(report, functions, options->order, options->limit, stream,
				  output_columns(stream), colour);
	else
		summary_empty(report, stream);
	fputc('\n', stream);
	summary_trust(report, stream, colour);
}

static void write_report(const struct report *report, const struct options *options, FILE *stream)
{
	struct call_tree *tree = call_tree_build(
		report->profile, &(struct call_tree_options){.metric = report->metric});
	struct functions functions;

	functions_measure(&functions, report->profile, tree, report->metric, &report->symbols,
			  options->order, options->limit);
	if (options->json)
		write_json(report, &functions, options->limit, stream);
	else
		write_text(report, &functions, options, stream);
	functions_done(&functions);
	call_tree_free(tree);
}

int command_functions(int count, char **arguments)
{
	struct options options = {.order = FUNCTIONS_BY_SELF};
	struct report report;
	struct output output;
	struct error error;

	argp_parse(&command_functions_argp, count, arguments, 0, NULL, &options);
	if (!options.limit)
		options.limit = options.json ? UINT32_MAX : 40;
	if (report_open_metric(&report, options.files.profile, options.metric, &error))
		return command_failed(error.text);
	if (output_open(&output, options.files.output, &error)) {
		report_done(&report);
		return command_failed(error.text);
	}
	write_report(&report, &options, output.stream);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
