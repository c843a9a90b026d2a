/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attached: running processes that are watched and never touched.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/perf_source.h"
#include "collector/recorder.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct attached {
	pid_t *pids;
	int *pid_fds; /* each readable when its process has ended */
	size_t count;
	pid_t first_tid; /* a living thread of the first process, where the events begin */
	unsigned choices;
	bool is_tree;
	uint64_t watch_ns; /* from events on the first thread to events on all of them */
	bool is_outrun;	   /* threads without events were still found when looking was given up */
};

/*
 * Takes the processes @pids, with all their descendants when @is_tree.
 *
 * Returns 0, or a negative errno with a sentence: no such process, a kernel thread, no permission.
 */
int attached_open(struct attached *attached, const pid_t *pids, size_t count, bool is_tree,
		  struct error *error);

/*
 * Chooses another first_tid, after a moment, when that one has ended before events could be opened
 * on it: threads end, and so do all but one when a program is executed.
 *
 * Returns false when the process has ended, or has had no thread to watch for a second.
 */
bool attached_choose(struct attached *attached);

/*
 * Opens events on all their threads, and on all processes that are descendants by then, and tells
 * the recorder what /proc says of them.
 *
 * While threads are listed others are born: from threads that have events, which they inherit, or
 * from some that have none yet. The list is read again, after the births that were told, until it
 * brings nothing new: from then on each thread there is has events, and so have all that are born
 * of it. It is read 500 times at most (is_outrun). Threads and processes that end meanwhile are no
 * trouble.
 *
 * @source  opened on first_tid
 * Returns 0, or a negative errno with a sentence. Cost: 4 us of CPU for each event, of which there
 * are two a thread and CPU, 10 us with the tick; the highest priority while it lasts (nearness.h).
 */
int attached_watch(struct attached *attached, struct perf_source *source, struct recorder *recorder,
		   struct error *error);

/*
 * Opens events again on a process that has just executed a program, at which the kernel ended those
 * that were there, and tells the recorder what /proc says of it.
 *
 * Returns 0, or a negative errno with a sentence.
 */
int attached_resume(pid_t pid, struct perf_source *source, struct recorder *recorder,
		    struct error *error);

void attached_done(struct attached *attached);

/* Says whether all of them have ended. */
bool attached_have_ended(const struct attached *attached);

/* Returns the name of the program of a process, owned by the caller: that under which it was
 * started where it is one of the file's (redis-server of redis-check-rdb), else the file's; its
 * number when there is no file. */
char *attached_program(pid_t pid);

/* Returns the command line of a process with blanks between the arguments, owned by the caller. */
char *attached_command(pid_t pid);
