/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing: calls of chosen functions, counted and timed while a recording runs → rows of its
 * profile.
 *
 *     plan (timing_plan.h) ─ open ─ attach ─ watch the target ─ poll: steps, libraries that are
 *     loaded later ─ update the profile's tables ─ stop
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/perf_source.h"
#include "collector/hottest.h"
#include "collector/profile/profile.h"
#include "collector/timing_plan.h"

struct timing_options {
	const struct timing_request *requests;
	size_t request_count;
	enum uprobe_rung rung;
	size_t hottest;	    /* functions that timing_add_hottest will add at most */
	bool keeps_returns; /* walks inside the program meet the stacks: no return probes */
	double budget; /* most that probes may add to the target's CPU time, a share; 0: no limit */
};

struct timing;

/*
 * Chooses the functions and loads the probes; nothing is probed yet.
 *
 * @files    of the program, in @modules
 * @profile  receives rows; borrowed like @modules
 * Returns NULL with @error and errno: as timing_plan_make and uprobe_open.
 */
struct timing *timing_open(const struct timing_options *options, const struct program_files *files,
			   struct modules *modules, struct profile *profile, struct error *error);
void timing_close(struct timing *timing); /* accepts NULL */

/*
 * Counts processes and what they will fork, from now on.
 *
 * @perf      whose samples will lead through timed functions, to be corrected by timing_take; NULL:
 *            none. The tick's cannot be: such stacks are then cut, and counted so.
 * @start_ns  CLOCK_MONOTONIC of the profile's times
 */
int timing_watch(struct timing *timing, const pid_t *pids, size_t count, struct perf_source *perf,
		 uint64_t start_ns, struct error *error);

/*
 * Steps are recorded with what came to them of what processes sum up, in which a library is
 * preloaded. Where it is stripped of its names they are not.
 *
 * @library     path of libprobe.so
 * @modes       enum wire_mode that are on
 * @is_sampled  allocations are
 * Returns 0 or a negative errno.
 */
int timing_tell_totals(struct timing *timing, const char *library, uint32_t modes, bool is_sampled,
		       struct error *error);

/* Puts the probes in place. Returns 0 or a negative errno. */
int timing_attach(struct timing *timing, struct error *error);

/*
 * Times the functions that were hottest so far, too.
 *
 * @files  of the running program
 * Returns 0, or a negative errno with a sentence; what was timed before still is.
 */
int timing_add_hottest(struct timing *timing, const struct hottest *hottest,
		       const struct program_files *files, struct error *error);

/* Returns what has been planned, for telling the user. */
const struct timing_plan *timing_get_plan(const struct timing *timing);

/* Returns what a call of a planned function will cost in nanoseconds. */
uint32_t timing_cost_ns(const struct timing *timing, const struct timing_choice *choice);

/*
 * Looks at an event of the recording before anybody else: a library that is mapped now may be one
 * that was waited for, and the stack of a sample may lead through the kernel's return probes.
 * Returns the event, corrected; valid until the next call.
 */
const struct event *timing_take(struct timing *timing, const struct event *event);

/* Takes the steps that have ended, and keeps the budget. To be called every some hundredths of a
 * second, and when the descriptor is readable, which tells that probes cost too much. */
void timing_poll(struct timing *timing);
int timing_poll_fd(const struct timing *timing);

/* Fills the profile's tables with the figures of this moment, unless that was done so lately that
 * writing them would take more than some hundredths of the time. */
void timing_refresh(struct timing *timing);

/* Takes the probes off, and fills the tables for the last time. */
void timing_stop(struct timing *timing);

/* Says what has become of a pattern that waited for its library, counted from 0: returns 1 when
 * there are not so many, 0 when it led to functions, else a negative errno with a sentence. */
int timing_missing(const struct timing *timing, size_t number, struct error *error);
