/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scaling: how costs grow over the points of a sweep: of the step, of the components, and of every
 * function, the latter split into calls and cost of a call.
 */
#pragma once

#include "reports/growth.h"
#include "reports/measured.h"

/* A sweep with all its recordings read. */
struct scaling {
	struct sweep sweep;
	struct measured_names names;
	struct component_map map;
	struct measured **runs; /* by result of the sweep; NULL: none */
	json_t *unreadable;	/* why each recording that cannot be read cannot */
};

/* @components  [components] of the engine, borrowed; NULL: none. Returns as sweep_load. */
int scaling_load(struct scaling *scaling, const char *folder, const json_t *components,
		 struct error *error);
void scaling_done(struct scaling *scaling);

/* Tells runs that lack steps (measured.h) how many those were in a run of the same point of
 * @other, which marks them all; the program takes the same steps in each. scaling_load does that
 * with the sweep itself. */
void scaling_take_steps(struct scaling *scaling, const struct scaling *other);

/* Returns how many runs still lack them. */
int scaling_lacking_steps(const struct scaling *scaling);

/*
 * Fits everything: an object of the form "simprof/scaling-v1":
 *     over      the name that varies; size: what it really was, when @size says how to know
 *     runs, overhead               of the sweep
 *     unreadable                   recordings left out because they cannot be read: why, of each
 *     stepless                     recordings left out because they lack steps (measured.h)
 *     inlined_steps                recordings whose step function was also inlined somewhere
 *     extended                     recordings that mark a first part of the steps only
why)
 *     groups    an object for each machine and each value of the other names: machine, others
 *               (text), rows, limits, and shares: of each component the largest at any size
 * A row has name, kind ("step", "cpu", "component", "function", "memory"),
 * component, unit, points (size, median, low, high, runs, costs: of each run) and the fits time,
 * calls and cost of a call (growth_json). A function's has a clock, too: its time is wall time or
 * CPU time, whichever is known of every size that either is known of; where neither is, time is no
 * fit but {"mixed": true}, and there are no points.
 * A limit has of, limit, over and one of size, beyond (the largest that a fit is trusted for),
 * never (nothing that makes it grows) and untold (what it is of seems constant, and part of it may
 * grow).
 *
 * @over  NULL: the first name that has several numbers
 * @size  count per step that the size really was (engine.h, [size]); NULL: the number itself
 * NULL with a sentence when no name varies.
 */
json_t *scaling_json(const struct scaling *scaling, const char *over, const char *size,
		     struct error *error);

/* The same of a folder, over its first name that varies and with source folders as components. */
json_t *scaling_read(const char *folder, struct error *error);

/* A fit: class, constant, factor, exponent, interval, rivals with the [constant, factor] of each as
 * rival_fits, ...; or only why there is none. */
json_t *growth_json(const struct growth *growth);

/* Writes text of what scaling_json made. */
void scaling_write(const json_t *json, FILE *stream);

/* Draws it as SVG, SCALING_PANELS rows at most, those that cost most at the largest size: both axes
 * logarithmic, a dot for each run, the fit, its rivals dotted, and where nothing was measured
 * shaded. */
void scaling_draw(const json_t *json, FILE *stream);

enum {
	SCALING_PANELS = 12
};

/* "O(n log n), exponent 1.17 (1.09 to 1.25)", or why not. Returns @text. */
const char *growth_describe(const json_t *fit, char *text, size_t bytes);

/* What is remarkable in a row's fit (a break, a misfit, rivals), or the words of a limit: a clause
 * in @text, or NULL when there is nothing. */
const char *scaling_remark(const json_t *row, char *text, size_t bytes);
const char *scaling_limit(const json_t *limit, char *text, size_t bytes);
