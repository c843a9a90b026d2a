/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hits: how often the source lines and the basic blocks of chosen functions are executed, counted
 * while a recording runs → rows of its profile.
 *
 * With a budget the probes are in place in some windows of time only: they are taken off when they
 * have cost what the bank has (probe_bank.h), which the kernel side tells at once, and put back
 * when it has enough for another window. The entry of a function stays probed, so that it is known
 * of how many calls the counted ones are a part; the figures of all calls are then estimates, with
 * an interval from how much the windows differ. Where entries alone are too dear they are probed in
 * windows of their own, which tell how many calls there are in a time.
 *
 *     hits_open ─ watch the target ─ attach ─ poll ─ refresh the profile's tables ─ stop
 */
#pragma once

#include "collector/base/error.h"
#include "collector/hits_plan.h"
#include "collector/probe_bank.h"
#include "collector/profile/profile.h"

#define HITS_NO_BUDGET 0.0

struct hits_options {
	const struct timing_request *requests;
	size_t request_count;
	double budget; /* most that probes may add to the target's CPU time, a share */
};

struct hits;

/* Returns NULL with @error and errno: as hits_plan_make, uprobe_open and block_hits_open. What is
 * passed is borrowed, but for @files. */
struct hits *hits_open(const struct hits_options *options, const struct program_files *files,
		       struct profile *profile, struct error *error);
void hits_close(struct hits *hits); /* accepts NULL */

/* Counts processes and what they will fork, whose CPU time @clock tells. The probes are in place
 * already. Returns 0 or a negative errno. */
int hits_watch(struct hits *hits, const pid_t *pids, size_t count,
	       const struct probe_bank_clock *clock, struct error *error);

/* Has the samples of @perf tell what the probes change of them. Once, before it starts, and only
 * where no functions are timed, whose samples tell it already. Returns 0 or a negative errno. */
int hits_watch_samples(struct hits *hits, struct perf_source *perf, struct error *error);

/* Returns the event, corrected, valid until the next call. */
const struct event *hits_take(struct hits *hits, const struct event *event);

/* Puts the probes in place and begins to count. Returns 0 or a negative errno. */
int hits_attach(struct hits *hits, struct error *error);

/* What has been planned, for telling the user. */
const struct hits_plan *hits_get_plan(const struct hits *hits);

/* Returns about what an execution of the dearest of a function's probes costs, in nanoseconds. */
uint32_t hits_cost_ns(const struct hits *hits, const struct hits_function *function);

/* Says whether there is a budget to keep. */
bool hits_has_budget(const struct hits *hits);

/* Keeps the budget. To be called every some hundredths of a second, and at once when hits_poll_fd
 * is readable. Cost: at the end of a window 1 ms. */
void hits_poll(struct hits *hits);

/* Returns a descriptor that is readable when probes have cost what they may. Owned by @hits. */
int hits_poll_fd(const struct hits *hits);

/* Fills the profile's tables with the figures of this moment. */
void hits_refresh(struct hits *hits);

/* Takes the probes off, and fills the tables for the last time. */
void hits_stop(struct hits *hits);
