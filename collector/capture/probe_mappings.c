/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_mappings: see probe_mappings.h. Source: proc(5), /proc/PID/maps. */
#include "collector/capture/probe_mappings.h"

#include "collector/base/xalloc.h"
#include "collector/capture/proc_snapshot.h"

#include <string.h>
#include <time.h>

#define REREAD_NS    10000000u /* less than a round, */
#define REREAD_SHARE 50	       /* but no more than one part in so many of the time */

static uint64_t now_ns(void)
{
	struct timespec time = {0};

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void tell(struct probe_mappings *mappings, const struct event *event,
		 const struct probe_mappings_sink *sink)
{
	if (mapped_code_note(&mappings->code, &event->mapping))
		sink->deliver(sink->context, event);
}

/* Makes the path that the dynamic linker has of an object the one the kernel would tell. */
static void resolve_path(struct event *event, char path[PATH_MAX])
{
	char resolved[PATH_MAX];

	if (*path == '/' && realpath(path, resolved))
		strcpy(path, resolved);
	event->mapping.path = path;
}

void probe_mappings_take(struct probe_mappings *mappings, struct event *event, char path[PATH_MAX],
			 const struct probe_mappings_sink *sink)
{
	resolve_path(event, path);
	tell(mappings, event, sink);
}

void probe_mappings_doubt(struct probe_mappings *mappings)
{
	mapped_code_doubt(&mappings->code);
	mappings->read_ns = 0;
}

/* ---- what is mapped now -------------------------------------------------------------------- */

/* Not told before it is known to hold. */
struct reading {
	struct event *events;
	size_t count, capacity;
};

static void keep(void *context, const struct event *event)
{
	struct reading *reading = context;
	struct event *kept;

	xgrow(reading->events, reading->count, reading->capacity);
	kept = &reading->events[reading->count++];
	*kept = *event;
	kept->mapping.path = xstrdup(event->mapping.path);
}

static void reading_done(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++)
		free((char *)reading->events[i].mapping.path);
	free(reading->events);
}

/* ---- what the rings say of the time until now ---------------------------------------------- */

/* A stream that is read ahead of those who take its records. */
struct ahead {
	struct probe_stream stream;
	uint32_t slot;
};

/* Goes over a record, and says what it is. */
static enum probe_take pass(struct ahead *ahead, const struct probe_memory *memory,
			    struct event *event, char path[PATH_MAX])
{
	uint64_t bytes;
	enum probe_take take =
		probe_stream_take(&ahead->stream, memory, ahead->slot, event, path, &bytes);

	ahead->stream.tail += bytes;
	return take;
}

static bool has_more(const struct ahead *ahead)
{
	return ahead->stream.tail != ahead->stream.head;
}

/* Goes to behind the stream's next word that mappings are void. Returns its time, UINT64_MAX when
 * there is none. */
static uint64_t find_doubt(struct ahead *ahead, const struct probe_memory *memory)
{
	char path[PATH_MAX];
	struct event event;

	while (has_more(ahead))
		if (pass(ahead, memory, &event, path) == PROBE_TAKE_FORGET)
			return event.time_ns;
	return UINT64_MAX;
}

/* The same of all streams of a process; the first counts. */
static bool find_first_doubt(const struct probe_streams *streams, pid_t pid, struct ahead *found)
{
	uint64_t first_ns = UINT64_MAX;

	for (uint32_t i = 0; i < streams->limit; i++) {
		struct ahead ahead = {streams->rows[i], i};
		uint64_t time_ns;

		if (!ahead.stream.is_used || !ahead.stream.is_born || ahead.stream.pid != pid)
			continue;
		time_ns = find_doubt(&ahead, streams->memory);
		if (time_ns < first_ns) {
			first_ns = time_ns;
			*found = ahead;
		}
	}
	return first_ns != UINT64_MAX;
}

/* Tells the mappings that the probe lists from here on. */
static void tell_listed(struct probe_mappings *mappings, const struct probe_memory *memory,
			struct ahead *ahead, uint64_t time_ns,
			const struct probe_mappings_sink *sink)
{
	enum probe_take take = PROBE_TAKE_NOTHING;
	char path[PATH_MAX];
	struct event event;

	while (has_more(ahead) && take != PROBE_TAKE_FORGET) {
		take = pass(ahead, memory, &event, path);
		if (take != PROBE_TAKE_EVENT || event.kind != EVENT_MAPPING)
			continue;
		event.time_ns = time_ns;
		probe_mappings_take(mappings, &event, path, sink);
	}
}

/* Says whether the process has executed another program since. */
static bool has_executed(const struct probe_streams *streams, pid_t pid)
{
	for (uint32_t i = 0; i < streams->limit; i++) {
		const struct probe_stream *stream = &streams->rows[i];

		if (stream->is_used && !stream->is_born && stream->pid == pid &&
		    stream->birth == WIRE_BIRTH_EXEC)
			return true;
	}
	return false;
}

/* -------------------------------------------------------------------------------------------- */

static void read_mappings(struct probe_mappings *mappings, const struct probe_streams *streams,
			  const struct event *sample, const struct probe_mappings_sink *sink)
{
	struct reading reading = {0};
	struct ahead ahead;

	mappings->read_ns = now_ns();
	proc_mappings(sample->pid, sample->time_ns, keep, &reading);
	for (uint32_t i = 0; i < streams->limit; i++)
		probe_stream_look(&streams->rows[i], streams->memory, i);
	if (find_first_doubt(streams, sample->pid, &ahead))
		tell_listed(mappings, streams->memory, &ahead, sample->time_ns, sink);
	else if (!has_executed(streams, sample->pid))
		for (size_t i = 0; i < reading.count; i++)
			tell(mappings, &reading.events[i], sink);
	reading_done(&reading);
	mappings->cost_ns = now_ns() - mappings->read_ns;
}

/* Nothing comes of a process that is gone. */
void probe_mappings_refresh(struct probe_mappings *mappings, const struct probe_streams *streams,
			    const struct event *sample, const struct probe_mappings_sink *sink)
{
	uint64_t address = sample->sample.registers[EVENT_REGISTERS - 1], rest_ns = REREAD_NS;

	if (rest_ns < REREAD_SHARE * mappings->cost_ns && mapped_code_has(&mappings->code, address))
		rest_ns = REREAD_SHARE * mappings->cost_ns;
	if (sample->time_ns > mappings->read_ns && now_ns() - mappings->read_ns >= rest_ns)
		read_mappings(mappings, streams, sample, sink);
}

void probe_mappings_copy(struct probe_mappings *mappings, const struct probe_mappings *parent)
{
	mapped_code_copy(&mappings->code, &parent->code);
	mappings->read_ns = parent->read_ns;
	mappings->cost_ns = parent->cost_ns;
}

void probe_mappings_done(struct probe_mappings *mappings)
{
	mapped_code_done(&mappings->code);
	*mappings = (struct probe_mappings){0};
}
