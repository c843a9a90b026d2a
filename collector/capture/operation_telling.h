/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * operation_telling: what the targets' libprobe.so summed up of operations on locks, files and
 * statements, as events: first the subjects (EVENT_SUBJECT), then what was done to them
 * (EVENT_OPERATION) and how long it took (EVENT_SPREAD). A part of memory_source, which tells the
 * stacks before; told once, at the end.
 *
 * Waits and work are amounts of metrics, too, so that pictures show them:
 *
 *     lock-wait  ns     waited until a lock was free
 *     await      ns     waited for another thread: conditions, semaphores, barriers, ends
 *     io-time    ns     in calls on files
 *     io-bytes   bytes  moved by them
 *     sql-time   ns     in SQL statements
 *
 * Nothing in the memory is trusted.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/capture/probe_memory.h"
#include "collector/capture/source.h"

/* Zero-initialised but for the memory, which is borrowed. */
struct operation_telling {
	const struct probe_memory *memory;
	uint32_t part;	 /* what is told next: subjects, operations, spreads; */
	uint32_t row;	 /* and which row of them */
	uint64_t *taken; /* by subject; NULL: not summed up yet */
	uint64_t taken_elsewhere;
};

/*
 * Makes the next event.
 *
 * @is_told  says which stacks were told
 * Returns false when there is none left. Its text borrows the memory.
 */
bool operation_telling_next(struct operation_telling *telling,
			    bool (*is_told)(const void *context, uint32_t node),
			    const void *context, struct event *event);

void operation_telling_describe(const struct operation_telling *telling, struct profile *profile);
void operation_telling_done(struct operation_telling *telling);
