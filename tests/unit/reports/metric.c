/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/metric.c: choosing a metric, and wall-clock time as the sum of three. */
#include "reports/metric.h"
#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static struct error error;

/* One stack of two functions with 3 samples of CPU time, 1 ms each, and two waits. */
static struct profile *profile_with_waits(uint32_t *stack)
{
	struct profile *profile = new_profile();
	uint16_t off_cpu = (uint16_t)profile_metric_add(profile, "off-cpu", "ns", 1);
	uint16_t run_queue = (uint16_t)profile_metric_add(profile, "run-queue", "ns", 1);
	uint64_t last_ns;

	*stack = add_stack(profile, "main;read", 3);
	last_ns = profile->samples[2].time_ns;
	profile_sample_add(profile, &(struct profile_sample){.time_ns = last_ns + 1,
							     .value = 5000,
							     .stack = *stack,
							     .metric = off_cpu});
	profile_sample_add(profile, &(struct profile_sample){.time_ns = last_ns + 2,
							     .value = 70,
							     .stack = *stack,
							     .metric = run_queue});
	profile_sample_add(profile, &(struct profile_sample){.time_ns = last_ns + 3,
							     .value = 8000,
							     .stack = *stack,
							     .metric = off_cpu});
	return profile;
}

static const char *innermost(const struct profile *profile, uint32_t stack)
{
	const struct profile_frame *frame = &profile->frames[profile->stacks[stack].frame];

	return profile->functions[profile->lines[frame->first_line].function].name;
}

Test(metric, is_the_first_one_unless_asked_for_by_name)
{
	uint32_t stack;
	struct profile *profile = profile_with_waits(&stack);

	cr_assert_eq(metric_find(profile, NULL, &error), 0);
	cr_assert_eq(metric_find(profile, "run-queue", &error), 2);
	cr_assert_lt(metric_find(profile, "memory", &error), 0);
	cr_assert_str_eq(
		error.text,
		"the profile has no metric 'memory'; it has cpu, off-cpu, run-queue, wall");
	cr_assert(metric_is_exact(profile, 1));
	cr_assert_not(metric_is_exact(profile, 0));
	cr_assert(metric_has_amounts(profile, 1));
	cr_assert_not(metric_has_amounts(profile, 0));
	profile_free(profile);
}

Test(metric, without_samples_of_the_first_the_longer_wait_stands_in_for_it)
{
	struct profile *profile = new_profile();
	uint16_t off_cpu = (uint16_t)profile_metric_add(profile, "off-cpu", "ns", 1);
	uint16_t run_queue = (uint16_t)profile_metric_add(profile, "run-queue", "ns", 1);

	cr_assert_eq(metric_find(profile, METRIC_FIRST_OR_WAIT, &error), 0, "nothing at all");
	profile_sample_add(profile, &(struct profile_sample){.value = 5, .metric = off_cpu});
	profile_sample_add(profile, &(struct profile_sample){.value = 70, .metric = run_queue});
	cr_assert_eq(metric_find(profile, METRIC_FIRST_OR_WAIT, &error), run_queue);
	profile_sample_add(profile, &(struct profile_sample){.value = 66, .metric = off_cpu});
	cr_assert_eq(metric_find(profile, METRIC_FIRST_OR_WAIT, &error), off_cpu);
	add_stack(profile, "main;read", 1);
	cr_assert_eq(metric_find(profile, METRIC_FIRST_OR_WAIT, &error), 0);
	profile_free(profile);
}

Test(metric, without_waits_there_is_no_wall_and_the_picture_is_of_the_first)
{
	struct profile *profile = new_profile();

	cr_assert_eq(metric_find(profile, METRIC_WALL_OR_FIRST, &error), 0);
	cr_assert_lt(metric_find(profile, METRIC_WALL, &error), 0);
	cr_assert_not_null(strstr(error.text, "it has cpu; collector run --off-cpu"), "%s",
			   error.text);
	cr_assert_eq(profile->metrics_count, 1);
	profile_free(profile);
}

