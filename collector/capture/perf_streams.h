/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_streams: the rings of all CPUs, and which of them has the earliest record.
 *
 * A CPU has one ring of each kind that was opened. Every ring has an event of its own that counts
 * nothing (perf_engine_open_ring); those of the threads are led into it.
 */
#pragma once

#include "collector/base/error.h"
#include "collector/capture/perf_ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What comes through a ring. */
enum perf_stream_kind {
	PERF_STREAM_SAMPLES,
	PERF_STREAM_SIDE,
	PERF_STREAM_BRIEF_SAMPLES, /* in place of the samples: see perf_source_set_brief */
};

/* One ring and the event that owns it. */
struct perf_stream {
	int fd;
	int cpu;
	enum perf_stream_kind kind;
	struct perf_ring ring;
	const struct perf_event_header *next; /* peeked record, or NULL */
	uint64_t next_time_ns;
};

struct perf_streams {
	struct perf_stream *rows;
	size_t count, capacity;
	int poll_fd; /* readable when a ring is half full */
};

/*
 * Adds a ring of @ring_bytes for every CPU that is online.
 *
 * Returns 0; -EPERM when so much memory may not be locked; other negative errno. What was opened
 * until then stays for perf_streams_close.
 */
int perf_streams_open(struct perf_streams *streams, enum perf_stream_kind kind, size_t ring_bytes,
		      struct error *error);

/* Closes all but the first @count. */
void perf_streams_close(struct perf_streams *streams, size_t count);

/* Returns the ring of a CPU, or NULL. */
const struct perf_stream *perf_streams_find(const struct perf_streams *streams,
					    enum perf_stream_kind kind, int cpu);

/* Looks at what has been written by now: into the rings of side records, or into all others. */
void perf_streams_look(struct perf_streams *streams, bool is_side);

/* Returns the stream with the earliest record, or NULL. */
struct perf_stream *perf_streams_earliest(const struct perf_streams *streams);

/* Gives the room of the next record back. */
void perf_stream_advance(struct perf_stream *stream);
