/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/rest_belief.c. */
#include "collector/resolve/rest_belief.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct rest_beliefs *beliefs;
static uint64_t now_ns = 1;

static void done(void)
{
	free(beliefs);
}

TestSuite(rest_belief, .fini = done);

static bool note(uint64_t rest)
{
	now_ns += REST_BELIEF_APART_NS;
	return rest_belief_note(&beliefs, 7, rest, now_ns);
}

/* Returns after how many moments @rest is believed. */
static unsigned moments(uint64_t rest)
{
	unsigned count = 1;

	while (!note(rest))
		cr_assert_lt(count++, 100000);
	return count;
}

Test(rest_belief, comes_when_the_same_was_found_at_many_moments)
{
	cr_expect_eq(moments(100), 1 + REST_BELIEF_TIMES);
	cr_expect_not(rest_belief_note(&beliefs, 8, 100, now_ns), "at another place");
}

Test(rest_belief, counts_what_is_found_in_one_go_once)
{
	for (int i = 0; i < 1000; i++)
		cr_expect_not(rest_belief_note(&beliefs, 7, 100, now_ns));
}

Test(rest_belief, goes_with_a_change_and_comes_back_ever_later)
{
	unsigned first, second;

	moments(100);
	first = moments(200);
	second = moments(100);
	cr_expect_eq(first, 1 + REST_BELIEF_DOUBT);
	cr_expect_eq(second, 1 + 2 * REST_BELIEF_DOUBT);
}

Test(rest_belief, changes_without_end_do_not_bring_it_back)
{
	for (int i = 0; i < 1000; i++)
		cr_expect_not(note(100 + (uint64_t)i));
	for (int i = 0; i < 1000; i++)
		cr_expect_not(note(100));
}
