/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_record: see perf_record.h. */
#include "collector/capture/perf_record.h"

#include <string.h>

/* PERF_REG_X86_* order of the delivered registers → DWARF numbers. */
static const uint8_t dwarf_number[EVENT_REGISTERS] = {
	0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15,
};

/* The unread part of a record. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

/* Takes @bytes off the front; NULL when there are fewer. */
static const void *take(struct cursor *cursor, size_t bytes)
{
	const void *taken = cursor->at;

	if (bytes > cursor->left)
		return NULL;
	cursor->at += bytes;
	cursor->left -= bytes;
	return taken;
}

static bool take_u64(struct cursor *cursor, uint64_t *value)
{
	const void *taken = take(cursor, sizeof(*value));

	if (taken)
		memcpy(value, taken, sizeof(*value));
	return taken;
}

static bool take_pid_tid(struct cursor *cursor, struct event *event)
{
	const void *taken = take(cursor, 8);

	if (!taken)
		return false;
	memcpy(&event->pid, taken, 4);
	memcpy(&event->tid, (const uint8_t *)taken + 4, 4);
	return true;
}

/* A marker begins each part of the chain: the kernel's, then the user's. */
static bool take_callchain(struct cursor *cursor, struct event_sample *sample)
{
	const uint64_t *chain;
	uint64_t count, user = 0;

	if (!take_u64(cursor, &count) || count > cursor->left / 8)
		return false;
	chain = take(cursor, count * 8);
	while (user < count && chain[user] != PERF_CONTEXT_USER)
		user++;
	sample->kernel = chain;
	sample->kernel_count = user;
	if (user && chain[0] >= PERF_CONTEXT_MAX) {
		sample->kernel++;
		sample->kernel_count--;
	}
	if (user < count) {
		sample->callers = chain + user + 1;
		sample->caller_count = count - user - 1;
	}
	return true;
}

static bool take_registers(struct cursor *cursor, struct event_sample *sample)
{
	uint64_t abi;

	if (!take_u64(cursor, &abi) || abi > PERF_SAMPLE_REGS_ABI_64)
		return false;
	sample->has_registers = abi == PERF_SAMPLE_REGS_ABI_64	 ? EVENT_REGISTERS_64
				: abi == PERF_SAMPLE_REGS_ABI_32 ? EVENT_REGISTERS_32
								 : EVENT_REGISTERS_NONE;
	if (abi == PERF_SAMPLE_REGS_ABI_NONE)
		return true;
	for (int i = 0; i < EVENT_REGISTERS; i++)
		if (!take_u64(cursor, &sample->registers[dwarf_number[i]]))
			return false;
	return true;
}

/* The copy takes the room that was asked for; present_bytes of it are real. */
static bool take_stack(struct cursor *cursor, struct event_sample *sample)
{
	uint64_t room_bytes, present_bytes;

	if (!take_u64(cursor, &room_bytes))
		return false;
	sample->stack_bytes = 0;
	if (!room_bytes)
		return true;
	sample->stack = take(cursor, room_bytes);
	if (!sample->stack || !take_u64(cursor, &present_bytes) || present_bytes > room_bytes)
		return false;
	sample->stack_bytes = present_bytes;
	return true;
}

/* A cpu-clock event with a fixed period delivers that period: the caller's unit is the period. */
static bool parse_sample(struct cursor *cursor, struct event *event)
{
	event->kind = EVENT_SAMPLE;
	event->sample = (struct event_sample){0};
	return take_pid_tid(cursor, event) && take_u64(cursor, &event->time_ns) &&
	       take_u64(cursor, &event->sample.weight) && take_callchain(cursor, &event->sample) &&
	       take_registers(cursor, &event->sample) && take_stack(cursor, &event->sample);
}

/* Takes the rest as a string that ends inside the record; @tail_bytes of sample_id follow it. */
static const char *take_string(struct cursor *cursor, size_t tail_bytes)
{
	size_t bytes = cursor->left > tail_bytes ? cursor->left - tail_bytes : 0;
	const char *string = take(cursor, bytes);

	return bytes && string[bytes - 1] == '\0' ? string : NULL;
}

