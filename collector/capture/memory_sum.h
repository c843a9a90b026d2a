/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_sum: the tallies of all slots (struct wire_tally), summed up for each stack.
 */
#pragma once

#include "collector/capture/probe_memory.h"

struct memory_sum {
	uint64_t allocations, bytes;
	uint64_t frees, freed_bytes;
	uint64_t temporaries;
	uint64_t lifetime;			  /* steps of the clock, of all blocks freed */
	uint64_t peak_blocks, peak_bytes;	  /* modulo 2^64: see memory_sum_difference */
	uint64_t replaced_blocks, replaced_bytes; /* of memory_amounts; 0 as it is summed up */
};

/*
 * Sums up. Of sampled allocations it is what they stand for, in whole blocks and bytes.
 *
 * @epochs  of each node's process, @node_count of them
 * Returns an array by node, owned by the caller. Numbers in the memory that lead nowhere are passed
 * over. Cost: proportional to the tallies in use.
 */
struct memory_sum *memory_sum_make(const struct probe_memory *memory, const uint64_t *epochs,
				   uint32_t node_count);

/* Sums the shapes of all slots up into @sum, in the same way. */
void memory_sum_shape(const struct probe_memory *memory, struct wire_shape *sum);

/* Returns @more - @less, 0 when that is below 0: a process that still runs, or died in the middle
 * of a count, may have counted a free before the allocation. */
static inline uint64_t memory_sum_difference(uint64_t more, uint64_t less)
{
	int64_t difference = (int64_t)(more - less);

	return difference > 0 ? (uint64_t)difference : 0;
}
