/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_stream: one thread's slot and ring in the memory shared with the probe: bytes → events.
 *
 * Pure but for the memory it reads, so that any bytes can be fed to it. The writer may change them
 * while they are read: what decides about places and sizes is read once.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/capture/probe_memory.h"

#include <limits.h>
#include <stdbool.h>

struct probe_stream {
	bool is_used;
	bool is_born;	/* its birth has been taken */
	bool has_ended; /* its thread writes no more */
	uint32_t birth; /* enum wire_birth */
	pid_t pid, tid;
	pid_t parent_pid, parent_tid;
	uint64_t born_ns, ended_ns;
	char name[sizeof(((struct wire_slot *)0)->name) + 1];
	uint64_t head; /* as of the last look */
	uint64_t tail;
};

/* What take found. */
enum probe_take {
	PROBE_TAKE_NOTHING, /* filler */
	PROBE_TAKE_EVENT,   /* @event was filled in; a sample borrows the ring's memory until it is
			       freed */
	PROBE_TAKE_FORGET,  /* the mappings told before are void */
	PROBE_TAKE_BAD,	    /* the bytes make no sense; what lay in the ring is given up */
};

/* Looks at a slot: takes its thread up when it is new, and notes what has arrived. */
void probe_stream_look(struct probe_stream *stream, const struct probe_memory *memory,
		       uint32_t slot);

/* Returns the time of the first event not taken, UINT64_MAX when there is none. */
uint64_t probe_stream_next(const struct probe_stream *stream, const struct probe_memory *memory,
			   uint32_t slot);

/*
 * Parses the first record of the ring (stream->tail < stream->head).
 *
 * @event  receives it. A sample's weight is in periods, and its metric is not set
 * @path   receives a mapping's path, to which the event points
 * @bytes  receives what to give back by probe_stream_free
 */
enum probe_take probe_stream_take(const struct probe_stream *stream,
				  const struct probe_memory *memory, uint32_t slot,
				  struct event *event, char path[PATH_MAX], uint64_t *bytes);

/* Gives room in the ring back to the writer. */
void probe_stream_free(struct probe_stream *stream, const struct probe_memory *memory,
		       uint32_t slot, uint64_t bytes);

/* Gives the slot back for another thread. Only when its thread certainly writes no more. */
void probe_stream_release(struct probe_stream *stream, const struct probe_memory *memory,
			  uint32_t slot);
