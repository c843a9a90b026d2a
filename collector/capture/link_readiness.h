/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_readiness: for a while the kernel takes probes off without waiting first.
 *
 * It takes a lock of the whole machine for that, whose owner waits for a grace period of RCU, some
 * milliseconds in which dear probes go on costing, unless somebody has had it just before. So
 * somebody has: a thread puts a probe on a file of its own, which nobody executes, and takes it off
 * again, every other millisecond.
 *
 * Source: kernel/events/uprobes.c (dup_mmap_sem) and kernel/rcu/sync.c of Linux 6.18.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

/* Zero-initialised: nothing is done. */
struct link_readiness {
	pthread_t thread;
	bool is_begun;
	bool is_over; /* told to the thread */
	int program;
};

/* Begins, for about a tenth of a second. @program: descriptor of one for UPROBE_LINK_ENTRY */
void link_readiness_begin(struct link_readiness *readiness, int program);

/* Ends, and waits for what is left to do: hundredths of a second. */
void link_readiness_end(struct link_readiness *readiness);
