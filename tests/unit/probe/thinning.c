/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of probe/thinning.c: estimates from a sample of allocations are unbiased. */
#include "probe/thinning.h"

#include "probe/wire.h"

#include <criterion/criterion.h>
#include <math.h>

#define RATE	    4096u
#define ALLOCATIONS 1000000

struct sums {
	double count, bytes; /* the truth */
	double count_estimate, byte_estimate;
	double count_variance, byte_variance; /* of the estimates, from the truth */
	double drawn;
};

/* From one byte to a hundred rates, most of them small. */
static uint64_t size_of(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint64_t)exp2((double)(*state >> 40) * 0x1p-24 * 18);
}

static struct sums sample(uint64_t seed, uint64_t (*size)(uint64_t *state))
{
	uint64_t sizes = seed, random = seed * 0x9e3779b97f4a7c15u;
	int64_t left = thinning_gap(&random, RATE);
	struct sums sums = {0};

	for (int i = 0; i < ALLOCATIONS; i++) {
		uint64_t bytes = size(&sizes);
		double p = -expm1(-(double)bytes / RATE), odds = (1 - p) / p;

		sums.count++;
		sums.bytes += (double)bytes;
		sums.count_variance += odds;
		sums.byte_variance += (double)bytes * (double)bytes * odds;
		left -= (int64_t)bytes;
		if (left < 0) {
			struct thinning_weight weight = thinning_weight(bytes, RATE);

			sums.drawn++;
			sums.count_estimate += (double)weight.count / (1 << WIRE_COUNT_SHIFT);
			sums.byte_estimate += (double)weight.bytes / (1 << WIRE_BYTES_SHIFT);
			left = thinning_gap(&random, RATE);
		}
	}
	return sums;
}

static uint64_t small(uint64_t *state)
{
	(void)state;
	return 24;
}

static void within_three_sigma(uint64_t (*size)(uint64_t *state))
{
	double count = 0, bytes = 0;
	enum {
		RUNS = 4
	};

	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct sums sums = sample(seed, size);

		count += (sums.count_estimate - sums.count) / sqrt(sums.count_variance);
		bytes += (sums.byte_estimate - sums.bytes) / sqrt(sums.byte_variance);
		cr_assert_lt(sums.drawn, ALLOCATIONS / 2.0, "it is no sample");
		/* What reports say of the error is no less than it is. */
		cr_assert_leq(sums.byte_variance, RATE * sums.bytes);
	}
	/* The mean of so many normal deviates is 1 / sqrt(RUNS) wide. */
	cr_assert_lt(fabs(count), 3 * sqrt(RUNS), "allocations: %g", count);
	cr_assert_lt(fabs(bytes), 3 * sqrt(RUNS), "bytes: %g", bytes);
}

Test(thinning, estimates_of_random_sizes_are_unbiased)
{
	within_three_sigma(size_of);
}

Test(thinning, estimates_of_one_small_size_are_unbiased)
{
	within_three_sigma(small);
}

Test(thinning, weights_are_the_inverse_of_the_chance_to_be_taken)
{
	for (uint64_t bytes = 1; bytes < UINT64_C(1) << 40; bytes = bytes * 5 / 4 + 1) {
		double wanted = 1 / -expm1(-(double)bytes / RATE);
		struct thinning_weight weight = thinning_weight(bytes, RATE);

		cr_assert_float_eq((double)weight.count / (1 << WIRE_COUNT_SHIFT), wanted,
				   wanted * 1e-5, "%g bytes", (double)bytes);
		cr_assert_float_eq((double)weight.bytes / (1 << WIRE_BYTES_SHIFT),
				   wanted * (double)bytes, wanted * (double)bytes * 1e-5);
	}
}

Test(thinning, an_allocation_of_nothing_counts_no_bytes)
{
	struct thinning_weight weight = thinning_weight(0, RATE);

	cr_assert_eq(weight.bytes, 0);
	cr_assert_eq(weight.count, thinning_weight(1, RATE).count);
}

Test(thinning, gaps_are_one_rate_long_in_the_mean)
{
	uint64_t random = 1;
	double sum = 0;

	for (int i = 0; i < ALLOCATIONS; i++)
		sum += (double)thinning_gap(&random, RATE);
	/* A geometric distance counted from 0 is half a byte shorter. */
	cr_assert_float_eq(sum / ALLOCATIONS, RATE - 0.5, 3 * RATE / sqrt(ALLOCATIONS));
}
