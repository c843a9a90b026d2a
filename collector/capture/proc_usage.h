/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proc_usage: what processes use, looked up in /proc now and then, as series of the profile.
 *
 *     rss, threads, processes                       at the moment of the look
 *     minor-faults, major-faults, context-switches, bytes-read, bytes-written, disk-read,
 *     disk-written                                  totals since the recording began
 *     cpu-N                                         CPU time on core N, in total; not of a process
 *                                                   that had many threads when it was attached to
 *
 * Totals never fall: what a process had used when it ended stays counted. What it used after the
 * last look before its end is found with the process that has waited for it, to which the kernel
 * adds it; not so of context switches, which it tells of no thread that has ended. Of those a
 * launched program's end tells all. bytes-* is what system calls moved, disk-* what reached
 * the storage. What may not be read (/proc/PID/io of others) makes no points.
 * Source: proc(5).
 */
#pragma once

#include "collector/profile/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_USAGE_PERIOD_NS 100000000u
/* With more threads than this their switches are not looked up: it would cost too much. The profile
 * says so. */
#define PROC_USAGE_THREADS 256

struct proc_usage;

/*
 * @profile    receives the points; borrowed
 * @from_birth what the processes of the first look have used already counts
 */
struct proc_usage *proc_usage_new(struct profile *profile, bool from_birth);
void proc_usage_free(struct proc_usage *usage); /* accepts NULL */

/*
 * Looks at processes, all there are.
 *
 * @time_ns  since the start of the recording, later than at the look before
 * @core_ns  CPU time on each of @core_count cores so far; may be NULL
 */
void proc_usage_look(struct proc_usage *usage, const pid_t *pids, size_t count, uint64_t time_ns,
		     const uint64_t *core_ns, size_t core_count);

/*
 * Looks once more at a child of ours that has ended and has not been waited for: what it, and those
 * that it has waited for, have used in all.
 */
void proc_usage_end(struct proc_usage *usage, pid_t pid, uint64_t time_ns);
