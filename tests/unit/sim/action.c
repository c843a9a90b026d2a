/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rule of each action. */
#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>

static struct environment environment;

static void make(void)
{
	world_make(&environment, 4); /* in the four corners */
}

static void drop(void)
{
	environment_done(&environment);
}

TestSuite(action, .init = make, .fini = drop);

static bool possible(uint32_t slot, enum action action)
{
	struct action_options options;
	action_find_options(&environment, &environment.agents[slot], &options);
	return options.allowed & 1U << action;
}

Test(action, attack_takes_two_from_the_nearest_within_twenty)
{
	cr_assert_not(possible(0, ACTION_ATTACK));
	world_place(&environment, 1, 20, 0);
	world_place(&environment, 2, 0, 19);
	cr_assert_eq(world_do(&environment, 0, ACTION_ATTACK).target, 3);
	cr_assert_eq(environment.agents[2].health, 98);
	cr_assert_eq(environment.agents[1].health, 100);
	world_place(&environment, 2, 0, 20.01F);
	struct action_outcome outcome = world_do(&environment, 0, ACTION_ATTACK);
	cr_assert(outcome.succeeded);
	cr_assert_eq(outcome.amount, 2);
	cr_assert_eq(outcome.reward, 0.1F);
	cr_assert_eq(environment.agents[1].health, 98);
	world_place(&environment, 1, 20.01F, 0);
	cr_assert_not(possible(0, ACTION_ATTACK));
}

Test(action, a_hurt_attacker_hits_in_proportion)
{
	world_place(&environment, 1, 5, 0);
	environment.agents[0].health = 50;
	cr_assert_eq(world_do(&environment, 0, ACTION_ATTACK).amount, 1);
	cr_assert_eq(environment.agents[1].health, 99);
}

Test(action, defending_halves_the_damage)
{
	world_place(&environment, 1, 5, 0);
	world_do(&environment, 1, ACTION_DEFEND);
	cr_assert_eq(world_do(&environment, 0, ACTION_ATTACK).amount, 1);
	environment.agents[1].defense_timer = 0;
	cr_assert_eq(world_do(&environment, 0, ACTION_ATTACK).amount, 2);
}

Test(action, damage_that_uses_up_the_health_kills)
{
	world_place(&environment, 1, 5, 0);
	environment.agents[1].health = 1.5F;
	struct action_outcome outcome = world_do(&environment, 0, ACTION_ATTACK);
	cr_assert_eq(outcome.amount, 1.5F);
	cr_assert_eq(environment.agents[1].health, 0);
	cr_assert_not(environment.agents[1].alive);
	cr_assert_eq(environment.living, 3);
	cr_assert_eq(environment.counters.deaths[DEATH_COMBAT], 1);
	cr_assert_eq(environment.counters.deaths[DEATH_STARVATION], 0);
	cr_assert_not(possible(0, ACTION_ATTACK)); /* the dead are not found */
}

Test(action, gather_takes_up_to_three_from_the_nearest_within_thirty)
{
	cr_assert_not(possible(0, ACTION_GATHER));
	world_place(&environment, 0, 20, 50);
	struct action_outcome outcome = world_do(&environment, 0, ACTION_GATHER);
	cr_assert_eq(outcome.amount, 3);
	cr_assert_eq(outcome.target, 1);
	cr_assert_float_eq(outcome.reward, 0.3, 1e-6);
	cr_assert_eq(environment.agents[0].resource_level, 8);
	cr_assert_eq(environment.resources.amount[0], 27);
	environment.resources.amount[0] = 1;
	cr_assert_eq(world_do(&environment, 0, ACTION_GATHER).amount, 1);
	cr_assert_not(possible(0, ACTION_GATHER));
	environment.resources.amount[0] = 1;
	world_place(&environment, 0, 19.99F, 50);
	cr_assert_not(possible(0, ACTION_GATHER));
}

