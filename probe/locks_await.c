/* SPDX-License-Identifier: MIT */
/*
 * locks_await: in the places of the functions that wait for another thread; see locks.h. Condition
 * variables: the mutex is released and taken again inside the library, where nobody sees whether it
 * was free; all of it is one wait for the condition.
 *
 * Sources: pthread_cond_wait(3p), sem_wait(3), pthread_barrier_wait(3p), pthread_join(3),
 * pthread_cleanup_push(3).
 */
#include "probe/locks.h"
#include "probe/real.h"
#include "probe/releases.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

REAL(pthread_cond_wait);
REAL(pthread_cond_timedwait);
REAL(pthread_cond_clockwait);
REAL(pthread_cond_signal);
REAL(pthread_cond_broadcast);
REAL(sem_wait);
REAL(sem_trywait);
REAL(sem_timedwait);
REAL(sem_clockwait);
REAL(sem_post);
REAL(pthread_barrier_wait);
REAL(pthread_join);
REAL(pthread_timedjoin_np);
REAL(pthread_clockjoin_np);
REAL(cnd_wait);
REAL(cnd_timedwait);
REAL(cnd_signal);
REAL(cnd_broadcast);
REAL(thrd_join);

/* A wait that the thread was cancelled in. */
static void drop(void *wait)
{
	locks_drop(wait);
}

/* Evaluates @call, timed, as a wait for @subject. */
#define AWAIT(subject, subject_kind, call)                                                         \
	({                                                                                         \
		struct walk_start start_ = WALK_START();                                           \
		struct locks_wait wait_ = locks_begin(subject, subject_kind);                      \
		int result_;                                                                       \
                                                                                                   \
		pthread_cleanup_push(drop, &wait_);                                                \
		result_ = call;                                                                    \
		pthread_cleanup_pop(0);                                                            \
		locks_end_await(&wait_, &start_);                                                  \
		result_;                                                                           \
	})

#define WAKE(subject)                                                                              \
	do {                                                                                       \
		if (releases_are_awaited(subject) && locks_are_on()) {                             \
			struct walk_start start_ = WALK_START();                                   \
                                                                                                   \
			locks_release(subject, &start_);                                           \
		}                                                                                  \
	} while (0)

/* ---- condition variables ------------------------------------------------------------------ */

/* Waiting for a condition releases the mutex. */
#define AWAIT_CONDITION(condition, mutex, call)                                                    \
	do {                                                                                       \
		if (!locks_are_on())                                                               \
			return call;                                                               \
		WAKE(mutex);                                                                       \
		return AWAIT(condition, WIRE_SUBJECT_CONDITION, call);                             \
	} while (0)

EXPORT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	AWAIT_CONDITION(condition, mutex, REAL_NOW(pthread_cond_wait)(condition, mutex));
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
				  const struct timespec *until)
{
	AWAIT_CONDITION(condition, mutex,
			REAL_NOW(pthread_cond_timedwait)(condition, mutex, until));
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
				  clockid_t clock, const struct timespec *until)
{
	AWAIT_CONDITION(condition, mutex,
			REAL_NOW(pthread_cond_clockwait)(condition, mutex, clock, until));
}

EXPORT int pthread_cond_signal(pthread_cond_t *condition)
{
	WAKE(condition);
	return REAL_NOW(pthread_cond_signal)(condition);
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *condition)
{
	WAKE(condition);
	return REAL_NOW(pthread_cond_broadcast)(condition);
}

EXPORT int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
	AWAIT_CONDITION(condition, mutex, REAL_NOW(cnd_wait)(condition, mutex));
}

EXPORT int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
			 const struct timespec *restrict until)
{
	AWAIT_CONDITION(condition, mutex, REAL_NOW(cnd_timedwait)(condition, mutex, until));
}

EXPORT int cnd_signal(cnd_t *condition)
{
	WAKE(condition);
	return REAL_NOW(cnd_signal)(condition);
}

EXPORT int cnd_broadcast(cnd_t *condition)
{
	WAKE(condition);
	return REAL_NOW(cnd_broadcast)(condition);
}

/* ---- semaphores --------------------------------------------------------------------------- */

/* The library looks first whether the thread was cancelled, also when it need not wait. */
#define AWAIT_SEMAPHORE(semaphore, call)                                                           \
	do {                                                                                       \
		int saved_ = errno;                                                                \
                                                                                                   \
		if (!locks_are_on())                                                               \
			return call;                                                               \
		pthread_testcancel();                                                              \
		if (!real_sem_trywait(semaphore)) {                                                \
			locks_count(semaphore, WIRE_SUBJECT_SEMAPHORE);                            \
			return 0;                                                                  \
		}                                                                                  \
		if (errno != EAGAIN)                                                               \
			return call;                                                               \
		errno = saved_;                                                                    \
		return AWAIT(semaphore, WIRE_SUBJECT_SEMAPHORE, call);                             \
	} while (0)

EXPORT int sem_wait(sem_t *semaphore)
{
	AWAIT_SEMAPHORE(semaphore, REAL_NOW(sem_wait)(semaphore));
}

EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
	if (!locks_is_time(until))
		return REAL_NOW(sem_timedwait)(semaphore, until);
	AWAIT_SEMAPHORE(semaphore, REAL_NOW(sem_timedwait)(semaphore, until));
}

EXPORT int sem_clockwait(sem_t *restrict semaphore, clockid_t clock,
			 const struct timespec *restrict until)
{
	if (!locks_is_clock(clock) || !locks_is_time(until))
		return REAL_NOW(sem_clockwait)(semaphore, clock, until);
	AWAIT_SEMAPHORE(semaphore, REAL_NOW(sem_clockwait)(semaphore, clock, until));
}

EXPORT int sem_trywait(sem_t *semaphore)
{
	int result = REAL_NOW(sem_trywait)(semaphore);

	if (!result && locks_are_on())
		locks_count(semaphore, WIRE_SUBJECT_SEMAPHORE);
	return result;
}

/* Signal handlers may call it. */
EXPORT int sem_post(sem_t *semaphore)
{
	WAKE(semaphore);
	return REAL_NOW(sem_post)(semaphore);
}

/* ---- barriers, ends of threads ------------------------------------------------------------ */

EXPORT int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	if (!locks_are_on())
		return REAL_NOW(pthread_barrier_wait)(barrier);
	return AWAIT(barrier, WIRE_SUBJECT_BARRIER, REAL_NOW(pthread_barrier_wait)(barrier));
}

/* All threads are one subject: their addresses say nothing. */
#define AWAIT_END(call)                                                                            \
	do {                                                                                       \
		if (!locks_are_on())                                                               \
			return call;                                                               \
		return AWAIT(NULL, WIRE_SUBJECT_THREAD, call);                                     \
	} while (0)

EXPORT int pthread_join(pthread_t thread, void **value)
{
	AWAIT_END(REAL_NOW(pthread_join)(thread, value));
}

EXPORT int pthread_timedjoin_np(pthread_t thread, void **value, const struct timespec *until)
{
	AWAIT_END(REAL_NOW(pthread_timedjoin_np)(thread, value, until));
}

EXPORT int pthread_clockjoin_np(pthread_t thread, void **value, clockid_t clock,
				const struct timespec *until)
{
	AWAIT_END(REAL_NOW(pthread_clockjoin_np)(thread, value, clock, until));
}

EXPORT int thrd_join(thrd_t thread, int *value)
{
	AWAIT_END(REAL_NOW(thrd_join)(thread, value));
}
