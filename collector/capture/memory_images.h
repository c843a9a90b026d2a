/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_images: which of the programs that were counted were one process, one after another: exec
 * replaces what a process runs, and takes its memory away. Such a program has nothing live, and the
 * process's peak is that of the one that had most.
 *
 * A row of struct wire_process whose pid an earlier row has, and which is no fork, is what that was
 * replaced by, unless that was seen to exit: then it is a new process (by vfork, as shells and
 * posix_spawn make them) to which the kernel gave the number again. One that ended by _exit or a
 * signal would look the same as replaced; the kernel gives out numbers in turn, mostly four
 * millions of them, but only 32,768 on some machines.
 * Where the new program has no probe it has no row, and it is the kernel that tells.
 *
 * Source: execve(2), "Effect on process attributes".
 */
#pragma once

#include "probe/wire.h"

#include <stdbool.h>
#include <stddef.h>

struct memory_image {
	bool is_replaced; /* by another program in the same process, */
	bool is_followed; /* which has a row */
	bool is_lower;	  /* another program of the same process had a higher peak */
};

/* When the programs of rows began, and which of them the kernel told to have been replaced.
 * Zero-initialised. */
struct memory_execs {
	struct memory_program {
		uint64_t begun_ns; /* 0: not known */
		bool is_replaced;
	} * programs; /* of each row */
	size_t count, capacity;
};

/* @row  from 0 */
void memory_execs_begin(struct memory_execs *execs, uint32_t row, uint64_t begun_ns);

/* Takes that a process executed a program at some time. Returns whether that replaced one of which
 * it was not known. */
bool memory_execs_take(struct memory_execs *execs, const struct wire_process *rows, int32_t pid,
		       uint64_t time_ns);
void memory_execs_done(struct memory_execs *execs);

/* Tells it of each of @count rows. Returns an array of as many, owned by the caller. */
struct memory_image *memory_images_find(const struct wire_process *rows, uint32_t count,
					const struct memory_execs *execs);
