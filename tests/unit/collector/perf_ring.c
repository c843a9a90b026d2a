/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/perf_ring.c, on memory that a test fills as the kernel would. */
#include "collector/capture/perf_ring.h"

#include <criterion/criterion.h>
#include <string.h>

#define RING_BYTES 256

static struct perf_event_mmap_page page;
static uint8_t data[RING_BYTES], whole[65536];

static struct perf_ring ring_over_memory(void)
{
	return (struct perf_ring){.page = &page, .data = data, .bytes = RING_BYTES, .whole = whole};
}

/* Writes a record of @bytes, filled with @fill, and advances the head. */
static void kernel_writes(uint16_t bytes, uint8_t fill)
{
	struct perf_event_header header = {.type = PERF_RECORD_SAMPLE, .size = bytes};
	uint8_t record[RING_BYTES];

	memset(record, fill, sizeof(record));
	memcpy(record, &header, sizeof(header));
	for (uint16_t i = 0; i < bytes; i++)
		data[(page.data_head + i) % RING_BYTES] = record[i];
	page.data_head += bytes;
}

Test(perf_ring, gives_records_in_order_and_their_room_back)
{
	struct perf_ring ring = ring_over_memory();
	const struct perf_event_header *record;

	perf_ring_snapshot(&ring);
	cr_assert_null(perf_ring_peek(&ring));
	kernel_writes(32, 1);
	kernel_writes(48, 2);
	cr_assert_null(perf_ring_peek(&ring), "only a snapshot shows what is new");
	perf_ring_snapshot(&ring);
	record = perf_ring_peek(&ring);
	cr_assert_eq(record->size, 32);
	cr_assert_eq(perf_ring_peek(&ring), record, "peeking takes nothing");
	perf_ring_advance(&ring, record);
	cr_assert_eq(page.data_tail, 32);
	record = perf_ring_peek(&ring);
	cr_assert_eq(record->size, 48);
	cr_assert_eq(((const uint8_t *)record)[47], 2);
	perf_ring_advance(&ring, record);
	cr_assert_eq(page.data_tail, 80);
	cr_assert_null(perf_ring_peek(&ring));
}

Test(perf_ring, puts_a_record_together_that_wraps_around)
{
	struct perf_ring ring = ring_over_memory();
	const struct perf_event_header *record;

	for (uint8_t round = 0; round < 100; round++) {
		kernel_writes(72, round);
		perf_ring_snapshot(&ring);
		record = perf_ring_peek(&ring);
		cr_assert_not_null(record);
		cr_assert_eq(record->size, 72);
		for (int i = sizeof(*record); i < 72; i++)
			cr_assert_eq(((const uint8_t *)record)[i], round);
		perf_ring_advance(&ring, record);
	}
}

Test(perf_ring, goes_on_behind_a_record_of_impossible_size)
{
	struct perf_ring ring = ring_over_memory();

	kernel_writes(16, 0);
	((struct perf_event_header *)data)->size = 4;
	perf_ring_snapshot(&ring);
	cr_assert_null(perf_ring_peek(&ring));
	kernel_writes(24, 7);
	perf_ring_snapshot(&ring);
	cr_assert_eq(perf_ring_peek(&ring)->size, 24);
}
