/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The phases, and that they bind. */
#include "sim/curriculum.h"

#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>

static struct environment environment;

static uint32_t allowed_at(uint32_t step)
{
	struct action_options options;
	environment.step = step;
	environment.agents[0].resource_level = 20;
	world_place(&environment, 0, 45, 50);
	world_place(&environment, 1, 46, 50);
	action_find_options(&environment, &environment.agents[0], &options);
	return options.allowed;
}

Test(curriculum, opens_actions_at_steps_100_and_200)
{
	const uint32_t first = 1U << ACTION_MOVE | 1U << ACTION_GATHER;
	const uint32_t second = first | 1U << ACTION_SHARE | 1U << ACTION_ATTACK;
	world_make(&environment, 4);
	cr_assert_eq(allowed_at(0), 127);
	environment.parameters.curriculum = true;
	cr_assert_eq(allowed_at(0), first);
	cr_assert_eq(allowed_at(99), first);
	cr_assert_eq(allowed_at(100), second);
	cr_assert_eq(allowed_at(199), second);
	cr_assert_eq(allowed_at(200), 127);
	environment_done(&environment);
}
