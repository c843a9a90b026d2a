/* SPDX-License-Identifier: MIT */
/*
 * locks_take: in the places of the functions that take and release locks; see locks.h.
 * Sources: pthread_mutex_lock(3p), pthread_rwlock_rdlock(3p), pthread_spin_lock(3p), mtx_lock(3).
 */
#include "probe/locks.h"
#include "probe/raw.h"
#include "probe/real.h"
#include "probe/releases.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <threads.h>

REAL(pthread_mutex_lock);
REAL(pthread_mutex_trylock);
REAL(pthread_mutex_timedlock);
REAL(pthread_mutex_clocklock);
REAL(pthread_mutex_unlock);
REAL(pthread_rwlock_rdlock);
REAL(pthread_rwlock_tryrdlock);
REAL(pthread_rwlock_timedrdlock);
REAL(pthread_rwlock_clockrdlock);
REAL(pthread_rwlock_wrlock);
REAL(pthread_rwlock_trywrlock);
REAL(pthread_rwlock_timedwrlock);
REAL(pthread_rwlock_clockwrlock);
REAL(pthread_rwlock_unlock);
REAL(pthread_spin_lock);
REAL(pthread_spin_trylock);
REAL(pthread_spin_unlock);
REAL(mtx_lock);
REAL(mtx_trylock);
REAL(mtx_timedlock);
REAL(mtx_unlock);

/* What an attempt or a wait came to, for both families of functions. */
static inline bool is_mine(int result)
{
	return !result || result == EOWNERDEAD;
}

static inline bool was_waited_for(int result)
{
	return is_mine(result) || result == ETIMEDOUT;
}

/*
 * Takes a lock: by @attempt if it is free; if it is busy by @call, timed; whatever else the attempt
 * says, the call shall say it.
 */
#define TAKE(lock, subject_kind, kind, attempt, call)                                              \
	do {                                                                                       \
		int result_;                                                                       \
                                                                                                   \
		if (!locks_are_on())                                                               \
			return call;                                                               \
		result_ = attempt;                                                                 \
		if (__builtin_expect(is_mine(result_), 1)) {                                       \
			locks_count(lock, subject_kind);                                           \
			return result_;                                                            \
		}                                                                                  \
		if (result_ != EBUSY) {                                                            \
			result_ = call;                                                            \
			if (is_mine(result_))                                                      \
				locks_count(lock, subject_kind);                                   \
			return result_;                                                            \
		}                                                                                  \
		{                                                                                  \
			struct walk_start start_ = WALK_START();                                   \
			struct locks_wait wait_ = locks_begin(lock, subject_kind);                 \
                                                                                                   \
			result_ = call;                                                            \
			if (was_waited_for(result_))                                               \
				locks_end(&wait_, kind, &start_);                                  \
			else                                                                       \
				locks_drop(&wait_);                                                \
			return result_;                                                            \
		}                                                                                  \
	} while (0)

/* @gives_up  whether the call will let others in */
#define RELEASE(lock, gives_up)                                                                    \
	do {                                                                                       \
		if (releases_are_awaited(lock) && locks_are_on() && (gives_up)) {                  \
			struct walk_start start_ = WALK_START();                                   \
                                                                                                   \
			locks_release(lock, &start_);                                              \
		}                                                                                  \
	} while (0)

/* ---- mutexes ------------------------------------------------------------------------------ */

/* Of glibc's internal kinds, nptl/pthreadP.h. */
#define IS_ROBUST  16
#define INHERITS   32 /* priority */
#define LOOKS_FREE (-1)

/* Of the same kinds. */
#define ASKS_WHO(kind)                                                                             \
	(((kind)&3) == PTHREAD_MUTEX_RECURSIVE || ((kind)&3) == PTHREAD_MUTEX_ERRORCHECK)

static inline int own_tid(void)
{
	return thread_self ? thread_self->slot->tid : raw_tid();
}

/*
 * Robust mutexes are only looked at: glibc's trylock (2.36) leaves one that cannot be recovered
 * locked. A wait that begins in between is not seen. Whoever takes one again does not wait: he has
 * it once more or is told so, as far as it is of a kind that asks.
 */
