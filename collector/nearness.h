/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nearness: being on the processor of the threads that one has to do with.
 *
 * To open an event on a thread the kernel interrupts the processor that the thread ran on last,
 * whether it runs or not, and waits; when that is the caller's own, nothing is interrupted. With
 * 8,000 events on 2,000 sleeping threads of a virtual machine this is 30 ms of CPU time instead of
 * up to 120. Meanwhile the caller has the highest priority that it may have, so that births do not
 * outrun it where processors are busy.
 * Source: perf_install_in_context, kernel/events/core.c; sched_setaffinity(2); setpriority(2).
 */
#pragma once

#include <sched.h>
#include <stdbool.h>

struct nearness {
	cpu_set_t processors; /* where the caller may run, */
	int priority;	      /* and its priority, to be given back */
	bool is_known;
	int processor; /* where it is now; -1: anywhere */
};

/* Begins; what the kernel refuses is done without. */
void nearness_begin(struct nearness *nearness);

/* Moves the calling thread to a processor; one where it may not run changes nothing. */
void nearness_move(struct nearness *nearness, int processor);

/* Gives back what was changed. */
void nearness_end(struct nearness *nearness);
