/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/probe_stream.c. */
#include "collector/capture/probe_stream.h"

#include <criterion/criterion.h>
#include <string.h>

#define SLOT 3

static struct probe_memory memory;
static struct probe_stream stream;
static struct event event;
static char path[PATH_MAX];
static uint64_t bytes;

static void setup(void)
{
	static const struct probe_memory_options options = {.period_ns = 1000000};
	struct wire_slot *slot;

	cr_assert_eq(probe_memory_make(&memory, &options, NULL), 0);
	slot = &memory.slots[SLOT];
	slot->birth = WIRE_BIRTH_THREAD;
	slot->pid = 10;
	slot->tid = 11;
	slot->parent_pid = 10;
	slot->parent_tid = 10;
	slot->born_ns = 5;
	memcpy(slot->name, "sixteen letters.", sizeof(slot->name));
	slot->state = WIRE_SLOT_ACTIVE;
}

static void teardown(void)
{
	probe_memory_done(&memory);
}

TestSuite(probe_stream, .init = setup, .fini = teardown);

/* Puts a record at the ring's @at and makes it the last one. */
static void write_record(uint64_t at, const void *record, uint64_t record_bytes)
{
	memcpy(memory.rings + SLOT * memory.ring_bytes + at % memory.ring_bytes, record,
	       record_bytes);
	memory.slots[SLOT].head = at + record_bytes;
}

static struct wire_sample sample(uint64_t time_ns)
{
	struct wire_sample made = {
		.record = {sizeof(made), WIRE_SAMPLE, time_ns},
		.periods = 3,
	};

	for (uint64_t i = 0; i < WIRE_REGISTERS; i++)
		made.registers[i] = 100 + i;
	return made;
}

/* Looks, and takes the birth. */
static void begin(void)
{
	probe_stream_look(&stream, &memory, SLOT);
	cr_assert(stream.is_used);
	stream.is_born = true;
}

static enum probe_take take(void)
{
	return probe_stream_take(&stream, &memory, SLOT, &event, path, &bytes);
}

Test(probe_stream, begins_with_a_birth_and_ends_with_the_threads_end)
{
	probe_stream_look(&stream, &memory, SLOT);
	cr_assert_eq(probe_stream_next(&stream, &memory, SLOT), 5);
	cr_assert_eq(stream.pid, 10);
	cr_assert_eq(stream.tid, 11);
	cr_assert_str_eq(stream.name, "sixteen letters.");
	stream.is_born = true;
	cr_assert_eq(probe_stream_next(&stream, &memory, SLOT), UINT64_MAX);
	memory.slots[SLOT].ended_ns = 9;
	memory.slots[SLOT].state = WIRE_SLOT_ENDED;
	probe_stream_look(&stream, &memory, SLOT);
	cr_assert_eq(probe_stream_next(&stream, &memory, SLOT), 9);
	probe_stream_release(&stream, &memory, SLOT);
	cr_assert_eq(memory.slots[SLOT].state, WIRE_SLOT_FREE);
	probe_stream_look(&stream, &memory, SLOT);
	cr_assert_not(stream.is_used, "nobody has it yet");
}

Test(probe_stream, leaves_a_slot_alone_that_is_being_filled_in)
{
	memory.slots[SLOT].state = WIRE_SLOT_CLAIMED;
	probe_stream_look(&stream, &memory, SLOT);
	cr_assert_not(stream.is_used);
}

Test(probe_stream, marks_a_slot_that_it_has_taken_up)
{
	probe_stream_look(&stream, &memory, SLOT);
	cr_assert_eq(memory.slots[SLOT].state, WIRE_SLOT_SEEN);
	probe_stream_look(&stream, &memory, SLOT);
	cr_assert_eq(memory.slots[SLOT].state, WIRE_SLOT_SEEN);
}

Test(probe_stream, reads_samples_and_gives_their_room_back)
{
	struct {
		struct wire_sample sample;
		uint64_t stack[4];
	} record = {sample(7), {1, 2, 3, 4}};

	record.sample.record.bytes = sizeof(record);
	record.sample.stack_bytes = sizeof(record.stack);
	write_record(0, &record, sizeof(record));
	begin();
	cr_assert_eq(probe_stream_next(&stream, &memory, SLOT), 7);
	cr_assert_eq(take(), PROBE_TAKE_EVENT);
	cr_assert_eq(event.kind, EVENT_SAMPLE);
	cr_assert_eq(event.pid, 10);
	cr_assert_eq(event.tid, 11);
	cr_assert_eq(event.time_ns, 7);
	cr_assert_eq(event.sample.weight, 3);
	cr_assert_eq(event.sample.registers[EVENT_REGISTERS - 1], 100 + WIRE_REGISTERS - 1);
	cr_assert_eq(event.sample.stack_bytes, sizeof(record.stack));
	cr_assert_arr_eq(event.sample.stack, record.stack, sizeof(record.stack));
	cr_assert_eq(event.sample.kernel_count, 0);
	probe_stream_free(&stream, &memory, SLOT, bytes);
	cr_assert_eq(memory.slots[SLOT].tail, sizeof(record));
	cr_assert_eq(probe_stream_next(&stream, &memory, SLOT), UINT64_MAX);
}

