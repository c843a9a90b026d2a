/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * off_cpu: where the time goes in which threads do not run.
 *
 * The kernel side (bpf/off_cpu.bpf.c) accounts for every thread of the watched processes and their
 * children: blocked ("off-cpu"), and runnable but waiting for a processor ("run-queue"). The sums
 * per thread are exact. Stacks are copied at a limited rate; every wait is booked under the stack
 * last copied for the same thread, instruction pointer and stack pointer, so the amounts of a
 * thread add up to its sums.
 *
 * Delivered: EVENT_STACK, EVENT_AMOUNT of two metrics, and for each thread, at its end or that of
 * the recording, EVENT_TIMES. Events of different CPUs may be out of order by the moments it takes
 * to write them. Needs root (or CAP_BPF and CAP_PERFMON) and Linux 5.18.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/source.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct off_cpu;

/*
 * Loads and attaches the programs.
 *
 * @launched  process to watch from its next execve on; 0: none
 * Returns the source, or NULL with @error and errno set.
 */
struct off_cpu *off_cpu_open(pid_t launched, struct error *error);
void off_cpu_close(struct off_cpu *off_cpu); /* accepts NULL */

/*
 * Watches running processes, all their threads and all that they will create. The stacks in which
 * threads have been waiting since before are taken too.
 *
 * Returns 0 or a negative errno.
 */
int off_cpu_watch(struct off_cpu *off_cpu, const pid_t *pids, size_t count, struct error *error);

/* Returns the source as a row among others, which closes it too. */
struct source off_cpu_row(struct off_cpu *off_cpu);

/* What it counts, in nanoseconds. */
extern const struct event_metric off_cpu_blocked, off_cpu_run_queue;

struct off_cpu_counts {
	uint64_t switches;     /* times a watched thread left the processor */
	uint64_t stacks;       /* copied */
	uint64_t stacks_lost;  /* the ring was full */
	uint64_t threads_lost; /* more at once than the table holds: not accounted for at all */
	uint64_t places_lost;  /* waits that are told without a stack for want of room */
};

void off_cpu_count(const struct off_cpu *off_cpu, struct off_cpu_counts *counts);
