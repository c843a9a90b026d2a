/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is in the world, what they see of it, and that a run really has everything in it. */
#include "tests/unit/sim/world.h"

#include "sim/state_hash.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct environment environment;
static struct error error;

static void make(void)
{
	world_make(&environment, 9);
}

static void drop(void)
{
	environment_done(&environment);
}

TestSuite(environment, .init = make, .fini = drop);

static const float *tensor;

/* A cell of the last look. */
static float seen(enum observation_channel channel, int dx, int dy)
{
	return tensor[channel * OBSERVATION_CELLS + (OBSERVATION_RADIUS + dy) * OBSERVATION_SIDE +
		      OBSERVATION_RADIUS + dx];
}

static void look(struct agent *agent)
{
	tensor = environment_observe(&environment, agent, &environment.observers[0].perception);
}

Test(environment, starts_with_equal_thirds_alive_and_in_the_index)
{
	int types[TYPE_COUNT] = {0};
	struct spatial_found found = {0};
	for (uint32_t i = 0; i < 9; i++) {
		const struct agent *agent = &environment.agents[i];
		types[agent->type]++;
		cr_assert(agent->alive);
		cr_assert_eq(agent->slot, i);
		cr_assert_eq(agent->number, i + 1);
		cr_assert_eq(agent->resource_level, 5);
		cr_assert_eq(agent->health, 100);
	}
	for (int type = 0; type < TYPE_COUNT; type++)
		cr_assert_eq(types[type], 3);
	spatial_index_get_range(&environment.agent_index, 0, 0, 101, 101, &found);
	cr_assert_eq(found.count, 9);
	spatial_found_done(&found);
}

Test(environment, a_birth_without_memory_for_what_it_learns_by_does_not_happen_and_ends_the_run)
{
	static struct environment world;
	struct parameters parameters = environment.parameters;
	parameters.learning.sharing = SHARING_AGENT;
	parameters.agent.reproduction_chance = 1;
	cr_assert_eq(environment_init(&world, &parameters, NULL, &error), 0);
	cr_assert_gt(world.learner_bytes, 2 * 100 * OBSERVATION_LENGTH * sizeof(float));
	world.agents[0].resource_level = 20;
	cr_assert(world_do(&world, 0, ACTION_REPRODUCE).succeeded);
	cr_assert_eq(environment_step(&world, &error), 0, "%s", error.text);
	world.learner_bytes = 1e18;
	world.agents[0].resource_level = 20;
	cr_assert_not(world_do(&world, 0, ACTION_REPRODUCE).succeeded);
	cr_assert_eq(world.agents[0].resource_level, 20);
	cr_assert_eq(world.counters.births, 1);
	cr_assert_eq(environment_step(&world, &error), -ENOMEM);
	cr_assert_not_null(strstr(error.text, "with 10 agents); try a lower --max-population"),
			   "%s", error.text);
	environment_done(&world);
}

Test(environment, an_observation_shows_allies_enemies_and_resources_where_they_are)
{
	struct agent *agent = &environment.agents[0];
	world_place(&environment, 0, 50.5F, 47.5F);
	world_place(&environment, 3, 52.5F, 47.5F); /* the same type: 0 and 3 of three types */
	world_place(&environment, 1, 50.5F, 45.5F);
	world_place(&environment, 2, 40, 47); /* out of sight */
	environment.agents[3].health = 25;
	agent->health = 80;
	environment.resources.amount[0] = 15;
	look(agent);
	cr_assert_float_eq(seen(CHANNEL_SELF_HP, 0, 0), 0.8, 1e-6);
	cr_assert_eq(seen(CHANNEL_ALLIES_HP, 2, 0), 0.25F);
	cr_assert_eq(seen(CHANNEL_ENEMIES_HP, 0, -2), 1);
	cr_assert_eq(seen(CHANNEL_RESOURCES, 0, 3), 0.5F);
	cr_assert_eq(seen(CHANNEL_KNOWN_EMPTY, 0, 3), 0);
	cr_assert_eq(seen(CHANNEL_KNOWN_EMPTY, 1, 3), 1);
	cr_assert_eq(seen(CHANNEL_ALLIES_HP, 0, 0), 0); /* not itself */
}

Test(environment, a_resource_in_the_window_s_corner_is_seen)
{
	/* Farther from the centre than R + 1, yet inside of the square. */
	world_place(&environment, 0, 44.5F, 44.5F);
	look(&environment.agents[0]);
	cr_assert_eq(seen(CHANNEL_RESOURCES, 6, 6), 1);
}