Test(probe_stream, passes_the_filler_at_the_rings_end)
{
	struct wire_record filler = {sizeof(filler), WIRE_PAD, 0};
	struct wire_sample made = sample(8);
	uint64_t at = memory.ring_bytes - sizeof(filler);

	stream.tail = at;
	write_record(at, &filler, sizeof(filler));
	write_record(memory.ring_bytes, &made, sizeof(made));
	begin();
	stream.tail = at; /* a stream begins at 0 */
	cr_assert_eq(take(), PROBE_TAKE_NOTHING);
	cr_assert_eq(bytes, sizeof(filler));
	probe_stream_free(&stream, &memory, SLOT, bytes);
	cr_assert_eq(take(), PROBE_TAKE_EVENT);
	cr_assert_eq(event.time_ns, 8);
}

Test(probe_stream, reads_mappings_into_memory_of_its_own)
{
	struct {
		struct wire_mapping mapping;
		char path[16];
	} record = {
		.mapping = {.record = {sizeof(record), WIRE_MAPPING, 6},
			    .start = 0x1000,
			    .end = 0x3000,
			    .file_offset = 0x2000,
			    .build_id_bytes = 20},
		.path = "/lib/a.so",
	};

	_Static_assert(sizeof(record) % sizeof(struct wire_record) == 0, "as all records");
	write_record(0, &record, sizeof(record));
	begin();
	cr_assert_eq(take(), PROBE_TAKE_EVENT);
	cr_assert_eq(event.kind, EVENT_MAPPING);
	cr_assert_eq(event.mapping.end, 0x3000);
	memset(memory.rings + SLOT * memory.ring_bytes, 'x', sizeof(record));
	cr_assert_str_eq(event.mapping.path, "/lib/a.so");
}

Test(probe_stream, refuses_records_that_contradict_themselves)
{
	static const struct {
		uint32_t bytes, kind;
		uint64_t periods, stack_bytes;
	} bad[] = {
		{0, WIRE_SAMPLE, 1, 0},
		{8, WIRE_SAMPLE, 1, 0},
		{sizeof(struct wire_record), WIRE_SAMPLE, 1, 0},
		{sizeof(struct wire_sample) + sizeof(struct wire_record), WIRE_SAMPLE, 1, 0},
		{UINT32_MAX, WIRE_SAMPLE, 1, 0},
		{sizeof(struct wire_sample), WIRE_SAMPLE, 1, 8},
		{sizeof(struct wire_sample), WIRE_SAMPLE, 1, UINT64_MAX},
		{sizeof(struct wire_sample), WIRE_SAMPLE, 0, 0},
		{sizeof(struct wire_sample), WIRE_SAMPLE, UINT64_MAX, 0},
		{sizeof(struct wire_sample), 99, 1, 0},
		{sizeof(struct wire_record), WIRE_MAPPING, 1, 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wire_sample made = sample(1);

		stream = (struct probe_stream){0};
		made.record.bytes = bad[i].bytes;
		made.record.kind = bad[i].kind;
		made.periods = bad[i].periods;
		made.stack_bytes = bad[i].stack_bytes;
		write_record(0, &made, sizeof(made));
		begin();
		cr_assert_eq(take(), PROBE_TAKE_BAD, "%zu", i);
		cr_assert_eq(bytes, sizeof(made), "all that lies there is given up");
	}
}

Test(probe_stream, refuses_a_path_without_end)
{
	struct {
		struct wire_mapping mapping;
		char path[16];
	} record = {.mapping = {.record = {sizeof(record), WIRE_MAPPING, 6}, .start = 1, .end = 2}};

	memset(record.path, 'a', sizeof(record.path));
	write_record(0, &record, sizeof(record));
	begin();
	cr_assert_eq(take(), PROBE_TAKE_BAD);
}

static uint64_t next_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005 + 1442695040888963407;
	return state >> 16;
}

Test(probe_stream, survives_any_head_and_any_bytes)
{
	uint64_t *words = (uint64_t *)(memory.rings + SLOT * memory.ring_bytes);

	for (int round = 0; round < 2000; round++) {
		stream = (struct probe_stream){0};
		for (int i = 0; i < 64; i++)
			words[i] = next_random() >> (next_random() % 64);
		begin();
		stream.tail = next_random() % memory.ring_bytes;
		stream.head =
			stream.tail +
			(next_random() % 2 ? next_random() % (2 * memory.ring_bytes) : UINT64_MAX);
		for (int i = 0; i < 8 && stream.tail != stream.head; i++) {
			probe_stream_next(&stream, &memory, SLOT);
			if (take() == PROBE_TAKE_EVENT)
				cr_assert_leq(event.kind == EVENT_SAMPLE ? event.sample.stack_bytes
									 : 0,
					      memory.ring_bytes);
			cr_assert_gt(bytes, 0);
			probe_stream_free(&stream, &memory, SLOT, bytes);
		}
	}
}
