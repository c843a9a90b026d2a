/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command gate: does a change pass? */
#include "reports/command.h"

#include "reports/command_sides.h"
#include "reports/comparison_level.h"
#include "reports/comparison_setting.h"
#include "reports/gate_callgrind.h"
#include "reports/gate_write.h"
#include "reports/output.h"

#include "collector/base/xalloc.h"
#include "collector/profile/machine.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum {
	OPTION_BASELINE = 256,
	OPTION_UPDATE,
	OPTION_INSTRUCTIONS,
	OPTION_CALLGRIND,
	OPTION_COUNTED,
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
	FILES = 16, /* of each kind */
};

struct options {
	const char *baseline, *junit, *markdown, *callgrind;
	const char *instructions[FILES], *counted[FILES];
	int instructions_count, counted_count;
	bool update, self_test, strict, github, json, paired, force;
	double alpha, margin, count_margin;
	bool has_margin; /* it was given */
	struct command_sides sides;
};

static double percentage(const char *argument, struct argp_state *state)
{
	char *end;
	double value = strtod(argument, &end);

	if (*end || end == argument || !(value >= 0 && value <= 50))
		argp_error(state, "a percentage is wanted, 0 to 50, not '%s'", argument);
	return value / 100;
}

static void take_file(const char **files, int *count, const char *argument,
		      struct argp_state *state)
{
	if (*count == FILES)
		argp_error(state, "more than %d files, the next is '%s'", FILES, argument);
	files[(*count)++] = argument;
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
	const char **name = key == OPTION_BASELINE    ? &options->baseline
			    : key == OPTION_JUNIT     ? &options->junit
			    : key == OPTION_MARKDOWN  ? &options->markdown
			    : key == OPTION_CALLGRIND ? &options->callgrind
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
		take_file(options->instructions, &options->instructions_count, argument, state);
		return 0;
	case OPTION_COUNTED:
		take_file(options->counted, &options->counted_count, argument, state);
		return 0;
	case OPTION_ALPHA:
		options->alpha = percentage(argument, state);
		if (options->alpha <= 0)
			argp_error(state, "--alpha must be above 0");
		return 0;
	case OPTION_MARGIN:
		options->margin = percentage(argument, state);
		options->has_margin = true;
		return 0;
	case OPTION_COUNT_MARGIN:
		options->count_margin = percentage(argument, state);
		return 0;
	case ARGP_KEY_ARG:
		command_sides_add(&options->sides, argument);
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
	{"counted", OPTION_COUNTED, "FILE", 0,
	 "A recording of the new build that was made for counting: counts are taken from these "
	 "instead of NEW, whose time is compared",
	 0},
	{"callgrind", OPTION_CALLGRIND, "COMMAND", 0,
	 "Run COMMAND, which is quoted and of the new build, under valgrind --tool=callgrind and "
	 "count its instructions (twice with --update)",
	 0},
	{"count-margin", OPTION_COUNT_MARGIN, "PERCENT", 0, "More that is allowed (default 0.5)",
	 0},
	{"margin", OPTION_MARGIN, "PERCENT", 0, "Time that nobody cares about (default 3)", 0},
	{"alpha", OPTION_ALPHA, "PERCENT", 0,
	 "Chance that the time of an unchanged program fails (default 1)", 0},
	{"paired", OPTION_PAIRED, NULL, 0, "The runs are pairs, as for compare", 0},
	{"self-test", OPTION_SELF_TEST, NULL, 0,
	 "Say what this machine can see, from recordings of one build in the order in which they "
	 "were made, and keep that in the --baseline for its verdicts",
	 0},
	{"strict", OPTION_STRICT, NULL, 0, "Fail what cannot be told", 0},
	{"junit", OPTION_JUNIT, "FILE", 0, "Write JUnit XML too", 0},
	{"markdown", OPTION_MARKDOWN, "FILE", 0, "Write Markdown too (\"$GITHUB_STEP_SUMMARY\")",
	 0},
	{"github", OPTION_GITHUB, NULL, 0,
	 "Print annotations for GitHub too, with --json on standard error", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"force", OPTION_FORCE, NULL, 0, "Compare different machines and broken runs, too", 0},
	{0},
};

