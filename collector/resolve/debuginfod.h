/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * debuginfod: debug files by build-id from the servers that the user names in DEBUGINFOD_URLS.
 *
 * libdebuginfod does the work and keeps what it fetched in the user's cache. It is loaded at the
 * first use, so that nobody who does not set the variable needs it or the network.
 * Source: debuginfod(8), debuginfod_find_debuginfo(3).
 */
#pragma once

#include <stddef.h>

/*
 * Fetches the debug file of a build-id.
 *
 * @path  receives its path in the cache, owned by the caller
 * Returns a descriptor open for reading, or -1: the variable is not set, the library (package
 * libdebuginfod1) is not there, or no server has the file. Blocks as long as the library's own
 * time limit allows (DEBUGINFOD_TIMEOUT).
 */
int debuginfod_fetch(const unsigned char *build_id, size_t bytes, char **path);
