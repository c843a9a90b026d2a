/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * debuginfod: debug files by build-id from the servers that the user names in DEBUGINFOD_URLS.
 *
 * libdebuginfod does the work and keeps what it fetched in the user's cache. It is loaded at the
 * first use, so that nobody who does not set the variable needs it or the network.
 *
 * By itself it waits a minute and a half for each file that a server is silent about, and a program
 * has dozens. So waiting is bounded for all files together: 10 seconds in which nothing comes
 * (DEBUGINFOD_TIMEOUT says another number), and 60 seconds in all (DEBUGINFOD_MAXTIME). From then
 * on nothing is asked any more.
 * Source: debuginfod(8), debuginfod_find_debuginfo(3).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Fetches the debug file of a build-id.
 *
 * @path  receives its path in the cache, owned by the caller
 * Returns a descriptor open for reading, or -1: the variable is not set, the library (package
 * libdebuginfod1) is not there, no server has the file, or there is no more time. May be called by
 * several threads at a time.
 */
int debuginfod_fetch(const unsigned char *build_id, size_t bytes, char **path);

/* Has @waits called, once, when a question lasts for more than a second; from any thread. */
void debuginfod_tell(void (*waits)(void));

/*
 * Ends the questions that are being asked, and all later ones, for the whole process. May be called
 * in a signal handler. Returns whether that ended any.
 */
bool debuginfod_give_up(void);

/* Says why files were not fetched that a server might have had; returns whether there were any. */
bool debuginfod_problem(char *text, size_t bytes);