Test(metric, wall_adds_up_all_time_and_marks_where_threads_waited)
{
	uint32_t stack;
	struct profile *profile = profile_with_waits(&stack);
	int wall = metric_find(profile, METRIC_WALL_OR_FIRST, &error);

	cr_assert_eq(wall, 3);
	for (uint16_t i = 0; i < 3; i++)
		cr_assert(metric_covers(profile, (uint16_t)wall, i));
	cr_assert_not(metric_covers(profile, 0, 1));
	cr_assert(metric_has_amounts(profile, (uint16_t)wall));
	metric_merge(profile, (uint16_t)wall);
	for (int i = 0; i < 6; i++)
		cr_assert_eq(profile->samples[i].metric, wall);
	cr_assert_eq(profile->samples[0].value, 1000000);
	cr_assert_eq(profile->samples[0].stack, stack);
	cr_assert_eq(profile->samples[3].value, 5000);
	cr_assert_str_eq(innermost(profile, profile->samples[3].stack), "[off-cpu]");
	cr_assert_eq(profile->stacks[profile->samples[3].stack].parent, stack);
	cr_assert_str_eq(innermost(profile, profile->samples[4].stack), "[run-queue]");
	cr_assert_eq(profile->samples[5].stack, profile->samples[3].stack);
	profile_free(profile);
}

Test(metric, another_metric_is_left_alone)
{
	uint32_t stack;
	struct profile *profile = profile_with_waits(&stack);

	metric_merge(profile, 1);
	cr_assert_eq(profile->samples[0].metric, 0);
	cr_assert_eq(profile->samples[3].stack, stack);
	profile_free(profile);
}

Test(metric, cycles_are_not_added_to_time)
{
	struct profile *profile = profile_new();

	profile_metric_add(profile, "cpu", "cycles", 1);
	profile_metric_add(profile, "off-cpu", "ns", 1);
	cr_assert_lt(metric_find(profile, METRIC_WALL, &error), 0);
	cr_assert_not_null(strstr(error.text, "-e cpu-clock"), "%s", error.text);
	cr_assert_eq(metric_find(profile, METRIC_WALL_OR_FIRST, &error), 0);
	profile_free(profile);
}

Test(metric, hostile_values_do_not_overflow)
{
	uint32_t stack;
	struct profile *profile = profile_with_waits(&stack);
	int wall = metric_find(profile, METRIC_WALL, &error);

	profile->samples[0].value = INT64_MAX;
	metric_merge(profile, (uint16_t)wall);
	cr_assert_eq(profile->samples[0].value, UINT64_MAX);
	profile_free(profile);
}

Test(metric, what_was_counted_and_came_to_nothing_is_told_from_what_was_not_counted)
{
	struct profile *profile = new_profile();

	cr_assert_lt(metric_find(profile, "temporaries", &error), 0);
	cr_assert(strstr(error.text, "has no metric 'temporaries'"));
	profile_set_number(profile, "memory.processes", 1);
	cr_assert_lt(metric_find(profile, "temporaries", &error), 0);
	cr_assert(strstr(error.text, "of 'temporaries' there is nothing"));
	cr_assert_lt(metric_find(profile, "lock-wait", &error), 0);
	cr_assert(strstr(error.text, "has no metric 'lock-wait'"));
	profile_set_number(profile, "locks", 1);
	cr_assert_lt(metric_find(profile, "lock-wait", &error), 0);
	cr_assert(strstr(error.text, "of 'lock-wait' there is nothing"));
	profile_free(profile);
}

Test(metric, of_an_import_the_event_of_most_samples_comes_first_and_time_before_others)
{
	struct profile *profile = profile_new();
	uint16_t faults = (uint16_t)profile_metric_add(profile, "page-faults", "count", 1);
	uint16_t cycles = (uint16_t)profile_metric_add(profile, "cycles", "cycles", 1);
	uint16_t clock = (uint16_t)profile_metric_add(profile, "cpu-clock", "ns", 1);

	profile_sample_add(profile, &(struct profile_sample){.time_ns = 1, .metric = faults});
	profile_sample_add(profile, &(struct profile_sample){.time_ns = 2, .metric = cycles});
	profile_sample_add(profile, &(struct profile_sample){.time_ns = 3, .metric = cycles});
	metric_lead(profile);
	cr_assert_str_eq(profile->metrics[0].name, "cpu-clock", "though it has no sample");
	profile_sample_add(profile, &(struct profile_sample){.time_ns = 4, .metric = clock});
	profile->metrics[0].unit[0] = 'm';
	metric_lead(profile);
	cr_assert_str_eq(profile->metrics[0].name, "cycles");
	cr_assert_str_eq(profile->metrics[profile->samples[0].metric].name, "page-faults");
	cr_assert_eq(profile->samples[2].metric, 0);
	profile_free(profile);
}
