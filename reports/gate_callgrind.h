/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_callgrind: how many instructions a program executes, counted by valgrind's callgrind, which
 * runs it on a processor of its own making: slow, and the same in every run.
 *
 * Source: the manual of Valgrind, 6 Callgrind; its output format, "Callgrind Format
 * Specification" there.
 */
#pragma once

#include "collector/base/error.h"

/*
 * Reads what callgrind wrote (events: Ir first).
 *
 * @instructions  receives the sum of its parts
 * Returns 0, or a negative errno with @error.
 */
int gate_callgrind_read(const char *path, double *instructions, struct error *error);

/*
 * Runs a command under callgrind and counts, in all processes that it starts, too. Its standard
 * output is thrown away.
 *
 * @command  as for a shell: words and quotes, variables, no substitution of commands
 * Returns 0, or a negative errno with @error: also when the command ends with a status.
 */
int gate_callgrind_run(const char *command, double *instructions, struct error *error);
