/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command_sides: the command line of commands that take two groups of recordings: BASE.prof... --
 * NEW.prof...
 */
#pragma once

#include "collector/base/error.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised. */
struct command_sides {
	const char **paths; /* of the recordings, the base first; the array is owned */
	size_t base_count, count;
};

/*
 * Reads a command line in two parts: argp would not tell where the "--" between them stood.
 *
 * @argp   reads the options, and tells of each recording by command_sides_add
 * @input  of its parser
 * Returns whether there was a "--"; without one all recordings are the base.
 */
bool command_sides_read(struct command_sides *sides, const struct argp *argp, int count,
			char **arguments, void *input);

/* Adds a recording, borrowed. */
void command_sides_add(struct command_sides *sides, const char *path);

/* Returns 0, or -EINVAL with a sentence when the sides are no pairs. */
int command_sides_pair(const struct command_sides *sides, struct error *error);

/* The same when one side is empty, or @is_paired and they are no pairs. */
int command_sides_check(const struct command_sides *sides, bool is_paired, struct error *error);

void command_sides_done(struct command_sides *sides);
