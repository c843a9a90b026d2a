/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generators against their authors' values, and the distributions built on them. */
#include "sim/random.h"

#include <criterion/criterion.h>

Test(random, split_mix_gives_the_published_numbers)
{
	/* Output of Vigna's splitmix64.c for the seed 1234567. */
	static const uint64_t expected[] = {6457827717110365317U, 3203168211198807973U,
					    9817491932198370423U, 4593380528125082431U,
					    16408922859458223821U};
	uint64_t state = 1234567;
	for (int i = 0; i < 5; i++)
		cr_assert_eq(random_split_mix(&state), expected[i]);
}

Test(random, xoshiro_gives_the_published_numbers)
{
	/* Output of Blackman and Vigna's xoshiro256starstar.c for the state 1, 2, 3, 4. */
	static const uint64_t expected[] = {11520U,
					    0U,
					    1509978240U,
					    1215971899390074240U,
					    1216172134540287360U,
					    607988272756665600U,
					    16172922978634559625U,
					    8476171486693032832U,
					    10595114339597558777U,
					    2904607092377533576U};
	struct random random = {.state = {1, 2, 3, 4}};
	for (int i = 0; i < 10; i++)
		cr_assert_eq(random_next(&random), expected[i]);
}

Test(random, streams_and_seeds_differ_and_repeat)
{
	struct random one, same, other_stream, other_seed;
	random_seed(&one, 1, 1);
	random_seed(&same, 1, 1);
	random_seed(&other_stream, 1, 2);
	random_seed(&other_seed, 2, 1);
	uint64_t first = random_next(&one);
	cr_assert_eq(first, random_next(&same));
	cr_assert_neq(first, random_next(&other_stream));
	cr_assert_neq(first, random_next(&other_seed));
}

Test(random, unit_stays_below_one_and_fills_the_interval)
{
	struct random random;
	random_seed(&random, 7, 1);
	int tenths[10] = {0};
	for (int i = 0; i < 100000; i++) {
		float value = random_unit(&random);
		cr_assert(value >= 0 && value < 1);
		tenths[(int)(value * 10)]++;
	}
	for (int i = 0; i < 10; i++)
		cr_assert(tenths[i] > 9500 && tenths[i] < 10500, "%d", tenths[i]);
	struct random highest = {.state = {0, 0, 0, 0}};
	cr_assert_eq(random_unit(&highest), 0);
}

Test(random, below_is_uniform_and_stays_below)
{
	struct random random;
	random_seed(&random, 8, 1);
	int counts[7] = {0};
	for (int i = 0; i < 70000; i++)
		counts[random_below(&random, 7)]++;
	for (int i = 0; i < 7; i++)
		cr_assert(counts[i] > 9500 && counts[i] < 10500, "%d", counts[i]);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(random_below(&random, 1), 0);
}

Test(random, chance_zero_never_and_chance_one_always)
{
	struct random random;
	random_seed(&random, 9, 1);
	for (int i = 0; i < 1000; i++) {
		cr_assert_not(random_chance(&random, 0));
		cr_assert(random_chance(&random, 1));
	}
	struct random lowest = {.state = {0, 0, 0, 0}};
	cr_assert_not(random_chance(&lowest, 0)); /* not even when the number drawn is 0 */
}
