/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * operation_telling: what the targets' libprobe.so summed up of operations on locks, files and
 * statements, as events: first the subjects (EVENT_SUBJECT), then what came to what was done to
 * them (EVENT_OPERATION) and to how long it took (EVENT_SPREAD). A part of memory_source, which
 * tells the stacks before, and says when to look.
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

struct told_subject;
struct told_operation;

/* Zero-initialised but for the memory and what says which stacks were told, which are borrowed. */
struct operation_telling {
	const struct probe_memory *memory;
	bool (*is_node_told)(const void *context, uint32_t node);
	const void *context;
	uint32_t part; /* what is told next: subjects, operations, spreads; */
	uint32_t row;  /* and which row of them */
	bool is_last;
	uint64_t *taken; /* by subject, as of this look; NULL: there was none yet */
	uint64_t taken_elsewhere;
	struct told_subject *subjects;	   /* what was told of them, by number, */
	struct told_operation *operations; /* of those, */
	uint64_t *spreads;		   /* and of these */
};

/* Begins a look. @is_last  nobody writes any more, and all is told that can be */
void operation_telling_look(struct operation_telling *telling, bool is_last);

/* Makes the next event of a look. Returns false when there is none left. Its text borrows the
 * memory. */
bool operation_telling_next(struct operation_telling *telling, struct event *event);

void operation_telling_describe(const struct operation_telling *telling, struct profile *profile);
void operation_telling_done(struct operation_telling *telling);
