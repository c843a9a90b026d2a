/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nearness: see nearness.h. */
#include "collector/nearness.h"

#include <errno.h>
#include <sys/resource.h>

#define HIGHEST_PRIORITY (-20)

void nearness_begin(struct nearness *nearness)
{
	*nearness = (struct nearness){.processor = -1};
	errno = 0;
	nearness->priority = getpriority(PRIO_PROCESS, 0);
	nearness->is_known = !errno && !sched_getaffinity(0, sizeof(nearness->processors),
							  &nearness->processors);
	if (nearness->is_known)
		setpriority(PRIO_PROCESS, 0, HIGHEST_PRIORITY);
}

void nearness_move(struct nearness *nearness, int processor)
{
	cpu_set_t one;

	if (!nearness->is_known || processor < 0 || processor >= CPU_SETSIZE ||
	    processor == nearness->processor || !CPU_ISSET(processor, &nearness->processors))
		return;
	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	if (!sched_setaffinity(0, sizeof(one), &one))
		nearness->processor = processor;
}

void nearness_end(struct nearness *nearness)
{
	if (!nearness->is_known)
		return;
	if (nearness->processor >= 0)
		sched_setaffinity(0, sizeof(nearness->processors), &nearness->processors);
	setpriority(PRIO_PROCESS, 0, nearness->priority);
}
