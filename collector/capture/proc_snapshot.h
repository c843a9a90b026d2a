/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proc_snapshot: what /proc says of a running process, as the events that would have told it had
 * they been watched from the beginning.
 *
 * Source: proc(5), /proc/PID/{task,comm,maps,stat}.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/event.h"

#include <stdbool.h>
#include <sys/types.h>

typedef void proc_deliver(void *context, const struct event *event);

/*
 * Says whether @pid can be attached to at all.
 *
 * Returns 0, or a negative errno with a sentence: -ESRCH no such process, or one that has ended
 * (a zombie); -EINVAL a kernel thread, or a thread that is not a process's first.
 */
int proc_check(pid_t pid, struct error *error);

/*
 * Lists the threads of a process.
 *
 * @tids  receives an array, owned by the caller
 * Returns their number, 0 when the process is gone.
 */
size_t proc_threads(pid_t pid, pid_t **tids);

/* Adds to the array *@pids all descendants of the processes in it, without ourselves and what
 * descends from us. Returns the new number. */
size_t proc_descendants(pid_t **pids, size_t count);

/* Deliver the executable mappings of a process, and the names of its threads. */
void proc_mappings(pid_t pid, uint64_t time_ns, proc_deliver *deliver, void *context);
void proc_names(pid_t pid, uint64_t time_ns, proc_deliver *deliver, void *context);

/*
 * Parses a line of /proc/PID/maps.
 *
 * @line     ended by a zero; changed, and the path is borrowed from it
 * Returns false for mappings that are not executable and for anything else.
 */
bool proc_parse_mapping(char *line, struct event_mapping *mapping);

/* Returns the state of a thread as proc(5) abbreviates it, R, S, D and so on; 0: it is gone. */
char proc_thread_state(pid_t pid, pid_t tid);

/*
 * Returns a thread of the process that has not ended: its first one, or, where that has called
 * pthread_exit and is a zombie, another; 0 when none lives. What /proc says of the whole process
 * (maps, exe, root) it says under a living thread's number only.
 */
pid_t proc_living_thread(pid_t pid);

/* Returns the number of the processor that a thread ran on last; -1: it is gone. */
int proc_thread_processor(pid_t pid, pid_t tid);

/* Copies the name of a thread, ended by a zero; returns false when it is gone. */
bool proc_thread_name(pid_t tid, char *name, size_t bytes);
