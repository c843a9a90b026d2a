/* SPDX-License-Identifier: MIT */
/*
 * memory: every allocation of the process counted with its full stack, in the places of the
 * allocator's functions: malloc, calloc, realloc, reallocarray, aligned_alloc, posix_memalign,
 * memalign, valloc, pvalloc, free. What is built on them is counted through them: strdup, the
 * operators of C++, streams of the C library. Operators of other allocators and memory from the
 * kernel have wrappers of their own: operators.c, regions.h.
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
#include "probe/walk.h"

/* Begins, once a process, where the collector wants it. */
void memory_prepare(void);

/* The calling process is a forked child: a process of its own, with nothing counted yet. */
void memory_adopt(void);

/* The calling thread begins. */
void memory_begin_thread(struct thread *thread);

/* The calling thread has told its end; what it allocates yet is counted to everybody. */
void memory_end_thread(struct thread *thread);

/* The process ends: tells how much memory all this took. */
void memory_end_process(void);

/* The process is about to have another thread. */
void memory_threads(void);

/* ---- for what stands in the places of other functions -----------------------------------------
 */

/* Says whether it counts in this process, now. */
bool memory_is_counting(void);

/* Where the allocator's code is, if it is not the C library's; else nowhere. */
extern uint64_t memory_allocator_start, memory_allocator_end;

/* Says whether a function is such an allocator's own. */
static inline bool memory_is_allocators(const void *function)
{
	return (uint64_t)function - memory_allocator_start <
	       memory_allocator_end - memory_allocator_start;
}

/*
 * Count what an allocator's own operators give (NULL: nothing) and are about to take. Before an
 * operator new memory_begin_new is asked, and its answer told afterwards: an operator that has
 * called malloc by its name is counted already.
 */
uint32_t memory_begin_new(void);
void memory_end_new(uint32_t begun, void *block, uint64_t bytes, struct walk_start start);
void memory_count_delete(void *block);

/* Counts memory from the kernel; returns the node it is counted at, 0 when it is not. Then its
 * return, or of a part of it. */
uint32_t memory_count_mapped(const struct walk_start *start, uint64_t bytes);
void memory_count_unmapped(uint32_t node, uint64_t bytes, bool is_all);

/* Code is about to be unloaded, or was. */
void memory_forget_code(void);
