/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workers: a few threads that share the items of a loop.
 *
 * The threads are started once and wait. workers_run() gives each of them, and the thread that
 * calls it, one chunk of items after another until none are left; who gets which chunk is decided
 * by who is free, so the function must not let its result depend on it. With one thread there is no
 * thread but the caller, no lock and no wait: the chunks are done in order.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Does the items begin <= i < end. @worker counts from 0, the caller. */
typedef void workers_function(void *context, uint32_t worker, uint32_t begin, uint32_t end);

struct worker {
	struct workers *workers;
	uint32_t number;
	pthread_t thread;
};

struct workers {
	struct worker *others; /* count - 1 */
	uint32_t count;	       /* the caller included */
	pthread_mutex_t lock;
	pthread_cond_t begun;
	pthread_cond_t ended;
	/* The loop that is being run: */
	workers_function *function;
	void *context;
	uint32_t items;
	uint32_t chunk;
	uint32_t next;	/* item, taken atomically */
	uint64_t loops; /* ever begun */
	uint32_t busy;	/* threads that have not finished it */
	bool leave;
	double seconds; /* spent in workers_run(), by the clock */
};

/*
 * Starts count - 1 threads.
 *
 * Returns 0, or the negative errno of the thread that could not be started; then there are none.
 */
int workers_init(struct workers *workers, uint32_t count);

void workers_done(struct workers *workers);

/* Does all items, @chunk at a time; returns when the last one is done. */
void workers_run(struct workers *workers, workers_function *function, void *context, uint32_t items,
		 uint32_t chunk);
