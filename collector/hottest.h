/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hottest: the functions that the first samples of a recording were taken in most often. */
#pragma once

#include "collector/profile/profile.h"
#include "collector/timing_plan.h"

#define HOTTEST_AFTER_NS 2000000000u /* that is how long is sampled before they are chosen */

struct hottest;

struct hottest *hottest_new(void);
void hottest_free(struct hottest *hottest); /* accepts NULL */

/* Takes a sample of the first metric: it counts for the innermost function of the program's own
 * code, with what the kernel does for it. */
void hottest_take(struct hottest *hottest, const struct profile *profile,
		  const struct profile_sample *sample);

/*
 * Adds the @limit hottest functions to a plan, to be timed. Those that are in it already, and code
 * without a name, do not count.
 *
 * @files  of the program
 * Returns the number of new choices, which are the last of the plan, those of one file side by
 * side.
 */
size_t hottest_choose(const struct hottest *hottest, const struct profile *profile, size_t limit,
		      const struct program_files *files, struct timing_plan *plan);
