/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * live: running processes watched for the moment: what they did in the last seconds, without a
 * file.
 *
 *     open ─ round, every PERF_SOURCE_POLL_MS ─ look, as often as somebody wants to see it ─ close
 *
 * Samples of the window are kept as they are, frames are named when somebody looks. The processes
 * are watched as `attach` does it and run on undisturbed.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/live_table.h"
#include "collector/session.h"

#include <stdbool.h>
#include <stdint.h>

struct live;

enum live_state {
	LIVE_RUNNING,  /* or waiting for a processor */
	LIVE_SLEEPING, /* waits for anything else */
	LIVE_DISK,     /* waits and cannot be interrupted: mostly storage */
	LIVE_STOPPED,
	LIVE_STATES
};

/* What can be seen at a moment; memory is borrowed until the next look. */
struct live_view {
	uint64_t elapsed_ns; /* since the start */
	uint64_t window_ns;  /* that the figures below are of; the elapsed time at first */
	struct live_sums sums;
	uint64_t cpu_ns;	      /* that the samples stand for */
	uint64_t lost;		      /* samples, since the start */
	uint64_t threads;	      /* that there are */
	uint64_t states[LIVE_STATES]; /* of those that were looked at, at this moment */
	bool has_steps;
	uint64_t steps;	      /* that ended in the window; */
	uint64_t steps_ended; /* since the start */
	uint64_t step_ns;     /* median duration in the window; 0: none ended */
	uint64_t own_ns;      /* CPU time of the collector since the start */
};

/*
 * Begins to watch.
 *
 * @options    pids, is_tree, frequency_hz, engine, prefers_tick, timing: at most one step function;
 *             the rest is not looked at
 * @window_ns  how far back a look goes
 * Returns NULL with @error and errno.
 */
struct live *live_open(const struct session_options *options, uint64_t window_ns,
		       struct error *error);
void live_close(struct live *live); /* accepts NULL */

/* Returns a descriptor that is readable when a round should not wait for its time. */
int live_poll_fd(const struct live *live);

/* Takes the events up to now. Returns 0, or -ESRCH when all processes have ended. */
int live_round(struct live *live);

/* Looks at the window. Cost: a walk through each distinct stack; naming what is new, which is put
 * off when it would take more than a fifth of the time. */
void live_look(struct live *live, struct live_view *view);

/* The sampler that is used and its samples per second of CPU time. */
const char *live_engine(const struct live *live);
unsigned live_frequency_hz(const struct live *live);
