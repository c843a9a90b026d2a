/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_source: see perf_source.h. */
#include "collector/capture/perf_source.h"

#include "collector/base/xalloc.h"
#include "collector/capture/bpf_kernel.h"
#include "collector/capture/perf_apart.h"
#include "collector/capture/perf_record.h"
#include "collector/capture/perf_streams.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SMALLEST_RING_BYTES (64u << 10)
#define LEAST_SAMPLE_RING   (2u << 20)
#define LEAST_BRIEF_RING    (512u << 10)
#define MOST_RING_MEMORY    (128u << 20) /* over all CPUs */
#define LEAST_COPY_BYTES    (8u << 10)
#define MOST_CORE_EVENTS    128 /* read to tell cores apart, or one for each core */
#define RING_MILLISECONDS   60	/* of samples that a ring holds: three missed polls */
#define RECORD_BYTES	    400 /* of a sample, beside the copy */

struct thread_event {
	int fd;
	int cpu;
	enum perf_stream_kind kind;
};

struct perf_source {
	const struct perf_engine *engine;
	struct event_metric metric;
	struct tick tick; /* when the engine rides on it */
	struct perf_source_options options;
	size_t ring_bytes;
	struct perf_streams streams;
	struct perf_stream *first;   /* that has the earliest record, as of the last row_next */
	struct thread_event *events; /* of the target's threads */
	size_t event_count, event_capacity;
	struct perf_source_losses losses;
	struct perf_apart *apart;
	int program;   /* that runs with each sample; -1: none */
	int next;      /* where it finds another one; -1: nowhere */
	bool is_brief; /* copies are, at the moment */
	bool has_brief_rings;
};

static void close_all(struct perf_source *source)
{
	for (size_t i = 0; i < source->event_count; i++)
		close(source->events[i].fd);
	perf_streams_close(&source->streams, 0);
	source->event_count = 0;
}

static int open_samples(const struct perf_source *source, enum perf_start start, pid_t tid, int cpu,
			bool is_brief, int ring_fd, struct error *error)
{
	const struct perf_source_options *options = &source->options;
	const struct perf_copy copy = {
		.bytes = is_brief ? options->brief_bytes : options->copy_bytes,
		.has_callers = !is_brief,
	};

	return perf_engine_open(source->engine, start, tid, cpu, options->frequency_hz, &copy,
				ring_fd, &source->tick, error);
}

static int open_event(const struct perf_source *source, enum perf_stream_kind kind,
		      const struct perf_stream *stream, pid_t tid, struct error *error)
{
	enum perf_start start = source->options.start;

	switch (kind) {
	case PERF_STREAM_SIDE:
		return perf_engine_open_side(start, tid, stream->cpu, stream->fd, error);
	case PERF_STREAM_SAMPLES:
		return open_samples(source, start, tid, stream->cpu, false, stream->fd, error);
	default:
		return open_samples(source, PERF_START_LATER, tid, stream->cpu, true, -1, error);
	}
}

static int set_program(const struct perf_source *source, const struct thread_event *event,
		       struct error *error)
{
	if (source->program < 0 || event->kind == PERF_STREAM_SIDE ||
	    !ioctl(event->fd, PERF_EVENT_IOC_SET_BPF, source->program))
		return 0;
	return fail(error, -errno, "cannot run a program with each sample: %m");
}

int perf_source_set_program(struct perf_source *source, int program, struct error *error)
{
	int result = 0;
	uint32_t first = 0;

	if (source->next >= 0) {
		result = bpf_map_update_elem(source->next, &first, &program, BPF_ANY);
		return result ? bpf_kernel_fail(error, result, "run a second program with samples")
			      : 0;
	}
	source->program = program;
	for (size_t i = 0; i < source->event_count && !result; i++)
		result = set_program(source, &source->events[i], error);
	return result;
}

void perf_source_set_next(struct perf_source *source, int programs)
{
	source->next = programs;
}

static int add_event(struct perf_source *source, enum perf_stream_kind kind,
		     const struct perf_stream *stream, pid_t tid, struct error *error)
{
	int fd = open_event(source, kind, stream, tid, error);

	if (fd < 0)
		return fd;
	xgrow(source->events, source->event_count, source->event_capacity);
	source->events[source->event_count++] = (struct thread_event){fd, stream->cpu, kind};
	if (set_program(source, &source->events[source->event_count - 1], error))
		source->program = -1; /* what it would tell is missing, no more */
	return 0;
}