Test(environment, the_dead_are_cleared_away_and_the_order_of_births_stays)
{
	environment_kill(&environment, &environment.agents[2], DEATH_COMBAT);
	environment_kill(&environment, &environment.agents[5], DEATH_STARVATION);
	environment_update(&environment);
	static const uint32_t left[] = {1, 2, 4, 5, 7, 8, 9};
	cr_assert_eq(environment.agent_count, 7);
	for (uint32_t i = 0; i < 7; i++) {
		const struct agent *agent = &environment.agents[i];
		cr_assert_eq(agent->number, left[i]);
		cr_assert_eq(agent->slot, i);
		cr_assert_eq(environment.agent_index.x[i], agent->x);
	}
	cr_assert_eq(environment.living, 7);
	cr_assert_eq(environment.step, 1);
}

Test(environment, a_child_is_found_at_once_and_acts_from_the_next_step_on)
{
	struct agent *parent = &environment.agents[0];
	struct agent *child = environment_add_agent(&environment, parent->type, 30, 30, 5, parent);
	cr_assert_eq(spatial_index_get_nearest(&environment.agent_index, 30, 30, 1, NULL),
		     child->slot);
	cr_assert_eq(environment_step(&environment, &error), 0);
	cr_assert_eq(environment.counters.turns, 10);

	/* Born in the step: does not act in it. */
	environment.parameters.agent.reproduction_chance = 1;
	uint64_t births = 0;
	for (int step = 0; step < 50 && births == 0; step++) {
		uint32_t before = environment.living;
		uint64_t turns = environment.counters.turns;
		for (uint32_t i = 0; i < environment.agent_count; i++)
			environment.agents[i].resource_level = 20;
		environment_step(&environment, &error);
		births = environment.counters.births;
		cr_assert_eq(environment.counters.turns - turns, before);
	}
	cr_assert(births > 0);
}

Test(environment, index_is_rebuilt_once_a_step_at_most_and_the_resources_only_once)
{
	uint64_t before = environment.agent_index.rebuilds;
	for (int step = 0; step < 20; step++)
		environment_step(&environment, &error);
	cr_assert(environment.agent_index.rebuilds - before <= 20);
	cr_assert(environment.agent_index.rebuilds - before > 10);
	cr_assert_eq(environment.resources.index.rebuilds,
		     2); /* at first, and world_make() moved it */
}

/* A world where life is short, so that few steps have everything in them. */
static void make_short_lived(struct environment *world, uint64_t seed)
{
	struct parameters parameters;
	parameters_default(&parameters, 60);
	parameters.agent.attack_damage = 2; /* weak, so that lives end in every way */
	parameters.seed = seed;
	parameters.width = parameters.height = 50;
	parameters.resources = 25;
	parameters.agent.starting_health = 8;
	parameters.agent.starvation_threshold = 10;
	parameters.learning.memory = 200;
	cr_assert_eq(environment_init(world, &parameters, NULL, &error), 0);
}

Test(environment, a_run_has_everything_in_it)
{
	static struct environment world;
	make_short_lived(&world, 1);
	for (int step = 0; step < 150; step++)
		cr_assert_eq(environment_step(&world, &error), 0);
	const struct counters *counters = &world.counters;
	for (int action = 0; action < ACTION_COUNT; action++)
		cr_assert_gt(counters->succeeded[action], 0, "no %s", action_names[action]);
	for (int cause = 0; cause < DEATH_CAUSE_COUNT; cause++)
		cr_assert_gt(counters->deaths[cause], 0, "no %s", death_cause_names[cause]);
	cr_assert_gt(counters->births, 0);
	cr_assert_gt(counters->damage, 0);
	cr_assert_gt(counters->shared, 0);
	cr_assert_gt(counters->gathered, 0);
	cr_assert_gt(counters->regenerated, 0);
	cr_assert_gt(world.agent_index.rebuilds, 100);
	for (int type = 0; type < TYPE_COUNT; type++) {
		cr_assert_gt(world.decisions[type].trainings, 0);
		cr_assert_gt(world.decisions[type].decisions, 0);
	}
	cr_assert_gt(world.living, 0);
	cr_assert_eq(world.living, 60 + counters->births - counters->deaths[DEATH_COMBAT] -
					   counters->deaths[DEATH_STARVATION]);
	/* Three in a turn; those who died in combat had two before it, and no third one. */
	uint64_t killed = counters->deaths[DEATH_COMBAT];
	cr_assert(counters->observations >= 3 * counters->turns - killed);
	cr_assert(counters->observations <= 3 * counters->turns + 2 * killed);
	environment_done(&world);
}

