/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * population: the processes and threads of a recording, as events tell of their births and ends.
 *
 * A process owns an address space, a thread what is remembered of its stacks. Numbers come again:
 * an ended thread keeps its row for REMEMBER_NS (population.c), so that what a source tells of it
 * afterwards still finds it.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/profile/profile.h"
#include "collector/resolve/address_space.h"
#include "collector/resolve/unwind.h"

#include <uthash.h>

/* One step of a thread's previous stack, outermost first. */
struct path_step {
	uint32_t frame;
	uint32_t stack;
};

struct process {
	UT_hash_handle hh;
	pid_t pid;
	uint32_t thread_count;
	struct address_space *space;
};

struct thread {
	UT_hash_handle hh;
	pid_t tid;
	uint32_t id; /* row in profile->threads */
	struct process *process;
	struct unwind_memory memory;
	struct path_step *path;
	size_t path_count, path_capacity;
};

/* Zero-initialised but for the borrowed pointers, which outlive it. */
struct population {
	struct profile *profile;
	struct modules *modules;
	struct process *processes; /* hash tables; processes by pid, */
	struct thread *threads;	   /* threads by tid, */
	struct ended *ended;	   /* and those that have ended, in the order of their ends */
};

void population_done(struct population *population);

/* A thread is born (EVENT_FORK), perhaps with a process around it: a copy of its parent. */
void population_fork(struct population *population, const struct event *event);

/* A thread has ended (EVENT_EXIT), with the last one its process. Unknown ones are ignored. */
void population_exit(struct population *population, const struct event *event);

/* Returns the thread an event tells of; one whose birth was not told is made up. Never NULL. */
struct thread *population_thread(struct population *population, const struct event *event);

/* The same, or NULL. */
struct thread *population_known(const struct population *population, const struct event *event);

/* Of no thread it is known any more what a handler of its interrupted. */
void population_forget_interruptions(struct population *population);

/* Returns its row in profile->threads, also when it has ended a moment ago. */
uint32_t population_row(struct population *population, const struct event *event);

/* Returns the process, NULL when there is none of that number. */
struct process *population_process(const struct population *population, pid_t pid);

/* Lists the processes. @pids receives an array, owned by the caller. Returns their number. */
size_t population_pids(const struct population *population, pid_t **pids);
