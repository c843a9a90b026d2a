/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sibling: the program `reports`, found beside the collector, else in PATH. */
#pragma once

#include "collector/base/error.h"

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
