/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command export: the profile in another tool's format. */
#include "reports/command.h"

#include "reports/export.h"
#include "reports/output.h"
#include "reports/report.h"

#include <unistd.h>

struct options {
	struct command_files files;
	const char *metric;
	const struct export_format *format;
};

static const struct export_format *find_format(const char *name)
{
	for (size_t i = 0; i < export_formats_count; i++)
		if (!strcmp(name, export_formats[i].name))
			return &export_formats[i];
	return NULL;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		state->child_inputs[1] = &options->metric;
		return 0;
	case 'f':
		options->format = find_format(argument);
		if (!options->format)
			argp_error(state, "no format '%s'; see --help", argument);
		return 0;
	case ARGP_KEY_END:
		if (!options->format)
			argp_error(state, "which format? Say --format NAME; see --help");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"format", 'f', "NAME", 0, "Format to write", 0},
	{0},
};

/* The list of formats in --help comes from the table itself. */
static char *add_formats(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t bytes;
	FILE *stream;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	stream = open_memstream(&help, &bytes);
	fputs("Formats:\n", stream);
	for (size_t i = 0; i < export_formats_count; i++)
		fprintf(stream, "  %-12s%s\n", export_formats[i].name, export_formats[i].summary);
	fclose(stream);
	return help;
}

static const struct argp_child children[] = {
	{&command_files_argp, 0, NULL, 0}, {&command_metric_argp, 0, NULL, 0}, {0}};

const struct argp command_export_argp = {
	argp_options, parse,
	"NAME.prof",  "Writes the samples of a profile in another tool's format.\v",
	children,     add_formats,
	NULL,
};

static bool goes_to_terminal(const char *path)
{
	return (!path || !strcmp(path, "-")) && isatty(STDOUT_FILENO);
}

int command_export(int count, char **arguments)
{
	struct options options = {0};
	struct report report;
	struct output output;
	struct error error;

	argp_parse(&command_export_argp, count, arguments, 0, NULL, &options);
	if (options.format->binary && goes_to_terminal(options.files.output))
		return command_failed("this format is not for terminals; name a file with -o");
	if (report_open_metric(&report, options.files.profile, options.metric, &error))
		return command_failed(error.text);
	if (output_open(&output, options.files.output, &error)) {
		report_done(&report);
		return command_failed(error.text);
	}
	options.format->write(report.profile, report.metric, output.stream);
	report_done(&report);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
