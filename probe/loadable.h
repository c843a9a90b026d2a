/* SPDX-License-Identifier: MIT */
/*
 * loadable: whether a program that is about to be executed can take libprobe.so.
 *
 * The dynamic linker of a 32-bit program complains about it on standard error, musl's ends the
 * program, and a sanitizer that is not loaded first does too: there the probe stays away. The
 * collector judges the first program itself (collector/preload.h); this is for the programs that
 * the target executes.
 */
#pragma once

#include <stdbool.h>

/*
 * @file    as given to execve, or to execvp where @search says so; NULL: the kernel shall refuse it
 * Returns false only for what certainly cannot take it. Cost: the file is opened and some twenty
 * pieces of it are read; for a script its interpreter is looked at. Async-signal-safe; allocates
 * nothing.
 */
bool loadable(const char *file, bool search);

/* The same for an open file. */
bool loadable_fd(int fd);

/* The same for what execveat is given. */
bool loadable_at(int folder, const char *path, int flags);
