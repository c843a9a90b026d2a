/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_trust: looks at the files of processes, so that return probes are put in place only where
 * no unwinder meets them (resolve/unwinding.h).
 *
 *     the program that is asked for, by its list of libraries    before it runs
 *     other programs that its processes execute, and what is     within some hundredths of a
 *     loaded later                                               second, by what they have mapped
 *
 * The kernel side (capture/bpf/trusted.h) withholds such probes from the moment on that a program
 * is executed or a file loaded, until it was looked at: meanwhile calls are counted, not timed.
 * What it cannot undo is a return address that was replaced before, of a call that is open then.
 */
#pragma once

#include "collector/capture/uprobe.h"
#include "collector/program.h"

#include <stdbool.h>

/* A file that was looked at. */
struct timing_trust_file {
	const struct module *module;
	bool unwinds;
};

/* A process. */
struct timing_trust_process {
	pid_t pid;
	bool is_told; /* its loader tells what it loads */
};

/* Zero-initialised. */
struct timing_trust {
	struct timing_trust_file *files;
	size_t count, capacity;
	struct module *loader; /* that tells what it loads; NULL: none does */
	uint64_t loader_offset;
	struct module *program;	 /* as it was asked for; NULL: none, */
	uint64_t program_offset; /* and where it starts */
	struct timing_trust_process *processes;
	size_t process_count, process_capacity;
	uint32_t seen; /* changes that were looked at */
};

/* @files  of the program, none of which unwinds; borrowed until timing_trust_done */
void timing_trust_begin(struct timing_trust *trust, const struct program_files *files);

/*
 * Has the loader of a process tell what it loads, and the program when it starts. Nothing of other
 * processes is probed: all use the same loader, and some, valgrind for one, would not survive it.
 * Returns 0 or a negative errno.
 */
int timing_trust_watch(struct timing_trust *trust, struct uprobe *uprobe, pid_t pid,
		       struct error *error);

/* Looks at the processes that have changed. To be called every some hundredths of a second. Returns
 * whether one was found that is unwound. */
bool timing_trust_look(struct timing_trust *trust, struct uprobe *uprobe, struct modules *modules);

/* Says in the profile how many calls of a function were counted only for lack of trust:
 * "withheld.N" of the probe N, and in the row of a step function, because such steps are missing.
 */
void timing_trust_describe(const struct uprobe *uprobe, uint32_t function, struct profile *profile);

void timing_trust_done(struct timing_trust *trust);
