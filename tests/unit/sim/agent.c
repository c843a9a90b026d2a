/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A turn: consumption, starvation, protection, exploration, reward, what is remembered. */
#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>
#include <string.h>

static struct environment environment;
static struct agent *agent;

static void make(void)
{
	world_make(&environment, 4);
	agent = &environment.agents[0];
}

static void drop(void)
{
	environment_done(&environment);
}

TestSuite(agent, .init = make, .fini = drop);

/* Makes the agent's network prefer one action in all states: every weight 0, one bias 1. */
static void force(enum action action)
{
	struct decision *decision = &environment.decisions[agent->type];
	memset(decision->online.parameters, 0, decision->online.parameter_count * sizeof(float));
	size_t hidden = environment.parameters.learning.hidden;
	size_t biases =
		hidden * (OBSERVATION_LENGTH + 1) + hidden * (hidden + 1) + ACTION_COUNT * hidden;
	decision->online.parameters[biases + action] = 1;
	agent->epsilon = 0;
	environment.parameters.learning.epsilon_minimum = 0;
}

static const struct replay_entry *remembered(void)
{
	return replay_find(&environment.decisions[agent->type].replay, agent->last_transition);
}

Test(agent, consumes_and_never_owes)
{
	force(ACTION_PASS);
	world_turn(&environment, agent);
	cr_assert_float_eq(agent->resource_level, 4.85, 1e-6);
	agent->resource_level = 0.1F;
	world_turn(&environment, agent);
	cr_assert_eq(agent->resource_level, 0);
}

Test(agent, starves_in_the_hundredth_turn_with_nothing)
{
	force(ACTION_PASS);
	agent->resource_level = 0;
	for (int turn = 1; turn < 100; turn++) {
		world_turn(&environment, agent);
		cr_assert(agent->alive, "died in turn %d", turn);
	}
	world_turn(&environment, agent);
	cr_assert_not(agent->alive);
	cr_assert_eq(environment.counters.deaths[DEATH_STARVATION], 1);
	cr_assert_eq(environment.counters.attempted[ACTION_PASS],
		     99); /* the last turn has no action */
}

Test(agent, something_to_eat_ends_starvation)
{
	force(ACTION_PASS);
	agent->starvation_counter = 99;
	agent->resource_level = 1;
	world_turn(&environment, agent);
	cr_assert(agent->alive);
	cr_assert_eq(agent->starvation_counter, 0);
}

Test(agent, a_defence_lasts_until_its_third_turn_after)
{
	force(ACTION_DEFEND);
	world_turn(&environment, agent);
	force(ACTION_PASS);
	static const uint32_t left[] = {3, 2, 1, 0, 0};
	for (int turn = 0; turn < 5; turn++) {
		cr_assert_eq(agent->defense_timer, left[turn]);
		world_turn(&environment, agent);
	}
}

Test(agent, looks_three_times_a_turn_and_evaluates_its_network)
{
	struct decision *decision = &environment.decisions[agent->type];
	for (int turn = 0; turn < 5; turn++)
		world_turn(&environment, agent);
	cr_assert_eq(environment.counters.turns, 5);
	cr_assert_eq(environment.observers[0].observations, 15);
	cr_assert_eq(environment.observers[0].workspace.forward_passes, 5);
	cr_assert_eq(decision->decisions, 5);
	cr_assert_eq(decision->replay.stored, 5);
}

Test(agent, explores_less_with_every_choice)
{
	world_turn(&environment, agent);
	cr_assert_float_eq(agent->epsilon, 0.995, 1e-6);
	for (int i = 0; i < 2000; i++) {
		agent->resource_level = 5;
		world_turn(&environment, agent);
	}
	cr_assert_eq(agent->epsilon, 0.01F);
}

Test(agent, remembers_the_state_the_action_its_reward_and_the_state_after)
{
	world_place(&environment, 0, 45, 50);
	force(ACTION_GATHER);
	world_turn(&environment, agent);
	const struct replay *replay = &environment.decisions[agent->type].replay;
	const struct replay_entry *entry = remembered();
	cr_assert_eq(entry->action, ACTION_GATHER);
	/* 3 gathered: 0.1 each for having them and for gathering, 0.1 alive, 0.05 acted. */
	cr_assert_float_eq(entry->reward, 0.3 + 0.3 + 0.1 + 0.05, 1e-5);
	cr_assert_float_eq(agent->total_reward, entry->reward, 1e-6);
	size_t place = CHANNEL_RESOURCES * OBSERVATION_CELLS +
		       OBSERVATION_RADIUS * OBSERVATION_SIDE + OBSERVATION_RADIUS + 5;
	cr_assert_eq(replay->states[place], 1);
	cr_assert_float_eq(replay->nexts[place], 0.9, 1e-6);
	cr_assert(entry->next_allowed & 1U << ACTION_GATHER);
	cr_assert_not(entry->next_allowed & 1U << ACTION_REPRODUCE); /* 4.85 + 3 is less than 8 */
}

Test(agent, is_rewarded_for_healing_and_less_for_passing)
{
	agent->health = 50;
	force(ACTION_DEFEND);
	world_turn(&environment, agent);
	cr_assert_float_eq(remembered()->reward, 0.5 + 0.1 + 0.05 + 0.02, 1e-5);
	force(ACTION_PASS);
	world_turn(&environment, agent);
	cr_assert_float_eq(remembered()->reward, 0.1 + 0.01, 1e-5);
}

Test(agent, a_death_ends_the_last_transition_with_its_penalty)
{
	force(ACTION_PASS);
	world_turn(&environment, agent);
	environment_kill(&environment, agent, DEATH_COMBAT);
	cr_assert(remembered()->terminal);
	cr_assert_float_eq(remembered()->reward, 0.01 - 10, 1e-5);
}
