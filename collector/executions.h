/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * executions: the programs that the processes of a recording executed, as the kernel told, and
 * which of them had the probe. Those that had it told themselves by a row and a root of the tree of
 * stacks (probe/wire.h). A static program, one of another C library or in another pid namespace did
 * not, and nothing in the shared memory says that it was there.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/capture/probe_memory.h"
#include "collector/profile/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct execution {
	pid_t pid;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	bool is_probed;
	char name[16]; /* as the kernel names its first thread */
};

/* Zero-initialised. */
struct executions {
	struct execution *rows;
	size_t count, capacity;
};

/* Notes an EVENT_NAME with is_exec, in the order of time. */
void executions_take(struct executions *executions, const struct event *event);

/*
 * Says in the profile how many had no probe, and their names: memory.unprobed, operations.unprobed,
 * unprobed_names, where these are wanted and there are any. Those that the probe itself counted as
 * refused, for want of room, are not among the numbers. Changes the order of the rows.
 *
 * @memory  that a kernel's sampling went along with: where the probe itself samples, it is the only
 *          one to tell of executions, and nothing is said
 */
void executions_describe(struct executions *executions, const struct probe_memory *memory,
			 struct profile *profile);

void executions_done(struct executions *executions);
