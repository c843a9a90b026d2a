/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recorder: events of the sources → rows of a profile.
 *
 * It keeps the state that events change (processes with their address spaces, threads), unwinds
 * each sample at once, interns its stack and hands one row to the sink, which is
 * a file or whoever keeps an eye on the moment. Nothing raw is kept.
 * A stack is the user frames, then the kernel frames above them; one that does not reach the
 * thread's root hangs under a frame that says so, "[truncated]", so that no picture can pass it
 * off as whole.
 * Rows of stacks are shared by those with the same callers. A recursion that takes another way each
 * time shares none, and thousands of frames a sample would fill memory and disk. So a profile with
 * RECORDER_WHOLE_ROWS of them takes of a stack of more than 1,024 frames the innermost 128 only,
 * under "[too_deep]".
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/event.h"
#include "collector/profile/profile.h"
#include "collector/profile/profile_file.h"
#include "collector/resolve/module.h"

/* Of 15 bytes in the file and 24 in memory. */
#define RECORDER_WHOLE_ROWS (8U << 20)

struct executions;
struct recorder;

/* Where the rows of samples go; times start at the recording's. */
struct recorder_sink {
	/* Returns 0, or a negative errno with a sentence, after which no more come. */
	int (*append)(void *context, const struct profile_sample *sample, struct error *error);
	void *context;
};

struct recorder_sink recorder_sink_of_file(struct profile_file *file);

/*
 * @profile, @modules, @sink  borrowed, outlive the recorder
 * @start_ns                  CLOCK_MONOTONIC; sample times count from here
 */
struct recorder *recorder_new(struct profile *profile, struct modules *modules,
			      struct recorder_sink sink, uint64_t start_ns);
void recorder_free(struct recorder *recorder); /* accepts NULL */

/* Samples from before @begin_ns, of the same clock, are not of the recording. */
void recorder_begin(struct recorder *recorder, uint64_t begin_ns);

/* Returns the row of the profile's metrics for what a source counts, added at its first use. The
 * first one asked for is what reports show when not told otherwise. */
uint32_t recorder_metric(struct recorder *recorder, const struct event_metric *metric);

/*
 * Takes one event; its memory is used during the call only. A row that cannot be written sets the
 * recorder's failure; later samples are dropped. Cost per sample: the walk, a hash look-up for
 * each frame that differs from the thread's previous stack, one INSERT.
 */
void recorder_take(struct recorder *recorder, const struct event *event);

/* Says whether brief copies (event.h) will do, from now on: whether that is so of the stacks of the
 * last moment, and no code is run where the kernel's user call chain is needed: Go's. */
bool recorder_wants_brief_copies(struct recorder *recorder);

/* Says whether a stack has ended because nothing told what a handler interrupted. */
bool recorder_wants_interruptions(const struct recorder *recorder);

/* Says whether a stack ended for want of what lies below the stack pointer. */
bool recorder_wants_red_zones(const struct recorder *recorder);

/* Returns in how many milliseconds the next events should come, at most @most_ms, so that few
 * samples are cut short when brief copies do not do any more. */
int recorder_poll_ms(const struct recorder *recorder, uint64_t now_ns, int most_ms);

/* Returns how many processes have been told of and have not ended. */
uint32_t recorder_process_count(const struct recorder *recorder);

/* Lists them. @pids receives an array, owned by the caller. Returns their number. */
size_t recorder_processes(const struct recorder *recorder, pid_t **pids);

/* Returns the programs that were executed; the recorder's. */
struct executions *recorder_executions(struct recorder *recorder);

/* Returns 0, or the negative errno of the first failure to write, with its sentence. */
int recorder_failure(const struct recorder *recorder, const struct error **error);
