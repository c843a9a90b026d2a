/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nearness: being on the processor of the threads that one has to do with.
 *
 * To open an event on a thread the kernel interrupts the processor that the thread ran on last,
 * whether it runs or not, and waits; when that is the caller's own, nothing is interrupted. With
 * 8,000 events on 2,000 sleeping threads of a virtual machine this is 30 ms of CPU time instead of
 * up to 120. Meanwhile the caller has the highest priority that it may have, so that births do not
 * outrun it where processors are busy: for the first 200 ms of its own CPU time it runs before all
 * that have no real-time priority, and threads of the processor where it is stand still until it is
 * done with them.
 *
 * Source: perf_install_in_context, kernel/events/core.c; sched_setaffinity(2); setpriority(2);
 * sched(7), SCHED_RR.
 */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct nearness {
	cpu_set_t processors; /* where the caller may run, */
	int priority;	      /* and its priority, to be given back */
	bool is_known;
	int policy; /* of scheduling, to be given back while is_real_time */
	bool is_real_time;
	uint64_t calm_ns; /* of CLOCK_THREAD_CPUTIME_ID: when that ends */
	int processor;	  /* where it is now; -1: anywhere */
};

/* Begins; what the kernel refuses is done without. */
void nearness_begin(struct nearness *nearness);

/* Moves the calling thread to a processor; one where it may not run changes nothing. */
void nearness_move(struct nearness *nearness, int processor);

/* Moves it to the next one in turn. */
void nearness_turn(struct nearness *nearness);

/* Gives back what was changed. */
void nearness_end(struct nearness *nearness);
