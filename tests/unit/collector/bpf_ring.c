/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/bpf_ring.c, on memory laid out as the kernel lays it out. */
#include "collector/capture/bpf_ring.h"

#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <string.h>

#define BYTES 64

static uint64_t head, tail;
static uint8_t data[2 * BYTES];

static struct bpf_ring empty_ring(uint64_t at)
{
	memset(data, 0, sizeof(data));
	head = tail = at;
	return (struct bpf_ring){
		.tail = &tail, .head = &head, .data = data, .bytes = BYTES, .passed = at};
}

/* Writes a record whose bytes are all @fill, in both mappings. */
static void write_record(uint32_t bytes, uint32_t flags, int fill)
{
	uint32_t word[2] = {bytes | flags};

	for (size_t i = 0; i < 8 + bytes; i++) {
		uint8_t byte = i < 8 ? ((uint8_t *)word)[i] : (uint8_t)fill;

		data[(head + i) % BYTES] = data[BYTES + (head + i) % BYTES] = byte;
	}
	head += (8 + bytes + 7) / 8 * 8;
}

/* Expects a record of @bytes times @fill and passes it. */
static void expect_record(struct bpf_ring *ring, size_t bytes, int fill)
{
	size_t found = 0;
	const uint8_t *record = bpf_ring_peek(ring, &found);

	cr_assert_not_null(record);
	cr_assert_eq(found, bytes);
	for (size_t i = 0; i < bytes; i++)
		cr_assert_eq(record[i], fill);
	bpf_ring_advance(ring);
}

Test(bpf_ring, hands_out_what_was_there_at_the_snapshot_and_gives_the_room_back)
{
	struct bpf_ring ring = empty_ring(0);
	size_t bytes;

	write_record(5, 0, 'a');
	bpf_ring_snapshot(&ring);
	write_record(8, 0, 'b');
	expect_record(&ring, 5, 'a');
	cr_assert_eq(tail, 16);
	cr_assert_null(bpf_ring_peek(&ring, &bytes));
	bpf_ring_snapshot(&ring);
	expect_record(&ring, 8, 'b');
	cr_assert_null(bpf_ring_peek(&ring, &bytes));
	cr_assert_eq(tail, head);
}

Test(bpf_ring, a_record_over_the_end_is_in_one_piece)
{
	struct bpf_ring ring = empty_ring(3 * BYTES + 48);

	write_record(24, 0, 'c');
	bpf_ring_snapshot(&ring);
	expect_record(&ring, 24, 'c');
}

Test(bpf_ring, waits_for_a_record_that_is_being_written)
{
	struct bpf_ring ring = empty_ring(0);
	size_t bytes;

	write_record(8, BPF_RINGBUF_BUSY_BIT, 'd');
	write_record(8, 0, 'e');
	bpf_ring_snapshot(&ring);
	cr_assert_null(bpf_ring_peek(&ring, &bytes));
	cr_assert_eq(tail, 0);
	*(uint32_t *)data = 8;
	expect_record(&ring, 8, 'd');
	expect_record(&ring, 8, 'e');
}

Test(bpf_ring, passes_records_that_were_given_up)
{
	struct bpf_ring ring = empty_ring(0);
	size_t bytes;

	write_record(8, BPF_RINGBUF_DISCARD_BIT, 'f');
	write_record(8, 0, 'g');
	write_record(8, BPF_RINGBUF_DISCARD_BIT, 'h');
	bpf_ring_snapshot(&ring);
	expect_record(&ring, 8, 'g');
	cr_assert_null(bpf_ring_peek(&ring, &bytes));
	cr_assert_eq(tail, head);
}
