/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep_plan: what a sweep runs: a command with {NAME} in it, points that give every name a value,
 * and how often each point is run, in which order.
 *
 * It is kept as DIR/sweep.json in the form "simprof/sweep-v1": command, points (objects of texts),
 * repeats, bare, warm_up, time_limit_s, run (options of collector run), seed, and scratch (files
 * that are removed before each run and after it), when there are such. The list of runs
 * follows from it: rounds, each with every point once in an order drawn from the seed, so that what
 * drifts on the machine does not fall on one point alone.
 */
#pragma once

#include "collector/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	SWEEP_POINTS = 10000,
	SWEEP_REPEATS = 1000,
};

#define SWEEP_PLAN_FILE "sweep.json"

struct sweep_plan {
	json_t *json;	 /* owned; as in the file */
	json_t *command; /* these are parts of it: an array of texts, */
	json_t *points;	 /* of objects, NAME to text, */
	json_t *run;	 /* of texts, */
	json_t *scratch; /* and of texts, or NULL */
	int repeats, bare, warm_up;
	double time_limit_s;
	int seed;
};

/* One run of the plan. */
struct sweep_run {
	int point, repeat;
	bool is_bare; /* without a collector, to tell what recording costs */
};

/*
 * Adds "NAME=A,B,C" to @points: each point there is (at first one without names) comes once with
 * every value, so that several such make a grid.
 * Returns 0, or -EINVAL with a sentence.
 */
int sweep_points_vary(json_t *points, const char *text, struct error *error);

/* Adds one point, "NAME=A,NAME=B", to a list. Returns 0, or -EINVAL with a sentence. */
int sweep_points_list(json_t *points, const char *text, struct error *error);

/*
 * Takes the JSON of a plan (which is then owned by it, also after a failure) and checks all of it:
 * that the points have the names that the command has, and numbers that are sensible.
 * Returns 0, or -EINVAL with a sentence. sweep_plan_done in any case.
 */
int sweep_plan_init(struct sweep_plan *plan, json_t *json, struct error *error);
void sweep_plan_done(struct sweep_plan *plan);

/*
 * Reads DIR/sweep.json.
 * Returns 0; -ENOENT when there is none; -EINVAL or another negative errno with a sentence.
 */
int sweep_plan_read(struct sweep_plan *plan, const char *folder, struct error *error);

/* Writes it, whole or not at all. Returns 0 or a negative errno. */
int sweep_plan_write(const struct sweep_plan *plan, const char *folder, struct error *error);

/* Returns the runs in their order, owned by the caller. */
struct sweep_run *sweep_plan_runs(const struct sweep_plan *plan, int *count);

/* Returns the command of a point, NULL-terminated, texts and array owned by the caller
 * (sweep_command_free). */
char **sweep_plan_command(const struct sweep_plan *plan, int point);
void sweep_command_free(char **command);
