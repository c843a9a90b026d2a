/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim-observation: lets agents look, and do nothing else.
 *
 * In each round every agent looks once; then it goes on to the next cell, and a step passes, so
 * that what is remembered fades and moves.
 */
#include "sim/drivers/driver.h"
#include "sim/environment.h"

struct choices {
	struct options engine;
	uint32_t rounds;
	bool moves;
};

static const char *const engine_options[] = {
	"seed",		  "width",	 "height",	   "agents",  "resources", "index",
	"resource-index", "observation", "resource-layer", "buffers", "radius",	   NULL};

static const struct setting settings[] = {
	{NULL, "rounds", "N", SETTING_WHOLE, offsetof(struct choices, rounds), 1, 1e9, NULL,
	 "How often every agent looks"},
	{NULL, "moves", "on|off", SETTING_SWITCH, offsetof(struct choices, moves), 0, 0, NULL,
	 "Whether agents go on to the next cell between two looks"},
};

/* To the east, and from the border to the west. */
static void go_on(struct environment *environment, struct agent *agent)
{
	float x = agent->x + 1;
	agent->x = x <= (float)environment->parameters.width ? x : 0;
	spatial_index_move(&environment->agent_index, agent->slot, agent->x, agent->y);
	fields_raise(&environment->fields, FIELD_TRAILS, agent->x, agent->y, 1);
}

static uint64_t cells_not_zero(const float *tensor, size_t length)
{
	uint64_t count = 0;
	for (size_t i = 0; i < length; i++)
		count += tensor[i] != 0;
	return count;
}

int main(int argc, char **argv)
{
	static struct choices choices = {.rounds = 100, .moves = true};
	static struct environment environment;
	const struct driver driver = {
		.summary = "Let agents look at their world.\vEnds with counts of what was done.",
		.engine = engine_options,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
	};
	struct perception perception = {0};
	struct error error;
	uint64_t observations = 0, cells = 0;
	options_default(&choices.engine);
	choices.engine.parameters.agents = 50;
	choices.engine.parameters.resources = 100;
	choices.engine.parameters.learning.network = NETWORK_NONE;
	driver_parse(&driver, &choices, argc, argv);
	if (environment_init(&environment, &choices.engine.parameters, NULL, &error) < 0)
		driver_fail(&error);
	for (uint32_t round = 0; round < choices.rounds; round++) {
		for (uint32_t i = 0; i < environment.agent_count; i++) {
			struct agent *agent = &environment.agents[i];
			cells += cells_not_zero(
				environment_observe(&environment, agent, &perception),
				environment.tensor_length);
			observations++;
			if (choices.moves)
				go_on(&environment, agent);
		}
		environment_update(&environment);
	}
	driver_count("agents", environment.living);
	driver_count("observations", observations);
	driver_count("cells not zero", cells);
	driver_count("resource points", perception.resource_points);
	driver_count("agent index rebuilds", environment.agent_index.rebuilds);
	perception_done(&perception);
	environment_done(&environment);
	return driver_end();
}
