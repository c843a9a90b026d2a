/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nearness: see nearness.h. */
#include "collector/nearness.h"

#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#define HIGHEST_PRIORITY (-20)
#define REAL_TIME_NS	 200000000u /* longer would starve what the kernel does beside */

static uint64_t used_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void hurry(struct nearness *nearness)
{
	struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_RR)};

	nearness->policy = sched_getscheduler(0);
	nearness->is_real_time =
		nearness->policy == SCHED_OTHER && !sched_setscheduler(0, SCHED_RR, &least);
	nearness->calm_ns = used_ns() + REAL_TIME_NS;
}

static void calm(struct nearness *nearness)
{
	if (nearness->is_real_time)
		sched_setscheduler(0, nearness->policy, &(struct sched_param){0});
	nearness->is_real_time = false;
}

void nearness_begin(struct nearness *nearness)
{
	*nearness = (struct nearness){.processor = -1};
	errno = 0;
	nearness->priority = getpriority(PRIO_PROCESS, 0);
	nearness->is_known = !errno && !sched_getaffinity(0, sizeof(nearness->processors),
							  &nearness->processors);
	if (nearness->is_known)
		setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
	if (nearness->is_known)
		hurry(nearness);
}

void nearness_move(struct nearness *nearness, int processor)
{
	cpu_set_t one;

	if (nearness->is_real_time && used_ns() >= nearness->calm_ns)
		calm(nearness);
	if (!nearness->is_known || processor < 0 || processor >= CPU_SETSIZE ||
	    processor == nearness->processor || !CPU_ISSET(processor, &nearness->processors))
		return;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	if (!sched_setaffinity(0, sizeof(one), &one))
		nearness->processor = processor;
}

void nearness_turn(struct nearness *nearness)
{
	int next = nearness->processor;

	if (!nearness->is_known)
		return;
	do
		next = (next + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(next, &nearness->processors));
	nearness_move(nearness, next);
}

void nearness_end(struct nearness *nearness)
{
	if (!nearness->is_known)
		return;
	calm(nearness);
	if (nearness->processor >= 0)
		sched_setaffinity(0, sizeof(nearness->processors), &nearness->processors);
	setpriority(PRIO_PROCESS, 0, nearness->priority);
}
