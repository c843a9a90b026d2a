/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/parallel.c. */
#include "collector/resolve/parallel.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <time.h>

#define TASKS 1000

static atomic_int done[TASKS], held, most;

static void count_task(void *context, size_t index)
{
	cr_assert_eq(context, done);
	done[index]++;
}

Test(parallel, does_every_task_once)
{
	static const size_t counts[] = {0, 1, 2, TASKS};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (size_t k = 0; k < TASKS; k++)
			done[k] = 0;
		parallel_run(counts[i], count_task, done);
		for (size_t k = 0; k < TASKS; k++)
			cr_assert_eq(done[k], k < counts[i]);
	}
}

/* Every third is larger than the whole budget. */
static int amount(size_t index)
{
	return index % 3 ? 40 : 1000;
}

static void hold(void *context, size_t index)
{
	const struct timespec moment = {.tv_nsec = 100000};
	int now;

	(void)context;
	parallel_budget_take((uint64_t)amount(index), 100);
	now = atomic_fetch_add(&held, amount(index)) + amount(index);
	if (now > 100 && now != 1000)
		most = now;
	nanosleep(&moment, NULL);
	atomic_fetch_sub(&held, amount(index));
	parallel_budget_give((uint64_t)amount(index));
}

Test(parallel, holds_no_more_than_the_budget_or_one_larger_amount)
{
	parallel_run(60, hold, NULL);
	cr_assert_eq(most, 0, "%d at a time", most);
	cr_assert_eq(held, 0);
}