/* The side records first: what the thread maps from then on is known. */
int perf_source_add(struct perf_source *source, pid_t tid, struct error *error)
{
	size_t before = source->event_count;
	int result = 0;

	for (size_t i = source->streams.count; i-- > 0 && !result;) {
		const struct perf_stream *stream = &source->streams.rows[i];

		if (source->options.brief_bytes && stream->kind == PERF_STREAM_SAMPLES)
			result = add_event(source, PERF_STREAM_BRIEF_SAMPLES, stream, tid, error);
		if (!result)
			result = add_event(source, stream->kind, stream, tid, error);
	}
	while (result && source->event_count > before)
		close(source->events[--source->event_count].fd);
	if (!result && !source->engine->is_tick) /* it has no periods */
		perf_apart_add(source->apart, tid);
	return result;
}

int perf_source_resume(struct perf_source *source, pid_t tid, struct error *error)
{
	source->options.start = PERF_START_NOW;
	return perf_source_add(source, tid, error);
}

static size_t wanted_ring_bytes(const struct perf_source_options *options, uint32_t copy_bytes,
				size_t least_bytes)
{
	uint64_t wanted = (uint64_t)options->frequency_hz * (copy_bytes + RECORD_BYTES) *
			  RING_MILLISECONDS / 1000;
	uint64_t most = MOST_RING_MEMORY / sysconf(_SC_NPROCESSORS_ONLN);
	size_t bytes = least_bytes;

	while (bytes < wanted && 2 * bytes <= most)
		bytes *= 2;
	return bytes;
}

static int open_first_streams(struct perf_source *source, struct error *error)
{
	size_t side_bytes = source->ring_bytes / 8;
	int result =
		perf_streams_open(&source->streams, PERF_STREAM_SAMPLES, source->ring_bytes, error);

	if (side_bytes < SMALLEST_RING_BYTES)
		side_bytes = SMALLEST_RING_BYTES;
	return result ? result
		      : perf_streams_open(&source->streams, PERF_STREAM_SIDE, side_bytes, error);
}

