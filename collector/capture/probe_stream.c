/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_stream: see probe_stream.h. */
#include "collector/capture/probe_stream.h"

#include <stdatomic.h>
#include <string.h>

#define MOST_PERIODS 1000000u /* of one sample; more is no sample of ours */

_Static_assert(WIRE_REGISTERS == EVENT_REGISTERS, "copied as they are");

static void take_up(struct probe_stream *stream, const struct wire_slot *slot)
{
	*stream = (struct probe_stream){
		.is_used = true,
		.birth = slot->birth,
		.pid = slot->pid,
		.tid = slot->tid,
		.parent_pid = slot->parent_pid,
		.parent_tid = slot->parent_tid,
		.born_ns = slot->born_ns,
	};
	memcpy(stream->name, slot->name, sizeof(slot->name));
}

void probe_stream_look(struct probe_stream *stream, const struct probe_memory *memory,
		       uint32_t slot)
{
	struct wire_slot *at = &memory->slots[slot];
	uint32_t state = atomic_load_explicit(&at->state, memory_order_acquire);

	if (state == WIRE_SLOT_ACTIVE &&
	    atomic_compare_exchange_strong(&at->state, &state, WIRE_SLOT_SEEN))
		state = WIRE_SLOT_SEEN;
	if (state != WIRE_SLOT_SEEN && state != WIRE_SLOT_ENDED)
		return;
	if (!stream->is_used)
		take_up(stream, at);
	if (state == WIRE_SLOT_ENDED && !stream->has_ended) {
		stream->has_ended = true;
		stream->ended_ns = at->ended_ns;
	}
	stream->head = atomic_load_explicit(&at->head, memory_order_acquire);
}

static const struct wire_record *record_at(const struct probe_stream *stream,
					   const struct probe_memory *memory, uint32_t slot,
					   uint64_t *room)
{
	uint64_t offset = stream->tail & (memory->ring_bytes - 1);
	uint64_t present = stream->head - stream->tail;

	*room = memory->ring_bytes - offset;
	if (*room > present)
		*room = present;
	if (present > memory->ring_bytes || *room < sizeof(struct wire_record) ||
	    offset % sizeof(struct wire_record))
		return NULL;
	return (const struct wire_record *)(memory->rings + slot * memory->ring_bytes + offset);
}

uint64_t probe_stream_next(const struct probe_stream *stream, const struct probe_memory *memory,
			   uint32_t slot)
{
	const struct wire_record *record;
	uint64_t room, time_ns;

	if (!stream->is_used)
		return UINT64_MAX;
	if (!stream->is_born)
		return stream->born_ns;
	if (stream->tail == stream->head)
		return stream->has_ended ? stream->ended_ns : UINT64_MAX;
	record = record_at(stream, memory, slot, &room);
	time_ns = record ? record->time_ns : 0; /* 0: to be taken at once, and found bad */
	return time_ns == UINT64_MAX ? 0 : time_ns;
}

static bool take_sample(const struct wire_sample *sample, uint64_t bytes, struct event *event)
{
	uint64_t stack_bytes, periods;

	if (bytes < sizeof(*sample))
		return false;
	stack_bytes = sample->stack_bytes;
	periods = sample->periods;
	if (stack_bytes > bytes - sizeof(*sample) || !periods || periods > MOST_PERIODS)
		return false;
	event->kind = EVENT_SAMPLE;
	event->sample = (struct event_sample){
		.weight = periods,
		.has_registers = EVENT_REGISTERS_64,
		.stack = sample->stack,
		.stack_bytes = stack_bytes,
		.red_zone = sample->has_red_zone ? sample->red_zone : NULL,
	};
	memcpy(event->sample.registers, sample->registers, sizeof(sample->registers));
	return true;
}

static bool take_mapping(const struct wire_mapping *mapping, uint64_t bytes, struct event *event,
			 char path[PATH_MAX])
{
	uint64_t path_bytes = bytes - sizeof(*mapping);

	if (bytes <= sizeof(*mapping) ||
	    !memccpy(path, mapping->path, '\0', path_bytes < PATH_MAX ? path_bytes : PATH_MAX))
		return false;
	event->kind = EVENT_MAPPING;
	event->mapping = (struct event_mapping){
		.start = mapping->start,
		.end = mapping->end,
		.file_offset = mapping->file_offset,
		.build_id_bytes = mapping->build_id_bytes,
		.path = path,
	};
	memcpy(event->mapping.build_id, mapping->build_id, sizeof(mapping->build_id));
	return event->mapping.end > event->mapping.start &&
	       event->mapping.build_id_bytes <= sizeof(mapping->build_id);
}

enum probe_take probe_stream_take(const struct probe_stream *stream,
				  const struct probe_memory *memory, uint32_t slot,
				  struct event *event, char path[PATH_MAX], uint64_t *bytes)
{
	uint64_t room;
	const struct wire_record *record = record_at(stream, memory, slot, &room);
	bool is_good = false;

	*bytes = stream->head - stream->tail;
	if (!record)
		return PROBE_TAKE_BAD;
	room = record->bytes <= room ? record->bytes : 0;
	if (room < sizeof(*record) || room % sizeof(*record))
		return PROBE_TAKE_BAD;
	*event = (struct event){.pid = stream->pid, .tid = stream->tid, .time_ns = record->time_ns};
	switch (record->kind) {
	case WIRE_PAD:
		*bytes = room;
		return PROBE_TAKE_NOTHING;
	case WIRE_FORGET:
		*bytes = room;
		return PROBE_TAKE_FORGET;
	case WIRE_SAMPLE:
		is_good = take_sample((const struct wire_sample *)record, room, event);
		break;
	case WIRE_MAPPING:
		is_good = take_mapping((const struct wire_mapping *)record, room, event, path);
		break;
	default:
		break;
	}
	if (!is_good)
		return PROBE_TAKE_BAD;
	*bytes = room;
	return PROBE_TAKE_EVENT;
}

void probe_stream_free(struct probe_stream *stream, const struct probe_memory *memory,
		       uint32_t slot, uint64_t bytes)
{
	stream->tail += bytes;
	atomic_store_explicit(&memory->slots[slot].tail, stream->tail, memory_order_release);
}

void probe_stream_release(struct probe_stream *stream, const struct probe_memory *memory,
			  uint32_t slot)
{
	stream->is_used = false;
	atomic_store_explicit(&memory->slots[slot].state, WIRE_SLOT_FREE, memory_order_release);
}
