/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_source: see perf_source.h. */
#include "collector/capture/perf_source.h"

#include "collector/base/xalloc.h"
#include "collector/capture/perf_record.h"
#include "collector/capture/perf_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SMALLEST_RING_BYTES (64u << 10)
#define LEAST_SAMPLE_RING   (2u << 20)
#define MOST_RING_MEMORY    (128u << 20) /* over all CPUs */
#define LEAST_COPY_BYTES    (8u << 10)
#define MOST_CORE_EVENTS    128 /* read to tell cores apart */
#define RING_MILLISECONDS   60	/* of samples that a ring holds: three missed polls */

/* One ring and the event that owns it. */
struct stream {
	int fd;
	int cpu;
	bool is_side;
	struct perf_ring ring;
	const struct perf_event_header *next; /* peeked record, or NULL */
	uint64_t next_time_ns;
};

struct thread_event {
	int fd;
	int cpu;
	bool is_side;
};

struct perf_source {
	const struct perf_engine *engine;
	struct event_metric metric;
	struct tick tick; /* when the engine rides on it */
	struct perf_source_options options;
	size_t ring_bytes;
	int poll_fd;
	struct stream *streams; /* samples of all CPUs first, then side records */
	size_t stream_count, stream_capacity;
	struct stream *first;	     /* that has the earliest record, as of the last row_next */
	struct thread_event *events; /* of the target's threads */
	size_t event_count, event_capacity;
	struct perf_source_losses losses;
	int program; /* that runs with each sample; -1: none */
};

static void close_all(struct perf_source *source)
{
	for (size_t i = 0; i < source->event_count; i++)
		close(source->events[i].fd);
	for (size_t i = 0; i < source->stream_count; i++) {
		perf_ring_unmap(&source->streams[i].ring);
		close(source->streams[i].fd);
	}
	source->event_count = source->stream_count = 0;
}

static int add_stream(struct perf_source *source, int cpu, bool is_side, size_t ring_bytes,
		      struct error *error)
{
	struct epoll_event interest = {.events = EPOLLIN};
	struct stream stream = {.cpu = cpu, .is_side = is_side};
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
	epoll_ctl(source->poll_fd, EPOLL_CTL_ADD, stream.fd, &interest);
	xgrow(source->streams, source->stream_count, source->stream_capacity);
	source->streams[source->stream_count++] = stream;
	return 0;
}

/* Makes both rings of every CPU that is online. */
static int open_streams(struct perf_source *source, size_t ring_bytes, struct error *error)
{
	size_t side_bytes = ring_bytes / 8;
	int result = 0, cpus = (int)sysconf(_SC_NPROCESSORS_CONF);

	if (side_bytes < SMALLEST_RING_BYTES)
		side_bytes = SMALLEST_RING_BYTES;
	for (int cpu = 0; cpu < cpus && !result; cpu++)
		result = add_stream(source, cpu, false, ring_bytes, error);
	for (int cpu = 0; cpu < cpus && !result; cpu++)
		result = add_stream(source, cpu, true, side_bytes, error);
	return result;
}

static int open_event(struct perf_source *source, const struct stream *stream, pid_t tid,
		      struct error *error)
{
	const struct perf_source_options *options = &source->options;

	if (stream->is_side)
		return perf_engine_open_side(options->start, tid, stream->cpu, stream->fd, error);
	return perf_engine_open(source->engine, options->start, tid, stream->cpu,
				options->frequency_hz, options->copy_bytes, stream->fd,
				&source->tick, error);
}

static int set_program(const struct perf_source *source, const struct thread_event *event,
		       struct error *error)
{
	if (source->program < 0 || event->is_side ||
	    !ioctl(event->fd, PERF_EVENT_IOC_SET_BPF, source->program))
		return 0;
	return fail(error, -errno, "cannot run a program with each sample: %m");
}

int perf_source_set_program(struct perf_source *source, int program, struct error *error)
{
	int result = 0;

	source->program = program;
	for (size_t i = 0; i < source->event_count && !result; i++)
		result = set_program(source, &source->events[i], error);
	return result;
}

/* The side records first: what the thread maps from then on is known. */
int perf_source_add(struct perf_source *source, pid_t tid, struct error *error)
{
	size_t before = source->event_count;

	for (size_t i = source->stream_count; i-- > 0;) {
		int fd = open_event(source, &source->streams[i], tid, error);

		if (fd < 0) {
			while (source->event_count > before)
				close(source->events[--source->event_count].fd);
			return fd;
		}
		xgrow(source->events, source->event_count, source->event_capacity);
		source->events[source->event_count++] = (struct thread_event){
			fd, source->streams[i].cpu, source->streams[i].is_side};
		if (set_program(source, &source->events[source->event_count - 1], error))
			source->program = -1; /* what it would tell is missing, no more */
	}
	return 0;
}

