/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * owners: holds three locks for one waiter each, in guilty(), while innocent() unlocks them to no
 * effect.
 */
#include "tests/workloads/workload.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* Locks that several hold at once, or one more than once, and one that asks who unlocks it. */
static pthread_mutex_t twice, checked;
static pthread_rwlock_t shelf = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int is_held, waiter;

/* Holds a lock, or tries to give one, that it lets nobody have. */
FUNCTION static void *innocent(void *lock)
{
	if (lock == &twice)
		pthread_mutex_lock(&twice);
	else if (lock == &shelf)
		pthread_rwlock_rdlock(&shelf);
	if (lock == &shelf)
		pthread_rwlock_unlock(&shelf);
	else
		pthread_mutex_unlock(lock);
	NOT_A_TAIL_CALL();
	return NULL;
}

FUNCTION static void guilty(void *lock)
{
	pthread_t other;

	if (lock == &shelf)
		pthread_rwlock_rdlock(&shelf);
	else
		pthread_mutex_lock(lock);
	atomic_store(&is_held, 1);
	while (!atomic_load(&waiter))
		pause_ms(1);
	workload_let_wait(atomic_load(&waiter), 0);
	if (lock == &twice) {
		innocent(lock);
	} else {
		pthread_create(&other, NULL, innocent, lock);
		pthread_join(other, NULL);
	}
	pause_ms(5);
	if (lock == &shelf)
		pthread_rwlock_unlock(&shelf);
	else
		pthread_mutex_unlock(lock);
	NOT_A_TAIL_CALL();
}

static void *waiting_thread(void *lock)
{
	atomic_store(&waiter, gettid());
	while (!atomic_load(&is_held))
		pause_ms(1);
	if (lock == &shelf)
		pthread_rwlock_wrlock(&shelf);
	else
		pthread_mutex_lock(lock);
	if (lock == &shelf)
		pthread_rwlock_unlock(&shelf);
	else
		pthread_mutex_unlock(lock);
	return NULL;
}

int main(void)
{
	void *locks[] = {&twice, &checked, &shelf};
	pthread_mutexattr_t attributes;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&twice, &attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checked, &attributes);
	for (int i = 0; i < 3; i++) {
		atomic_store(&waiter, 0);
		atomic_store(&is_held, 0);
		pthread_create(&thread, NULL, waiting_thread, locks[i]);
		guilty(locks[i]);
		pthread_join(thread, NULL);
	}
	return 0;
}