Test(environment, resources_are_neither_made_nor_lost)
{
	static struct environment world;
	make_short_lived(&world, 3);
	double start = resources_total(&world.resources);
	for (int step = 0; step < 50; step++)
		environment_step(&world, &error);
	cr_assert_float_eq(resources_total(&world.resources),
			   start + world.counters.regenerated - world.counters.gathered, 1e-2);
	environment_done(&world);
}

static void expect_same_trace(uint32_t threads, enum decision_variant decisions)
{
	static struct environment plain, other;
	struct parameters parameters;
	make_short_lived(&plain, 1);
	parameters = plain.parameters;
	parameters.threads = threads;
	parameters.learning.decisions = decisions;
	cr_assert_eq(environment_init(&other, &parameters, NULL, &error), 0);
	for (int step = 0; step < 60; step++) {
		environment_step(&plain, &error);
		environment_step(&other, &error);
		cr_assert_eq(state_hash(&plain), state_hash(&other), "%u threads, step %d", threads,
			     step);
	}
	cr_assert(plain.decisions[0].trainings > 0);
	environment_done(&plain);
	environment_done(&other);
}

Test(environment, threads_and_batches_change_nothing)
{
	expect_same_trace(1, DECISIONS_BATCHED);
	expect_same_trace(2, DECISIONS_SINGLE);
	expect_same_trace(4, DECISIONS_BATCHED);
}

/* The hash after some steps with one choice about learning made differently. */
static uint64_t hash_with(void (*change)(struct learning_parameters *))
{
	static struct environment world;
	struct parameters parameters;
	make_short_lived(&world, 1);
	parameters = world.parameters;
	environment_done(&world);
	parameters.learning.memory = 64;
	if (change)
		change(&parameters.learning);
	cr_assert_eq(environment_init(&world, &parameters, NULL, &error), 0);
	for (int step = 0; step < 30; step++)
		environment_step(&world, &error);
	uint64_t hash = state_hash(&world);
	environment_done(&world);
	return hash;
}

static void choose_none(struct learning_parameters *learning)
{
	learning->network = NETWORK_NONE;
}

static void choose_double(struct learning_parameters *learning)
{
	learning->algorithm = ALGORITHM_DDQN;
}

static void choose_ppo(struct learning_parameters *learning)
{
	learning->algorithm = ALGORITHM_PPO;
}

static void choose_own(struct learning_parameters *learning)
{
	learning->sharing = SHARING_AGENT;
}

static void choose_priorities(struct learning_parameters *learning)
{
	learning->replay = REPLAY_PRIORITISED;
}

static void choose_steps(struct learning_parameters *learning)
{
	learning->n_step = 3;
}

static void choose_copies(struct learning_parameters *learning)
{
	learning->target_every = 5;
}

Test(environment, every_choice_about_learning_is_in_effect)
{
	static void (*const changes[])(struct learning_parameters *) = {
		NULL,	    choose_none,       choose_double, choose_ppo,
		choose_own, choose_priorities, choose_steps,  choose_copies};
	enum {
		CHANGES = sizeof(changes) / sizeof(changes[0])
	};
	uint64_t hashes[CHANGES];
	for (int i = 0; i < CHANGES; i++) {
		hashes[i] = hash_with(changes[i]);
		for (int before = 0; before < i; before++)
			cr_assert_neq(hashes[i], hashes[before], "%d is %d", i, before);
	}
}

Test(environment, same_seed_same_trace_and_another_seed_another)
{
	static struct environment one, same, other;
	make_short_lived(&one, 1);
	make_short_lived(&same, 1);
	make_short_lived(&other, 2);
	for (int step = 0; step < 40; step++) {
		environment_step(&one, &error);
		environment_step(&same, &error);
		environment_step(&other, &error);
		cr_assert_eq(state_hash(&one), state_hash(&same));
		cr_assert_neq(state_hash(&one), state_hash(&other));
	}
	environment_done(&one);
	environment_done(&same);
	environment_done(&other);
}

