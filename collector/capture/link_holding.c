/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_holding: see link_holding.h. */
#include "collector/capture/link_holding.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_BYTES 65536

struct link_holder {
	pthread_t thread;
	sem_t is_put, is_dropped;
	const struct link_placing *placing; /* until it is put */
	struct error *error;		    /* likewise */
	int result;
};

/* Returns the highest kept descriptor below @end, or -1. */
static int highest_kept(const struct link_placing *placing, int end)
{
	int highest = -1;

	for (size_t i = 0; i < placing->count; i++)
		if (placing->kept[i] < end && placing->kept[i] > highest)
			highest = placing->kept[i];
	return highest;
}

/*
 * Gives the calling thread a table of its own with what is kept alone. From above: what is closed
 * by the call that makes the table is not copied. Later calls find a table that nobody shares.
 */
static int leave_table(const struct link_placing *placing)
{
	int end = INT_MAX, kept;

	do {
		kept = highest_kept(placing, end);
		if (kept + 1 < end &&
		    close_range((unsigned)kept + 1, (unsigned)end - 1, CLOSE_RANGE_UNSHARE))
			return -errno;
		end = kept;
	} while (kept > 0);
	return 0;
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void *hold(void *argument)
{
	struct link_holder *holder = argument;
	const struct link_placing *placing = holder->placing;
	int result = leave_table(placing);

	if (result) {
		holder->result =
			fail(holder->error, result,
			     "cannot hold probes in a table of descriptors of their own: %m");
		sem_post(&holder->is_put);
		return NULL;
	}
	result = holder->result = placing->put(placing->context, holder->error);
	for (size_t i = 0; i < placing->count; i++)
		close(placing->kept[i]);
	sem_post(&holder->is_put);
	if (!result)
		wait_for(&holder->is_dropped);
	close_range(0, ~0U,
		    0); /* a thread that is waited for may not have done it yet at its end */
	return NULL;
}

/* Signals are for the threads that were there before. */
static int start(struct link_holder *holder)
{
	pthread_attr_t attributes;
	sigset_t all;
	int result;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setsigmask_np(&attributes, &all);
	result = pthread_create(&holder->thread, &attributes, hold, holder);
	pthread_attr_destroy(&attributes);
	return -result;
}

static void free_holder(struct link_holder *holder)
{
	sem_destroy(&holder->is_put);
	sem_destroy(&holder->is_dropped);
	free(holder);
}

int link_holding_add(const struct link_placing *placing, struct link_holder **holder,
		     struct error *error)
{
	struct link_holder *added = xcalloc(1, sizeof(*added));
	int result;

	added->placing = placing;
	added->error = error;
	sem_init(&added->is_put, 0, 0);
	sem_init(&added->is_dropped, 0, 0);
	result = start(added);
	if (result) {
		free_holder(added);
		return fail(error, result, "cannot start a thread that holds probes: %m");
	}
	wait_for(&added->is_put);
	result = added->result;
	if (result) {
		pthread_join(added->thread, NULL);
		free_holder(added);
		return result;
	}
	*holder = added;
	return 0;
}

/* Forgets threads that have ended. */
static void collect(struct link_holding *holding)
{
	size_t left = 0;

	for (size_t i = 0; i < holding->count; i++)
		if (pthread_tryjoin_np(holding->dropped[i]->thread, NULL))
			holding->dropped[left++] = holding->dropped[i];
		else
			free_holder(holding->dropped[i]);
	holding->count = left;
}

void link_holding_drop(struct link_holding *holding, struct link_holder *holder)
{
	sem_post(&holder->is_dropped);
	collect(holding);
	xgrow(holding->dropped, holding->count, holding->capacity);
	holding->dropped[holding->count++] = holder;
}

void link_holding_wait(struct link_holding *holding)
{
	for (size_t i = 0; i < holding->count; i++) {
		pthread_join(holding->dropped[i]->thread, NULL);
		free_holder(holding->dropped[i]);
	}
	free(holding->dropped);
	*holding = (struct link_holding){0};
}
