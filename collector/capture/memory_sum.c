/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_sum: see memory_sum.h. */
#include "collector/capture/memory_sum.h"

#include "collector/base/xalloc.h"

#include <stdatomic.h>
#include <stdbool.h>

static uint64_t get(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_relaxed);
}

static void add(struct memory_sum *sum, const struct wire_tally *tally, uint64_t epoch,
		int count_shift)
{
	bool is_kept = atomic_load_explicit(&tally->epoch, memory_order_relaxed) == epoch;
	uint64_t blocks = get(&tally->allocations) - get(&tally->frees);

	sum->allocations += get(&tally->allocations);
	sum->bytes += get(&tally->bytes);
	sum->frees += get(&tally->frees);
	sum->freed_bytes += get(&tally->freed_bytes);
	sum->temporaries += get(&tally->temporaries);
	sum->lifetime += get(&tally->lifetime);
	/* What has not changed since the peak stands as it stood then. */
	sum->peak_blocks += is_kept ? (uint64_t)(int64_t)(int32_t)tally->peak_blocks
				    : (uint64_t)((int64_t)blocks >> count_shift);
	sum->peak_bytes +=
		is_kept ? get(&tally->peak_bytes) : get(&tally->bytes) - get(&tally->freed_bytes);
}

/* The nearest whole number, of a value that may be below 0 modulo 2^64. */
static uint64_t whole(uint64_t value, int shift)
{
	return shift ? (uint64_t)((int64_t)(value + (1u << (shift - 1))) >> shift) : value;
}

static void make_whole(struct memory_sum *sums, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct memory_sum *sum = &sums[i];

		sum->allocations = whole(sum->allocations, WIRE_COUNT_SHIFT);
		sum->frees = whole(sum->frees, WIRE_COUNT_SHIFT);
		sum->temporaries = whole(sum->temporaries, WIRE_COUNT_SHIFT);
		sum->bytes = whole(sum->bytes, WIRE_BYTES_SHIFT);
		sum->freed_bytes = whole(sum->freed_bytes, WIRE_BYTES_SHIFT);
		sum->peak_bytes = whole(sum->peak_bytes, WIRE_BYTES_SHIFT);
	}
}

static void add_segment(struct memory_sum *sums, const struct wire_tally *tallies,
			const uint64_t *epochs, uint32_t first, uint32_t node_count,
			int count_shift)
{
	for (uint32_t i = 0; i < WIRE_SEGMENT_TALLIES && first + i < node_count; i++)
		add(&sums[first + i], &tallies[i], epochs[first + i], count_shift);
}

struct memory_sum *memory_sum_make(const struct probe_memory *memory, const uint64_t *epochs,
				   uint32_t node_count)
{
	struct memory_sum *sums = xcalloc((size_t)node_count + 1, sizeof(*sums));
	uint32_t limit = atomic_load(&memory->header->slot_limit);
	int count_shift = memory->memory_rate ? WIRE_COUNT_SHIFT : 0;

	/* Behind the slots is everybody's row. To read what nobody wrote would take memory. */
	for (uint32_t slot = 0; slot <= memory->slot_count; slot++) {
		const _Atomic uint32_t *row = &memory->tally_rows[(size_t)slot * WIRE_ROW_SEGMENTS];

		if (slot >= limit && slot < memory->slot_count)
			continue;
		for (uint32_t i = 0; i < WIRE_ROW_SEGMENTS; i++) {
			uint32_t segment = atomic_load(&row[i]);

			if (!segment || segment > memory->segment_limit)
				continue;
			add_segment(sums,
				    &memory->tallies[(size_t)(segment - 1) * WIRE_SEGMENT_TALLIES],
				    epochs, i * WIRE_SEGMENT_TALLIES, node_count, count_shift);
		}
	}
	if (memory->memory_rate)
		make_whole(sums, node_count);
	return sums;
}

static void add_all(_Atomic uint64_t *sums, const _Atomic uint64_t *values, uint32_t count,
		    int shift)
{
	for (uint32_t i = 0; i < count; i++)
		sums[i] += get(&values[i]) >> shift;
}

void memory_sum_shape(const struct probe_memory *memory, struct wire_shape *sum)
{
	uint32_t limit = atomic_load(&memory->header->slot_limit);
	int shift = memory->memory_rate ? WIRE_COUNT_SHIFT : 0;

	for (uint32_t slot = 0; slot <= memory->slot_count; slot++) {
		const struct wire_shape *shape = &memory->shapes[slot];

		if (slot >= limit && slot < memory->slot_count)
			continue;
		add_all(sum->sizes, shape->sizes, WIRE_SIZES, shift);
		add_all(sum->lifetimes, shape->lifetimes, WIRE_LIFETIMES, shift);
		add_all(sum->ages, shape->ages, WIRE_AGES, shift);
	}
}
