/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/selection.c. */
#include "reports/selection.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static struct report report;
static struct error error;

/* A main thread and two workers; ten steps of 10 ms, each of which has one sample of each thread,
 * the tenth one of 40 ms with ten of the main thread. */
static void setup(void)
{
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, "main;work", 0);
	uint64_t time_ns = 0;

	profile_thread_add(profile, 7, 7, "sim");
	profile_thread_add(profile, 7, 8, "worker-1");
	profile_thread_add(profile, 7, 9, "worker-2");
	profile_metric_add(profile, "allocated", "bytes", 1);
	profile_probe_add(profile, &(struct profile_probe){.frame = 1});
	for (uint32_t step = 0; step < 40; step++) {
		uint64_t end_ns = time_ns + (step == 30 ? 40000000 : 10000000);

		profile_step_add(profile, &(struct profile_step){0, 1, time_ns + 1, end_ns, 0});
		for (uint32_t i = 0; i < (step == 30 ? 12 : 3); i++)
			profile_sample_add(profile,
					   &(struct profile_sample){.time_ns = time_ns + 2 + i,
								    .value = 1,
								    .thread = i < 3 ? i + 1 : 1,
								    .stack = stack});
		profile_sample_add(profile, &(struct profile_sample){.time_ns = time_ns + 20,
								     .value = 100,
								     .thread = 1,
								     .stack = stack,
								     .metric = 1});
		time_ns = end_ns;
	}
	report_init(&report, profile);
}

static void teardown(void)
{
	report_done(&report);
}

TestSuite(selection, .init = setup, .fini = teardown);

static size_t count(uint16_t metric)
{
	size_t found = 0;

	for (size_t i = 0; i < report.profile->samples_count; i++)
		found += report.profile->samples[i].metric == metric;
	return found;
}

static int choose(const char *thread, const char *component, const char *steps)
{
	return selection_apply(&report, &(struct selection){thread, component, steps}, &error);
}

Test(selection, threads_are_found_by_number_and_pattern)
{
	cr_assert_eq(choose("worker*", NULL, NULL), 0);
	cr_assert_eq(count(0), 80);
	cr_assert_eq(choose("9", NULL, NULL), 0);
	cr_assert_eq(count(0), 40);
}

Test(selection, samples_of_other_metrics_stay)
{
	cr_assert_eq(choose("worker-1", NULL, NULL), 0);
	cr_assert_eq(count(1), 40);
}

Test(selection, steps_are_found_by_number)
{
	cr_assert_eq(choose(NULL, NULL, "2-4"), 0);
	cr_assert_eq(count(0), 9);
	cr_assert_eq(choose(NULL, NULL, "3"), 0);
	cr_assert_eq(count(0), 3);
}

Test(selection, slow_steps_are_those_of_the_report_of_steps)
{
	cr_assert_eq(choose("sim", NULL, "slow"), 0);
	cr_assert_eq(count(0), 10);
	cr_assert_str_eq(report.selection, "thread sim, steps slow");
}

Test(selection, what_is_not_there_is_refused_and_changes_nothing)
{
	size_t all = report.profile->samples_count;

	cr_assert_lt(choose("nobody", NULL, NULL), 0);
	cr_assert(strstr(error.text, "no sample is of a thread"));
	cr_assert_lt(choose(NULL, "nothing", NULL), 0);
	cr_assert(strstr(error.text, "no sample is in a component 'nothing'; there are "));
	cr_assert_lt(choose(NULL, NULL, "41-50"), 0);
	cr_assert_lt(choose(NULL, NULL, "5-4"), 0);
	cr_assert_lt(choose(NULL, NULL, "0"), 0);
	cr_assert_lt(choose(NULL, NULL, "fast"), 0);
	cr_assert_eq(report.profile->samples_count, all);
	cr_assert_null(report.selection);
}

Test(selection, nothing_selected_is_everything)
{
	cr_assert_eq(choose(NULL, NULL, NULL), 0);
	cr_assert_eq(count(0), 129);
	cr_assert_null(report.selection);
}
