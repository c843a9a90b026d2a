/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * allocator: where a running process has its allocator's functions, in which file: the first of
 * its files, other than the C library, that defines malloc, else the C library. A malloc that
 * is not exported is found by the file's symbol table.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/heap.h"

#include <sys/types.h>

/*
 * Finds them.
 *
 * @file  receives the open file and the places in it; the descriptor is the caller's
 * Returns 0 or a negative errno with a sentence: -ENOENT no file of the process defines malloc;
 * -EPERM, -EACCES its files may not be opened.
 */
int allocator_find(pid_t pid, struct heap_file *file, struct error *error);

/* Begins to watch what running processes allocate, with the allocator of the first of them. Returns
 * NULL, with @error and errno set, where that cannot be. */
struct heap *allocator_watch(const struct heap_options *options, const pid_t *pids, size_t count,
			     struct error *error);
