/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source_files: what the source files of a profile's functions are like when the recording ends, so
 * that reports notice when they have changed, or need no files.
 */
#pragma once

#include "collector/profile/profile.h"

enum {
	SOURCE_FILES_LARGEST = 4 << 20, /* bytes; larger ones are no text that people read */
	SOURCE_FILES_ALL = 64 << 20	/* bytes read of all files; then no more */
};

/*
 * Adds a row for each file of a named function that this machine has as a regular file, and that is
 * source code (profile_source_is_code).
 *
 * @embed  keep the texts, too, of files without zero bytes
 */
void source_files_read(struct profile *profile, bool embed);