static inline int try_mutex(pthread_mutex_t *mutex)
{
	int kind = mutex->__data.__kind, holder;

	if (__builtin_expect(!(kind & IS_ROBUST), 1))
		return real_pthread_mutex_trylock(mutex);
	holder = __atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED) & FUTEX_TID_MASK;
	if (!holder || (ASKS_WHO(kind) && holder == own_tid()))
		return LOOKS_FREE;
	return EBUSY;
}

/* A recursive mutex stays locked until it was unlocked as often as locked, and kinds that ask who
 * unlocks them refuse others. */
static bool gives_up_mutex(const pthread_mutex_t *mutex)
{
	int kind = mutex->__data.__kind;

	if ((ASKS_WHO(kind) || kind & (IS_ROBUST | INHERITS)) && mutex->__data.__owner != own_tid())
		return false;
	return (kind & 3) != PTHREAD_MUTEX_RECURSIVE || mutex->__data.__count <= 1;
}

#define TAKE_MUTEX(mutex, call)                                                                    \
	TAKE(mutex, WIRE_SUBJECT_MUTEX, WIRE_OPERATION_LOCK, try_mutex(mutex), call)

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	TAKE_MUTEX(mutex, REAL_NOW(pthread_mutex_lock)(mutex));
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
	TAKE_MUTEX(mutex, REAL_NOW(pthread_mutex_timedlock)(mutex, until));
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
				   const struct timespec *until)
{
	if (!locks_is_clock(clock))
		return REAL_NOW(pthread_mutex_clocklock)(mutex, clock, until);
	TAKE_MUTEX(mutex, REAL_NOW(pthread_mutex_clocklock)(mutex, clock, until));
}

EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	int result = REAL_NOW(pthread_mutex_trylock)(mutex);

	if (is_mine(result) && locks_are_on())
		locks_count(mutex, WIRE_SUBJECT_MUTEX);
	return result;
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	RELEASE(mutex, gives_up_mutex(mutex));
	return REAL_NOW(pthread_mutex_unlock)(mutex);
}

/* ---- read-write locks --------------------------------------------------------------------- */

#define READERS_SHIFT 3 /* PTHREAD_RWLOCK_READER_SHIFT of glibc, nptl/pthread_rwlock_common.c */

#define TAKE_READING(lock, call)                                                                   \
	TAKE(lock, WIRE_SUBJECT_RWLOCK, WIRE_OPERATION_SHARE, real_pthread_rwlock_tryrdlock(lock), \
	     call)
#define TAKE_WRITING(lock, call)                                                                   \
	TAKE(lock, WIRE_SUBJECT_RWLOCK, WIRE_OPERATION_LOCK, real_pthread_rwlock_trywrlock(lock),  \
	     call)

EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
	TAKE_READING(lock, REAL_NOW(pthread_rwlock_rdlock)(lock));
}

EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until)
{
	if (!locks_is_time(until))
		return REAL_NOW(pthread_rwlock_timedrdlock)(lock, until);
	TAKE_READING(lock, REAL_NOW(pthread_rwlock_timedrdlock)(lock, until));
}

EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock,
				      const struct timespec *until)
{
	if (!locks_is_clock(clock) || !locks_is_time(until))
		return REAL_NOW(pthread_rwlock_clockrdlock)(lock, clock, until);
	TAKE_READING(lock, REAL_NOW(pthread_rwlock_clockrdlock)(lock, clock, until));
}

EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
	int result = REAL_NOW(pthread_rwlock_tryrdlock)(lock);

	if (is_mine(result) && locks_are_on())
		locks_count(lock, WIRE_SUBJECT_RWLOCK);
	return result;
}

EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
	TAKE_WRITING(lock, REAL_NOW(pthread_rwlock_wrlock)(lock));
}

EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until)
{
	if (!locks_is_time(until))
		return REAL_NOW(pthread_rwlock_timedwrlock)(lock, until);
	TAKE_WRITING(lock, REAL_NOW(pthread_rwlock_timedwrlock)(lock, until));
}

EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock,
				      const struct timespec *until)
{
	if (!locks_is_clock(clock) || !locks_is_time(until))
		return REAL_NOW(pthread_rwlock_clockwrlock)(lock, clock, until);
	TAKE_WRITING(lock, REAL_NOW(pthread_rwlock_clockwrlock)(lock, clock, until));
}

EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
	int result = REAL_NOW(pthread_rwlock_trywrlock)(lock);

	if (is_mine(result) && locks_are_on())
		locks_count(lock, WIRE_SUBJECT_RWLOCK);
	return result;
}

/* A reader lets nobody in who waits while there are others. */
static bool gives_up_rwlock(const pthread_rwlock_t *lock)
{
	return __atomic_load_n(&lock->__data.__cur_writer, __ATOMIC_RELAXED) == own_tid() ||
	       __atomic_load_n(&lock->__data.__readers, __ATOMIC_RELAXED) >> READERS_SHIFT <= 1;
}

EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
	RELEASE(lock, gives_up_rwlock(lock));
	return REAL_NOW(pthread_rwlock_unlock)(lock);
}

/* ---- spin locks --------------------------------------------------------------------------- */

EXPORT int pthread_spin_lock(pthread_spinlock_t *lock)
{
	/* The header makes an integer of it, and a type that forbids copies of what it points to.
	 */
	void *address = (void *)lock;

	TAKE(address, WIRE_SUBJECT_SPIN, WIRE_OPERATION_LOCK, real_pthread_spin_trylock(lock),
	     REAL_NOW(pthread_spin_lock)(lock));
}

EXPORT int pthread_spin_trylock(pthread_spinlock_t *lock)
{
	int result = REAL_NOW(pthread_spin_trylock)(lock);

	if (is_mine(result) && locks_are_on())
		locks_count((void *)lock, WIRE_SUBJECT_SPIN);
	return result;
}

EXPORT int pthread_spin_unlock(pthread_spinlock_t *lock)
{
	RELEASE((void *)lock, true);
	return REAL_NOW(pthread_spin_unlock)(lock);
}

/* ---- C11 ---------------------------------------------------------------------------------- */

/* The results of C11's functions by those of POSIX's, which TAKE asks for, and back. */
static inline int posix_of(int result)
{
	return result == thrd_success	 ? 0
	       : result == thrd_busy	 ? EBUSY
	       : result == thrd_nomem	 ? ENOMEM
	       : result == thrd_timedout ? ETIMEDOUT
					 : EINVAL;
}

static inline int c11_of(int result)
{
	return result == 0	     ? thrd_success
	       : result == EBUSY     ? thrd_busy
	       : result == ENOMEM    ? thrd_nomem
	       : result == ETIMEDOUT ? thrd_timedout
				     : thrd_error;
}

/* Their own functions, so that the caller is the program. */
#define TAKE_C11(mutex, call)                                                                      \
	TAKE(mutex, WIRE_SUBJECT_MUTEX, WIRE_OPERATION_LOCK, posix_of(real_mtx_trylock(mutex)),    \
	     posix_of(call))

static inline __attribute__((always_inline)) int take_c11(mtx_t *mutex)
{
	TAKE_C11(mutex, REAL_NOW(mtx_lock)(mutex));
}

static inline __attribute__((always_inline)) int take_c11_until(mtx_t *mutex,
								const struct timespec *until)
{
	TAKE_C11(mutex, REAL_NOW(mtx_timedlock)(mutex, until));
}

EXPORT int mtx_lock(mtx_t *mutex)
{
	return c11_of(take_c11(mutex));
}

EXPORT int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict until)
{
	return c11_of(take_c11_until(mutex, until));
}

EXPORT int mtx_trylock(mtx_t *mutex)
{
	int result = REAL_NOW(mtx_trylock)(mutex);

	if (result == thrd_success && locks_are_on())
		locks_count(mutex, WIRE_SUBJECT_MUTEX);
	return result;
}

EXPORT int mtx_unlock(mtx_t *mutex)
{
	RELEASE(mutex, gives_up_mutex((const pthread_mutex_t *)mutex));
	return REAL_NOW(mtx_unlock)(mutex);
}
