/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command scaling: how costs grow over the points of a sweep. */
#include "reports/command.h"

#include "reports/engine.h"
#include "reports/output.h"
#include "reports/scaling.h"

struct options {
	struct command_files files; /* the "profile" is the folder of the sweep */
	const char *over, *size, *engine;
	bool json, svg;
};

enum {
	OPTION_JSON = 256,
	OPTION_OVER,
	OPTION_SIZE,
	OPTION_ENGINE,
	OPTION_SVG,
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->files;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_SVG:
		options->svg = true;
		return 0;
	case OPTION_OVER:
		options->over = argument;
		return 0;
	case OPTION_SIZE:
		options->size = argument;
		return 0;
	case OPTION_ENGINE:
		options->engine = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"engine", OPTION_ENGINE, "FILE", 0,
	 "Description of the engine, whose components are used (default: source folders)", 0},
	{"json", OPTION_JSON, NULL, 0, "Write JSON", 0},
	{"over", OPTION_OVER, "NAME", 0,
	 "What varies (default: the first name of the sweep that has several numbers)", 0},
	{"size", OPTION_SIZE, "COUNT", 0,
	 "What a step's size really was: a count that the program prints at its end, per step", 0},
	{"svg", OPTION_SVG, NULL, 0,
	 "Draw it: a dot for each run, the fits and their rivals, and what was not measured", 0},
	{0},
};

static const struct argp_child children[] = {{&command_files_argp, 0, NULL, 0}, {0}};

const struct argp command_scaling_argp = {
	argp_options,
	parse,
	"DIR",
	"Fits how costs grow over the points of a sweep (collector sweep): time of a step, of each "
	"component and function, the latter split into calls and cost of a call.\v"
	"A class is the simplest of O(1), O(log n), O(√n), O(n), O(n log n), O(n^1.5), O(n²), "
	"O(n³) "
	"with a constant part whose error, leaving out one size at a time, is within half a "
	"standard "
	"error of the least; classes within a whole one are named as rivals. The exponent's "
	"interval "
	"(95 %) comes from how far the sizes lie off the curve. Fewer than 5 sizes give no class.",
	children,
	NULL,
	NULL,
};

int command_scaling(int count, char **arguments)
{
	struct options options = {0};
	json_t *engine = NULL, *json;
	struct scaling scaling;
	struct output output;
	struct error error;
	int result;

	argp_parse(&command_scaling_argp, count, arguments, 0, NULL, &options);
	if (options.engine) {
		engine = engine_read(options.engine, &error);
		if (!engine)
			return command_failed(error.text);
	}
	result = scaling_load(&scaling, options.files.profile,
			      json_object_get(engine, "components"), &error);
	if (result) {
		json_decref(engine);
		return command_failed(error.text);
	}
	json = scaling_json(&scaling, options.over, options.size, &error);
	scaling_done(&scaling);
	json_decref(engine);
	if (!json || output_open(&output, options.files.output, &error)) {
		json_decref(json);
		return command_failed(error.text);
	}
	if (options.svg)
		scaling_draw(json, output.stream);
	else if (options.json)
		output_json(json, output.stream);
	else
		scaling_write(json, output.stream);
	json_decref(json);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
