/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sibling: what is installed with the collector: the program `reports`, found beside it, else in
 * PATH; and other files. */
#pragma once

#include "collector/base/error.h"

#include <limits.h>
#include <stdbool.h>

/* Writes the path of a file that lies at @name from the collector's own folder; returns false when
 * there is none that can be read. */
bool sibling_find(const char *name, char path[PATH_MAX]);

/*
 * Becomes `reports` with @argv ([0] is replaced). Returns a negative errno only when that fails.
 */
int sibling_become(const char **argv, struct error *error);

/*
 * Runs `reports` with @argv and waits.
 *
 * @stdout_fd  becomes its standard output
 * Returns its exit status, or a negative errno with @error when it could not be run.
 */
int sibling_run(const char **argv, int stdout_fd, struct error *error);
