/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command gate: does a change pass? */
#include "reports/command.h"

#include "reports/gate_write.h"
#include "reports/output.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <math.h>
#include <time.h>

enum {
	OPTION_BASELINE = 256,
	OPTION_UPDATE,
	OPTION_INSTRUCTIONS,
	OPTION_SELF_TEST,
	OPTION_STRICT,
	OPTION_JUNIT,
	OPTION_MARKDOWN,
	OPTION_GITHUB,
	OPTION_JSON,
	OPTION_ALPHA,
	OPTION_MARGIN,
	OPTION_COUNT_MARGIN,
	OPTION_PAIRED,
	OPTION_FORCE,
	INSTRUCTIONS_FILES = 16,
};

struct options {
	const char *baseline, *junit, *markdown;
	const char *instructions[INSTRUCTIONS_FILES];
	int instructions_count;
	bool update, self_test, strict, github, json, paired, force;
	double alpha, margin, count_margin;
	const char **paths;
	size_t base_count, count;
};

static double percentage(const char *argument, struct argp_state *state)
{
	char *end;
	double value = strtod(argument, &end);

	if (*end || end == argument || !(value >= 0 && value <= 50))
		argp_error(state, "a percentage is wanted, 0 to 50, not '%s'", argument);
	return value / 100;
}

static void take_instructions(struct options *options, const char *argument,
			      struct argp_state *state)
{
	if (options->instructions_count == INSTRUCTIONS_FILES)
		argp_error(state, "more than %d files of instructions", INSTRUCTIONS_FILES);
	options->instructions[options->instructions_count++] = argument;
}

/* Options that only set a switch or a name. Returns false when @key is none of them. */
static bool take_simple(struct options *options, int key, const char *argument)
{
	bool *flag = key == OPTION_UPDATE      ? &options->update
		     : key == OPTION_SELF_TEST ? &options->self_test
		     : key == OPTION_STRICT    ? &options->strict
		     : key == OPTION_GITHUB    ? &options->github
		     : key == OPTION_JSON      ? &options->json
		     : key == OPTION_PAIRED    ? &options->paired
		     : key == OPTION_FORCE     ? &options->force
					       : NULL;
	const char **name = key == OPTION_BASELINE   ? &options->baseline
			    : key == OPTION_JUNIT    ? &options->junit
			    : key == OPTION_MARKDOWN ? &options->markdown
						     : NULL;

	if (flag)
		*flag = true;
	if (name)
		*name = argument;
	return flag || name;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	if (take_simple(options, key, argument))
		return 0;
	switch (key) {
	case OPTION_INSTRUCTIONS:
		take_instructions(options, argument, state);
		return 0;
	case OPTION_ALPHA:
		options->alpha = percentage(argument, state);
		if (options->alpha <= 0)
			argp_error(state, "--alpha must be above 0");
		return 0;
	case OPTION_MARGIN:
		options->margin = percentage(argument, state);
		return 0;
	case OPTION_COUNT_MARGIN:
		options->count_margin = percentage(argument, state);
		return 0;
	case ARGP_KEY_ARG:
		options->paths[options->count++] = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"baseline", OPTION_BASELINE, "FILE", 0,
	 "Counts that are allowed: a JSON file to be reviewed and committed", 0},
	{"update", OPTION_UPDATE, NULL, 0, "Write the counts of NEW into that file instead", 0},
	{"instructions", OPTION_INSTRUCTIONS, "FILE", 0,
	 "A file written by valgrind --tool=callgrind on the new build; two files show whether "
	 "they are the same in each run",
	 0},
	{"count-margin", OPTION_COUNT_MARGIN, "PERCENT", 0, "More that is allowed (default 0.5)",
	 0},
	{"margin", OPTION_MARGIN, "PERCENT", 0, "Time that nobody cares about (default 3)", 0},
	{"alpha", OPTION_ALPHA, "PERCENT", 0,
	 "Chance that the time of an unchanged program fails (default 1)", 0},
	{"paired", OPTION_PAIRED, NULL, 0, "The runs are pairs, as for compare", 0},
	{"self-test", OPTION_SELF_TEST, NULL, 0,
	 "Say what this machine can see, from recordings of one build", 0},
	{"strict", OPTION_STRICT, NULL, 0, "Fail what cannot be told", 0},
	{"junit", OPTION_JUNIT, "FILE", 0, "Write JUnit XML too", 0},
	{"markdown", OPTION_MARKDOWN, "FILE", 0, "Write Markdown too (\"$GITHUB_STEP_SUMMARY\")",
	 0},
	{"github", OPTION_GITHUB, NULL, 0, "Print annotations for GitHub too", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"force", OPTION_FORCE, NULL, 0, "Compare different machines and broken runs, too", 0},
	{0},
};

