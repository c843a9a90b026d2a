/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * near_names: which of many names may have been meant by one that is none of them.
 *
 * Near are names a few insertions, deletions or changes away (Levenshtein distance), up to a
 * quarter of the name and one more, and those that hold it.
 */
#pragma once

#include <stddef.h>

enum {
	NEAR_NAMES = 3
};

struct near_names {
	const char *wanted; /* borrowed */
	size_t most;	    /* changes up to which a name is near */
	const char *found[NEAR_NAMES];
	size_t remote[NEAR_NAMES], count; /* the nearest first */
};

void near_names_init(struct near_names *near, const char *wanted);

/* Looks at one name; when it is near @offered will be suggested, borrowed until then. */
void near_names_add(struct near_names *near, const char *name, const char *offered);

/* Writes what was found, "world_step, world_stop", "" when nothing was. Returns @text. */
char *near_names_write(const struct near_names *near, char *text, size_t bytes);
