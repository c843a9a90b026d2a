/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep_run: one run of a sweep and what it leaves.
 *
 * A run works in a folder of its own, DIR/runs/NAME.HOST.PID, and when it is over, whatever came of
 * it, that folder gets the name DIR/runs/NAME, if there is none yet: a run counts once, however
 * often it was started, and what was cut off does not count at all. In it are
 *
 *     run.json   "simprof/run-v1": point, repeat, bare, state ("done", "failed", "timed out"),
 *                status, seconds, cpu_seconds, started, host, on a cluster node and job, and
 *                reason (a sentence, when not done)
 *     run.prof   the recording, and run.svg; not of bare runs
 *     out, err   what the program wrote
 */
#pragma once

#include "collector/sweep_plan.h"

enum sweep_state {
	SWEEP_DONE,
	SWEEP_FAILED,
	SWEEP_TIMED_OUT,
	SWEEP_STATES,
};

struct sweep_folder {
	const char *path;      /* DIR */
	const char *collector; /* the program to record with */
};

enum {
	SWEEP_RUN_NAME = 32 /* bytes */
};

/* Writes the name of a run: "p3r2", bare ones "p3r2b". Returns @name. */
const char *sweep_run_name(const struct sweep_run *run, char name[SWEEP_RUN_NAME]);

/* Returns the state of a run that is over, or -ENOENT. */
int sweep_run_state(const struct sweep_folder *folder, const struct sweep_run *run);

/* Reads what a run left. Returns 0, or a negative errno with a sentence where reports cannot make
 * use of it: of another version, cut, or damaged. */
int sweep_run_check(const struct sweep_folder *folder, const struct sweep_run *run,
		    struct error *error);

/*
 * Makes a run, unless it is over.
 *
 * Returns its state (enum sweep_state), or a negative errno with a sentence: -EINTR when SIGINT,
 * SIGTERM or SIGHUP came, which must be blocked; nothing is left of the run then.
 */
int sweep_run_make(const struct sweep_folder *folder, const struct sweep_plan *plan,
		   const struct sweep_run *run, struct error *error);

/* The same, and drops what it leaves. Returns 0 or a negative errno. */
int sweep_run_warm_up(const struct sweep_folder *folder, const struct sweep_plan *plan,
		      struct error *error);

/* Removes what runs of this machine left that were cut off. */
void sweep_run_clean(const struct sweep_folder *folder);

/* Removes a run that is over, so that it is made again. */
void sweep_run_forget(const struct sweep_folder *folder, const struct sweep_run *run);