const struct argp command_gate_argp = {
	argp_options,
	parse,
	"[BASE.prof... --] NEW.prof...",
	"Says whether a change passes: counted work first, time second.\v"
	"With --baseline, what was counted in NEW (steps, calls of functions that were recorded "
	"with --time or --count, instructions) may not be more than the file says. With BASE, time "
	"is compared too, and a time that cannot be told does not fail.\n\n"
	"Exit status: 0 passed or cannot tell, 1 it did not work, 2 failed (with --strict also "
	"when it cannot tell).",
	NULL,
	NULL,
	NULL,
};

static int take_arguments(struct options *options, int count, char **arguments, struct error *error)
{
	int divider = 1;

	while (divider < count && strcmp(arguments[divider], "--"))
		divider++;
	options->paths = xcalloc(count, sizeof(*options->paths));
	argp_parse(&command_gate_argp, divider, arguments, 0, NULL, options);
	options->base_count = divider < count ? options->count : 0;
	for (int i = divider + 1; i < count; i++)
		options->paths[options->count++] = arguments[i];
	if (options->base_count == options->count)
		return fail(error, -EINVAL,
			    "which recordings are new? gate [BASE.prof... --] "
			    "NEW.prof...");
	if (options->self_test && (options->base_count || options->count < 8))
		return fail(error, -EINVAL,
			    "--self-test wants at least 8 recordings of one build, 20 are better");
	if (options->paired && options->count != 2 * options->base_count)
		return fail(error, -EINVAL, "--paired wants as many new recordings as base ones");
	if (options->update && !options->baseline)
		return fail(error, -EINVAL, "--update wants the --baseline that it writes");
	if (!options->self_test && !options->baseline && !options->base_count)
		return fail(error, -EINVAL,
			    "nothing to compare with: give a --baseline, or BASE.prof... --");
	return 0;
}

/* Writes what @write writes to a file that appears only when it is whole. */
static int write_file(const struct gate *gate, const char *path,
		      void (*write)(const struct gate *gate, FILE *stream), struct error *error)
{
	struct output output;

	if (!path)
		return 0;
	if (output_open(&output, path, error))
		return -EIO;
	write(gate, output.stream);
	return output_close(&output, error);
}

static void write_junit_now(const struct gate *gate, FILE *stream)
{
	time_t now = time(NULL);
	struct tm parts;
	char text[32];

	strftime(text, sizeof(text), "%FT%T", gmtime_r(&now, &parts));
	gate_write_junit(gate, text, stream);
}

static void write_stdout(const struct gate *gate, FILE *stream)
{
	gate_write(gate, stream);
}

static void write_json(const struct gate *gate, FILE *stream)
{
	json_t *json = gate_json(gate);

	json_dumpf(json, stream, JSON_INDENT(1) | JSON_SORT_KEYS);
	fputc('\n', stream);
	json_decref(json);
}

/* Returns the exit status, or a negative errno. */
static int answer(const struct gate *gate, const struct options *options, struct error *error)
{
	int result = write_file(gate, "-", options->json ? write_json : write_stdout, error);

	if (!result && options->github)
		result = write_file(gate, "-", gate_write_annotations, error);
	if (!result)
		result = write_file(gate, options->junit, write_junit_now, error);
	if (!result)
		result = write_file(gate, options->markdown, gate_write_markdown, error);
	if (result)
		return result;
	return gate->verdict == GATE_FAILED || (options->strict && gate->verdict == GATE_UNCLEAR)
		       ? 2
		       : 0;
}

static int update(const struct options *options, const struct gate_counts *counts,
		  struct error *error)
{
	struct output output;
	json_t *json;

	if (!counts->rows_count)
		return fail(error, -EINVAL,
			    "nothing was counted: record with --step, --time or --count, or give "
			    "--instructions");
	if (output_open(&output, options->baseline, error))
		return -EIO;
	json = gate_baseline_json(counts);
	json_dumpf(json, output.stream, JSON_INDENT(1) | JSON_SORT_KEYS);
	fputc('\n', output.stream);
	json_decref(json);
	return output_close(&output, error);
}