Test(action, share_gives_one_to_five_to_the_poorest_within_thirty_and_keeps_five)
{
	world_place(&environment, 1, 10, 0);
	world_place(&environment, 2, 0, 30);
	environment.agents[1].resource_level = 3;
	environment.agents[2].resource_level = 2;
	environment.agents[3].resource_level = 0; /* out of reach */
	bool given[6] = {false};
	for (int i = 0; i < 100; i++) {
		environment.agents[0].resource_level = 20;
		environment.agents[2].resource_level = 2;
		struct action_outcome outcome = world_do(&environment, 0, ACTION_SHARE);
		int amount = (int)outcome.amount;
		cr_assert(amount >= 1 && amount <= 5 && (float)amount == outcome.amount);
		cr_assert_eq(outcome.target, 3);
		cr_assert_float_eq(outcome.reward, 0.05 * amount, 1e-6);
		cr_assert_eq(environment.agents[0].resource_level, 20 - outcome.amount);
		cr_assert_eq(environment.agents[2].resource_level, 2 + outcome.amount);
		given[amount] = true;
	}
	for (int amount = 1; amount <= 5; amount++)
		cr_assert(given[amount], "%d was never given", amount);
	environment.agents[0].resource_level = 6;
	cr_assert_eq(world_do(&environment, 0, ACTION_SHARE).amount, 1);
	cr_assert_eq(environment.agents[0].resource_level, 5);
	cr_assert_not(possible(0, ACTION_SHARE));
	environment.agents[0].resource_level = 20;
	world_place(&environment, 1, 100, 0);
	world_place(&environment, 2, 0, 30.01F);
	cr_assert_not(possible(0, ACTION_SHARE));
}

Test(action, move_goes_one_to_eight_along_an_axis)
{
	bool lengths[9] = {false}, directions[4] = {false};
	for (int i = 0; i < 1000; i++) {
		world_place(&environment, 0, 50, 50);
		struct action_outcome outcome = world_do(&environment, 0, ACTION_MOVE);
		float dx = environment.agents[0].x - 50, dy = environment.agents[0].y - 50;
		cr_assert(dx == 0 || dy == 0);
		cr_assert_eq(outcome.amount, dx + dy < 0 ? -dx - dy : dx + dy);
		cr_assert(outcome.amount >= 1 && outcome.amount <= 8);
		lengths[(int)outcome.amount] = true;
		directions[dx > 0 ? 0 : dx < 0 ? 1 : dy > 0 ? 2 : 3] = true;
		cr_assert_eq(spatial_index_get_nearest(&environment.agent_index,
						       environment.agents[0].x,
						       environment.agents[0].y, 0, NULL),
			     0);
	}
	for (int i = 1; i <= 8; i++)
		cr_assert(lengths[i]);
	for (int i = 0; i < 4; i++)
		cr_assert(directions[i]);
}

Test(action, move_out_of_the_world_is_refused)
{
	int refused = 0;
	for (int i = 0; i < 100; i++) {
		world_place(&environment, 0, 0, 100);
		struct action_outcome outcome = world_do(&environment, 0, ACTION_MOVE);
		cr_assert(environment_contains(&environment, environment.agents[0].x,
					       environment.agents[0].y));
		if (outcome.succeeded)
			continue;
		refused++;
		cr_assert_eq(environment.agents[0].x, 0);
		cr_assert_eq(environment.agents[0].y, 100);
	}
	cr_assert(refused > 25 && refused < 75, "%d", refused);
	cr_assert_eq(environment.counters.attempted[ACTION_MOVE] -
			     environment.counters.succeeded[ACTION_MOVE],
		     refused);
}

Test(action, reproduce_needs_eight_costs_three_and_succeeds_half_the_time)
{
	struct agent *parent = &environment.agents[2];
	parent->resource_level = 7.99F;
	cr_assert_not(possible(2, ACTION_REPRODUCE));
	int born = 0;
	for (int i = 0; i < 200; i++) {
		parent->resource_level = 8;
		struct action_outcome outcome = world_do(&environment, 2, ACTION_REPRODUCE);
		cr_assert_eq(parent->resource_level, outcome.succeeded ? 5 : 8);
		if (!outcome.succeeded)
			continue;
		born++;
		const struct agent *child = &environment.agents[environment.agent_count - 1];
		cr_assert_eq(child->number, outcome.target);
		cr_assert_eq(child->resource_level, 5);
		cr_assert_eq(child->health, 100);
		cr_assert_eq(child->type, parent->type);
		cr_assert_eq(child->generation, parent->generation + 1);
		cr_assert_eq(child->x, parent->x);
		cr_assert_eq(child->y, parent->y);
	}
	cr_assert(born > 70 && born < 130, "%d", born);
	cr_assert_eq(environment.living, 4 + (uint32_t)born);
	cr_assert_eq(environment.counters.births, born);
}

Test(action, nobody_is_born_beyond_the_limit)
{
	environment.agents[0].resource_level = 100;
	cr_assert(possible(0, ACTION_REPRODUCE));
	environment.parameters.maximum_population = 4;
	cr_assert_not(possible(0, ACTION_REPRODUCE));
}

