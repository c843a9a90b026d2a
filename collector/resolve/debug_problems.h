/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * debug_problems: what of a file's debug information was not there, or was another's, told in the
 * profile's meta (profile.h): a count of files for each kind, and a sentence about the first.
 */
#pragma once

#include "collector/profile/profile.h"
#include "collector/resolve/debug_file.h"
#include "collector/resolve/debug_lines.h"

/* Of one file; zero-initialised. */
struct debug_problems {
	bool lacks_units;   /* of split debug information */
	char *foreign_unit; /* a file of them that is there, but of another build; or NULL */
	char *foreign_file; /* debug_file.h, foreign */
};

/* Notes them once the file's frames are named. @lines  NULL: it has none */
void debug_problems_note(struct debug_problems *problems, const struct debug_file *file,
			 const struct debug_lines *lines);

/* Tells them of the file at @path, and releases them. */
void debug_problems_tell(struct debug_problems *problems, const char *path,
			 struct profile *profile);