static int judge_counts(struct gate *gate, const struct options *options,
			const struct gate_counts *fresh, struct error *error)
{
	struct gate_counts base = {0};
	int result = 0;

	if (options->baseline)
		result = gate_baseline_read(&base, options->baseline, error);
	if (!result && options->baseline)
		gate_judge_counts(gate, &base, fresh, options->count_margin);
	gate_counts_done(&base);
	return result;
}

static void judge_time(struct gate *gate, const struct options *options,
		       const struct comparison_names *names,
		       const struct comparison_run *const *runs)
{
	struct comparison_options comparison_options =
		gate_comparison_options(options->alpha, options->margin);
	struct comparison comparison;

	comparison_options.paired = options->paired;
	comparison_make(&comparison, &comparison_options, names, runs, options->base_count,
			runs + options->base_count, options->count - options->base_count);
	gate_judge_time(gate, &comparison);
	comparison_done(&comparison);
}

static int self_test(const struct options *options, const struct comparison_names *names,
		     const struct comparison_run **runs)
{
	struct comparison_options comparison_options =
		gate_comparison_options(options->alpha, options->margin);
	struct gate_self_test test;

	gate_self_test(&test, &comparison_options, names, runs, options->count);
	if (options->json) {
		json_t *json =
			json_pack("{s:I, s:I, s:I, s:f}", "runs", (json_int_t)options->count,
				  "splits", (json_int_t)test.splits, "false_alarms",
				  (json_int_t)test.false_alarms, "spread_of_total", test.spread);

		json_object_set_new(json, "detectable",
				    isfinite(test.detectable) ? json_real(test.detectable)
							      : json_null());
		json_dumpf(json, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
		putchar('\n');
		json_decref(json);
		return 0;
	}
	printf("%zu recordings of one build, %zu random halves: %zu false alarms\n", options->count,
	       test.splits, test.false_alarms);
	printf("the total varies by %.1f %% from run to run", 100 * test.spread);
	if (isfinite(test.detectable))
		printf("; %zu runs a side see changes of %.1f %%\n", options->count / 2,
		       100 * test.detectable);
	else
		printf("; %zu runs a side can see no change\n", options->count / 2);
	return 0;
}

/* Judges loaded runs. Returns the exit status, or a negative errno. */
static int judge(const struct options *options, const struct comparison_names *names,
		 const struct comparison_run **runs, struct error *error)
{
	const struct comparison_run **fresh = runs + options->base_count;
	size_t fresh_count = options->count - options->base_count;
	struct gate_counts counts = {0};
	struct gate gate = {0};
	int result = comparison_check(runs, options->count, NULL, 0, options->force, error);

	if (!result && options->self_test)
		return self_test(options, names, runs);
	if (!result)
		gate_counts_take(&counts, names, fresh, fresh_count);
	for (int i = 0; i < options->instructions_count && !result; i++)
		result = gate_counts_read_callgrind(&counts, options->instructions[i], error);
	if (!result && options->update) {
		result = update(options, &counts, error);
	} else if (!result) {
		result = judge_counts(&gate, options, &counts, error);
		if (!result && options->base_count)
			judge_time(&gate, options, names, runs);
		if (!result)
			result = answer(&gate, options, error);
	}
	gate_done(&gate);
	gate_counts_done(&counts);
	return result;
}

int command_gate(int count, char **arguments)
{
	struct options options = {.alpha = 0.01, .margin = 0.03, .count_margin = 0.005};
	struct comparison_names names = {0};
	struct comparison_run *loaded = NULL;
	const struct comparison_run **runs;
	size_t loaded_count = 0;
	struct error error;
	int result = take_arguments(&options, count, arguments, &error);

	loaded = xcalloc(options.count, sizeof(*loaded));
	runs = xcalloc(options.count, sizeof(const struct comparison_run *));
	for (; loaded_count < options.count && !result; loaded_count += !result) {
		runs[loaded_count] = &loaded[loaded_count];
		result = comparison_run_load(&loaded[loaded_count], options.paths[loaded_count],
					     &names, &error);
	}
	if (!result)
		result = judge(&options, &names, runs, &error);
	for (size_t i = 0; i < loaded_count; i++)
		comparison_run_done(&loaded[i]);
	free(loaded);
	free(runs);
	free(options.paths);
	comparison_names_done(&names);
	return result < 0 ? command_failed(error.text) : result;
}
