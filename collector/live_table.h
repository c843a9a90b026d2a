/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * live_table: the samples of the last seconds, and their sums by function and by thread.
 */
#pragma once

#include "collector/profile/profile.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A row. Weights are in periods of the metric. */
struct live_function {
	const char *name;
	const char *module; /* path of its file; [kernel] and the like */
	uint64_t self, total;
};

struct live_thread {
	const char *name;
	pid_t tid;
	uint64_t weight;
};

/* Memory is the table's, until the next sums. */
struct live_sums {
	uint64_t samples, complete; /* of these, with whole stacks */
	uint64_t weight;
	struct live_function *functions; /* that were on a stack; in no order */
	size_t function_count;
	struct live_thread *threads; /* that had samples, the largest first */
	size_t thread_count;
};

struct live_sample {
	uint64_t time_ns;
	uint64_t value;
	uint32_t thread, stack;
	bool is_complete;
};

/* Zero-initialised by its owner. */
struct live_table {
	struct live_sample *samples; /* in order of time, [first, count) */
	size_t first, count, capacity;
	struct live_function *functions;
	struct live_thread *threads;
	uint64_t *stack_weights, *thread_weights; /* by row of the profile */
	struct live_mark *marks;		  /* by function */
};

void live_table_done(struct live_table *table);

/* Adds a sample, later than those before. */
void live_table_add(struct live_table *table, const struct profile_sample *sample);

/* Forgets the samples before a time. */
void live_table_forget(struct live_table *table, uint64_t before_ns);

/*
 * Sums up. A function that is on a stack twice counts once; frames without names yet are told as
 * one function, LIVE_UNNAMED.
 *
 * @profile  whose stacks and threads the samples name
 */
#define LIVE_UNNAMED "[not named yet]"
void live_table_sum(struct live_table *table, const struct profile *profile,
		    struct live_sums *sums);
