/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building worlds for tests. */
#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>

void world_make(struct environment *environment, uint32_t agents)
{
	struct parameters parameters;
	parameters_default(&parameters, agents);
	parameters.agent.attack_damage = 2; /* weak, so that lives end in every way */
	parameters.resources = 1;
	parameters.type_parameters = false;
	parameters.learning.memory = 100;
	cr_assert_eq(environment_init(environment, &parameters, NULL, NULL), 0);
	struct resources *resources = &environment->resources;
	spatial_index_move(&resources->index, 0, 50, 50);
	resources->x[0] = resources->y[0] = 50;
	for (uint32_t i = 0; i < agents; i++)
		world_place(environment, i, (float)(i % 2) * 100, (float)(i / 2 % 2) * 100);
}

void world_place(struct environment *environment, uint32_t slot, float x, float y)
{
	environment->agents[slot].x = x;
	environment->agents[slot].y = y;
	spatial_index_move(&environment->agent_index, slot, x, y);
}

struct action_outcome world_do(struct environment *environment, uint32_t slot, enum action action)
{
	struct agent *agent = &environment->agents[slot];
	struct action_options options;
	struct action_outcome outcome;
	action_find_options(environment, agent, &options);
	cr_assert(options.allowed & 1U << action, "%s is impossible", action_names[action]);
	action_perform(environment, agent, action, &options, &outcome);
	return outcome;
}

void world_turn(struct environment *environment, struct agent *agent)
{
	static float state[OBSERVATION_LENGTH], next[OBSERVATION_LENGTH];
	struct observer *observer = &environment->observers[0];
	agent_upkeep(environment, agent);
	if (!agent->alive)
		return;
	agent_look(environment, agent, observer, state);
	agent_decide(environment, agent, observer, state);
	agent_act(environment, agent);
	agent_look_again(environment, agent, observer, next);
	agent_learn(environment, agent, state, next);
}
