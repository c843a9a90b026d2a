/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metric: which of a profile's metrics a report is about.
 *
 * The first metric of a recording is its samples of CPU time. With --off-cpu two more tell where
 * threads waited, exactly. "wall" is their sum, made here: every moment of every thread, with a
 * frame "[off-cpu]" or "[run-queue]" as innermost one where it did not run.
 */
#pragma once

#include "collector/profile/profile.h"

#define METRIC_WALL	     "wall"
#define METRIC_WALL_OR_FIRST ""	 /* wall where waits were recorded, else the first metric */
#define METRIC_FIRST_OR_WAIT " " /* the first metric; where it has no samples the longer wait */

/*
 * Finds a metric by its name; "wall" gets a row of its own in the profile's metrics.
 *
 * @name  NULL: the first one
 * Returns its id, or a negative errno with a sentence that lists what there is.
 */
int metric_find(struct profile *profile, const char *name, struct error *error);

/*
 * Makes the metric of most samples the first one, of an import: text of another profiler has its
 * events in the order in which they came. One of time goes before others.
 */
void metric_lead(struct profile *profile);

/* Says whether a sample counts for @metric, those of its parts for wall. */
bool metric_covers(const struct profile *profile, uint16_t metric, uint16_t of_sample);

/* Says whether the amounts of a metric are no estimates. */
bool metric_is_exact(const struct profile *profile, uint16_t metric);

/* Says whether it is one of those in which threads wait. */
bool metric_is_wait(const struct profile *profile, uint16_t metric);

/* Says whether it counts allocations, each of which was seen (memory.h). */
bool metric_is_memory(const struct profile *profile, uint16_t metric);

/* Says whether it sums up waits, I/O or SQL, each of which was seen (operations.h). */
bool metric_is_operations(const struct profile *profile, uint16_t metric);

/* Says whether the rows of a metric are amounts that differ widely, wholly or in part, so that
 * their number says nothing. */
bool metric_has_amounts(const struct profile *profile, uint16_t metric);

/* Turns the samples of all parts into samples of @metric, when that is wall. */
void metric_merge(struct profile *profile, uint16_t metric);
