/* SPDX-License-Identifier: MIT */
/*
 * io: what is read from and written to files, by file and call stack, in the places of the
 * library's functions for descriptors (io.c) and for streams (io_stream.h).
 *
 * Each call is timed and booked after it is done; what it returns, errno and cancellation are the
 * library's own. Signal handlers may call write and its kin, and do.
 *
 * A file has the path that /proc has for its descriptor when it is opened or, for those that came
 * otherwise, first used. What a descriptor is, is forgotten when it is closed in any way that is
 * seen, so the next file of that number is looked up anew.
 */
#pragma once

#include "probe/clock.h"
#include "probe/operation.h"

static inline bool io_is_on(void)
{
	return operation_is_on(WIRE_MODE_IO);
}

/* Returns the subject of a descriptor, which may be none; 0 when there was no room.
 * Async-signal-safe. */
uint32_t io_file(int fd);

/* The same of what an attempt to open gave: below 0 when it failed. */
uint32_t io_opened(int fd);

/* The calling process is a forked child, or ends. */
void io_adopt(void);
void io_end_process(void);

/* Forgets what a descriptor is, which is about to be closed or replaced. */
void io_forget(int fd);

/* Books a call that began at @start_ns and is done. @bytes  moved; 0 when it failed */
void io_book(uint32_t file, enum wire_operation_kind kind, uint64_t start_ns, int64_t bytes,
	     const struct walk_start *start);
