/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sampler: the oracle's own sampler, so that it depends on nothing of the collector but what it
 * tests. Runs a program with perf's registers and stack copies of 65,528 bytes and hands on what
 * happens, in the order of its time.
 */
#pragma once

#include "collector/resolve/unwind.h"

#define SAMPLER_COPY_BYTES 65528

struct sampler_mapping {
	int pid;
	uint64_t start, end, offset, inode;
	const char *path; /* lives during the call */
};

/* What the sampler calls; @context is the caller's. */
struct sampler_events {
	void *context;
	void (*map)(void *context, const struct sampler_mapping *mapping);
	void (*exec)(void *context, int pid);
	void (*fork)(void *context, int parent_pid, int child_pid);
	/* @sample may be changed. Returns false when there are enough samples. */
	bool (*sample)(void *context, int pid, int tid, uint64_t time_ns,
		       struct unwind_sample *sample);
	/* The rings are empty. Returns in how many milliseconds to read them again. */
	unsigned int (*round)(void *context);
};

struct sampler_losses {
	size_t lost;	/* records that say that some were lost */
	size_t no_user; /* samples without user registers */
};

/*
 * Runs a program until it ends, or has given enough samples and was terminated for that.
 *
 * @frequency_hz  of CPU time
 * @arguments     the program and its arguments, ended by NULL
 * Ends the process with status 1 and a sentence where the machine refuses.
 */
void sampler_run(unsigned int frequency_hz, char **arguments, const struct sampler_events *events,
		 struct sampler_losses *losses);
