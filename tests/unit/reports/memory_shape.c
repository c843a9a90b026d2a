/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/memory_shape.c. */
#include "reports/memory_shape.h"

#include <criterion/criterion.h>

static struct profile *profile;
static struct memory memory;
static struct memory_shape shape;

static void setup(void)
{
	profile = profile_new();
	memory = (struct memory){0};
}

static void teardown(void)
{
	profile_free(profile);
}

TestSuite(memory_shape, .init = setup, .fini = teardown);

static void spread(enum profile_spread_kind kind, uint64_t value, uint64_t count)
{
	profile_spread_add(profile, &(struct profile_spread){.bucket = profile_bucket_of(value),
							     .kind = (uint8_t)kind,
							     .count = count});
}

Test(memory_shape, a_profile_without_histograms_has_none)
{
	cr_assert(!memory_shape_measure(&shape, &memory, profile));
}

Test(memory_shape, sorts_sizes_by_powers_of_two)
{
	spread(PROFILE_SPREAD_SIZE, 0, 1);
	spread(PROFILE_SPREAD_SIZE, 16, 5);
	spread(PROFILE_SPREAD_SIZE, 31, 2);
	spread(PROFILE_SPREAD_SIZE, 1 << 20, 1);
	cr_assert(memory_shape_measure(&shape, &memory, profile));
	cr_assert_eq(shape.sized, 9);
	cr_assert_eq(shape.sizes[0], 1);
	cr_assert_eq(shape.sizes[5], 7);
	cr_assert_eq(shape.sizes[21], 1);
	cr_assert_eq(shape.median_bytes, 19);
}

/* What the recorder tells of blocks of 500 bytes, and of 3. */
Test(memory_shape, half_of_the_blocks_are_no_larger_than_is_said)
{
	spread(PROFILE_SPREAD_SIZE, 448, 10);
	cr_assert(memory_shape_measure(&shape, &memory, profile));
	cr_assert_eq(shape.median_bytes, 511);
	spread(PROFILE_SPREAD_SIZE, 3, 11);
	cr_assert(memory_shape_measure(&shape, &memory, profile));
	cr_assert_eq(shape.median_bytes, 3);
}

Test(memory_shape, freed_blocks_of_no_known_lifetime_lived_less_than_one_step)
{
	memory.amounts[MEMORY_ALLOCATIONS] = 100;
	memory.amounts[MEMORY_LIVE_BLOCKS] = 10;
	spread(PROFILE_SPREAD_SIZE, 16, 100);
	spread(PROFILE_SPREAD_LIFETIME, 4000000, 3);
	spread(PROFILE_SPREAD_LIFETIME, 1000000000, 2);
	cr_assert(memory_shape_measure(&shape, &memory, profile));
	cr_assert_eq(shape.freed, 90);
	cr_assert_eq(shape.lifetimes[0], 85);
	cr_assert_eq(shape.lifetimes[1], 3);
	cr_assert_eq(shape.lifetimes[8], 2);
}

Test(memory_shape, ages_add_up_to_what_was_freed_within_so_many_allocations)
{
	spread(PROFILE_SPREAD_SIZE, 16, 100);
	for (uint64_t age = 0; age < 128; age++)
		spread(PROFILE_SPREAD_AGE, age, 1);
	cr_assert(memory_shape_measure(&shape, &memory, profile));
	for (int i = 0; i < MEMORY_SHAPE_AGES; i++)
		cr_assert_eq(shape.within[i], 1u << i, "%d: %d", i, (int)shape.within[i]);
}