Test(action, defend_heals_one_but_not_above_the_start)
{
	environment.agents[0].health = 98.5F;
	struct action_outcome outcome = world_do(&environment, 0, ACTION_DEFEND);
	cr_assert_eq(outcome.amount, 1);
	cr_assert_eq(outcome.reward, 0.02F);
	cr_assert_eq(environment.agents[0].health, 99.5F);
	world_do(&environment, 0, ACTION_DEFEND);
	cr_assert_eq(environment.agents[0].health, 100);
	cr_assert_eq(environment.agents[0].defense_timer, 3);
}

Test(action, pass_changes_nothing)
{
	struct agent before = environment.agents[0];
	struct action_outcome outcome = world_do(&environment, 0, ACTION_PASS);
	cr_assert_eq(outcome.reward, 0.01F);
	cr_assert_eq(environment.agents[0].resource_level, before.resource_level);
	cr_assert_eq(environment.agents[0].health, before.health);
	cr_assert_eq(environment.agents[0].x, before.x);
}

Test(action, types_gather_in_their_own_ways)
{
	environment.parameters.type_parameters = true;
	for (uint32_t slot = 0; slot < 3; slot++) {
		static const float taken[] = {1.2F, 2.1F, 1.65F}, cost[] = {0.06F, 0.03F, 0.045F};
		struct agent *agent = &environment.agents[slot];
		world_place(&environment, slot, 20, 50);
		agent->resource_level = 5;
		struct action_outcome outcome = world_do(&environment, slot, ACTION_GATHER);
		cr_assert_float_eq(outcome.amount, taken[slot], 1e-5);
		cr_assert_float_eq(agent->resource_level, 5 + taken[slot] - cost[slot], 1e-5);
	}
	environment.resources.amount[0] = 0.1F;
	cr_assert_not(possible(0, ACTION_GATHER)); /* System wants 0.2 at least */
	cr_assert(possible(1, ACTION_GATHER));	   /* Independent 0.05 */
	cr_assert_not(possible(2, ACTION_GATHER)); /* Control 0.125 */
}

Test(action, who_owes_cannot_defend)
{
	environment.agents[0].resource_level = -0.1F;
	cr_assert_not(possible(0, ACTION_DEFEND));
}

Test(action, an_attack_takes_twelve_unless_told_and_half_from_one_who_defends)
{
	static struct environment world;
	struct parameters parameters;
	parameters_default(&parameters, 2);
	cr_assert_eq(environment_init(&world, &parameters, NULL, NULL), 0);
	world_place(&world, 0, 10, 10);
	world_place(&world, 1, 12, 10);
	cr_assert_eq(world_do(&world, 0, ACTION_ATTACK).amount, 12);
	world_do(&world, 1, ACTION_DEFEND);
	cr_assert_eq(world_do(&world, 0, ACTION_ATTACK).amount, 6);
	environment_done(&world);
}

Test(action, who_was_hit_moves_first_and_who_is_alone_last)
{
	static struct environment world;
	struct parameters parameters;
	parameters_default(&parameters, 4);
	parameters.world.index_update = SPATIAL_BATCHED;
	parameters.world.index_urgency = URGENCY_DANGER;
	cr_assert_eq(environment_init(&world, &parameters, NULL, NULL), 0);
	static const float places[4][2] = {{20, 20}, {22, 20}, {20, 80}, {80, 80}};
	for (uint32_t slot = 0; slot < 4; slot++)
		world_place(&world, slot, places[slot][0], places[slot][1]);
	spatial_index_update(&world.agent_index);
	const struct spatial_index *index = &world.agent_index;
	world_do(&world, 3, ACTION_MOVE);
	world_do(&world, 0, ACTION_MOVE);
	cr_assert_eq(index->regions[0].priority, SPATIAL_LOW);
	cr_assert_eq(index->regions[1].priority, SPATIAL_NORMAL);
	world_place(&world, 0, 20, 20);
	world_do(&world, 0, ACTION_ATTACK);
	world_do(&world, 1, ACTION_MOVE);
	cr_assert_eq(index->regions[1].priority, SPATIAL_HIGH);
	world.agents[1].health = 49;
	world_do(&world, 1, ACTION_MOVE);
	cr_assert_eq(index->regions[1].priority, SPATIAL_CRITICAL);
	spatial_index_update(&world.agent_index);
	cr_assert_eq(index->preferred_regions, 1);
	/* Until its own next turn. */
	world.agents[1].turn.action = ACTION_PASS;
	agent_act(&world, &world.agents[1]);
	world_do(&world, 1, ACTION_MOVE);
	cr_assert_eq(index->regions[0].priority, SPATIAL_NORMAL);
	environment_done(&world);
}
