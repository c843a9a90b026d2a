/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command report: everything about one recording, or one comparison, as one page. */
#include "reports/command.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/downloads.h"
#include "reports/flame.h"
#include "reports/metric.h"
#include "reports/scaling.h"

enum format {
	FORMAT_HTML,
	FORMAT_MARKDOWN,
	FORMAT_JSON
};

struct options {
	struct command_files files;
	const char *metric;
	enum format format;
	struct document_options document;
	const char *scaling; /* folder of a sweep, or NULL */
};

enum {
	OPTION_JSON = 256,
	OPTION_MARKDOWN,
	OPTION_COMPARE,
	OPTION_EMBED,
	OPTION_FOLDER,
	OPTION_SCALING
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		state->child_inputs[1] = &options->metric;
		return 0;
	case OPTION_JSON:
	case OPTION_MARKDOWN:
		options->format = key == OPTION_JSON ? FORMAT_JSON : FORMAT_MARKDOWN;
		return 0;
	case OPTION_EMBED:
		options->document.embed_sources = true;
		return 0;
	case OPTION_FOLDER:
		options->document.source_folder = argument;
		return 0;
	case OPTION_SCALING:
		options->scaling = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"json", OPTION_JSON, NULL, 0, "Write the report's data as JSON, not as a page", 0},
	{"compare", OPTION_COMPARE, NULL, 0, "What changed between two groups of recordings", 0},
	{"embed-sources", OPTION_EMBED, NULL, 0,
	 "With the text of the hottest lines, where it is source code, and what was recorded or "
	 "below the working directory or --source-dir",
	 0},
	{"source-dir", OPTION_FOLDER, "DIR", 0,
	 "Look for source files below DIR too, by the last parts of their paths", 0},
	{"scaling", OPTION_SCALING, "DIR", 0,
	 "With how costs grow over the sweep in DIR (collector sweep); also with --compare", 0},
	{"markdown", OPTION_MARKDOWN, NULL, 0, "Write Markdown, for step summaries and comments",
	 0},
	{0},
};

static const struct argp_child children[] = {
	{&command_files_argp, 0, NULL, 0}, {&command_metric_argp, 0, NULL, 0}, {0}};

const struct argp command_report_argp = {
	argp_options,
	parse,
	"NAME.prof\n--compare BASE.prof... -- NEW.prof...",
	"Writes everything about a recording, or about a comparison, as one HTML page: the answer, "
	"what explains it, how "
	"far to trust it, the flame graph, functions, lines, durations, memory, waits, and how it "
	"was measured.\v"
	"The page is one file that asks nothing of a network: open it from disk or publish it as a "
	"CI artifact. All its numbers come from the data that --json writes; Markdown's do, too. "
	"With --compare it takes the options of `collector compare`, and has its exit status.",
	children,
	NULL,
	NULL,
};

/* The room that is left for links, when the page itself is as large as its data and its picture. */
static size_t room_for_downloads(const json_t *document, size_t flame_bytes)
{
	size_t used = flame_bytes + 2 * json_dumpb(document, NULL, 0, JSON_COMPACT);

	return used < DOWNLOADS_PAGE_BYTES ? DOWNLOADS_PAGE_BYTES - used : 0;
}

static void write_html(const json_t *document, const struct report *report, FILE *stream)
{
	struct document_parts parts = {0};
	size_t bytes;
	char *flame = NULL, *downloads = NULL;
	FILE *memory = xalloc_checked(open_memstream(&flame, &bytes));

	flame_write(report,
		    &(struct flame_options){.bytes = FLAME_PAGE_BYTES, .boxes = FLAME_PAGE_BOXES},
		    memory);
	fclose(memory);
	parts.flame = flame;
	parts.flame_bytes = bytes;
	memory = xalloc_checked(open_memstream(&downloads, &bytes));
	downloads_write(report, report_program(report),
			room_for_downloads(document, parts.flame_bytes), memory);
	fclose(memory);
	parts.downloads = downloads;
	document_write_html(document, &parts, stream);
	free(flame);
	free(downloads);
}

static void write_report(const struct report *report, const struct options *options, FILE *stream)
{
	json_t *document = document_of_run(report, &options->document);

	if (options->format == FORMAT_JSON)
		output_json(document, stream);
	else if (options->format == FORMAT_MARKDOWN)
		document_write_markdown(document, stream);
	else
		write_html(document, report, stream);
	json_decref(document);
}

/* "report --compare BASE... -- NEW..." is the command compare with a page as its answer. */
static bool is_comparison(int count, char **arguments)
{
	for (int i = 1; i < count && strcmp(arguments[i], "--"); i++)
		if (!strcmp(arguments[i], "--compare"))
			return true;
	return false;
}

int command_report(int count, char **arguments)
{
	struct options options = {.metric = METRIC_FIRST_OR_WAIT};
	json_t *scaling = NULL;
	struct report report;
	struct output output;
	struct error error;

	if (is_comparison(count, arguments))
		return command_compare(count, arguments);
	argp_parse(&command_report_argp, count, arguments, 0, NULL, &options);
	if (options.scaling) {
		scaling = scaling_read(options.scaling, &error);
		if (!scaling)
			return command_failed(error.text);
		options.document.scaling = scaling;
	}
	if (command_begin(&options.files, options.metric, NULL, &report, &output)) {
		json_decref(scaling);
		return 1;
	}
	write_report(&report, &options, output.stream);
	json_decref(scaling);
	return command_end(&report, &output);
}