/* Maps the rings; ring and copy are halved together where memory is short, or may not be locked. */
static int open_rings(struct perf_source *source, struct error *error)
{
	struct perf_source_options *options = &source->options;
	int result;

	source->ring_bytes = wanted_ring_bytes(options, options->copy_bytes, LEAST_SAMPLE_RING);
	for (;;) {
		result = open_first_streams(source, error);
		if (!result)
			return 0;
		close_all(source);
		if ((result != -EPERM && result != -ENOMEM) ||
		    options->copy_bytes / 2 < LEAST_COPY_BYTES)
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
	for (int i = 0; i < PERF_LADDER && result && result != -ESRCH; i++)
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
	source->program = source->next = -1;
	source->apart = perf_apart_new();
	source->streams.poll_fd = epoll_create1(EPOLL_CLOEXEC);
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
	perf_apart_free(source->apart);
	close(source->streams.poll_fd);
	free(source->streams.rows);
	free(source->events);
	free(source);
}

const struct perf_engine *perf_source_engine(const struct perf_source *source)
{
	return source->engine;
}

const struct tick *perf_source_tick(const struct perf_source *source)
{
	return source->engine->is_tick ? &source->tick : NULL;
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

/* ---- brief copies --------------------------------------------------------------------------- */

/* Maps rings for brief copies and leads the events there. */
static int open_brief_rings(struct perf_source *source, struct error *error)
{
	size_t before = source->streams.count;
	size_t ring_bytes =
		wanted_ring_bytes(&source->options, source->options.brief_bytes, LEAST_BRIEF_RING);
	int result =
		perf_streams_open(&source->streams, PERF_STREAM_BRIEF_SAMPLES, ring_bytes, error);

	for (size_t i = 0; i < source->event_count && !result; i++) {
		const struct thread_event *event = &source->events[i];
		const struct perf_stream *stream =
			perf_streams_find(&source->streams, PERF_STREAM_BRIEF_SAMPLES, event->cpu);

		if (event->kind == PERF_STREAM_BRIEF_SAMPLES && stream)
			result = perf_engine_redirect(event->fd, stream->fd, error);
	}
	if (result)
		perf_streams_close(&source->streams, before);
	return result;
}

static void control(const struct perf_source *source, enum perf_stream_kind kind,
		    unsigned long request)
{
	for (size_t i = 0; i < source->event_count; i++)
		if (source->events[i].kind == kind)
			ioctl(source->events[i].fd, request, 0);
}

void perf_source_set_brief(struct perf_source *source, bool is_brief)
{
	struct error refusal;

	if (is_brief == source->is_brief || !source->options.brief_bytes)
		return;
	if (!source->has_brief_rings && open_brief_rings(source, &refusal)) {
		source->options.brief_bytes = 0;
		return;
	}
	source->has_brief_rings = true;
	source->is_brief = is_brief;
	control(source, is_brief ? PERF_STREAM_SAMPLES : PERF_STREAM_BRIEF_SAMPLES,
		PERF_EVENT_IOC_DISABLE);
	control(source, is_brief ? PERF_STREAM_BRIEF_SAMPLES : PERF_STREAM_SAMPLES,
		PERF_EVENT_IOC_ENABLE);
}

/* ------------------------------------------------------------------------------------------- */

static void deliver_event(const struct perf_source *source, enum perf_stream_kind kind,
			  struct event *event, source_deliver *deliver, void *context)
{
	if (event->kind == EVENT_SAMPLE) {
		event->sample.brief_bytes = source->options.brief_bytes;
		event->sample.is_brief = kind == PERF_STREAM_BRIEF_SAMPLES;
		event->sample.metric = &source->metric;
		/* A tracepoint's weight is one hit. */
		if (source->engine->is_tick) {
			event->sample.weight = source->tick.period_ns;
			tick_cut(&source->tick, &event->sample);
		}
	} else if (!source->engine->is_tick) {
		perf_apart_take(source->apart, event);
	}
	deliver(context, event);
}

/* ---- the row of source.h ------------------------------------------------------------------ */

static int row_poll_fd(void *self)
{
	return ((struct perf_source *)self)->streams.poll_fd;
}

/* The samples first: a mapping that a sample lies in is never left for the next round. */
static void row_look(void *self)
{
	struct perf_source *source = self;

	perf_apart_look(source->apart);
	perf_streams_look(&source->streams, false);
	perf_streams_look(&source->streams, true);
}

static uint64_t row_next(void *self)
{
	struct perf_source *source = self;

	source->first = perf_streams_earliest(&source->streams);
	return source->first ? source->first->next_time_ns : SOURCE_NOTHING;
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct perf_source *source = self;
	struct perf_stream *stream = source->first;
	struct event event;

	if (perf_record_parse(stream->next, &event))
		source->losses.unreadable++;
	else if (event.kind == EVENT_LOST && stream->kind == PERF_STREAM_SIDE)
		source->losses.side += event.lost;
	else if (event.kind == EVENT_LOST)
		source->losses.samples += event.lost;
	else if (event.kind == EVENT_THROTTLE)
		source->losses.throttles++;
	else if (event.kind != EVENT_NONE)
		deliver_event(source, stream->kind, &event, deliver, context);
	perf_stream_advance(stream);
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
	if (losses.throttles) {
		profile_set_number(profile, "throttles", (int64_t)losses.throttles);
		profile_set_number(profile, "most_hz", perf_engine_most_hz());
	}
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

		if (source->events[i].kind != PERF_STREAM_SIDE &&
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
	size_t count = 0;

	for (size_t i = 0; i < source->event_count; i++)
		count += source->events[i].kind == PERF_STREAM_SIDE;
	if (count > MOST_CORE_EVENTS && count > core_count)
		return false;
	for (size_t i = 0; i < source->event_count; i++) {
		const struct thread_event *event = &source->events[i];
		uint64_t cpu_ns;

		if (event->kind == PERF_STREAM_SIDE && (size_t)event->cpu < core_count &&
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

		if (source->events[i].kind == PERF_STREAM_SIDE &&
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
