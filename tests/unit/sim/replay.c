/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ring and the drawing from it. */
#include "sim/decision/replay.h"

#include <criterion/criterion.h>

enum {
	CAPACITY = 10,
	LENGTH = 3
};

static struct replay replay;

static void make(void)
{
	replay_init(&replay, CAPACITY, LENGTH, false);
}

static void drop(void)
{
	replay_done(&replay);
}

TestSuite(replay, .init = make, .fini = drop);

static uint64_t store(int value)
{
	float number = (float)value;
	float state[LENGTH] = {number, number, number};
	float next[LENGTH] = {number + 1, number + 1, number + 1};
	return replay_store(&replay, &(struct transition){.state = state,
							  .next = next,
							  .action = (uint32_t)value % 7,
							  .reward = -number,
							  .next_allowed = 5});
}

Test(replay, keeps_a_transition_as_it_was)
{
	cr_assert_eq(store(0), 1);
	uint64_t number = store(4);
	cr_assert_eq(number, 2);
	const struct replay_entry *entry = replay_find(&replay, number);
	cr_assert_eq(entry, &replay.entries[1]);
	cr_assert_eq(entry->action, 4);
	cr_assert_eq(entry->reward, -4);
	cr_assert_eq(entry->next_allowed, 5);
	cr_assert_not(entry->terminal);
	cr_assert_eq(replay.states[LENGTH + 2], 4);
	cr_assert_eq(replay.nexts[LENGTH], 5);
}

Test(replay, forgets_the_oldest_first)
{
	for (int i = 0; i < CAPACITY + 3; i++)
		store(i);
	cr_assert_eq(replay_count(&replay), CAPACITY);
	cr_assert_null(replay_find(&replay, 0));
	cr_assert_null(replay_find(&replay, 3));
	cr_assert_eq(replay_find(&replay, 4)->reward, -3);
	cr_assert_eq(replay_find(&replay, CAPACITY + 3)->reward, -(CAPACITY + 2));
}

Test(replay, draws_different_rows_all_equally_often)
{
	struct random random;
	random_seed(&random, 12, 1);
	for (int i = 0; i < 8; i++)
		store(i);
	int drawn[8] = {0};
	for (int run = 0; run < 8000; run++) {
		size_t rows[4];
		replay_sample(&replay, &random, rows, 4);
		for (int i = 0; i < 4; i++) {
			cr_assert_lt(rows[i], 8);
			drawn[rows[i]]++;
			for (int j = 0; j < i; j++)
				cr_assert_neq(rows[i], rows[j]);
		}
	}
	for (int i = 0; i < 8; i++)
		cr_assert(drawn[i] > 3800 && drawn[i] < 4200, "%d", drawn[i]);
}

Test(replay, links_an_agent_s_turns)
{
	store(0);
	static const float state[LENGTH];
	struct transition next = {.state = state, .next = state, .previous = 1};
	cr_assert_eq(replay_store(&replay, &next), 2);
	cr_assert_eq(replay.entries[0].following, 2);
	cr_assert_eq(replay.entries[1].following, 0);
}

Test(replay, draws_in_proportion_to_the_weights)
{
	struct replay weighed;
	struct random random;
	static const float state[LENGTH], weights[3] = {1, 2, 5};
	int drawn[3] = {0};
	random_seed(&random, 15, 1);
	replay_init(&weighed, 3, LENGTH, true);
	for (int i = 0; i < 3; i++)
		replay_store(&weighed, &(struct transition){.state = state, .next = state});
	cr_assert_eq(weighed.sums[1], 3); /* new ones have the highest weight, 1 */
	for (size_t i = 0; i < 3; i++)
		replay_weigh(&weighed, i, weights[i]);
	cr_assert_eq(weighed.sums[1], 8);
	for (int run = 0; run < 4000; run++) {
		size_t rows[2];
		float probabilities[2];
		replay_draw(&weighed, &random, rows, probabilities, 2);
		for (int i = 0; i < 2; i++) {
			cr_assert_lt(rows[i], 3);
			cr_assert_eq(probabilities[i], weights[rows[i]] / 8);
			drawn[rows[i]]++;
		}
		cr_assert_eq(rows[1], 2); /* the upper half of the sum is the last one's */
	}
	for (int i = 0; i < 3; i++)
		cr_assert_float_eq(drawn[i] / 8000.0, weights[i] / 8, 0.02);
	replay_done(&weighed);
}
