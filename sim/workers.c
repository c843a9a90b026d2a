/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that wait for loops. */
#include "sim/workers.h"

#include "sim/allocate.h"

#include <stdlib.h>
#include <time.h>

enum {
	GLANCES = 20000, /* of some ns each */
};

static void take_chunks(struct workers *workers, uint32_t number)
{
	for (;;) {
		uint32_t begin =
			__atomic_fetch_add(&workers->next, workers->chunk, __ATOMIC_RELAXED);
		if (begin >= workers->items)
			return;
		uint32_t left = workers->items - begin;
		workers->function(workers->context, number, begin,
				  begin + (left < workers->chunk ? left : workers->chunk));
	}
}

static void *work(void *pointer)
{
	struct worker *worker = pointer;
	struct workers *workers = worker->workers;
	uint64_t done = 0;
	pthread_mutex_lock(&workers->lock);
	for (;;) {
		while (workers->loops == done && !workers->leave)
			pthread_cond_wait(&workers->begun, &workers->lock);
		if (workers->leave)
			break;
		done = workers->loops;
		pthread_mutex_unlock(&workers->lock);
		take_chunks(workers, worker->number);
		pthread_mutex_lock(&workers->lock);
		if (__atomic_sub_fetch(&workers->busy, 1, __ATOMIC_RELEASE) == 0)
			pthread_cond_signal(&workers->ended);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

int workers_init(struct workers *workers, uint32_t count)
{
	*workers = (struct workers){.count = 1, .others = allocate(count, sizeof(struct worker))};
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->begun, NULL);
	pthread_cond_init(&workers->ended, NULL);
	while (workers->count < count) {
		struct worker *worker = &workers->others[workers->count - 1];
		*worker = (struct worker){.workers = workers, .number = workers->count};
		int failed = pthread_create(&worker->thread, NULL, work, worker);
		if (failed) {
			workers_done(workers);
			return -failed;
		}
		workers->count++;
	}
	return 0;
}

void workers_done(struct workers *workers)
{
	if (workers->count == 0)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->leave = true;
	pthread_cond_broadcast(&workers->begun);
	pthread_mutex_unlock(&workers->lock);
	for (uint32_t i = 1; i < workers->count; i++)
		pthread_join(workers->others[i - 1].thread, NULL);
	pthread_cond_destroy(&workers->ended);
	pthread_cond_destroy(&workers->begun);
	pthread_mutex_destroy(&workers->lock);
	free(workers->others);
	*workers = (struct workers){0};
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* They are in their last chunks: to fall asleep and be woken takes longer than most of those. */
static void wait_for_others(struct workers *workers)
{
	for (int i = 0; i < GLANCES; i++)
		if (__atomic_load_n(&workers->busy, __ATOMIC_ACQUIRE) == 0)
			return;
	pthread_mutex_lock(&workers->lock);
	while (workers->busy > 0)
		pthread_cond_wait(&workers->ended, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
}

void workers_run(struct workers *workers, workers_function *function, void *context, uint32_t items,
		 uint32_t chunk)
{
	double start_s = now_s();
	bool alone = workers->count == 1 || items <= chunk;
	pthread_mutex_lock(&workers->lock);
	workers->function = function;
	workers->context = context;
	workers->items = items;
	workers->chunk = chunk;
	workers->next = 0;
	if (!alone) {
		workers->loops++;
		workers->busy = workers->count - 1;
		pthread_cond_broadcast(&workers->begun);
	}
	pthread_mutex_unlock(&workers->lock);
	take_chunks(workers, 0);
	if (!alone)
		wait_for_others(workers);
	workers->seconds += now_s() - start_s;
}
