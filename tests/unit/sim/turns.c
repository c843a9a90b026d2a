/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In which order agents look, how often, and what they choose by. */
#include "tests/unit/sim/world.h"

#include "sim/state_hash.h"

#include <criterion/criterion.h>
#include <string.h>

static struct environment environment;
static struct error error;

static void make(void)
{
	static struct parameters parameters;
	parameters_default(&parameters, 300);
	parameters.width = 90;
	parameters.height = 50;
	parameters.agent.starvation_threshold = 3;
	parameters.agent.initial_resources = 0.2F;
	cr_assert_eq(environment_init(&environment, &parameters, NULL, &error), 0);
}

static void drop(void)
{
	environment_done(&environment);
}

TestSuite(turns, .init = make, .fini = drop);

Test(turns, all_living_look_once_square_by_square)
{
	/* In the fifth step those who have not eaten starve before they look. */
	for (int step = 0; step < 5; step++)
		cr_assert_eq(environment_step(&environment, &error), 0);
	uint32_t before = environment.agent_count;
	uint64_t looks = environment.counters.observations;
	bool looked[600] = {false};
	static struct agent agents[600];
	for (uint32_t i = 0; i < before; i++)
		agents[i] = environment.agents[i];
	turns_take(&environment);
	const struct places *places = &environment.places;
	cr_assert_gt(environment.counters.deaths[DEATH_STARVATION], 0);
	uint32_t count = places->ends[places->squares - 1], last_square = 0, last_slot = 0;
	cr_assert_gt(count, 50);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = places->slots[i];
		cr_assert_lt(slot, before);
		cr_assert_not(looked[slot]);
		looked[slot] = true;
		uint32_t square = (uint32_t)(agents[slot].y / places->side) * places->columns +
				  (uint32_t)(agents[slot].x / places->side);
		cr_assert_geq(square, last_square);
		cr_assert(square > last_square || i == 0 || slot > last_slot);
		last_square = square;
		last_slot = slot;
	}
	/* Who was killed by others after its looks did not look again. */
	looks = environment.counters.observations - looks;
	cr_assert_leq(looks, 3 * count);
	cr_assert_geq(looks, 2 * count);
	for (uint32_t i = 0; i < before; i++)
		cr_assert(looked[i] || !environment.agents[i].alive);
}

/* Runs a world of short lives; returns how many transitions began with what the last one saw. */
static uint32_t run_with(uint32_t looks, uint32_t *followed, uint64_t *hash)
{
	static struct environment world;
	struct parameters parameters;
	uint32_t same = 0;
	parameters_default(&parameters, 40);
	parameters.width = parameters.height = 30;
	parameters.agent.starting_health = 20;
	parameters.learning.memory = 2000;
	parameters.world.looks = looks;
	cr_assert_eq(environment_init(&world, &parameters, NULL, &error), 0);
	for (int step = 0; step < 40; step++)
		cr_assert_eq(environment_step(&world, &error), 0);
	*hash = state_hash(&world);
	*followed = 0;
	for (int type = 0; type < TYPE_COUNT; type++) {
		struct replay *replay = &world.decisions[type].replay;
		size_t bytes = replay->state_length * sizeof(float);
		for (size_t row = 0; row < replay_count(replay); row++) {
			uint64_t next = replay->entries[row].following;
			if (next == 0)
				continue;
			++*followed;
			same += memcmp(&replay->nexts[row * replay->state_length],
				       &replay->states[(next - 1) * replay->state_length],
				       bytes) == 0;
		}
	}
	/* Who was killed before its action, or after it, missed the look after it. */
	const struct counters *counters = &world.counters;
	uint64_t killed = counters->deaths[DEATH_COMBAT], newborn = 40 + counters->births;
	uint64_t most = counters->turns * looks + looks * killed + (looks == 1 ? newborn : 0);
	cr_assert_gt(killed, 0);
	cr_assert_geq(counters->observations, counters->turns * looks - killed);
	cr_assert_leq(counters->observations, most);
	environment_done(&world);
	return same;
}

Test(turns, agents_look_as_often_as_told_and_with_one_look_choose_by_the_last)
{
	uint32_t followed;
	uint64_t one, two, three;
	cr_assert_lt(run_with(LOOKS_THREE, &followed, &three), followed / 2);
	cr_assert_lt(run_with(LOOKS_TWO, &followed, &two), followed / 2);
	cr_assert_eq(run_with(LOOKS_ONE, &followed, &one), followed);
	cr_assert_gt(followed, 500);
	cr_assert_eq(two, three);
	cr_assert_neq(one, three);
}
