/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_streams: see perf_streams.h. */
#include "collector/capture/perf_streams.h"

#include "collector/base/xalloc.h"
#include "collector/capture/perf_engine.h"
#include "collector/capture/perf_record.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static int add_stream(struct perf_streams *streams, int cpu, enum perf_stream_kind kind,
		      size_t ring_bytes, struct error *error)
{
	struct epoll_event interest = {.events = EPOLLIN};
	struct perf_stream stream = {.cpu = cpu, .kind = kind};
	int result;

	stream.fd = perf_engine_open_ring(cpu, (uint32_t)ring_bytes, error);
	if (stream.fd == -ENODEV)
		return 0;
	if (stream.fd < 0)
		return stream.fd;
	result = perf_ring_map(&stream.ring, stream.fd, ring_bytes, error);
	if (result) {
		close(stream.fd);
		return result;
	}
	epoll_ctl(streams->poll_fd, EPOLL_CTL_ADD, stream.fd, &interest);
	xgrow(streams->rows, streams->count, streams->capacity);
	streams->rows[streams->count++] = stream;
	return 0;
}

int perf_streams_open(struct perf_streams *streams, enum perf_stream_kind kind, size_t ring_bytes,
		      struct error *error)
{
	int result = 0, cpus = (int)sysconf(_SC_NPROCESSORS_CONF);

	for (int cpu = 0; cpu < cpus && !result; cpu++)
		result = add_stream(streams, cpu, kind, ring_bytes, error);
	return result;
}

void perf_streams_close(struct perf_streams *streams, size_t count)
{
	while (streams->count > count) {
		struct perf_stream *stream = &streams->rows[--streams->count];

		perf_ring_unmap(&stream->ring);
		close(stream->fd);
	}
}

const struct perf_stream *perf_streams_find(const struct perf_streams *streams,
					    enum perf_stream_kind kind, int cpu)
{
	for (size_t i = 0; i < streams->count; i++)
		if (streams->rows[i].kind == kind && streams->rows[i].cpu == cpu)
			return &streams->rows[i];
	return NULL;
}

static void peek(struct perf_stream *stream)
{
	stream->next = perf_ring_peek(&stream->ring);
	stream->next_time_ns = stream->next ? perf_record_time(stream->next) : 0;
}

void perf_streams_look(struct perf_streams *streams, bool is_side)
{
	for (size_t i = 0; i < streams->count; i++) {
		struct perf_stream *stream = &streams->rows[i];

		if ((stream->kind == PERF_STREAM_SIDE) != is_side)
			continue;
		perf_ring_snapshot(&stream->ring);
		if (!stream->next)
			peek(stream);
	}
}

struct perf_stream *perf_streams_earliest(const struct perf_streams *streams)
{
	struct perf_stream *found = NULL;

	for (size_t i = 0; i < streams->count; i++) {
		struct perf_stream *stream = &streams->rows[i];

		if (stream->next && (!found || stream->next_time_ns < found->next_time_ns))
			found = stream;
	}
	return found;
}

void perf_stream_advance(struct perf_stream *stream)
{
	perf_ring_advance(&stream->ring, stream->next);
	peek(stream);
}
