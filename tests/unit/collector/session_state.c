/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/session_state.h"

#include <criterion/criterion.h>

Test(session_state, commits_leave_at_most_a_third_or_a_second_behind)
{
	uint64_t at_ns = session_commit_pause_ns(0);

	cr_assert_leq(at_ns, 100000000, "the first one is early");
	for (int i = 0; i < 100; i++) {
		uint64_t next_ns = at_ns + session_commit_pause_ns(at_ns);

		cr_assert_leq(next_ns - at_ns, 1000000000);
		cr_assert(next_ns <= 300000000 || 3 * (next_ns - at_ns) <= next_ns);
		cr_assert_geq(next_ns - at_ns, 100000000, "and none too often");
		at_ns = next_ns;
	}
}