static void trace(const struct world_parameters *variant, uint64_t *hashes, int steps)
{
	static struct environment world;
	struct parameters parameters;
	parameters_default(&parameters, 60);
	parameters.width = parameters.height = 50;
	parameters.resources = 25;
	parameters.agent.starting_health = 8;
	parameters.agent.starvation_threshold = 10;
	parameters.learning.memory = 100;
	parameters.world = *variant;
	cr_assert_eq(environment_init(&world, &parameters, NULL, &error), 0);
	for (int step = 0; step < steps; step++) {
		cr_assert_eq(environment_step(&world, &error), 0);
		hashes[step] = state_hash(&world);
	}
	cr_assert_gt(world.counters.births, 0);
	cr_assert_gt(world.counters.deaths[DEATH_STARVATION] + world.counters.deaths[DEATH_COMBAT],
		     0);
	environment_done(&world);
}

Test(environment, index_its_updates_storage_and_buffers_change_no_run)
{
	enum {
		STEPS = 30
	};
	uint64_t first[STEPS], other[STEPS];
	trace(&(struct world_parameters){0}, first, STEPS);
	for (int index = 0; index < SPATIAL_COUNT; index++)
		for (int updates = 0; updates < SPATIAL_UPDATE_COUNT; updates++) {
			struct world_parameters variant = {
				.index = index,
				.index_update = updates,
				.observation = (index + updates) % OBSERVATION_VARIANT_COUNT,
				.buffers = updates % BUFFER_VARIANT_COUNT,
			};
			trace(&variant, other, STEPS);
			for (int step = 0; step < STEPS; step++)
				cr_assert_eq(other[step], first[step], "%d %d in step %d", index,
					     updates, step);
		}
	trace(&(struct world_parameters){.resource_layer = RESOURCE_LAYER_MEMMAP}, other, STEPS);
	cr_assert_neq(other[STEPS - 1], first[STEPS - 1]);
}

Test(environment, fields_show_damage_trails_signals_and_landmarks_where_they_were_made)
{
	struct agent *agent = &environment.agents[0];
	world_place(&environment, 0, 50.5F, 47.5F);
	world_place(&environment, 1, 52.5F, 47.5F);
	world_place(&environment, 3, 50.5F, 46.5F); /* of the type of 0 */
	world_do(&environment, 1, ACTION_ATTACK);   /* hits 0, two away as is nobody nearer */
	look(agent);
	cr_assert_float_eq(seen(CHANNEL_DAMAGE_HEAT, 0, 0), 0.02, 1e-6);
	cr_assert_eq(seen(CHANNEL_ALLY_SIGNAL, 0, 0), 1);
	cr_assert_eq(seen(CHANNEL_GOAL, 0, 3), 1); /* the resource at (50, 50) */
	look(&environment.agents[3]);
	cr_assert_eq(seen(CHANNEL_ALLY_SIGNAL, 0, 1), 1); /* its ally calls */
	look(&environment.agents[1]);
	cr_assert_eq(seen(CHANNEL_ALLY_SIGNAL, -2, 0), 0); /* an enemy's call is not heard */
	cr_assert_float_eq(seen(CHANNEL_DAMAGE_HEAT, -2, 0), 0.02, 1e-6);
	world_do(&environment, 0, ACTION_GATHER);
	look(agent);
	cr_assert_eq(seen(CHANNEL_LANDMARKS, 0, 3), 1);
	struct action_outcome moved = world_do(&environment, 0, ACTION_MOVE);
	look(agent);
	cr_assert(moved.succeeded);
	cr_assert_eq(seen(CHANNEL_TRAILS, 0, 0), 1);
}

Test(environment, an_agent_that_faces_east_sees_the_east_above_it)
{
	struct agent *agent = &environment.agents[0];
	world_place(&environment, 0, 50.5F, 20.5F);
	world_place(&environment, 1, 53.5F, 20.5F);
	look(agent);
	cr_assert_eq(seen(CHANNEL_ENEMIES_HP, 3, 0), 1);
	agent->orientation = 90;
	look(agent);
	cr_assert_eq(seen(CHANNEL_ENEMIES_HP, 0, -3), 1);
	cr_assert_eq(seen(CHANNEL_ENEMIES_HP, 3, 0), 0);
	agent->orientation = 0; /* what is remembered was not turned */
	look(agent);
	cr_assert_eq(seen(CHANNEL_ENEMIES_HP, 3, 0), 1);
	cr_assert_eq(seen(CHANNEL_KNOWN_EMPTY, 3, 0), 0);
	cr_assert_eq(seen(CHANNEL_KNOWN_EMPTY, 0, -3), 1);
}
