/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source: the text of source files, where this machine has them.
 *
 * A profile holds the texts of files with collector run --embed-sources, and else what tells
 * whether they have changed since. Of a file that the recording did not find, only its time of
 * modification can be asked: a checkout or a touch changes that, too, so it says "newer", not
 * "changed". Either may have other lines than those that were sampled: its text is given, with
 * that warning.
 */
#pragma once

#include "collector/profile/profile.h"

#include <stdbool.h>
#include <stdint.h>

struct source {
	char **lines; /* [0] is line 1; without line ends, any bytes */
	uint32_t count;
	uint64_t bytes, hash; /* of the file; 0 when the text was embedded */
	bool is_newer;	      /* than the recording, of which nothing else is known */
	bool is_changed;
	bool is_embedded;
	bool is_recorded; /* just what the recording found */
	bool is_here;	  /* below the working directory or the folder that was asked for */
};

/*
 * Reads @path, a regular file of at most 64 MiB with a name of source code
 * (profile_source_is_code).
 *
 * @start_ns  when the recording began, since 1970; 0 unknown
 * Returns 0 or a negative errno with "source not found" and why. source_done after success.
 */
int source_open(struct source *source, const char *path, int64_t start_ns, struct error *error);

/*
 * The same, looking below @folder too (NULL: not) for @path without its first parts, one after the
 * other: for sources that lie elsewhere than where they were compiled, and for relative paths.
 */
int source_find(struct source *source, const char *path, const char *folder, int64_t start_ns,
		struct error *error);

/*
 * The text of a profile's file: the embedded one, else as source_find.
 *
 * @file  of profile->files
 */
int source_of_profile(struct source *source, const struct profile *profile, uint32_t file,
		      const char *folder, struct error *error);

/*
 * Whether the text may stand in a report that others read: it was in the profile, or is what the
 * recording found, or lies where the user pointed. A profile can name any file of the machine that
 * makes the report.
 */
bool source_may_be_published(const struct source *source);

void source_done(struct source *source);

/* The text of @line (from 1), "" beyond the end. */
const char *source_line(const struct source *source, uint32_t line);
