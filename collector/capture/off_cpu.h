/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * off_cpu: where the time goes in which threads do not run.
 *
 * The kernel side (bpf/off_cpu.bpf.c) accounts for every thread of the watched processes and their
 * children: running, runnable but waiting for a processor, blocked. The sums are exact.
 */
#pragma once

#include "collector/base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct off_cpu;

/* The times of a thread since it was watched; they add up to @wall_ns. */
struct off_cpu_times {
	pid_t pid, tid;
	uint64_t wall_ns;
	uint64_t running_ns;
	uint64_t runnable_ns; /* waiting for a processor */
	uint64_t blocked_ns;
	uint64_t switches; /* times it left the processor */
};

/* Loads and attaches the programs. Returns the source, or NULL with @error and errno set. */
struct off_cpu *off_cpu_open(struct error *error);
void off_cpu_close(struct off_cpu *off_cpu); /* accepts NULL */

/* Watches a process and all that it will create. Returns 0 or a negative errno. */
int off_cpu_watch(struct off_cpu *off_cpu, pid_t pid, struct error *error);

/*
 * Reads the times of all threads up to now, ended ones too.
 *
 * @times  receives an array, owned by the caller
 * Returns their number.
 */
size_t off_cpu_read_times(struct off_cpu *off_cpu, struct off_cpu_times **times);
