/* SPDX-License-Identifier: MIT */
/*
 * memory: every allocation of the process counted with its full stack, in the places of the
 * allocator's functions: malloc, calloc, realloc, reallocarray, aligned_alloc, posix_memalign,
 * memalign, valloc, pvalloc, free. What is built on them is counted through them: strdup, the
 * operators of C++, streams of the C library.
 *
 * There is no stream of events, so there is nothing to lose and nobody to wait for: a walk gives
 * the number of the stack (walk.h), a tally counts it (tally.h), a shadow of the heap remembers the
 * block (live.h). The collector reads the tallies whenever it likes.
 *
 * Allocations that come at a bad moment (in a signal handler that interrupted this very code, in a
 * thread that is not known or has told its end) are counted in everybody's tallies, with a walk of
 * their own if nobody else is doing one.
 */
#pragma once

#include "probe/thread.h"

/* Begins, once a process, where the collector wants it. */
void memory_prepare(void);

/* The calling process is a forked child: a process of its own, with nothing counted yet. */
void memory_adopt(void);

/* The calling thread begins. */
void memory_begin_thread(struct thread *thread);

/* The calling thread has told its end; what it allocates yet is counted to everybody. */
void memory_end_thread(struct thread *thread);

/* The process is about to have another thread. */
void memory_threads(void);

/* Code is about to be unloaded, or was. */
void memory_forget_code(void);