static size_t wanted_ring_bytes(const struct perf_source_options *options)
{
	uint64_t wanted =
		(uint64_t)options->frequency_hz * options->copy_bytes * RING_MILLISECONDS / 1000;
	uint64_t most = MOST_RING_MEMORY / sysconf(_SC_NPROCESSORS_ONLN);
	size_t bytes = LEAST_SAMPLE_RING;

	while (bytes < wanted && 2 * bytes <= most)
		bytes *= 2;
	return bytes;
}

/* Maps the rings; ring and copy are halved together where memory may not be locked. */
static int open_rings(struct perf_source *source, struct error *error)
{
	struct perf_source_options *options = &source->options;
	int result;

	source->ring_bytes = wanted_ring_bytes(options);
	for (;;) {
		result = open_streams(source, source->ring_bytes, error);
		if (!result)
			return 0;
		close_all(source);
		if (result != -EPERM || options->copy_bytes / 2 < LEAST_COPY_BYTES)
			return result;
		source->ring_bytes /= 2;
		/* A ring that holds fewer than 16 copies loses samples. */
		if (options->copy_bytes > source->ring_bytes / 16)
			options->copy_bytes = options->copy_bytes / 2 & ~7u;
	}
}

/* Opens the first thread's events with one engine. */
static int try_engine(struct perf_source *source, const struct perf_engine *engine, pid_t tid,
		      struct error *error)
{
	int result = 0;

	if (engine->is_tick)
		result = tick_find(&source->tick, error);
	if (!result && engine->is_tick)
		result = tick_prove(&source->tick, error);
	if (result)
		return result;
	source->engine = engine;
	source->metric = (struct event_metric){
		.name = engine->metric,
		.unit = engine->unit,
		.period = engine->is_tick
				  ? source->tick.period_ns
				  : perf_engine_period(engine, source->options.frequency_hz),
	};
	return perf_source_add(source, tid, error);
}

static int open_first(struct perf_source *source, pid_t tid, struct error *error)
{
	int result = open_rings(source, error);

	if (result)
		return result;
	if (source->options.engine)
		return try_engine(source, source->options.engine, tid, error);
	result = -ENOENT;
	if (source->options.prefers_tick)
		result = try_engine(source, perf_engine_find("tick"), tid, error);
	for (int i = 0; i < PERF_ENGINES && result && result != -ESRCH; i++)
		if (!source->options.wants_time || !strcmp(perf_engines[i].unit, "ns"))
			result = try_engine(source, &perf_engines[i], tid, error);
	return result;
}

struct perf_source *perf_source_open(const struct perf_source_options *options, pid_t tid,
				     struct error *error)
{
	struct perf_source *source = xcalloc(1, sizeof(*source));
	int result;

	source->options = *options;
	source->program = -1;
	source->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	result = open_first(source, tid, error);
	if (result) {
		perf_source_close(source);
		errno = -result;
		return NULL;
	}
	return source;
}

void perf_source_close(struct perf_source *source)
{
	if (!source)
		return;
	close_all(source);
	close(source->poll_fd);
	free(source->streams);
	free(source->events);
	free(source);
}

const struct perf_engine *perf_source_engine(const struct perf_source *source)
{
	return source->engine;
}

uint32_t perf_source_copy_bytes(const struct perf_source *source)
{
	return source->options.copy_bytes;
}

size_t perf_source_ring_bytes(const struct perf_source *source)
{
	return source->ring_bytes;
}

void perf_source_stop(struct perf_source *source)
{
	for (size_t i = 0; i < source->event_count; i++)
		ioctl(source->events[i].fd, PERF_EVENT_IOC_DISABLE, 0);
}

static void peek(struct stream *stream)
{
	stream->next = perf_ring_peek(&stream->ring);
	stream->next_time_ns = stream->next ? perf_record_time(stream->next) : 0;
}

/* Returns the stream with the earliest record, or NULL. */
static struct stream *earliest(struct perf_source *source)
{
	struct stream *found = NULL;

	for (size_t i = 0; i < source->stream_count; i++) {
		struct stream *stream = &source->streams[i];

		if (stream->next && (!found || stream->next_time_ns < found->next_time_ns))
			found = stream;
	}
	return found;
}

