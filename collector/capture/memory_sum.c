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

static void add(struct memory_sum *sum, const struct wire_tally *tally, uint64_t epoch)
{
	bool is_kept = get(&tally->epoch) == epoch;

	sum->allocations += get(&tally->allocations);
	sum->bytes += get(&tally->bytes);
	sum->frees += get(&tally->frees);
	sum->freed_bytes += get(&tally->freed_bytes);
	sum->temporaries += get(&tally->temporaries);
	/* What has not changed since the peak stands as it stood then. */
	sum->peak_blocks +=
		is_kept ? get(&tally->peak_blocks) : get(&tally->allocations) - get(&tally->frees);
	sum->peak_bytes +=
		is_kept ? get(&tally->peak_bytes) : get(&tally->bytes) - get(&tally->freed_bytes);
}

static void add_segment(struct memory_sum *sums, const struct wire_tally *tallies,
			const uint64_t *epochs, uint32_t first, uint32_t node_count)
{
	for (uint32_t i = 0; i < WIRE_SEGMENT_TALLIES && first + i < node_count; i++)
		add(&sums[first + i], &tallies[i], epochs[first + i]);
}

struct memory_sum *memory_sum_make(const struct probe_memory *memory, const uint64_t *epochs,
				   uint32_t node_count)
{
	struct memory_sum *sums = xcalloc((size_t)node_count + 1, sizeof(*sums));
	uint32_t limit = atomic_load(&memory->header->slot_limit);

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
				    epochs, i * WIRE_SEGMENT_TALLIES, node_count);
		}
	}
	return sums;
}
