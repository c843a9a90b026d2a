/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placing, growing, eating. */
#include "sim/resources.h"

#include <criterion/criterion.h>

static struct resources resources;
static struct parameters parameters;

static void make(void)
{
	parameters_default(&parameters, 30);
	parameters.resources = 2000;
	parameters.width = 50;
	parameters.height = 80;
	cr_assert_eq(resources_init(&resources, &parameters, NULL), 0);
}

static void drop(void)
{
	resources_done(&resources);
}

TestSuite(resources, .init = make, .fini = drop);

Test(resources, start_full_and_spread_over_the_whole_world)
{
	int quarters[4] = {0};
	for (uint32_t i = 0; i < resources.count; i++) {
		cr_assert(resources.x[i] >= 0 && resources.x[i] <= 50);
		cr_assert(resources.y[i] >= 0 && resources.y[i] <= 80);
		quarters[(resources.x[i] >= 25) + 2 * (resources.y[i] >= 40)]++;
	}
	for (int i = 0; i < 4; i++)
		cr_assert(quarters[i] > 400 && quarters[i] < 600, "%d", quarters[i]);
	cr_assert_eq(resources_total(&resources), 2000 * 30.0);
}

Test(resources, a_tenth_grows_by_two)
{
	for (uint32_t i = 0; i < resources.count; i++)
		resources.amount[i] = 10;
	double gained = resources_regenerate(&resources);
	int grown = 0;
	for (uint32_t i = 0; i < resources.count; i++) {
		cr_assert(resources.amount[i] == 10 || resources.amount[i] == 12);
		grown += resources.amount[i] == 12;
	}
	cr_assert_eq(gained, 2.0 * grown);
	cr_assert(grown > 140 && grown < 260, "%d", grown);
}

Test(resources, never_grow_beyond_the_maximum)
{
	for (uint32_t i = 0; i < resources.count; i++)
		resources.amount[i] = 29;
	for (int step = 0; step < 100; step++)
		resources_regenerate(&resources);
	cr_assert_eq(resources_total(&resources), 2000 * 30.0);
	cr_assert_eq(resources_regenerate(&resources), 0);
}

Test(resources, give_what_they_have)
{
	resources.amount[5] = 4;
	cr_assert_eq(resources_take(&resources, 5, 3), 3);
	cr_assert_eq(resources_take(&resources, 5, 3), 1);
	cr_assert_eq(resources_take(&resources, 5, 3), 0);
	cr_assert_eq(resources.amount[5], 0);
}

Test(resources, nearest_skips_the_empty_ones)
{
	uint32_t first = resources_nearest(&resources, 25, 40, 30);
	cr_assert_neq(first, SPATIAL_NONE);
	resources.amount[first] = 0;
	uint32_t second = resources_nearest(&resources, 25, 40, 30);
	cr_assert_neq(second, first);
	for (uint32_t i = 0; i < resources.count; i++)
		resources.amount[i] = 0;
	cr_assert_eq(resources_nearest(&resources, 25, 40, 30), SPATIAL_NONE);
}

Test(resources, what_one_draws_does_not_depend_on_who_was_eaten)
{
	struct resources other;
	cr_assert_eq(resources_init(&other, &parameters, NULL), 0);
	for (uint32_t i = 0; i < resources.count; i++)
		resources.amount[i] = other.amount[i] = 10;
	resources.amount[0] = 30; /* full: cannot grow */
	resources_regenerate(&resources);
	resources_regenerate(&other);
	for (uint32_t i = 1; i < resources.count; i++)
		cr_assert_eq(resources.amount[i], other.amount[i]);
	resources_done(&other);
}
