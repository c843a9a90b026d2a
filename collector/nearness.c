/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nearness: see nearness.h. */
#include "collector/nearness.h"

#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#define HIGHEST_PRIORITY (-20)
#define HELD_UP_NS	 20000000u

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void nearness_begin(struct nearness *nearness)
{
	*nearness = (struct nearness){.processor = -1};
	errno = 0;
	nearness->priority = getpriority(PRIO_PROCESS, 0);
	nearness->is_known = !errno && !sched_getaffinity(0, sizeof(nearness->processors),
							  &nearness->processors);
	nearness->usable = nearness->processors;
	if (nearness->is_known)
		setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
}

/* Leaves a processor to whoever holds it, if there is another. */
static void leave(struct nearness *nearness)
{
	CPU_CLR(nearness->processor, &nearness->usable);
	if (CPU_COUNT(&nearness->usable) &&
	    !sched_setaffinity(0, sizeof(nearness->usable), &nearness->usable))
		nearness->processor = -1;
}

void nearness_move(struct nearness *nearness, int processor)
{
	uint64_t time_ns = now_ns();
	cpu_set_t one;

	if (nearness->processor >= 0 && nearness->moved_ns &&
	    time_ns - nearness->moved_ns > HELD_UP_NS)
		leave(nearness);
	nearness->moved_ns = time_ns;
	if (!nearness->is_known || processor < 0 || processor >= CPU_SETSIZE ||
	    processor == nearness->processor || !CPU_ISSET(processor, &nearness->usable))
		return;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	if (!sched_setaffinity(0, sizeof(one), &one))
		nearness->processor = processor;
}

void nearness_rest(struct nearness *nearness)
{
	nearness->moved_ns = 0;
}

void nearness_end(struct nearness *nearness)
{
	if (!nearness->is_known)
		return;
	if (nearness->processor >= 0 || !CPU_EQUAL(&nearness->usable, &nearness->processors))
		sched_setaffinity(0, sizeof(nearness->processors), &nearness->processors);
	setpriority(PRIO_PROCESS, 0, nearness->priority);
}
