/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parallel: see parallel.h. */
#include "collector/resolve/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define MOST_THREADS 16

struct run {
	parallel_task *task;
	void *context;
	size_t count;
	atomic_size_t next;
};

static pthread_mutex_t budget_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t budget_given = PTHREAD_COND_INITIALIZER;
static uint64_t budget_held;

static void *work(void *argument)
{
	struct run *run = argument;
	size_t index;

	while ((index = atomic_fetch_add(&run->next, 1)) < run->count)
		run->task(run->context, index);
	return NULL;
}

void parallel_run(size_t count, parallel_task *task, void *context)
{
	struct run run = {.task = task, .context = context, .count = count};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[MOST_THREADS];
	size_t wanted = processors > 1 ? (size_t)processors - 1 : 0, started = 0;

	if (wanted > MOST_THREADS)
		wanted = MOST_THREADS;
	while (started < wanted && started + 1 < count &&
	       !pthread_create(&threads[started], NULL, work, &run))
		started++;
	work(&run);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

void parallel_budget_take(uint64_t bytes, uint64_t limit)
{
	pthread_mutex_lock(&budget_lock);
	while (budget_held && budget_held + bytes > limit)
		pthread_cond_wait(&budget_given, &budget_lock);
	budget_held += bytes;
	pthread_mutex_unlock(&budget_lock);
}

void parallel_budget_give(uint64_t bytes)
{
	pthread_mutex_lock(&budget_lock);
	budget_held -= bytes;
	pthread_cond_broadcast(&budget_given);
	pthread_mutex_unlock(&budget_lock);
}
