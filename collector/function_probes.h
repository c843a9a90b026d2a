/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * function_probes: what a recording does with probes on functions: timing and counting of calls
 * (timing.h), executions of lines (hits.h), and the choice of the hottest functions by the first
 * samples (hottest.h).
 */
#pragma once

#include "collector/base/error.h"
#include "collector/hits.h"
#include "collector/hottest.h"
#include "collector/timing.h"

#define FUNCTION_PROBES_FDS 2

struct function_probes_options {
	struct timing_options timing; /* no requests: nothing is timed */
	struct hits_options hits;     /* no requests: no lines are counted */
	/* Told what will be timed and counted, and the cost, before that begins; NULL: nobody asks.
	 * Either may be NULL. */
	void (*planned)(const struct timing *timing, const struct hits *hits);
	/* Told with a sentence what was asked for and could not be timed after all; NULL: nobody
	 * asks. */
	void (*missed)(const char *sentence);
};

/* Where the functions are. All is borrowed. */
struct function_probes_target {
	struct program_files files; /* of the program */
	struct modules *modules;
	struct profile *profile;
	const char *library; /* that is preloaded and counts; NULL: none */
	uint32_t modes;	     /* of it, */
	bool is_sampled;     /* and whether allocations are sampled: as of timing_tell_totals */
};

/* Zero-initialised: none are wanted. */
struct function_probes {
	const struct function_probes_options *options;
	struct timing *timing;	 /* NULL: nothing is timed */
	struct hits *hits;	 /* NULL: no lines are counted */
	struct hottest *hottest; /* NULL: not asked for, or chosen already */
	bool is_urgent;		 /* there is a budget to keep */
	int priority;		 /* of the collector, before that was so */
	double chance;		 /* of the next round: 0 to 1 */
	pid_t pid;		 /* the first of the processes that are watched */
	struct modules *modules;
	struct profile *profile;
};

/* Says whether probes are wanted at all. */
bool function_probes_are_wanted(const struct function_probes_options *options);

/* Chooses the functions and puts the probes in place. That takes from half a second to many, so it
 * comes before anything is sampled. Returns 0 or a negative errno. */
int function_probes_open(struct function_probes *probes,
			 const struct function_probes_options *options,
			 const struct function_probes_target *target, struct error *error);

/*
 * From now on the probes count what these processes do, and what they will fork.
 *
 * @perf      as of timing_watch
 * @start_ns  CLOCK_MONOTONIC of the profile's times
 * Returns 0 or a negative errno.
 */
int function_probes_start(struct function_probes *probes, const pid_t *pids, size_t count,
			  struct perf_source *perf, uint64_t start_ns, struct error *error);

/* Returns the event, corrected, as timing_take. */
const struct event *function_probes_take(struct function_probes *probes, const struct event *event);

/* Looks at a sample that was recorded: the hottest functions are chosen by them. */
void function_probes_see(struct function_probes *probes, const struct profile_sample *sample);

/* Returns a descriptor that is readable when function_probes_poll should be called at once; -1:
 * none. @number: below FUNCTION_PROBES_FDS */
int function_probes_poll_fd(const struct function_probes *probes, size_t number);

/* Returns when to call it next, at the latest, in milliseconds: half of @most_ms to all of it where
 * there is a budget, at irregular intervals, so that windows of time do not keep step with what the
 * target does at regular ones. */
int function_probes_poll_ms(struct function_probes *probes, int most_ms);

/* To be called every some hundredths of a second. @elapsed_ns: since the recording began. */
void function_probes_poll(struct function_probes *probes, uint64_t elapsed_ns);

/* Fills the profile's tables. */
void function_probes_refresh(struct function_probes *probes);

/* Takes the probes off, and fills the tables for the last time. */
void function_probes_stop(struct function_probes *probes);
void function_probes_close(struct function_probes *probes);
