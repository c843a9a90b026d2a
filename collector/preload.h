/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * preload: libprobe.so in a program that is about to be started: whether the dynamic linker would
 * take it there, and the environment that makes it.
 */
#pragma once

#include "collector/base/error.h"

#include <limits.h>

/*
 * Finds libprobe.so: beside the collector (the build tree), else in ../lib from there (installed).
 *
 * @path  receives it
 * Returns 0, or -ENOENT; -EINVAL when the path has a blank or a colon, which ld.so takes for ends.
 */
int preload_find(char path[PATH_MAX], struct error *error);

/*
 * Says whether libprobe.so can work in a program.
 *
 * @program  as execvp takes it; for a script its interpreter is judged
 * Returns 0, also for what cannot be judged, or -ENOEXEC with a sentence: statically linked, made
 * for another machine or C library, set-user-id, or built with a sanitizer that must come first.
 */
int preload_check(const char *program, struct error *error);

/*
 * Returns the environment of the calling process with @library in front of LD_PRELOAD and
 * @memory_path in WIRE_VARIABLE; owned by the caller, freed with preload_free.
 */
char **preload_environment(const char *library, const char *memory_path);
void preload_free(char **environment);
