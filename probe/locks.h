/* SPDX-License-Identifier: MIT */
/*
 * locks: what threads wait for, in the places of the thread library's functions: mutexes,
 * read-write locks, spin locks (locks_take.c); condition variables, semaphores, barriers, the end
 * of threads (locks_await.c).
 *
 * A lock is tried first. When it is free, as nearly always, that was all, but for a count of the
 * thread's own: the library's lock function begins with the same attempt. Else the real call is
 * timed and booked with the stack that waited and, by releases.h, the stacks that it waited for.
 *
 * Errors, kinds of mutexes, cancellation points and errno are the library's own. What it locks
 * itself (streams, the loader, the heap) is not seen, nor are locks made of system calls.
 */
#pragma once

#include "probe/operation.h"

#include <time.h>

/* Looks up what names of locks need. Once, at start-up: later on an allocator may be waiting. */
void locks_prepare(void);

/* In a forked child nobody waits. */
void locks_adopt(void);

static inline bool locks_are_on(void)
{
	return operation_is_on(WIRE_MODE_LOCKS);
}

/*
 * What a counter belongs to. The memory of a lock may later be one of another kind; the lowest bits
 * of their addresses are free: three, of spin locks two, whose kind has these.
 */
static inline uint64_t locks_key(const void *lock, enum wire_subject_kind kind)
{
	_Static_assert(WIRE_SUBJECT_SPIN == 3 && WIRE_SUBJECT_SEMAPHORE < 8, "kinds of 3 bits");

	return (uint64_t)lock | kind | (uint64_t)operation_process << 48;
}

/* Counts a lock that was taken without waiting and has no counter in the usual place yet. */
void locks_count_slowly(const void *lock, enum wire_subject_kind kind);

/* Counts a lock that was taken without waiting. */
static inline void locks_count(const void *lock, enum wire_subject_kind kind)
{
	struct thread *thread = thread_self;
	struct operation_thread *mine = thread ? thread->operations : NULL;
	uint64_t key = locks_key(lock, kind);
	struct wire_count *count;

	if (__builtin_expect(!mine || mine->is_shared, 0)) {
		locks_count_slowly(lock, kind);
		return;
	}
	count = &mine->counts[(uint64_t)lock * 0x9e3779b97f4a7c15u >> 54];
	if (__builtin_expect(count->key == key, 1))
		count->count++; /* one instruction: a signal handler may do so in between */
	else
		locks_count_slowly(lock, kind);
}

/* Some functions refuse these even where they need not wait: then only the library may be asked. */
static inline bool locks_is_clock(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

static inline bool locks_is_time(const struct timespec *time)
{
	return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

struct locks_wait {
	const void *lock;
	enum wire_subject_kind kind;
	uint64_t start_ns;
	uint32_t since; /* of releases.h */
};

/* The calling thread is about to wait for a lock, or for something else where others release. */
struct locks_wait locks_begin(const void *lock, enum wire_subject_kind kind);

/*
 * It has the lock, or gave up. Each part of the time is booked to the one who held the lock then,
 * as far as that was seen.
 */
void locks_end(const struct locks_wait *wait, enum wire_operation_kind kind,
	       const struct walk_start *start);

/* It was woken: the time is booked to the last one who did so. */
void locks_end_await(const struct locks_wait *wait, const struct walk_start *start);

/* The wait came to nothing that is worth a word. */
void locks_drop(const struct locks_wait *wait);

/* The calling thread is about to release a lock that is waited for, or to wake somebody. */
void locks_release(const void *lock, const struct walk_start *start);
