/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heap: what running processes allocate, by probes on the functions of their allocator: a sample by
 * bytes, in windows of time that a budget allows.
 *
 * A probe stops the program at every call, which costs it about as much as a system call. So when
 * what that has cost passes a share of its CPU time, the probes are taken off until it does not.
 * Windows begin and end at moments that do not depend on what is in them. What all of them have
 * stands for the whole recording (heap_estimate.h), reckoned by the processes' own CPU time, that
 * is without what probes took of it in this very program (heap_ticks.h); or by time.
 *
 * Delivered are, for each allocation taken, EVENT_STACK, amounts of the metrics "allocations" and
 * "allocated", and at the end of the recording what it stands for outside of the windows, with
 * EVENT_STACK_END. They are estimates (probe/thinning.h); what they can be wrong by is told by
 * describe.
 *
 * Other processes do not meet the probes, nor do those that the processes fork.
 *
 * Frees are not looked at: what was allocated before and outside of the windows is not known, so
 * what is live could not be told. Needs root (or CAP_BPF and CAP_PERFMON) and Linux 6.6.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/bpf/heap.h"
#include "collector/capture/source.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HEAP_RATE 4096 /* unless asked: each call is paid for, few are seen, so many are taken */

/* A file with an allocator in it, by collector/allocator.h. */
struct heap_file {
	int fd; /* open for reading */
	bool is_libc;
	uint64_t offsets[HEAP_FUNCTIONS];
	uint64_t cookies[HEAP_FUNCTIONS]; /* enum heap_size */
	size_t count;
	char name[NAME_MAX + 1];
};

struct heap_options {
	uint64_t rate; /* bytes between samples, at least 1024; 0: HEAP_RATE */
	double budget; /* share of the processes' CPU time; 0: no limit */
	/* Returns the CPU time in nanoseconds that the processes have used since they were
	 * watched. */
	uint64_t (*cpu_ns)(const void *context);
	const void *context;
};

struct heap;

/*
 * Loads the programs, measures what a hit costs and puts the probes in place.
 *
 * @file  whose descriptor is the source's from here on, also when this fails
 * Returns the source, or NULL with @error and errno set. Cost: some hundredths of a second.
 */
struct heap *heap_open(const struct heap_options *options, const pid_t *pids, size_t count,
		       const struct heap_file *file, struct error *error);

/* Returns the source as a row among others, which closes it too. */
struct source heap_row(struct heap *heap);
