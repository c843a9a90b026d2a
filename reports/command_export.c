/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command export: the profile in another tool's format. */
#include "reports/command.h"

#include "reports/export.h"
#include "reports/output.h"
#include "reports/push.h"
#include "reports/report.h"

#include <unistd.h>

struct options {
	struct command_files files;
	const char *metric;
	const struct export_format *format;
	struct push push; /* url NULL: not to a server */
};

enum {
	OPTION_PUSH = 256,
	OPTION_SERVICE,
	OPTION_LABEL,
	OPTION_HEADER,
	OPTION_RETRIES,
};

static const struct export_format *find_format(const char *name)
{
	for (size_t i = 0; i < export_formats_count; i++)
		if (!strcmp(name, export_formats[i].name))
			return &export_formats[i];
	return NULL;
}

static void add_word(struct argp_state *state, const char **list, size_t *count, const char *word)
{
	if (*count == PUSH_LIST)
		argp_error(state, "at most %d labels and %d headers", PUSH_LIST, PUSH_LIST);
	list[(*count)++] = word;
}

static void parse_retries(struct argp_state *state, struct push *push, const char *text)
{
	char *end;
	long retries = strtol(text, &end, 10);

	if (*end || end == text || retries < 0 || retries > 100)
		argp_error(state, "--retries wants a number up to 100, not '%s'", text);
	push->retries = (unsigned)retries;
}

/* What the push does is of no use without, and it sends nothing but pprof. */
static void check(struct options *options, struct argp_state *state)
{
	struct push *push = &options->push;

	if (!push->url && (push->service || push->labels_count || push->headers_count))
		argp_error(state, "--service, --label and --header go with --push");
	if (push->url && options->files.output)
		argp_error(state, "either --push or --output");
	if (push->url && !options->format)
		options->format = find_format("pprof");
	if (push->url && options->format != find_format("pprof"))
		argp_error(state, "--push sends pprof and no other format");
	if (!options->format)
		argp_error(state, "which format? Say --format NAME; see --help");
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
	case OPTION_PUSH:
		options->push.url = argument;
		return 0;
	case OPTION_SERVICE:
		options->push.service = argument;
		return 0;
	case OPTION_LABEL:
		add_word(state, options->push.labels, &options->push.labels_count, argument);
		return 0;
	case OPTION_HEADER:
		add_word(state, options->push.headers, &options->push.headers_count, argument);
		return 0;
	case OPTION_RETRIES:
		parse_retries(state, &options->push, argument);
		return 0;
	case ARGP_KEY_END:
		check(options, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"format", 'f', "NAME", 0, "Format to write", 0},
	{"push", OPTION_PUSH, "URL", 0, "Send pprof to a Pyroscope-compatible server", 1},
	{"service", OPTION_SERVICE, "NAME", 0, "Push as this service (default: the program)", 1},
	{"label", OPTION_LABEL, "NAME=VALUE", 0, "Push with this label; may be repeated", 1},
	{"header", OPTION_HEADER, "NAME: VALUE", 0,
	 "Push with this header, or @FILE with such lines (a token belongs there, not in the "
	 "command "
	 "line); may be repeated",
	 1},
	{"retries", OPTION_RETRIES, "N", 0, "Try to push again N times (default 4)", 1},
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

static int push_report(const struct report *report, struct options *options, struct error *error)
{
	struct push *push = &options->push;
	char *profile = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&profile, &bytes));
	int result;

	options->format->write(report->profile, report->metric, stream);
	fclose(stream);
	push->metric = report->metric_name;
	if (!push->service)
		push->service = report_program(report);
	result = push_profile(push, profile, bytes, error);
	free(profile);
	return result;
}

static int write_report(const struct report *report, const struct options *options,
			struct error *error)
{
	struct output output;
	int result = output_open(&output, options->files.output, error);

	if (result)
		return result;
	options->format->write(report->profile, report->metric, output.stream);
	return output_close(&output, error);
}

int command_export(int count, char **arguments)
{
	struct options options = {.push.retries = 4};
	struct report report;
	struct error error;
	int result;

	argp_parse(&command_export_argp, count, arguments, 0, NULL, &options);
	if (options.format->binary && !options.push.url && goes_to_terminal(options.files.output))
		return command_failed("this format is not for terminals; name a file with -o");
	if (report_open_metric(&report, options.files.profile, options.metric, &error))
		return command_failed(error.text);
	result = options.push.url ? push_report(&report, &options, &error)
				  : write_report(&report, &options, &error);
	report_done(&report);
	return result ? command_failed(error.text) : 0;
}
