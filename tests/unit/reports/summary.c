/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/summary.c. */
#include "reports/summary.h"
#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static char text[8192];

/* What is written about @metric of @profile, which is released. */
static const char *written(struct profile *profile, uint16_t metric)
{
	FILE *stream = fmemopen(text, sizeof(text), "w");
	struct report report;

	report_init(&report, profile);
	report.metric = metric;
	report.metric_name = profile->metrics[metric].name;
	trust_measure(&report.trust, profile, metric);
	summary_write(&report, stream, 0, false);
	fclose(stream);
	report_done(&report);
	return text;
}

/* A thread that waited in read(), and used no CPU time that was sampled. */
static struct profile *waiting_profile(bool has_stack)
{
	struct profile *profile = new_profile();
	uint32_t thread = profile_thread_add(profile, 10, 10, "sleeper");
	uint16_t off_cpu = (uint16_t)profile_metric_add(profile, "off-cpu", "ns", 1);
	uint32_t stack = add_stack(profile, "main;read", 0);

	profile_set_number(profile, "target_cpu_ns", 1000);
	profile_set_number(profile, "frequency_hz", 1000);
	profile_thread_times_add(profile,
				 &(struct profile_thread_times){thread, 5000, 0, 0, 0, 5000, 1});
	if (has_stack)
		profile_sample_add(
			profile,
			&(struct profile_sample){.value = 5000, .stack = stack, .metric = off_cpu});
	return profile;
}

Test(summary, waits_without_samples_are_said_with_the_reason_why_there_are_none)
{
	written(waiting_profile(true), 1);
	cr_assert(strstr(text, "no samples of CPU time: the program used less CPU time than one "
			       "sampling period\nso this is where threads waited (off-cpu)\n"),
		  "%s", text);
	cr_assert(strstr(text, "read"), "%s", text);
	cr_assert(strstr(text, "sleeper"), "%s", text);
}

Test(summary, of_a_recording_without_samples_the_times_of_its_threads_are_said)
{
	written(waiting_profile(false), 0);
	cr_assert(strstr(text, "\nno samples: the program used less CPU time"), "%s", text);
	cr_assert(strstr(text, "the time of the threads"), "%s", text);
	cr_assert(strstr(text, "sleeper"), "%s", text);
}

Test(summary, samples_that_were_lost_are_the_reason_beside_waits_too)
{
	struct profile *profile = waiting_profile(true);

	profile_set_number(profile, "lost.ring_full", 3);
	written(profile, 1);
	cr_assert(strstr(text, "no samples of CPU time: every sample was lost\n"), "%s", text);
}

Test(summary, beside_samples_waits_need_no_reason)
{
	struct profile *profile = waiting_profile(true);

	add_stack(profile, "main;compute", 1);
	written(profile, 1);
	cr_assert_null(strstr(text, "no samples"), "%s", text);
}
