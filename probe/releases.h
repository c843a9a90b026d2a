/* SPDX-License-Identifier: MIT */
/*
 * releases: who let a waiting thread go on.
 *
 * A thread that is about to wait for a lock says so; from then on whoever releases that lock leaves
 * a note with its own call stack. The waiter so knows, when it goes on, from where the lock was
 * released during its wait, and when: the time up to the first release it waited for that one's
 * holder, from there to the second for the next. Nobody notes anything of a lock that nobody waits
 * for: to know that costs one load.
 *
 * Notes are private memory of the process, in places by hash of the address, the last
 * RELEASES_KEPT of each. They say what was seen: a release in code that is not seen (of the C
 * library itself) or in the moment in which the waiter came is missing, and a release by a thread
 * that waited for its processor is as long as it was.
 */
#pragma once

#include "probe/probe.h"

#define RELEASES_PLACES 256u
#define RELEASES_KEPT	32u

extern _Atomic uint32_t releases_waiters[RELEASES_PLACES] __attribute__((visibility("hidden")));

static inline uint32_t releases_place(const void *lock)
{
	return (uint32_t)((uint64_t)lock * 0x9e3779b97f4a7c15u >> 56);
}

/* Says whether somebody waits for @lock, or for one of the same place. Cost: one load. */
static inline bool releases_are_awaited(const void *lock)
{
	return atomic_load_explicit(&releases_waiters[releases_place(lock)],
				    memory_order_relaxed) != 0;
}

/* In a forked child nobody waits. */
void releases_adopt(void);

/* The calling thread is about to wait. Returns what releases_since and _end want. */
uint32_t releases_begin(const void *lock);
void releases_end(const void *lock);

/* The calling thread is about to release the lock, from the stack @node. */
void releases_note(const void *lock, uint32_t node);

struct release {
	uint64_t time_ns;
	uint32_t node;
};

/*
 * Lists the releases of a lock that were noted since releases_begin, in order of time.
 *
 * @since     as it returned
 * @releases  room for RELEASES_KEPT
 * Returns their number. Of more than are kept these are the last.
 */
uint32_t releases_since(const void *lock, uint32_t since, struct release *releases);
