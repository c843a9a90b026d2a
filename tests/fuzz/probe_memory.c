/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe_memory: fuzz target of all that reads the memory shared with libprobe.so, where a hostile
 * program may have written anything anywhere: threads and their rings of samples, stacks and
 * amounts, operations; up to the rows of the profile.
 *
 * Input: one byte of modes, then changes of the memory, each of them
 *
 *     region    an enum wire_region_kind, or WIRE_REGIONS for the counters of the header
 *     row       which slot, ring, node, ... of the region
 *     place     in it, in words of four bytes
 *     words     so many words of four bytes follow
 */
#include "collector/capture/memory_source.h"
#include "collector/capture/probe_source.h"
#include "collector/recorder.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_BYTES 4
#define NOBODY	     0x40000000 /* added to process numbers: nobody has these */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int append(void *context, const struct profile_sample *sample, struct error *error)
{
	(void)context;
	(void)error;
	if (sample->ending >= PROFILE_ENDINGS)
		abort();
	return 0;
}

static void deliver(void *context, const struct event *event)
{
	recorder_take(context, event);
}

/* Returns where a row of a region begins, and how long it is; NULL when there is no such row. */
static void *row_of(const struct probe_memory *memory, uint8_t region, uint8_t row, size_t *bytes)
{
	const struct {
		void *start;
		size_t bytes, limit;
	} regions[WIRE_REGIONS + 1] = {
		[WIRE_SLOTS] = {memory->slots, sizeof(*memory->slots), memory->slot_count},
		[WIRE_RINGS] = {memory->rings, memory->ring_bytes, memory->slot_count},
		[WIRE_PROCESSES] = {memory->processes, sizeof(*memory->processes),
				    memory->process_limit},
		[WIRE_NODES] = {memory->nodes, sizeof(*memory->nodes), memory->node_limit},
		[WIRE_TALLY_ROWS] = {memory->tally_rows,
				     WIRE_ROW_SEGMENTS * sizeof(*memory->tally_rows),
				     memory->slot_count + 1},
		[WIRE_SHAPES] = {memory->shapes, sizeof(*memory->shapes), memory->slot_count + 1},
		[WIRE_TALLIES] = {memory->tallies, sizeof(*memory->tallies),
				  (size_t)memory->segment_limit * WIRE_SEGMENT_TALLIES},
		[WIRE_THREADS] = {memory->threads, sizeof(*memory->threads), memory->thread_limit},
		[WIRE_SUBJECTS] = {memory->subjects, sizeof(*memory->subjects),
				   memory->subject_limit},
		[WIRE_OPERATIONS] = {memory->operations, sizeof(*memory->operations),
				     memory->operation_limit},
		[WIRE_SPREADS] = {memory->spreads, sizeof(*memory->spreads), memory->spread_limit},
		[WIRE_TEXTS] = {(void *)memory->texts, 1024, memory->text_limit / 1024},
		[WIRE_COUNTS] = {(void *)memory->counts, sizeof(*memory->counts), WIRE_COUNTS_MOST},
		[WIRE_REGIONS] = {&memory->header->slot_limit,
				  sizeof(*memory->header) -
					  offsetof(struct wire_header, slot_limit),
				  1},
	};
	/* A region that the modes have no use for lies where the header is. */
	bool exists = region <= WIRE_REGIONS && row < regions[region].limit &&
		      (region == WIRE_REGIONS || memory->header->regions[region].offset);

	*bytes = exists ? regions[region].bytes : 0;
	return exists ? (uint8_t *)regions[region].start + row * regions[region].bytes : NULL;
}

/* Makes one change. Returns how many bytes of the input it took. */
static size_t change(const struct probe_memory *memory, const uint8_t *data, size_t bytes)
{
	size_t room, place = data[2] * 4u, amount = data[3] * 4u;
	uint8_t *row = row_of(memory, data[0], data[1], &room);

	if (amount > bytes - CHANGE_BYTES)
		amount = bytes - CHANGE_BYTES;
	if (row && place < room)
		memcpy(row + place, data + CHANGE_BYTES,
		       amount < room - place ? amount : room - place);
	return CHANGE_BYTES + amount;
}

static int32_t hidden(int32_t number)
{
	return (number & (NOBODY - 1)) | NOBODY;
}

/* What is asked of processes must not depend on who runs here. */
static void hide_processes(const struct probe_memory *memory)
{
	for (uint32_t i = 0; i < memory->slot_count; i++) {
		struct wire_slot *slot = &memory->slots[i];

		if (!slot->state)
			continue;
		slot->pid = hidden(slot->pid);
		slot->tid = hidden(slot->tid);
	}
	for (uint32_t i = 0; memory->header->regions[WIRE_PROCESSES].offset && i < 256; i++)
		if (memory->processes[i].pid > 0)
			memory->processes[i].pid = hidden(memory->processes[i].pid);
}

static void read_all(struct probe_source *sampled, const struct probe_memory_options *options)
{
	const struct probe_memory *memory = probe_source_memory(sampled);
	struct profile *profile = profile_new();
	struct modules *modules = modules_new(profile);
	struct recorder *recorder =
		recorder_new(profile, modules, (struct recorder_sink){append, NULL}, 0);
	struct memory_source *counted = memory_source_open(memory, options, NULL);
	struct sources sources = {0};

	sources_add(&sources, memory_source_row(counted));
	sources_add(&sources, probe_source_row(sampled));
	source_round(sources.rows, sources.count, false, deliver, recorder);
	sources_stop(&sources);
	source_round(sources.rows, sources.count, true, deliver, recorder);
	sources_describe(&sources, profile);
	recorder_free(recorder);
	sources_close(&sources);
	modules_free(modules);
	profile_free(profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct probe_memory_options options = {.modes = WIRE_MODE_SAMPLE};
	const struct probe_memory *memory;
	struct probe_source *source;
	struct error error;

	if (!bytes)
		return 0;
	options.modes |= data[0] & 1 ? WIRE_MODES_OPERATIONS : WIRE_MODE_MEMORY;
	options.modes |= data[0] & 2 ? WIRE_MODES_STACKS : 0;
	options.memory_rate = data[0] & 4 ? 4096 : 0;
	source = probe_source_open(250, &options, &error);
	if (!source)
		return 0;
	memory = probe_source_memory(source);
	for (size_t at = 1; at + CHANGE_BYTES <= bytes;)
		at += change(memory, data + at, bytes - at);
	hide_processes(memory);
	read_all(source, &options);
	return 0;
}
