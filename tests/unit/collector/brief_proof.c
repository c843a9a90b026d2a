/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/brief_proof.h"

#include <criterion/criterion.h>

#define MS 1000000u

/* Takes samples, so many nanoseconds apart, until brief copies are wanted; returns how many. */
static unsigned wanted_after(struct brief_proof *proof, uint64_t *now_ns, unsigned apart_ns)
{
	unsigned count = 0;

	while (!proof->is_wanted && count < 100000) {
		brief_proof_take(proof, *now_ns += apart_ns, false);
		count++;
	}
	return count;
}

Test(brief_proof, takes_so_many_samples_and_so_much_time)
{
	struct brief_proof rare = {0}, frequent = {0};
	uint64_t now_ns = 1;

	cr_expect_eq(wanted_after(&rare, &now_ns, 10 * MS), 64);
	cr_expect_eq(wanted_after(&frequent, &now_ns, MS / 10), 641);
}

Test(brief_proof, a_change_begins_it_anew_and_one_that_it_had_not_foreseen_makes_it_longer)
{
	struct brief_proof proof = {0};
	uint64_t now_ns = 1;

	for (int i = 0; i < 60; i++)
		brief_proof_take(&proof, now_ns += 10 * MS, false);
	brief_proof_take(&proof, now_ns += 10 * MS, true);
	cr_expect_eq(wanted_after(&proof, &now_ns, 10 * MS), 64, "none was wanted yet");
	brief_proof_take(&proof, now_ns += 10 * MS, true);
	cr_expect_not(proof.is_wanted);
	cr_expect_eq(wanted_after(&proof, &now_ns, 10 * MS), 256);
	brief_proof_take(&proof, now_ns += 10 * MS, true);
	cr_expect_eq(wanted_after(&proof, &now_ns, 10 * MS), 1024);
}

Test(brief_proof, the_rings_are_read_often_where_it_is_young)
{
	struct brief_proof proof = {0};
	uint64_t now_ns = 1;

	cr_expect_eq(brief_proof_poll_ms(&proof, now_ns, 20), 20, "none is wanted");
	wanted_after(&proof, &now_ns, MS);
	cr_expect_eq(brief_proof_poll_ms(&proof, now_ns, 20), 1);
	cr_expect_eq(brief_proof_poll_ms(&proof, now_ns + 936u * MS, 20), 5);
	cr_expect_eq(brief_proof_poll_ms(&proof, now_ns + 10000ull * MS, 20), 20);
}
