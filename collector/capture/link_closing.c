/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_closing: see link_closing.h. */
#include "collector/capture/link_closing.h"

#include "collector/base/xalloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_BYTES 65536

static void *close_link(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

/* Forgets threads that have ended. */
static void collect(struct link_closing *closing)
{
	size_t left = 0;

	for (size_t i = 0; i < closing->count; i++)
		if (pthread_tryjoin_np(closing->threads[i], NULL))
			closing->threads[left++] = closing->threads[i];
	closing->count = left;
}

void link_closing_add(struct link_closing *closing, int fd)
{
	pthread_attr_t attributes;
	int result;

	collect(closing);
	xgrow(closing->threads, closing->count, closing->capacity);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	result = pthread_create(&closing->threads[closing->count], &attributes, close_link,
				(void *)(intptr_t)fd);
	pthread_attr_destroy(&attributes);
	if (result)
		close(fd);
	else
		closing->count++;
}

void link_closing_wait(struct link_closing *closing)
{
	while (closing->count)
		pthread_join(closing->threads[--closing->count], NULL);
	free(closing->threads);
	*closing = (struct link_closing){0};
}
