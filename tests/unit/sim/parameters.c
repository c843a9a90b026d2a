/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What follows from the number of agents. */
#include "sim/parameters.h"

#include <criterion/criterion.h>

Test(parameters, two_resources_for_three_agents)
{
	cr_assert_eq(parameters_resources_for(1), 1);
	cr_assert_eq(parameters_resources_for(30), 20);
	cr_assert_eq(parameters_resources_for(200), 134);
	cr_assert_eq(parameters_resources_for(PARAMETERS_AGENTS_MAXIMUM), 666667);
}

Test(parameters, population_may_grow_by_half_and_to_300_at_least)
{
	cr_assert_eq(parameters_maximum_population_for(1), 300);
	cr_assert_eq(parameters_maximum_population_for(200), 300);
	cr_assert_eq(parameters_maximum_population_for(1000), 1500);
}
