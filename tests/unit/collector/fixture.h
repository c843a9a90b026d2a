/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fixture: small programs that a test compiles, in a folder that is removed when the test ends.
 *
 * Criterion runs each test in a process of its own, so there is one folder per test.
 */
#pragma once

#include <stdbool.h>

/*
 * Runs a shell command from the root of the repository, with $F the folder.
 * Returns whether it succeeded. Its output goes to $F/log.
 */
bool fixture_run(const char *command);

/* Says whether @program is installed. */
bool fixture_has(const char *program);

/* Returns "FOLDER/NAME"; the caller frees it. */
char *fixture_path(const char *name);

/* Removes the folder. Called as a suite's .fini. */
void fixture_done(void);
