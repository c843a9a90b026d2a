/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In which order agents look. */
#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>

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
