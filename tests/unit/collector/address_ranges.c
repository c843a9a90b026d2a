/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/address_ranges.c. */
#include "collector/resolve/address_ranges.h"

#include <criterion/criterion.h>

/* Brute force: the covering range with the greatest start, then the smallest end, then value. */
static const struct address_range *slow_find(const struct address_range *list, size_t count,
					     uint64_t address)
{
	const struct address_range *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct address_range *range = &list[i];

		if (address < range->start || address >= range->end)
			continue;
		if (!best || range->start > best->start ||
		    (range->start == best->start &&
		     (range->end < best->end ||
		      (range->end == best->end && range->value < best->value))))
			best = range;
	}
	return best;
}

Test(address_ranges, finds_the_same_as_brute_force)
{
	uint64_t random = 42;

	for (int round = 0; round < 200; round++) {
		struct address_ranges ranges = {0};
		struct address_range list[40];
		size_t count = 0;

		for (uint32_t i = 0; i < 40; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			uint64_t start = random >> 58, bytes = 1 + ((random >> 40) & 31);

			list[count++] = (struct address_range){start, start + bytes, i, 0};
			address_ranges_add(&ranges, start, start + bytes, i);
		}
		address_ranges_sort(&ranges, NULL, NULL);
		for (uint64_t address = 0; address < 100; address++) {
			const struct address_range *slow = slow_find(list, count, address);
			const struct address_range *fast = address_ranges_find(&ranges, address);

			cr_assert_eq(!slow, !fast, "round %d address %lu", round, address);
			if (slow)
				cr_assert_eq(slow->value, fast->value, "round %d address %lu",
					     round, address);
		}
		address_ranges_done(&ranges);
	}
}

static int prefer_greater(uint32_t a, uint32_t b, void *context)
{
	*(int *)context += 1;
	return a > b;
}

Test(address_ranges, asks_which_of_equal_ranges_to_keep)
{
	struct address_ranges ranges = {0};
	int asked = 0;

	for (uint32_t i = 0; i < 3; i++)
		address_ranges_add(&ranges, 10, 20, i);
	address_ranges_add(&ranges, 10, 21, 9);
	address_ranges_sort(&ranges, prefer_greater, &asked);
	cr_assert_eq(asked, 2);
	cr_assert_eq(ranges.count, 2);
	cr_assert_eq(address_ranges_find(&ranges, 15)->value, 2);
	cr_assert_eq(address_ranges_find(&ranges, 20)->value, 9);
	address_ranges_done(&ranges);
}

Test(address_ranges, ignores_ranges_without_bytes)
{
	struct address_ranges ranges = {0};

	address_ranges_add(&ranges, 10, 10, 0);
	address_ranges_add(&ranges, 10, 5, 0);
	address_ranges_sort(&ranges, NULL, NULL);
	cr_assert_null(address_ranges_find(&ranges, 10));
	cr_assert_eq(address_ranges_next(&ranges, 0), UINT64_MAX);
	address_ranges_done(&ranges);
}

Test(address_ranges, finds_an_outer_range_behind_thousands_of_inner_ones)
{
	struct address_ranges ranges = {0};

	address_ranges_add(&ranges, 0, 1000000, 7);
	for (uint32_t i = 1; i < 5000; i++)
		address_ranges_add(&ranges, 10 * i, 10 * i + 5, 8);
	address_ranges_sort(&ranges, NULL, NULL);
	cr_assert_eq(address_ranges_find(&ranges, 60000)->value, 7);
	address_ranges_done(&ranges);
}

Test(address_ranges, gives_up_on_a_hostile_nesting)
{
	struct address_ranges ranges = {0};

	address_ranges_add(&ranges, 0, 1000000, 7);
	for (uint32_t i = 1; i < 5000; i++)
		address_ranges_add(&ranges, i, 20000 - i, 8);
	address_ranges_sort(&ranges, NULL, NULL);
	cr_assert_eq(address_ranges_find(&ranges, 5000)->value, 8);
	cr_assert_null(address_ranges_find(&ranges, 30000));
	address_ranges_done(&ranges);
}