static const struct argp_child children[] = {{&command_colour_argp, 0, NULL, 0}, {0}};

const struct argp command_gate_argp = {
	argp_options,
	parse,
	"[BASE.prof... --] [NEW.prof...]",
	"Says whether a change passes: counted work first, time second.\v"
	"With --baseline, what was counted in NEW may not be more than the file says: steps, calls "
	"of functions (recorded with --time or --count), allocations (--memory), reads and writes "
	"(--io), SQL (--sql), instructions. With BASE, its counts stand for those that the file "
	"lacks, time is compared too, and a time that cannot be told does not fail.\n\n"
	"Exit status: 0 passed or cannot tell, 1 it did not work, 2 failed (with --strict also "
	"when it cannot tell).",
	children,
	NULL,
	NULL,
};

static int take_arguments(struct options *options, int count, char **arguments, struct error *error)
{
	if (!command_sides_read(&options->sides, &command_gate_argp, count, arguments, options))
		options->sides.base_count = 0; /* they are new ones */
	if (options->sides.base_count == options->sides.count &&
	    (options->sides.base_count ||
	     !(options->callgrind || options->instructions_count || options->counted_count)))
		return fail(error, -EINVAL,
			    "which recordings are new? gate [BASE.prof... --] "
			    "NEW.prof...");
	if (options->self_test && (options->sides.base_count || options->sides.count < 8))
		return fail(error, -EINVAL,
			    "--self-test wants at least 8 recordings of one build, 20 are better");
	if (options->paired && command_sides_pair(&options->sides, error))
		return -EINVAL;
	if (options->update && !options->baseline)
		return fail(error, -EINVAL, "--update wants the --baseline that it writes");
	if (!options->self_test && !options->baseline && !options->sides.base_count)
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

	/* GitHub reads both streams; JSON wants one for itself. */
	if (!result && options->github && options->json)
		gate_write_annotations(gate, stderr);
	else if (!result && options->github)
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

static int write_baseline(const struct gate_baseline *baseline, const char *path,
			  struct error *error)
{
	struct output output;
	json_t *json;

	if (output_open(&output, path, error))
		return -EIO;
	json = gate_baseline_json(baseline);
	json_dumpf(json, output.stream, JSON_INDENT(1) | JSON_SORT_KEYS);
	fputc('\n', output.stream);
	json_decref(json);
	return output_close(&output, error);
}

/* Reads the baseline if there is one already. */
static int read_if_there(struct gate_baseline *baseline, const char *path, struct error *error)
{
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	return gate_baseline_read(baseline, path, error);
}

/* Puts the counts in the place of the baseline's, and says which are not kept. Takes them over. */
static int update(const struct options *options, struct gate_counts *counts, struct error *error)
{
	struct gate_baseline baseline = {0};
	int result;

	if (!counts->rows_count)
		return fail(error, -EINVAL,
			    "nothing was counted: record with --step, --time, --count, --memory, "
			    "--io or --sql, or give --callgrind");
	for (size_t i = 0; i < counts->rows_count; i++)
		if (counts->rows[i]->steady && counts->rows[i]->runs < 2)
			return fail(error, -EINVAL,
				    "'%s' was counted once, which does not show whether it is the "
				    "same in each run: give two recordings of the build (and two "
				    "files of --instructions)",
				    counts->rows[i]->name);
	result = read_if_there(&baseline, options->baseline, error);
	gate_counts_done(&baseline.counts);
	baseline.counts = *counts;
	*counts = (struct gate_counts){0};
	if (!result)
		result = write_baseline(&baseline, options->baseline, error);
	for (size_t i = 0; i < baseline.counts.rows_count && !result; i++) {
		const struct gate_count *row = baseline.counts.rows[i];

		if (!row->steady)
			printf("left out, because it is not the same in each run or not exact: "
			       "%s%s%s\n",
			       row->name, *row->subject ? " of " : "", row->subject);
	}
	gate_baseline_done(&baseline);
	return result;
}

/* What cannot be seen must not be asked for: below the noise alone nothing is certain. */
static int check_margin(const struct options *options, const struct comparison *comparison,
			const struct gate_calibration *calibration, struct error *error)
{
	double seen;

	if (!options->has_margin || !calibration)
		return 0;
	seen = gate_detectable(calibration, &comparison->options, comparison->base_count);
	if (seen <= 2 * options->margin)
		return 0;
	return fail(
		error, -EINVAL,
		"this machine cannot see %g %%: by its self-test it sees %.1f %% with %zu runs a "
		"side; record more runs, or allow more",
		100 * options->margin, 100 * seen, comparison->base_count);
}

static int judge_time(struct gate *gate, const struct options *options,
		      const struct gate_baseline *baseline, const struct comparison_names *names,
		      const struct comparison_run *const *runs, struct error *error)
{
	struct comparison_options comparison_options =
		gate_comparison_options(options->alpha, options->margin);
	const struct gate_calibration *calibration = gate_baseline_find(baseline, runs[0]->machine);
	struct comparison comparison;
	int result;

	comparison_options.paired = options->paired;
	comparison_make(&comparison, &comparison_options, names, runs, options->sides.base_count,
			runs + options->sides.base_count,
			options->sides.count - options->sides.base_count);
	result = check_margin(options, &comparison, calibration, error);
	if (!result) {
		gate_judge_time(gate, &comparison, calibration);
		gate_tell_doubts(gate, &comparison);
	}
	comparison_done(&comparison);
	return result;
}

/* What differs in more than chance would disarm the gate for good. */
static int check_one_build(const struct options *options, const struct comparison_run *const *runs,
			   struct error *error)
{
	char *mixture =
		options->force ? NULL : comparison_setting_mixture(runs, options->sides.count);
	int result = mixture ? fail(error, -EINVAL,
				    "the self-test wants one build, run with the same command: %s; "
				    "--force takes them anyway",
				    mixture)
			     : 0;

	free(mixture);
	return result;
}

static int self_test(const struct options *options, const struct comparison_names *names,
		     const struct comparison_run **runs, struct error *error)
{
	struct comparison_options comparison_options =
		gate_comparison_options(options->alpha, options->margin);
	struct gate_baseline baseline = {0};
	struct gate_calibration calibration;
	double detectable;
	json_t *json;
	int result = check_one_build(options, runs, error);

	if (result)
		return result;
	gate_self_test(&calibration, &comparison_options, names, runs, options->sides.count);
	detectable = gate_detectable(&calibration, &comparison_options, options->sides.count / 2);
	if (options->baseline) {
		result = read_if_there(&baseline, options->baseline, error);
		if (!result) {
			gate_baseline_calibrate(&baseline, &calibration);
			result = write_baseline(&baseline, options->baseline, error);
		}
		gate_baseline_done(&baseline);
	}
	if (result)
		return result;
	if (options->json) {
		json = gate_calibration_json(&calibration, detectable);
		output_json(json, stdout);
		json_decref(json);
	} else {
		gate_write_calibration(&calibration, detectable, stdout);
	}
	return 0;
}

/* Instructions belong to the processor of the recordings, or to this one when there are none. */
static char *processor_of(const struct comparison_run *const *runs, size_t count)
{
	struct profile *here;
	char *processor;

	if (count)
		return xstrdup(runs[0]->processor);
	here = profile_new();
	machine_describe(here);
	processor = comparison_processor(here);
	profile_free(here);
	return processor;
}

static int read_instructions(const char *path, double *instructions, struct error *error)
{
	output_spare(path);
	return gate_callgrind_read(path, instructions, error);
}

static int count_instructions(struct gate_counts *counts, const struct options *options,
			      const char *processor, struct error *error)
{
	int runs = options->callgrind ? 1 + options->update : 0, result = 0;
	double instructions;

	for (int i = 0; i < options->instructions_count + runs && !result; i++) {
		if (i < runs)
			result = gate_callgrind_run(options->callgrind, &instructions, error);
		else
			result = read_instructions(options->instructions[i - runs], &instructions,
						   error);
		if (!result)
			gate_counts_add_instructions(counts, instructions, processor);
	}
	return result;
}

/* Judges what was counted and how long it took. Returns the exit status, or a negative errno. */
static int judge_all(const struct options *options, struct gate_counts *counts,
		     const struct comparison_names *names, const struct comparison_run *const *runs,
		     struct error *error)
{
	struct gate_baseline baseline = {0};
	struct gate_counts recorded = {0};
	struct gate gate = {0};
	int result = 0;

	if (options->baseline) {
		output_spare(options->baseline);
		result = gate_baseline_read(&baseline, options->baseline, error);
	}
	/* Recordings made for counting have none of the base beside them. */
	if (!options->counted_count)
		gate_counts_take(&recorded, names, runs, options->sides.base_count);
	gate_counts_pair(&baseline.counts, &recorded);
	gate_counts_complete(&baseline.counts, &recorded);
	gate_counts_pair(&baseline.counts, counts);
	gate_counts_done(&recorded);
	if (!result)
		gate_judge_counts(&gate, &baseline.counts, counts, options->count_margin);
	if (!result && options->sides.base_count)
		result = judge_time(&gate, options, &baseline, names, runs, error);
	if (!result) {
		gate_judge_nothing(&gate);
		result = answer(&gate, options, error);
	}
	gate_done(&gate);
	gate_baseline_done(&baseline);
	return result;
}

/* Judges loaded runs, those that were made for counting behind the others. Returns the exit status,
 * or a negative errno. */
static int judge(const struct options *options, const struct comparison_names *names,
		 const struct comparison_run **runs, struct error *error)
{
	size_t first = options->counted_count ? options->sides.count : options->sides.base_count;
	size_t counted = options->sides.count + options->counted_count - first;
	bool has_time = options->sides.base_count || options->self_test;
	struct gate_counts counts = {0};
	char *processor;
	int result = 0;

	if (has_time)
		result = comparison_check(runs, options->sides.count, options->force, error);
	if (!result)
		result = comparison_check_whole(runs + first, counted, options->force, error);
	if (result)
		return result;
	if (options->self_test)
		return self_test(options, names, runs, error);
	processor = processor_of(runs + first, counted);
	gate_counts_take(&counts, names, runs + first, counted);
	result = count_instructions(&counts, options, processor, error);
	if (!result)
		result = options->update ? update(options, &counts, error)
					 : judge_all(options, &counts, names, runs, error);
	gate_counts_done(&counts);
	free(processor);
	return result;
}

int command_gate(int count, char **arguments)
{
	struct options options = {.alpha = 0.01, .margin = 0.03, .count_margin = 0.005};
	struct comparison_names names = {0};
	struct comparison_run *loaded = NULL;
	const struct comparison_run **runs;
	const char **paths;
	size_t loaded_count = 0, all;
	struct error error;
	int result = take_arguments(&options, count, arguments, &error);

	all = options.sides.count + options.counted_count;
	loaded = xcalloc(all, sizeof(*loaded));
	runs = xcalloc(all, sizeof(const struct comparison_run *));
	paths = xcalloc(all, sizeof(*paths));
	for (size_t i = 0; i < all; i++) {
		paths[i] = i < options.sides.count ? options.sides.paths[i]
						   : options.counted[i - options.sides.count];
		runs[i] = &loaded[i];
	}
	if (!result)
		result = comparison_runs_load(loaded, paths, all, &loaded_count, &names, &error);
	if (!result)
		result = judge(&options, &names, runs, &error);
	for (size_t i = 0; i < loaded_count; i++)
		comparison_run_done(&loaded[i]);
	free(loaded);
	free(runs);
	free(paths);
	command_sides_done(&options.sides);
	comparison_names_done(&names);
	return result < 0 ? command_failed(error.text) : result;
}