static void deliver_event(const struct perf_source *source, struct event *event,
			  source_deliver *deliver, void *context)
{
	if (event->kind == EVENT_SAMPLE) {
		event->sample.metric = &source->metric;
		/* A tracepoint's weight is one hit. */
		if (source->engine->is_tick) {
			event->sample.weight = source->tick.period_ns;
			tick_cut(&source->tick, &event->sample);
		}
	}
	deliver(context, event);
}

/* ---- the row of source.h ------------------------------------------------------------------ */

static int row_poll_fd(void *self)
{
	return ((struct perf_source *)self)->poll_fd;
}

/* The samples first: a mapping that a sample lies in is never left for the next round. */
static void row_look(void *self)
{
	struct perf_source *source = self;

	for (size_t i = 0; i < source->stream_count; i++) {
		perf_ring_snapshot(&source->streams[i].ring);
		if (!source->streams[i].next)
			peek(&source->streams[i]);
	}
}

static uint64_t row_next(void *self)
{
	struct perf_source *source = self;

	source->first = earliest(source);
	return source->first ? source->first->next_time_ns : SOURCE_NOTHING;
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct perf_source *source = self;
	struct stream *stream = source->first;
	struct event event;

	if (perf_record_parse(stream->next, &event))
		source->losses.unreadable++;
	else if (event.kind == EVENT_LOST && stream->is_side)
		source->losses.side += event.lost;
	else if (event.kind == EVENT_LOST)
		source->losses.samples += event.lost;
	else if (event.kind != EVENT_NONE)
		deliver_event(source, &event, deliver, context);
	perf_ring_advance(&stream->ring, stream->next);
	peek(stream);
}

static void row_stop(void *self)
{
	perf_source_stop(self);
}

static void row_describe(void *self, struct profile *profile)
{
	struct perf_source_losses losses;

	perf_source_count_losses(self, &losses);
	profile_set_number(profile, "lost.ring_full", (int64_t)losses.samples);
	profile_set_number(profile, "lost.side_ring_full", (int64_t)losses.side);
	profile_set_number(profile, "lost.unreadable", (int64_t)losses.unreadable);
}

static void row_close(void *self)
{
	perf_source_close(self);
}

struct source perf_source_row(struct perf_source *source)
{
	static const struct source_kind kind = SOURCE_KIND("perf");

	return (struct source){&kind, source};
}

void perf_source_read(struct perf_source *source, bool last, source_deliver *deliver, void *context)
{
	struct source row = perf_source_row(source);

	source_round(&row, 1, last, deliver, context);
}

/* ------------------------------------------------------------------------------------------- */

/* The kernel's own totals include losses at the very end, which no record could report. */
void perf_source_count_losses(struct perf_source *source, struct perf_source_losses *losses)
{
	struct perf_source_losses totals = {0};

	for (size_t i = 0; i < source->event_count; i++) {
		uint64_t values[2]; /* count, lost */

		if (!source->events[i].is_side &&
		    read(source->events[i].fd, values, sizeof(values)) == sizeof(values))
			totals.samples += values[1];
	}
	*losses = source->losses;
	if (totals.samples > losses->samples)
		losses->samples = totals.samples;
}

uint64_t perf_source_lost_so_far(const struct perf_source *source)
{
	return source->losses.samples;
}

bool perf_source_core_ns(const struct perf_source *source, uint64_t *core_ns, size_t core_count)
{
	if (source->event_count > MOST_CORE_EVENTS)
		return false;
	for (size_t i = 0; i < source->event_count; i++) {
		const struct thread_event *event = &source->events[i];
		uint64_t cpu_ns;

		if (event->is_side && (size_t)event->cpu < core_count &&
		    read(event->fd, &cpu_ns, sizeof(cpu_ns)) == sizeof(cpu_ns))
			core_ns[event->cpu] += cpu_ns;
	}
	return true;
}

uint64_t perf_source_cpu_ns(const struct perf_source *source)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < source->event_count; i++) {
		uint64_t cpu_ns;

		if (source->events[i].is_side &&
		    read(source->events[i].fd, &cpu_ns, sizeof(cpu_ns)) == sizeof(cpu_ns))
			sum_ns += cpu_ns;
	}
	return sum_ns;
}

const struct event_metric *perf_source_metric(const struct perf_source *source)
{
	return &source->metric;
}

unsigned perf_source_frequency_hz(const struct perf_source *source)
{
	return source->engine->is_tick ? (unsigned)(1000000000u / source->tick.period_ns)
				       : source->options.frequency_hz;
}
