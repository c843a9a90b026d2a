/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_plan: what a phase measures: the sweeps (collector sweep) that it consists of.
 *
 * The same list tells the scripts what to run and the reports what to look for.
 */
#pragma once

#include "reports/engine.h"

enum {
	PHASES = 4,
	PHASE_WINS, /* after them: do the improvements that the description names gain anything? */
};

/* What the name of a sweep ends with that counts calls at the points of another one. */
#define PHASE_COUNTS "_counts"

/* Sweeps of phase 3 that count how often lines are executed: always, and in windows of time, for
 * when that takes too long. Those of one function alone have its name behind: "hits_NAME". */
#define PHASE_HITS    "hits"
#define PHASE_WINDOWS "windows"

/* What the name of a sweep of phase 3 begins with that times a function. */
#define PHASE_FUNCTION "function_"

struct phase_options {
	int phase; /* 1 ... PHASES, or PHASE_WINS */
	bool quick;
	bool memory;		   /* phase 3: allocations, too */
	const char *why_no_probes; /* samples only: steps, calls and hits are refused; NULL: not */
	const char *
		only; /* component (phase 2), function (phase 3) or win; NULL or "all": every one */
};

/*
 * Lists the sweeps of a phase, an array of objects:
 *     name      of its folder below that of the phase
 *     about     component (phase 2, wins), name of the function (phase 3), that varies (phase 4)
 *     command   words, run (options of collector run), points, repeats, bare, time_limit_s, scratch
 *     function  phase 3: what the name stands for
 *     time      phase 2: functions that are timed
 *     activity  counts that must not be 0
 *     choose    phase 2: names that make a configuration (phase_best.h)
 *     is_memory, per   allocations are counted; phase 2: bytes are told for one of PER
 *                      (phase_memory.h)
 *     is_counts  calls or hits are counted; nothing is timed (phase_counts.h, phase_lines.h)
 *     may_time_out  that a run takes longer than time_limit_s is no problem
 *     win       name of its section in the description; trace: the sweep is of its traces
 * Owned by the caller. NULL with a sentence when the description lacks what was asked for.
 */
json_t *phase_plan(const json_t *engine, const struct phase_options *options, struct error *error);
