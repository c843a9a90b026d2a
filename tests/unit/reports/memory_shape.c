/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/memory_shape.c. */
#include "reports/memory_shape.h"

#include <criterion/criterion.h>
#include <math.h>

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

/* ---- coverage ----------------------------------------------------------------------------- */

#define TRIALS 200
#define RATE   65536

struct population {
	uint64_t bytes[5], blocks[5]; /* of up to so many sizes */
	uint32_t live_percent[5];
};

/* How many of Poisson's distribution come, by the product of uniform numbers; normal beyond. */
static uint64_t poisson(double mean)
{
	double product = 1;
	uint64_t count = 0;

	if (mean > 50) {
		double u = drand48(), v = drand48();
		double drawn = mean + sqrt(mean) * sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);

		return drawn > 0 ? (uint64_t)(drawn + 0.5) : 0;
	}
	while ((product *= drand48()) > exp(-mean))
		count++;
	return count;
}

/* Blocks taken of @blocks: each with chance p. */
static uint64_t taken(uint64_t blocks, double p)
{
	if (p > 0.999)
		return blocks;
	if (p > 0.01 && blocks < 3000) {
		uint64_t count = 0;

		for (uint64_t i = 0; i < blocks; i++)
			count += drand48() < p;
		return count;
	}
	return poisson((double)blocks * p);
}

/* Draws one recording. Returns how many of its intervals hold the truth: bit 0 of allocations,
 * bit 1 of live blocks. */
static int trial(const struct population *population)
{
	double all = 0, live = 0, live_bytes = 0, bytes = 0;
	uint64_t truth = 0, live_truth = 0;
	struct memory_interval of_all, of_live;

	profile_free(profile);
	profile = profile_new();
	memory = (struct memory){.rate = RATE, .stretch = 1};
	for (int i = 0; i < 5 && population->blocks[i]; i++) {
		double p = -expm1(-(double)population->bytes[i] / RATE);
		uint64_t lives = population->blocks[i] * population->live_percent[i] / 100;
		double stay = (double)taken(lives, p) / p;
		double sum = stay + (double)taken(population->blocks[i] - lives, p) / p;

		truth += population->blocks[i];
		live_truth += lives;
		all += sum;
		live += stay;
		bytes += sum * (double)population->bytes[i];
		live_bytes += stay * (double)population->bytes[i];
		if (sum > 0)
			spread(PROFILE_SPREAD_SIZE, population->bytes[i], (uint64_t)(sum + 0.5));
	}
	memory.amounts[MEMORY_ALLOCATIONS] = (uint64_t)(all + 0.5);
	memory.amounts[MEMORY_ALLOCATED] = (uint64_t)bytes;
	memory.amounts[MEMORY_LIVE_BLOCKS] = (uint64_t)(live + 0.5);
	memory.amounts[MEMORY_LIVE] = (uint64_t)live_bytes;
	if (!memory_shape_measure(&shape, &memory, profile))
		return 3; /* the report says that the sample is empty */
	of_all = memory_shape_interval(&shape, memory.amounts, MEMORY_ALLOCATIONS);
	of_live = memory_shape_interval(&shape, memory.amounts, MEMORY_LIVE_BLOCKS);
	return ((double)truth >= of_all.low && (double)truth <= of_all.high) |
	       ((double)live_truth >= of_live.low && (double)live_truth <= of_live.high) << 1;
}

Test(memory_shape, intervals_of_numbers_hold_the_truth_in_19_of_20_whatever_the_sizes)
{
	static const struct population populations[] = {
		{{16, 1 << 20}, {2000, 50}, {50, 50}},
		{{16, 1 << 20}, {10000, 50}, {100, 0}},
		{{16, 64, 1024, 1 << 20}, {20000, 20000, 1000, 100}, {0, 10, 50, 100}},
		{{16, 64, 1024, 1 << 20}, {300000, 20000, 1000, 100}, {5, 0, 0, 100}},
		{{16, 4096, 1 << 18}, {100, 3000, 300}, {100, 1, 0}},
		{{64}, {500000}, {1}},
		{{16, 64, 4096}, {10000, 1000000, 100}, {100, 0, 100}},
		{{8, 1 << 16}, {30000, 400}, {100, 10}},
	};

	srand48(1952);
	for (size_t i = 0; i < sizeof(populations) / sizeof(*populations); i++) {
		int all = 0, live = 0;

		for (int j = 0; j < TRIALS; j++) {
			int holds = trial(&populations[i]);

			all += holds & 1;
			live += holds >> 1;
		}
		cr_expect(all >= TRIALS * 93 / 100, "%zu: %d", i, all);
		cr_expect(live >= TRIALS * 93 / 100, "%zu: %d", i, live);
	}
}
