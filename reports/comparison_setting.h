/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * comparison_setting: whether recordings were made in the same setting, and of the same thing.
 *
 * Another machine, kernel or C library, and other options of recording (what is recorded, how
 * often, which functions have probes, and their budget), change times by themselves: such runs are
 * not compared unless that is forced. Other builds and arguments of the program may be just what a
 * comparison is about, so they are told, as far as they are not what it is made for: a program of
 * another name, other arguments, several builds on one side, libraries of other builds.
 */
#pragma once

#include "reports/comparison.h"

/* Returns what forbids to compare two runs, a clause with both of them; NULL: nothing. Owned by the
 * caller. */
char *comparison_setting_difference(const struct comparison_run *first,
				    const struct comparison_run *other);

/* Returns that two of the runs are copies of one recording, a clause with both, or NULL: none are.
 * Copies show nothing of how runs differ. Owned by the caller. */
char *comparison_setting_twins(const struct comparison_run *const *runs, size_t count);

/* Returns that the runs are not all of one build of one program with one command, a clause with two
 * that differ, or NULL: they are, as far as is known. Owned by the caller. */
char *comparison_setting_mixture(const struct comparison_run *const *runs, size_t count);

/* Says what a reader must know, a sentence each; those that begin with "Beware" are doubts. */
void comparison_setting_tell(const struct comparison *comparison,
			     void (*say)(void *context, const char *text), void *context);
