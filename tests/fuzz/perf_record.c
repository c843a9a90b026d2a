/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_record: fuzz target of collector/capture/perf_record.c. Input: one record of a ring, header
 * and all; its size field is set to what is there, so that the contents contradict it.
 *
 * Everything that an event points to is read: it must lie in the record.
 */
#include "collector/capture/perf_record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static volatile uint8_t sink;

static void read_all(const void *start, size_t bytes)
{
	const uint8_t *at = start;

	for (size_t i = 0; i < bytes; i++)
		sink = at[i];
}

static void read_event(const struct event *event)
{
	switch (event->kind) {
	case EVENT_SAMPLE:
		read_all(event->sample.kernel, event->sample.kernel_count * 8);
		read_all(event->sample.callers, event->sample.caller_count * 8);
		read_all(event->sample.stack, event->sample.stack_bytes);
		break;
	case EVENT_MAPPING:
		read_all(event->mapping.path, strlen(event->mapping.path));
		read_all(event->mapping.build_id, event->mapping.build_id_bytes);
		break;
	case EVENT_NAME:
		read_all(event->name.name, strlen(event->name.name));
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct perf_event_header *record;
	struct event event;

	if (bytes < sizeof(*record) || bytes > UINT16_MAX)
		return 0;
	record = malloc(bytes); /* exactly, and aligned as a ring is */
	if (!record)
		return 0;
	memcpy(record, data, bytes);
	record->size = (uint16_t)bytes;
	if (bytes >= 16)
		perf_record_time(record);
	if (perf_record_parse(record, &event) == 0)
		read_event(&event);
	free(record);
	return 0;
}
