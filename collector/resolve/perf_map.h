/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_map: names of generated code, as engines that compile at run time write them for profilers
 * (`node --perf-basic-prof`, Java agents, Julia, Wasmtime): /tmp/perf-PID.map, a line each
 *
 *     START BYTES NAME        7fe0c0005b80 180 JS:*fib /home/me/engine.js:12:3
 *
 * numbers in hexadecimal. Code is thrown away and its memory used again. The map does not say when,
 * so that of two lines for an address either may be meant: the later one counts, the other is told.
 * Source: Linux, tools/perf/Documentation/jit-interface.txt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * Opens the map that a process has written: in its own /tmp under the number that it knows itself
 * by (it may live in another mount and process namespace), else in ours.
 *
 * @earliest  a map that was last written before the process began, or before this time when it is
 *            gone, is another's that had the same number
 * Returns a descriptor, or -1 when there is none or it is no regular file of the process's user,
 * of ours or of root: anybody may write a file of that name.
 */
int perf_map_open(pid_t pid, time_t earliest);

/* Returns all that is in the file, owned by the caller; NULL when it cannot be read. Bytes above
 * 256 MB are left out. */
char *perf_map_read(int fd, size_t *bytes);

/* What a map says of an address. The strings are borrowed from its text and end where the counts
 * say. */
struct perf_map_entry {
	const char *name;  /* NULL: nothing */
	const char *other; /* what another function was called whose code was there before, or NULL;
			      the last one of several */
	const char *file;  /* valid when file_bytes is not 0 */
	int name_bytes, other_bytes, file_bytes;
	bool has_more; /* there were still others */
	uint32_t line; /* 0: not told */
};

/*
 * Looks addresses up.
 *
 * @addresses  @count in ascending order
 * @entries    receives an entry for each
 * Cost: a bisection for each line of the map.
 */
void perf_map_find(const char *text, size_t bytes, const uint64_t *addresses, size_t count,
		   struct perf_map_entry *entries);
