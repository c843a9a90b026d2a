/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * driver: what the drivers share: their command lines and their counts.
 *
 * A driver is a small program that keeps one component of the engine busy, with the same objects
 * that sim is made of. It reads no clock: who wants to know how long something takes looks from
 * outside, at the engine's functions. It ends with counts of what really happened, so that whoever
 * measures it can see that it did.
 *
 * A driver's options are rows of the engine's own table (options.h), chosen by name, and its own.
 */
#pragma once

#include "sim/options.h"

#include <inttypes.h>
#include <stddef.h>

struct driver {
	const char *summary;
	const char *const *engine;	/* names of the engine's options it takes; ends with NULL */
	const struct setting *settings; /* its own; offsets are in its values */
	size_t count;
};

/*
 * Reads the command line. What is wrong with it, or does not fit, is said on stderr and ends the
 * program with status 1, as --help and --version end it with 0.
 *
 * @values  the driver's options; begins with a struct options. Filled with defaults before
 */
void driver_parse(const struct driver *driver, void *values, int argc, char **argv);

/* Prints a count in a line of its own. */
void driver_count(const char *name, uint64_t count);

/* The exit status: success, or failure with a sentence on stderr when the output was not taken. */
int driver_end(void);

/* Says an error's sentence on stderr and ends the program with status 1. */
_Noreturn void driver_fail(const struct error *error);
