/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * comparison_level: brings recordings that know differently much of the same code to one level.
 *
 * A build without debug information (strip -g) is the same code, but its functions have no source
 * file, and what was inlined into them has no name. Compared as they are, each function would be
 * gone on one side and new on the other. So a module of which one recording has no source files for
 * functions that have them in another is known by less in all of them: functions pair by name and
 * module alone, and inlined code is charged to the function that holds it. A module of which one
 * recording has not even names (strip) while another has is one function in all.
 *
 * A function whose source file is another one in other recordings, and that never is in two, has
 * moved to another file: it pairs by name and module.
 */
#pragma once

#include "reports/comparison_run.h"

/* A module of which @path knows less than others. */
struct comparison_coarse {
	UT_hash_handle hh;
	char *module; /* as the keys of functions have it */
	char *path;   /* the recording that knows least, fit to be shown */
	bool has_names;
};

/* A function that pairs without its source file. */
struct comparison_wanderer {
	UT_hash_handle hh;
	char *key; /* "name\nmodule" */
};

/*
 * Looks whether the runs know as much as one another. When they do not, notes in @names which
 * modules are to be known by less and returns true: then the runs are done and the functions
 * forgotten, and all runs must be made anew with the same @names.
 */
bool comparison_level_settle(struct comparison_names *names, struct comparison_run *runs,
			     size_t count);

/* Returns what is to be known by less of a module, or NULL: nothing. */
const struct comparison_coarse *comparison_level_find(const struct comparison_names *names,
						      const char *module);

/* Returns the part of a source file's path by which a function of that base name pairs: "" where it
 * does without; borrowed from @file. */
const char *comparison_level_file(const struct comparison_names *names, const char *name,
				  const char *module, const char *file);

/* Returns what a reader must know of it, a clause; owned by the caller. */
char *comparison_level_clause(const struct comparison_coarse *coarse);

/* Takes the inlined functions out of the frames of modules that are to be known by less. */
void comparison_level_lower(const struct comparison_names *names, struct report *report);

void comparison_level_done(struct comparison_names *names);

/*
 * Reads recordings that are to be compared, all at one level.
 *
 * @runs    has room for @count
 * @loaded  gets the number of those that comparison_run_done must be called for, on failure too
 * Returns 0, or a negative errno as profile_file_load.
 */
int comparison_runs_load(struct comparison_run *runs, const char *const *paths, size_t count,
			 size_t *loaded, struct comparison_names *names, struct error *error);