static bool parse_mapping(struct cursor *cursor, struct event *event, uint16_t misc)
{
	struct event_mapping *mapping = &event->mapping;
	uint64_t bytes;
	const uint8_t *identity;

	event->kind = EVENT_MAPPING;
	if (!take_pid_tid(cursor, event) || !take_u64(cursor, &mapping->start) ||
	    !take_u64(cursor, &bytes) || !take_u64(cursor, &mapping->file_offset))
		return false;
	mapping->end = mapping->start + bytes;
	/* Either {maj, min, ino, generation} or {size, padding, build-id}, 24 bytes; then prot,
	 * flags. */
	identity = take(cursor, 24);
	if (!identity || !take(cursor, 8))
		return false;
	mapping->inode = mapping->device = 0;
	mapping->build_id_bytes = 0;
	if (!(misc & PERF_RECORD_MISC_MMAP_BUILD_ID)) {
		uint32_t device[2]; /* major, minor */

		memcpy(device, identity, sizeof(device));
		mapping->device = (uint64_t)device[0] << 32 | device[1];
		memcpy(&mapping->inode, identity + 8, 8);
	} else if (identity[0] <= sizeof(mapping->build_id)) {
		mapping->build_id_bytes = identity[0];
		memcpy(mapping->build_id, identity + 4, sizeof(mapping->build_id));
	}
	mapping->path = take_string(cursor, 16);
	return mapping->path && mapping->end > mapping->start;
}

static bool parse_task(struct cursor *cursor, struct event *event, enum event_kind kind)
{
	const int32_t *ids = take(cursor, 16);

	if (!ids)
		return false;
	event->kind = kind;
	event->pid = ids[0];
	event->fork.parent_pid = ids[1];
	event->tid = ids[2];
	event->fork.parent_tid = ids[3];
	return true;
}

static bool parse_name(struct cursor *cursor, struct event *event, uint16_t misc)
{
	event->kind = EVENT_NAME;
	if (!take_pid_tid(cursor, event))
		return false;
	event->name.name = take_string(cursor, 16);
	event->name.is_exec = misc & PERF_RECORD_MISC_COMM_EXEC;
	return event->name.name;
}

static bool parse_lost(struct cursor *cursor, struct event *event)
{
	event->kind = EVENT_LOST;
	return take(cursor, 8) && take_u64(cursor, &event->lost);
}

int perf_record_parse(const struct perf_event_header *header, struct event *event)
{
	struct cursor cursor = {(const uint8_t *)(header + 1), header->size - sizeof(*header)};
	bool good = true;

	event->kind = EVENT_NONE;
	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		good = parse_sample(&cursor, event);
		break;
	case PERF_RECORD_MMAP2:
		good = parse_mapping(&cursor, event, header->misc);
		break;
	case PERF_RECORD_FORK:
		good = parse_task(&cursor, event, EVENT_FORK);
		break;
	case PERF_RECORD_EXIT:
		good = parse_task(&cursor, event, EVENT_EXIT);
		break;
	case PERF_RECORD_COMM:
		good = parse_name(&cursor, event, header->misc);
		break;
	case PERF_RECORD_LOST:
		good = parse_lost(&cursor, event);
		break;
	case PERF_RECORD_THROTTLE:
		event->kind = EVENT_THROTTLE;
		break;
	default:
		return 0;
	}
	if (header->type != PERF_RECORD_SAMPLE)
		event->time_ns = perf_record_time(header);
	return good ? 0 : -1;
}

uint64_t perf_record_time(const struct perf_event_header *header)
{
	const uint8_t *record = (const uint8_t *)header;
	uint64_t time_ns;
	size_t at;

	/* A sample has it behind pid and tid, other records in the sample_id at their end. */
	at = header->type == PERF_RECORD_SAMPLE ? sizeof(*header) + 8 : header->size - 8u;
	if (header->size < sizeof(*header) + 16)
		return 0;
	memcpy(&time_ns, record + at, sizeof(time_ns));
	return time_ns;
}
