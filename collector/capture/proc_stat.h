/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proc_stat: what the kernel tells of a process or thread in one line.
 *
 * Source: proc(5), /proc/PID/stat and /proc/PID/task/TID/stat.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	char state; /* as proc(5) abbreviates it, R, S, D and so on */
	pid_t parent;
	unsigned long flags; /* PF_* of linux/sched.h */
	uint64_t minor_faults, major_faults;
	uint64_t child_minor_faults, child_major_faults; /* of those it has waited for */
	uint64_t threads;
	uint64_t rss_pages;
	int processor; /* that it ran on last */
};

/*
 * Parses the text of the file, which may be cut anywhere. The name of a process may hold anything,
 * blanks, brackets and newlines too.
 *
 * Returns false when it says less than is asked for.
 */
bool proc_stat_parse(const char *text, struct proc_stat *stat);

/* Read it of a process, or of one thread. Return false when that is gone. */
bool proc_stat_read(pid_t pid, struct proc_stat *stat);
bool proc_stat_read_thread(pid_t pid, pid_t tid, struct proc_stat *stat);
