/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command phase: what a phase is to measure, and what it has measured. */
#include "reports/command.h"

#include "reports/document.h"
#include "reports/phase.h"

enum format {
	FORMAT_MARKDOWN,
	FORMAT_JSON,
	FORMAT_HTML,
	FORMAT_PLAN,
};

struct options {
	struct command_files files; /* the "profile" is the folder of the phase */
	struct phase_options phase;
	const char *engine;
	enum format format;
};

enum {
	OPTION_NUMBER = 256,
	OPTION_ENGINE,
	OPTION_ONLY,
	OPTION_QUICK,
	OPTION_MEMORY,
	OPTION_JSON,
	OPTION_HTML,
	OPTION_PLAN,
	OPTION_WINS,
	OPTION_NO_PROBES,
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		return 0;
	case OPTION_NUMBER:
		options->phase.phase =
			strlen(argument) == 1 && *argument <= '0' + PHASES ? *argument - '0' : 0;
		return 0;
	case OPTION_WINS:
		options->phase.phase = PHASE_WINS;
		return 0;
	case OPTION_NO_PROBES:
		options->phase.why_no_probes = argument;
		return 0;
	case OPTION_ENGINE:
		options->engine = argument;
		return 0;
	case OPTION_ONLY:
		options->phase.only = argument;
		return 0;
	case OPTION_QUICK:
		options->phase.quick = true;
		return 0;
	case OPTION_MEMORY:
		options->phase.memory = true;
		return 0;
	case OPTION_JSON:
		options->format = FORMAT_JSON;
		return 0;
	case OPTION_HTML:
		options->format = FORMAT_HTML;
		return 0;
	case OPTION_PLAN:
		options->format = FORMAT_PLAN;
		return 0;
	case ARGP_KEY_END:
		if (!options->engine)
			argp_error(state, "which engine? Name its description with --engine FILE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"engine", OPTION_ENGINE, "FILE", 0, "Description of the engine (reports/engine.h)", 0},
	{"html", OPTION_HTML, NULL, 0, "Write an HTML page", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"memory", OPTION_MEMORY, NULL, 0, "Phase 3: count allocations, too", 0},
	{"no-probes", OPTION_NO_PROBES, "WHY", 0,
	 "Samples only: steps, calls and hits cannot be measured, for the reason WHY", 0},
	{"number", OPTION_NUMBER, "N", 0, "Of the phase, 1 to 4", 0},
	{"only", OPTION_ONLY, "NAME", 0, "One component (phase 2), function (phase 3) or win", 0},
	{"plan", OPTION_PLAN, NULL, 0,
	 "Write what is to be run: for each sweep a line of arguments of collector sweep", 0},
	{"quick", OPTION_QUICK, NULL, 0, "The short form of the phase", 0},
	{"wins", OPTION_WINS, NULL, 0,
	 "Not a phase, but the quick wins (scripts/validate_quick_wins)", 0},
	{0},
};

static const struct argp_child children[] = {{&command_files_argp, 0, NULL, 0}, {0}};

const struct argp command_phase_argp = {
	argp_options,
	parse,
	"DIR",
	"Reports what a phase measured (scripts/run_phase*_profiling), as Markdown.\v"
	"Exit status: 0 the phase succeeded, 1 failed, 2 some of it was not measured, or recording "
	"broke the budget, which the report says.",
	children,
	NULL,
	NULL,
};

/* Writes @text so that a shell reads it as one word. */
static void write_word(FILE *stream, const char *text)
{
	fputs(" '", stream);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", stream);
		else
			fputc(*text, stream);
	fputc('\'', stream);
}

static void write_words(FILE *stream, const char *option, const json_t *words)
{
	const json_t *word;
	size_t i;

	json_array_foreach (words, i, word) {
		char *text = xasprintf("%s%s", option, json_string_value(word));

		write_word(stream, text);
		free(text);
	}
}

static void write_points(FILE *stream, const json_t *points)
{
	const json_t *point;
	json_t *value;
	const char *name;
	size_t i;

	json_array_foreach (points, i, point) {
		const char *mark = "--point=";
		char *text = NULL;
		size_t bytes;
		FILE *word;

		if (!json_object_size(point))
			continue;
		word = open_memstream(&text, &bytes);
		json_object_foreach ((json_t *)point, name, value) {
			fprintf(word, "%s%s=%s", mark, name, json_string_value(value));
			mark = ",";
		}
		fclose(word);
		write_word(stream, text);
		free(text);
	}
}

/* One line for each sweep: its name, then arguments, quoted for a shell. */
static void write_plan(const json_t *plan, FILE *stream)
{
	const json_t *sweep;
	size_t i;

	json_array_foreach (plan, i, sweep) {
		fprintf(stream, "%s -r %d --bare %d --time-limit %d",
			json_string_value(json_object_get(sweep, "name")),
			(int)json_integer_value(json_object_get(sweep, "repeats")),
			(int)json_integer_value(json_object_get(sweep, "bare")),
			(int)json_integer_value(json_object_get(sweep, "time_limit_s")));
		write_words(stream, "--run=", json_object_get(sweep, "run"));
		write_words(stream, "--scratch=", json_object_get(sweep, "scratch"));
		write_points(stream, json_object_get(sweep, "points"));
		fputs(" --", stream);
		write_words(stream, "", json_object_get(sweep, "command"));
		fputc('\n', stream);
	}
}

/* Returns the exit status. */
static int write_result(const json_t *json, enum format format, FILE *stream)
{
	const json_t *document = json_object_get(json, "report");

	if (format == FORMAT_PLAN) {
		write_plan(json, stream);
		return 0;
	}
	if (format == FORMAT_JSON) {
		json_dumpf(json, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(10));
		fputc('\n', stream);
	} else if (format == FORMAT_MARKDOWN) {
		document_write_markdown(document, stream);
	} else {
		document_write_html(document, &(struct document_parts){0}, stream);
	}
	return strcmp(json_string_value(json_object_get(json, "status")), "success") ? 2 : 0;
}

int command_phase(int count, char **arguments)
{
	struct options options = {0};
	struct output output;
	struct error error;
	json_t *engine, *json;
	int status;

	argp_parse(&command_phase_argp, count, arguments, 0, NULL, &options);
	engine = engine_read(options.engine, &error);
	if (!engine)
		return command_failed(error.text);
	if (options.format == FORMAT_PLAN)
		json = phase_plan(engine, &options.phase, &error);
	else
		json = phase_json(engine, &options.phase, options.files.profile, &error);
	json_decref(engine);
	if (!json || output_open(&output, options.files.output, &error)) {
		json_decref(json);
		return command_failed(error.text);
	}
	status = write_result(json, options.format, output.stream);
	json_decref(json);
	return output_close(&output, &error) ? command_failed(error.text) : status;
}
