/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recorder: events of the sources → rows of a profile.
 *
 * It keeps the state that events change (processes with their address spaces, threads), unwinds
 * each sample at once, interns its stack and appends one row to the file. Nothing raw is kept.
 * A stack is the user frames, then the kernel frames above them; one that does not reach the
 * thread's root hangs under a frame that says so, "[truncated]", so that no picture can pass it
 * off as whole.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/event.h"
#include "collector/profile/profile.h"
#include "collector/profile/profile_file.h"
#include "collector/resolve/module.h"

struct recorder;

/*
 * @profile, @modules, @file  borrowed, outlive the recorder
 * @start_ns                  CLOCK_MONOTONIC; sample times count from here
 */
struct recorder *recorder_new(struct profile *profile, struct modules *modules,
			      struct profile_file *file, uint64_t start_ns);
void recorder_free(struct recorder *recorder); /* accepts NULL */

/* Returns the row of the profile's metrics for what a source counts, added at its first use. The
 * first one asked for is what reports show when not told otherwise. */
uint32_t recorder_metric(struct recorder *recorder, const struct event_metric *metric);

/*
 * Takes one event; its memory is used during the call only. A row that cannot be written sets the
 * recorder's failure; later samples are dropped. Cost per sample: the walk, a hash look-up for
 * each frame that differs from the thread's previous stack, one INSERT.
 */
void recorder_take(struct recorder *recorder, const struct event *event);

/* Returns how many processes have been told of and have not ended. */
uint32_t recorder_process_count(const struct recorder *recorder);

/* Lists them. @pids receives an array, owned by the caller. Returns their number. */
size_t recorder_processes(const struct recorder *recorder, pid_t **pids);

/* Returns 0, or the negative errno of the first failure to write, with its sentence. */
int recorder_failure(const struct recorder *recorder, const struct error **error);
