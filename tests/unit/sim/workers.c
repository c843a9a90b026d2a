/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every item once, and nothing left when workers_run() returns. */
#include "sim/workers.h"

#include <criterion/criterion.h>
#include <string.h>

enum {
	ITEMS = 1003
};

static uint32_t done[ITEMS], chunks[4], order;

static void count(void *context, uint32_t worker, uint32_t begin, uint32_t end)
{
	const uint32_t *chunk = context;
	cr_assert(end - begin == *chunk || end == ITEMS);
	for (uint32_t i = begin; i < end; i++)
		__atomic_fetch_add(&done[i], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&chunks[worker], 1, __ATOMIC_RELAXED);
}

static void expect_in_order(void *context, uint32_t worker, uint32_t begin, uint32_t end)
{
	(void)context;
	cr_assert_eq(worker, 0);
	cr_assert_eq(begin, order);
	order = end;
}

Test(workers, do_every_item_once_in_every_loop)
{
	for (uint32_t threads = 1; threads <= 4; threads++) {
		struct workers workers;
		uint32_t chunk = 10 * threads;
		memset(done, 0, sizeof(done));
		memset(chunks, 0, sizeof(chunks));
		cr_assert_eq(workers_init(&workers, threads), 0);
		for (uint32_t loop = 1; loop <= 50; loop++) {
			workers_run(&workers, count, &chunk, ITEMS, chunk);
			for (int i = 0; i < ITEMS; i++)
				cr_assert_eq(done[i], loop);
		}
		uint32_t total = 0;
		for (uint32_t i = 0; i < 4; i++)
			total += chunks[i];
		cr_assert_eq(total, 50 * ((ITEMS + chunk - 1) / chunk));
		workers_done(&workers);
	}
}

Test(workers, one_alone_goes_in_order)
{
	struct workers workers;
	cr_assert_eq(workers_init(&workers, 1), 0);
	workers_run(&workers, expect_in_order, NULL, ITEMS, 10);
	cr_assert_eq(order, ITEMS);
	workers_done(&workers);
}

Test(workers, nothing_to_do_is_done_at_once)
{
	struct workers workers;
	uint32_t chunk = 10;
	cr_assert_eq(workers_init(&workers, 2), 0);
	workers_run(&workers, count, &chunk, 0, chunk);
	cr_assert_eq(done[0], 0);
	workers_done(&workers);
}
