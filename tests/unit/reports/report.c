/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/report.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

/* What is said of @profile, which is released. */
static const char *why(struct profile *profile)
{
	static char text[600];
	struct report report;

	report_init(&report, profile);
	report_why_empty(&report, text, sizeof(text));
	report_done(&report);
	return text;
}

static struct profile *idle_profile(int64_t cpu_ns)
{
	struct profile *profile = new_profile();

	profile_set_number(profile, "target_cpu_ns", cpu_ns);
	profile_set_number(profile, "frequency_hz", 1000);
	return profile;
}

Test(report, an_empty_profile_tells_the_cause_the_recording_left)
{
	struct profile *profile = idle_profile(500000);

	profile_set_text(profile, "state", "stopped: the disk is full; free space");
	profile_set_number(profile, "lost.write_failed", 3);
	cr_assert_str_eq(why(profile), "the disk is full; free space");
	profile = new_profile();
	profile_set_text(profile, "engine_note", "the counter never ran");
	cr_assert_str_eq(why(profile), "the counter never ran");
	profile = idle_profile(5000000);
	profile_set_text(profile, "engine_note", "the counter never ran");
	cr_assert_str_eq(why(profile), "the program used CPU time, but none was sampled "
				       "(the counter never ran)");
}

Test(report, without_a_cause_the_numbers_speak)
{
	struct profile *profile = idle_profile(5000000);

	profile_set_number(profile, "lost.ring_full", 3);
	cr_assert_str_eq(why(profile), "every sample was lost");
	cr_assert_str_eq(why(idle_profile(999999)),
			 "the program used less CPU time than one sampling period");
	cr_assert_str_eq(why(idle_profile(1000000)),
			 "the program used hardly more CPU time than one sampling period");
	cr_assert_str_eq(why(idle_profile(2000000)),
			 "the program used CPU time, but none was sampled");
	cr_assert_str_eq(why(new_profile()),
			 "the program may have ended within one sampling period");
}

Test(report, nothing_is_guessed_of_a_recording_that_did_not_end)
{
	struct profile *profile = new_profile();

	profile_set_text(profile, "state", "recording");
	cr_assert_str_eq(why(profile), "the recording did not reach its end");
	cr_assert_str_eq(why(profile_new()), "the profile does not say why");
}

Test(report, metric_and_unit_are_fit_to_be_shown)
{
	struct profile *profile = profile_new();
	struct report report;

	profile_metric_add(profile, "cpu\x1b[2J", "a unit that never ends\xff", 1);
	report_init(&report, profile);
	cr_assert_str_eq(report.metric_name, "cpu?[2J");
	cr_assert_leq(strlen(report.unit), 16);
	cr_assert_null(strchr(report.unit, '\xff'));
	report_done(&report);
}

Test(report, the_program_stands_in_for_an_unknown_command)
{
	struct profile *profile = new_profile();
	struct report report;

	profile_set_text(profile, "command", "");
	report_init(&report, profile);
	cr_assert_str_eq(report_command(&report), "sim");
	report_done(&report);
}
