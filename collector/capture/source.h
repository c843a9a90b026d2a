/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source: what a recording needs of everything that delivers events: perf events, off-CPU times,
 * the probe's shared memory. A further source is a further row of these functions.
 *
 * Several sources become one stream in the order of time by rounds:
 *
 *     horizon = now;  every source looks once at what has arrived;
 *     the source with the earliest event delivers it, until none has one up to the horizon
 *
 * A mapping so comes before the samples that lie in it, whoever told of it. Cost: one call per
 * source and event.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/profile/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_NOTHING UINT64_MAX

typedef void source_deliver(void *context, const struct event *event);

struct source_kind {
	const char *name;

	/* Returns a descriptor that is readable when events should be fetched before the next
	 * poll, owned by the source; -1: none. */
	int (*poll_fd)(void *self);

	/* Looks at what has arrived. Everything that happened before this call is then found by
	 * `next`, unless the kernel was still writing it. */
	void (*look)(void *self);

	/* Returns the time of the first event not yet taken, SOURCE_NOTHING when there is none. */
	uint64_t (*next)(void *self);

	/* Takes the event that `next` spoke of; delivers it, or counts why it cannot. */
	void (*take)(void *self, source_deliver *deliver, void *context);

	/* Stops measuring: the target runs on. What has arrived can still be taken. */
	void (*stop)(void *self);

	/* Says at the end, in meta rows, what was lost and why. */
	void (*describe)(void *self, struct profile *profile);

	void (*close)(void *self);
};

/* The kind of a source whose file names these functions row_poll_fd, row_look and so on. */
#define SOURCE_KIND(kind_name)                                                                     \
	{                                                                                          \
		.name = (kind_name), .poll_fd = row_poll_fd, .look = row_look, .next = row_next,   \
		.take = row_take, .stop = row_stop, .describe = row_describe, .close = row_close,  \
	}

struct source {
	const struct source_kind *kind;
	void *self;
};

#define SOURCES 8 /* at most; there are fewer kinds */

/* Those of one recording. They are closed in the order in which they were added. */
struct sources {
	struct source rows[SOURCES];
	size_t count;
};

/*
 * Delivers the events of all sources up to now, in time order.
 *
 * @last  deliver everything that is left; no further round follows
 */
void source_round(const struct source *sources, size_t count, bool last, source_deliver *deliver,
		  void *context);

void sources_add(struct sources *sources, struct source source);

/* Adds one before those that are there: it stops first. */
void sources_add_first(struct sources *sources, struct source source);

/* Adds the descriptors that are to be polled to an epoll set. Returns 0 or a negative errno. */
int sources_watch(const struct sources *sources, int poll_fd);

/* Each of these goes through all of them; closing leaves none. */
void sources_stop(const struct sources *sources);
void sources_describe(const struct sources *sources, struct profile *profile);
void sources_close(struct sources *sources);
