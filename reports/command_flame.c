/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command flame: the picture. */
#include "reports/command.h"

#include "reports/command_sides.h"
#include "reports/flame.h"
#include "reports/metric.h"
#include "reports/output.h"

#include "collector/base/xalloc.h"

#include <errno.h>

struct options {
	struct command_files files;
	const char *metric;
	struct selection selection;
	struct flame_options flame;
	bool compare, force, json;
	struct command_sides sides; /* of a comparison */
	struct comparison_options comparison;
};

enum {
	OPTION_TITLE = 256,
	OPTION_FLAME,
	OPTION_ICICLE,
	OPTION_COMPARE,
	OPTION_FORCE,
	OPTION_PAIRED,
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		if (!options->compare) {
			state->child_inputs[0] = &options->files;
			state->child_inputs[1] = &options->metric;
			state->child_inputs[2] = &options->selection;
			state->child_inputs[3] = &options->json;
		}
		return 0;
	case OPTION_TITLE:
		options->flame.title = argument;
		return 0;
	case OPTION_FLAME:
	case OPTION_ICICLE:
		options->flame.root_below = key == OPTION_FLAME;
		return 0;
	case OPTION_COMPARE:
		if (!options->compare)
			argp_error(state, "--compare wants BASE.prof... -- NEW.prof...");
		return 0;
	case OPTION_FORCE:
		options->force = true;
		return 0;
	case OPTION_PAIRED:
		options->comparison.paired = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"title", OPTION_TITLE, "TEXT", 0, "Title of the picture", 0},
	{"icicle", OPTION_ICICLE, NULL, 0, "Callers above their callees (default)", 0},
	{"flame", OPTION_FLAME, NULL, 0, "Callers below their callees", 0},
	{"compare", OPTION_COMPARE, NULL, 0,
	 "Draw what changed between two groups of recordings: --compare BASE.prof... -- "
	 "NEW.prof...",
	 0},
	{"force", OPTION_FORCE, NULL, 0, "With --compare: different machines and broken runs, too",
	 0},
	{"paired", OPTION_PAIRED, NULL, 0,
	 "With --compare: the first base run was made beside the first new one, and so on", 0},
	{0},
};

static const struct argp_child children[] = {{&command_files_argp, 0, NULL, 0},
					     {&command_metric_argp, 0, NULL, 0},
					     {&command_selection_argp, 0, NULL, 0},
					     {&command_json_argp, 0, NULL, 0},
					     {0}};

const struct argp command_flame_argp = {
	argp_options,
	parse,
	"NAME.prof\n--compare BASE.prof... -- NEW.prof...",
	"Draws a profile as one self-contained SVG: open it in a browser, embed it, or publish it "
	"as a CI artifact.\v"
	"With the waits of collector run --off-cpu in the profile, the picture shows all the time "
	"of all threads (wall) unless --metric says otherwise. At most 4,000 boxes and 0.8 MB for "
	"any profile; what is left out is said in the picture. "
	"--json writes the tree behind it, whole; what changed as JSON is compare --json.",
	children,
	NULL,
	NULL,
};

/* What --compare takes besides: -o, and the base recordings. */
static error_t parse_compare(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'o':
		options->files.output = argument;
		return 0;
	case ARGP_KEY_ARG:
		command_sides_add(&options->sides, argument);
		return 0;
	default:
		return parse(key, argument, state);
	}
}

static const struct argp_option compare_options[] = {
	{"output", 'o', "FILE", 0, NULL, 0},	       {"title", OPTION_TITLE, "TEXT", 0, NULL, 0},
	{"icicle", OPTION_ICICLE, NULL, 0, NULL, 0},   {"flame", OPTION_FLAME, NULL, 0, NULL, 0},
	{"compare", OPTION_COMPARE, NULL, 0, NULL, 0}, {"force", OPTION_FORCE, NULL, 0, NULL, 0},
	{"paired", OPTION_PAIRED, NULL, 0, NULL, 0},   {0},
};

/* Says whether the recordings are two groups. */
static bool has_sides(int count, char **arguments)
{
	bool compare = false;

	for (int i = 1; i < count; i++) {
		if (!strcmp(arguments[i], "--"))
			return compare;
		compare = compare || !strcmp(arguments[i], "--compare");
	}
	return false;
}

static int draw_change(struct options *options, int count, char **arguments, struct error *error)
{
	static const struct argp argp = {
		.options = compare_options,
		.parser = parse_compare,
		.args_doc = "BASE.prof... -- NEW.prof...",
	};
	struct flame_change change;
	struct report report;
	struct output output;
	int result;

	options->compare = true;
	command_sides_read(&options->sides, &argp, count, arguments, options);
	result = command_sides_check(&options->sides, options->comparison.paired, error);
	if (!result)
		result = flame_change_load(
			&change, options->sides.paths, (uint32_t)options->sides.base_count,
			(uint32_t)(options->sides.count - options->sides.base_count),
			&options->comparison, options->force, error);
	if (result)
		return result;
	flame_change_open(&change, &report);
	options->flame.change = &change;
	result = output_open(&output, options->files.output, error);
	if (!result) {
		flame_write(&report, &options->flame, output.stream);
		result = output_close(&output, error);
	}
	options->flame.change = NULL;
	report_done(&report);
	flame_change_done(&change);
	return result;
}

int command_flame(int count, char **arguments)
{
	struct options options = {.metric = METRIC_WALL_OR_FIRST,
				  .comparison = comparison_defaults};
	struct report report;
	struct output output;
	struct error error;
	int result;

	if (has_sides(count, arguments)) {
		result = draw_change(&options, count, arguments, &error);
		command_sides_done(&options.sides);
		return result ? command_failed(error.text) : 0;
	}
	argp_parse(&command_flame_argp, count, arguments, 0, NULL, &options);
	if (command_begin(&options.files, options.metric, NULL, &report, &output) ||
	    command_select(&options.selection, &report, &output))
		return 1;
	if (options.json)
		flame_write_json(&report, output.stream);
	else
		flame_write(&report, &options.flame, output.stream);
	return command_end(&report, &output);
}
