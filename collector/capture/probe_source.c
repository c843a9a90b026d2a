/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_source: see probe_source.h. Sources: proc(5), clock_getcpuclockid(3), tgkill(2). */
#include "collector/capture/probe_source.h"

#include "collector/base/xalloc.h"
#include "collector/capture/probe_mappings.h"
#include "collector/capture/proc_snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#define FINEST_PERIOD_NS 1000000u /* weights need be no finer */
#define FIRST_NAME_NS	 10000000u
#define LAST_NAME_NS	 1000000000u

const struct perf_engine probe_source_engine = {
	.name = "probe",
	.metric = "cpu",
	.unit = "ns",
	.note = "timers in libprobe.so: no kernel code, no programs that cannot be preloaded, and "
		"samples at the kernel's tick only, weighted by the CPU time between them",
};

struct process {
	UT_hash_handle hh;
	pid_t pid;
	uint32_t stream_count;
	struct probe_mappings mappings;
	uint64_t cpu_ns; /* as last seen */
};

struct watched {
	struct probe_stream *stream;
	struct process *process; /* once it is born */
	bool has_sample;
	bool is_replaced;     /* its thread number is another's now: its end is not told */
	uint64_t named_ns;    /* when its name was last looked at, */
	uint64_t name_age_ns; /* and how long that is good for */
};

