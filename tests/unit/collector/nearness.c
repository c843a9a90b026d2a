/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/nearness.c: being on another processor for a while. */
#include "collector/nearness.h"

#include <criterion/criterion.h>
#include <sys/resource.h>
#include <unistd.h>

Test(nearness, moves_to_the_processor_that_is_asked_for)
{
	struct nearness nearness;

	nearness_begin(&nearness);
	for (int processor = 0; processor < sysconf(_SC_NPROCESSORS_ONLN); processor++) {
		nearness_move(&nearness, processor);
		if (CPU_ISSET(processor, &nearness.processors))
			cr_assert_eq(sched_getcpu(), processor);
	}
	nearness_end(&nearness);
}

Test(nearness, gives_back_processors_and_priority)
{
	int priority = getpriority(PRIO_PROCESS, 0);
	struct nearness nearness;
	cpu_set_t before, after;

	cr_assert_eq(sched_getaffinity(0, sizeof(before), &before), 0);
	nearness_begin(&nearness);
	nearness_move(&nearness, 0);
	nearness_end(&nearness);
	cr_assert_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	cr_assert(CPU_EQUAL(&before, &after));
	cr_assert_eq(getpriority(PRIO_PROCESS, 0), priority);
	cr_assert_eq(sched_getscheduler(0), SCHED_OTHER);
}

Test(nearness, real_time_priority_does_not_last)
{
	struct nearness nearness;

	nearness_begin(&nearness);
	if (!nearness.is_real_time)
		cr_skip_test("real-time priority is refused here");
	cr_assert_eq(sched_getscheduler(0), SCHED_RR);
	nearness_move(&nearness, 0);
	nearness.calm_ns = 0;
	nearness_move(&nearness, 0);
	cr_assert_eq(sched_getscheduler(0), SCHED_OTHER);
	nearness_end(&nearness);
}

Test(nearness, takes_its_turn_on_each_processor_that_is_allowed)
{
	struct nearness nearness;
	cpu_set_t seen;

	CPU_ZERO(&seen);
	nearness_begin(&nearness);
	for (int i = 0; i < CPU_COUNT(&nearness.processors); i++) {
		nearness_turn(&nearness);
		CPU_SET(sched_getcpu(), &seen);
	}
	cr_assert(CPU_EQUAL(&seen, &nearness.processors));
	nearness_end(&nearness);
}

Test(nearness, a_processor_that_is_not_there_or_not_allowed_changes_nothing)
{
	struct nearness nearness;
	cpu_set_t first, after;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	cr_assert_eq(sched_setaffinity(0, sizeof(first), &first), 0);
	nearness_begin(&nearness);
	nearness_move(&nearness, -1);
	nearness_move(&nearness, 1);
	nearness_move(&nearness, 1 << 20);
	cr_assert_eq(sched_getaffinity(0, sizeof(after), &after), 0);
	cr_assert(CPU_EQUAL(&first, &after));
	nearness_end(&nearness);
}
