/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/timing_note.c. */
#include "collector/timing_note.h"

#include <criterion/criterion.h>

static struct profile *profile;

static void set_up(void)
{
	profile = profile_new();
	profile_probe_add(profile, &(struct profile_probe){.mode = PROFILE_PROBE_TIME});
}

static void tear_down(void)
{
	profile_free(profile);
}

TestSuite(timing_note, .init = set_up, .fini = tear_down);

static const char *note(struct timing_budget_fate fate)
{
	timing_note_budget(profile, 0, &fate, 1000000000);
	return profile->probes[0].note;
}

Test(timing_note, what_was_probed_all_the_time_has_none)
{
	cr_expect_null(note((struct timing_budget_fate){0}));
	cr_expect_eq(profile->probes[0].mode, PROFILE_PROBE_TIME);
}

Test(timing_note, stands_behind_what_was_said_before_and_once_only)
{
	const struct timing_budget_fate fate = {.only_counted_ns = 3000000000};

	profile_probe_set_note(profile, 0, "counted from 9 ms after its library was loaded on");
	note(fate);
	cr_expect_str_eq(note(fate), "counted from 9 ms after its library was loaded on; to keep "
				     "the budget only counted from 2.00 s on");
}

Test(timing_note, tells_why_there_is_no_estimate)
{
	struct timing_budget_fate fate = {.sampled_ns = 1500000000};

	cr_expect_str_eq(note(fate), "to keep the budget its probe was taken off at 0.50 s: what "
				     "follows is missing");
	fate.windows = 2;
	cr_expect_str_eq(note(fate),
			 "to keep the budget its probe was taken off at 0.50 s: what "
			 "follows is missing, since too few windows show how much that is");
	fate.is_too_fast = true;
	cr_expect_str_eq(note(fate),
			 "to keep the budget its probe was taken off at 0.50 s: what "
			 "follows is missing, since calls come too fast for windows to tell");
	cr_expect(profile->probes[0].is_partial);
	cr_expect_eq(profile->probes[0].estimated_calls, 0);
}