struct probe_source {
	struct event_metric metric;
	uint64_t period_ns;
	uint64_t tick_ns;
	struct probe_memory memory;
	struct probe_streams streams;
	struct watched *watched; /* by slot, as they are */
	uint32_t first;		 /* that has the earliest event, as of the last row_next */
	struct process *processes;
	uint64_t sampled_ns;
	uint64_t ended_cpu_ns; /* of processes that are gone */
	uint64_t unreadable;
	uint64_t lost[WIRE_LOSSES]; /* of slots that were released */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec time = {0};

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

unsigned probe_source_tick_hz(void)
{
	struct timespec resolution = {0, 4000000};

	/* The coarse clock advances by one tick. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &resolution);
	return (unsigned)(1000000000 / resolution.tv_nsec);
}

struct probe_source *probe_source_open(unsigned frequency_hz,
				       const struct probe_memory_options *more, struct error *error)
{
	struct probe_source *source = xcalloc(1, sizeof(*source));
	struct probe_memory_options options = *more;
	int result;

	source->tick_ns = 1000000000u / probe_source_tick_hz();
	source->period_ns = 1000000000u / frequency_hz;
	if (source->period_ns < FINEST_PERIOD_NS)
		source->period_ns = FINEST_PERIOD_NS;
	options.modes |= WIRE_MODE_SAMPLE;
	options.period_ns = source->period_ns;
	options.copy_bytes = PROBE_SOURCE_COPY_BYTES;
	result = probe_memory_make(&source->memory, &options, error);
	if (result) {
		free(source);
		errno = -result;
		return NULL;
	}
	source->streams.memory = &source->memory;
	source->streams.rows = xcalloc(source->memory.slot_count, sizeof(*source->streams.rows));
	source->watched = xcalloc(source->memory.slot_count, sizeof(*source->watched));
	for (uint32_t i = 0; i < source->memory.slot_count; i++)
		source->watched[i].stream = &source->streams.rows[i];
	source->metric = (struct event_metric){probe_source_engine.metric, probe_source_engine.unit,
					       source->period_ns, false};
	return source;
}

const struct probe_memory *probe_source_memory(const struct probe_source *source)
{
	return &source->memory;
}

void probe_source_path(const struct probe_source *source, char *path, size_t bytes)
{
	probe_memory_path(&source->memory, path, bytes);
}

/* ---- processes ---------------------------------------------------------------------------- */

static struct process *process_get(struct probe_source *source, pid_t pid)
{
	struct process *process;

	HASH_FIND_INT(source->processes, &pid, process);
	if (process)
		return process;
	process = xcalloc(1, sizeof(*process));
	process->pid = pid;
	HASH_ADD_INT(source->processes, pid, process);
	return process;
}

static void process_remove(struct probe_source *source, struct process *process)
{
	source->ended_cpu_ns += process->cpu_ns;
	HASH_DEL(source->processes, process);
	probe_mappings_done(&process->mappings);
	free(process);
}

/* ---- births and ends ---------------------------------------------------------------------- */

/* Whoever had this thread's number before, or was part of this process before it executed another
 * program, is gone. */
static void end_predecessors(struct probe_source *source, const struct watched *born)
{
	bool is_process = born->stream->birth != WIRE_BIRTH_THREAD;

	for (uint32_t i = 0; i < source->streams.limit; i++) {
		struct watched *other = &source->watched[i];

		if (other == born || !other->stream->is_used || !other->stream->is_born ||
		    other->stream->has_ended ||
		    !(other->stream->tid == born->stream->tid ||
		      (is_process && other->stream->pid == born->stream->pid)))
			continue;
		other->stream->has_ended = true;
		other->stream->ended_ns = born->stream->born_ns;
		other->is_replaced = other->stream->tid == born->stream->tid;
	}
}

static void take_birth(struct probe_source *source, struct watched *watched,
		       source_deliver *deliver, void *context)
{
	const struct probe_stream *stream = watched->stream;
	struct event event = {.pid = stream->pid, .tid = stream->tid, .time_ns = stream->born_ns};
	bool is_exec = stream->birth == WIRE_BIRTH_EXEC;
	struct process *parent = NULL;

	watched->stream->is_born = true;
	end_predecessors(source, watched);
	watched->process = process_get(source, stream->pid);
	watched->process->stream_count++;
	if (is_exec) {
		probe_mappings_done(&watched->process->mappings);
	} else {
		HASH_FIND_INT(source->processes, &stream->parent_pid, parent);
		if (parent && parent != watched->process)
			probe_mappings_copy(&watched->process->mappings, &parent->mappings);
		event.kind = EVENT_FORK;
		event.fork = (struct event_fork){stream->parent_pid, stream->parent_tid};
		deliver(context, &event);
	}
	event.kind = EVENT_NAME;
	event.name = (struct event_name){stream->name, is_exec};
	deliver(context, &event);
}

static void take_end(struct probe_source *source, uint32_t slot, source_deliver *deliver,
		     void *context)
{
	struct watched *watched = &source->watched[slot];
	const struct probe_stream *stream = watched->stream;

	for (int i = 0; i < WIRE_LOSSES; i++)
		source->lost[i] += source->memory.slots[slot].lost[i];
	if (!watched->is_replaced)
		deliver(context, &(struct event){.kind = EVENT_EXIT,
						 .pid = stream->pid,
						 .tid = stream->tid,
						 .time_ns = stream->ended_ns});
	if (!--watched->process->stream_count)
		process_remove(source, watched->process);
	probe_stream_release(watched->stream, &source->memory, slot);
	*watched->stream = (struct probe_stream){0};
	*watched = (struct watched){.stream = watched->stream};
}

static bool is_gone(const struct probe_stream *stream)
{
	return syscall(SYS_tgkill, stream->pid, stream->tid, 0) && errno == ESRCH;
}

static void read_cpu_time(struct process *process)
{
	uint64_t cpu_ns;
	clockid_t clock;

	if (clock_getcpuclockid(process->pid, &clock))
		return;
	cpu_ns = now_ns(clock);
	if (cpu_ns > process->cpu_ns)
		process->cpu_ns = cpu_ns;
}

/* Notes which threads ended without a word, and what the processes have used. */
static void check(struct probe_source *source)
{
	uint64_t time_ns = now_ns(CLOCK_MONOTONIC);
	struct process *process, *next;

	HASH_ITER (hh, source->processes, process, next)
		read_cpu_time(process);
	for (uint32_t i = 0; i < source->streams.limit; i++) {
		struct probe_stream *stream = &source->streams.rows[i];

		if (!stream->is_used || stream->has_ended || !is_gone(stream))
			continue;
		stream->has_ended = true;
		stream->ended_ns = time_ns;
	}
}

/* ---- records ------------------------------------------------------------------------------ */

/* Tells the thread's name where it has changed: a young thread is looked at oftener. */
static void tell_name(struct watched *watched, uint64_t time_ns, source_deliver *deliver,
		      void *context)
{
	struct probe_stream *stream = watched->stream;
	char name[sizeof(stream->name)];

	if (watched->named_ns && time_ns - watched->named_ns < watched->name_age_ns)
		return;
	watched->named_ns = time_ns;
	watched->name_age_ns = watched->name_age_ns ? 2 * watched->name_age_ns : FIRST_NAME_NS;
	if (watched->name_age_ns > LAST_NAME_NS)
		watched->name_age_ns = LAST_NAME_NS;
	if (!proc_thread_name(stream->tid, name, sizeof(name)) || !strcmp(name, stream->name))
		return;
	strcpy(stream->name, name);
	deliver(context, &(struct event){.kind = EVENT_NAME,
					 .pid = stream->pid,
					 .tid = stream->tid,
					 .time_ns = time_ns,
					 .name = {stream->name, false}});
}

/*
 * Returns what a sample stands for: the thread's CPU time since its sample before. What a thread
 * uses after its last sample is in none; its first sample makes up for that. It comes, by the
 * chance of where the tick falls, half a tick after the start on average, and counts a whole one,
 * as the first of evenly drawn samples does: so 200 programs of 3 ms each are told right together,
 * though a quarter of them has no sample.
 */
static uint64_t weight_ns(const struct probe_source *source, struct watched *watched,
			  uint64_t periods)
{
	uint64_t elapsed_ns = periods * source->period_ns;
	bool is_first = !watched->has_sample;

	watched->has_sample = true;
	return is_first && elapsed_ns < source->tick_ns ? source->tick_ns : elapsed_ns;
}

static void take_sample(struct probe_source *source, struct watched *watched, struct event *event,
			source_deliver *deliver, void *context)
{
	tell_name(watched, event->time_ns, deliver, context);
	probe_mappings_refresh(&watched->process->mappings, &source->streams, event,
			       &(struct probe_mappings_sink){deliver, context});
	event->sample.metric = &source->metric;
	event->sample.weight = weight_ns(source, watched, event->sample.weight);
	source->sampled_ns += event->sample.weight;
	deliver(context, event);
}

static void take_record(struct probe_source *source, uint32_t slot, source_deliver *deliver,
			void *context)
{
	struct watched *watched = &source->watched[slot];
	char path[PATH_MAX];
	struct event event;
	uint64_t bytes;

	switch (probe_stream_take(watched->stream, &source->memory, slot, &event, path, &bytes)) {
	case PROBE_TAKE_EVENT:
		if (event.kind == EVENT_SAMPLE) {
			take_sample(source, watched, &event, deliver, context);
		} else {
			probe_mappings_take(&watched->process->mappings, &event, path,
					    &(struct probe_mappings_sink){deliver, context});
		}
		break;
	case PROBE_TAKE_FORGET:
		probe_mappings_doubt(&watched->process->mappings);
		break;
	case PROBE_TAKE_BAD:
		source->unreadable++;
		break;
	case PROBE_TAKE_NOTHING:
		break;
	}
	probe_stream_free(watched->stream, &source->memory, slot, bytes);
}

/* ---- the row of source.h ------------------------------------------------------------------ */

static int row_poll_fd(void *self)
{
	(void)self;
	return -1;
}

static void row_look(void *self)
{
	struct probe_source *source = self;
	uint32_t limit = atomic_load(&source->memory.header->slot_limit);

	source->streams.limit =
		limit < source->memory.slot_count ? limit : source->memory.slot_count;
	check(source);
	for (uint32_t i = 0; i < source->streams.limit; i++)
		probe_stream_look(&source->streams.rows[i], &source->memory, i);
}

static uint64_t row_next(void *self)
{
	struct probe_source *source = self;
	uint64_t first_ns = SOURCE_NOTHING;

	for (uint32_t i = 0; i < source->streams.limit; i++) {
		uint64_t time_ns = probe_stream_next(&source->streams.rows[i], &source->memory, i);

		if (time_ns < first_ns) {
			first_ns = time_ns;
			source->first = i;
		}
	}
	return first_ns;
}

static void row_take(void *self, source_deliver *deliver, void *context)
{
	struct probe_source *source = self;
	struct watched *watched = &source->watched[source->first];

	if (!watched->stream->is_born)
		take_birth(source, watched, deliver, context);
	else if (watched->stream->tail != watched->stream->head)
		take_record(source, source->first, deliver, context);
	else
		take_end(source, source->first, deliver, context);
}

static void row_stop(void *self)
{
	struct probe_source *source = self;

	probe_memory_stop(&source->memory);
}

static uint64_t lost(const struct probe_source *source, enum wire_loss loss)
{
	uint64_t sum = source->lost[loss];

	for (uint32_t i = 0; i < source->streams.limit; i++)
		if (source->streams.rows[i].is_used)
			sum += source->memory.slots[i].lost[loss];
	return sum;
}

/* Adds to the note what could not be sampled here. */
static void describe_refusals(const struct probe_source *source, struct profile *profile)
{
	uint64_t slots = source->memory.header->refused[WIRE_REFUSED_SLOT];
	uint64_t timers = source->memory.header->refused[WIRE_REFUSED_TIMER];
	uint64_t crowded = source->memory.header->refused[WIRE_REFUSED_ROOM_SAMPLE];
	char note[512];

	if (!slots && !timers && !crowded)
		return;
	if (crowded)
		profile_set_number(profile, "sampling.no_room", (int64_t)crowded);
	snprintf(
		note, sizeof(note),
		"%s; not sampled: %lu threads beyond %u at a time, %lu for which the kernel has no "
		"timer (ulimit -i), %lu programs whose memory is limited (ulimit -v)",
		probe_source_engine.note, slots, source->memory.slot_count, timers, crowded);
	profile_set_text(profile, "engine_note", note);
}

static void row_describe(void *self, struct profile *profile)
{
	const struct probe_source *source = self;

	profile_set_number(profile, "lost.ring_full", (int64_t)lost(source, WIRE_LOST_FULL));
	profile_set_number(profile, "lost.side_ring_full", (int64_t)lost(source, WIRE_LOST_SIDE));
	profile_set_number(profile, "lost.busy", (int64_t)lost(source, WIRE_LOST_BUSY));
	profile_set_number(profile, "lost.unreadable", (int64_t)source->unreadable);
	describe_refusals(source, profile);
}

static void row_close(void *self)
{
	probe_source_close(self);
}

struct source probe_source_row(struct probe_source *source)
{
	static const struct source_kind kind = SOURCE_KIND("probe");

	return (struct source){&kind, source};
}

/* ------------------------------------------------------------------------------------------- */

void probe_source_close(struct probe_source *source)
{
	struct process *process, *next;

	if (!source)
		return;
	HASH_ITER (hh, source->processes, process, next)
		process_remove(source, process);
	probe_memory_done(&source->memory);
	free(source->streams.rows);
	free(source->watched);
	free(source);
}

const struct event_metric *probe_source_metric(const struct probe_source *source)
{
	return &source->metric;
}

uint64_t probe_source_sampled_ns(const struct probe_source *source)
{
	return source->sampled_ns;
}

uint64_t probe_source_cpu_ns(const struct probe_source *source)
{
	uint64_t sum_ns = source->ended_cpu_ns;

	for (const struct process *process = source->processes; process; process = process->hh.next)
		sum_ns += process->cpu_ns;
	return sum_ns;
}
