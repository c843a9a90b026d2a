/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep: what collector sweep left in a folder: the plan, and every run that is over.
 *
 * The forms of its files, "simprof/sweep-v1" and "simprof/run-v1", are described in
 * collector/sweep_plan.h and collector/sweep_run.h. Like profiles they are foreign input here: all
 * is checked.
 */
#pragma once

#include "collector/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct sweep_result {
	json_t *json; /* run.json */
	char *folder;
	size_t point; /* index into the plan's points */
	bool is_bare, is_done;
	const char *state;
	double seconds, cpu_seconds;
};

struct sweep {
	char *folder;
	json_t *plan, *points; /* points is a part of plan */
	struct sweep_result *results;
	size_t count, capacity;
	size_t planned;	 /* runs */
	json_t *damaged; /* names of runs of which run.json is no such file, or of another version
			  */
};

/* Returns 0, or a negative errno with a sentence: -ENOENT when there is no sweep. */
int sweep_load(struct sweep *sweep, const char *folder, struct error *error);
void sweep_done(struct sweep *sweep);

/* Path of a file of a run, owned by the caller. */
char *sweep_result_path(const struct sweep_result *result, const char *file);

/* The count that the program of a run printed last as "NAME  NUMBER"; -1 when it printed none. */
double sweep_result_count(const struct sweep_result *result, const char *name);

/* The name and value of a point, "agents 50, index hash"; "" without names. Owned by the caller. */
char *sweep_point_label(const json_t *point);

/* What became of the runs: planned, done, failed, timed_out, damaged, missing, and problems:
 * an array of objects with run and reason, of those that are not done. */
json_t *sweep_runs_json(const struct sweep *sweep);

/*
 * What recording costs: CPU time of recorded runs against bare ones of the same points, as overhead
 * (0.02: two per cent more; of all points together, statistics_blocks), interval (95 %), recorded
 * and bare (numbers of runs); null when there is no bare run. @cpu_ns  CPU time of the program in
 * each recorded run, by result; 0: unknown
 */
json_t *sweep_overhead_json(const struct sweep *sweep, const double *cpu_ns);
