/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_path: the ways on which a program comes to a call site.
 *
 * A site is the innermost line with a purpose of its own (memory_site.h), as far as names tell. An
 * engine's own wrapper or pool is a site, too, though nobody can act on it: so its amounts are told
 * by the callers, too, as valgrind's records of leaks are. The same function at the same line is
 * the same caller.
 */
#pragma once

#include "reports/memory.h"

enum {
	MEMORY_PATH_CALLERS = 12 /* that tell paths apart, as many as valgrind shows */
};

struct memory_path_caller {
	uint32_t symbol;
	uint32_t line; /* 0 unknown */
};

struct memory_path {
	uint64_t amounts[MEMORY_AMOUNTS];
	uint32_t caller_count;
	struct memory_path_caller callers[MEMORY_PATH_CALLERS]; /* the innermost first */
};

struct memory_paths {
	struct memory_path *rows; /* those with most of the amount first */
	size_t count, capacity;
};

struct memory_path_index;

/* Returns what memory_paths_measure needs, for the sites as they are ordered now; borrows both. */
struct memory_path_index *memory_path_index_new(const struct memory *memory,
						const struct profile *profile);
void memory_path_index_free(struct memory_path_index *index);

/*
 * Measures the paths to one site that have something of an amount.
 *
 * @branches  true: the callers that all of these paths have in common, next to the site, are left
 *            out
 * @callers   how many tell paths apart, at most MEMORY_PATH_CALLERS
 */
void memory_paths_measure(struct memory_paths *paths, const struct memory_path_index *index,
			  size_t site, enum memory_amount amount, bool branches, uint32_t callers);
void memory_paths_done(struct memory_paths *paths);
