/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_shape: how large the blocks of a recording were, how long they lived, and how soon they
 * were freed, over all call sites.
 */
#pragma once

#include "reports/memory.h"

#include <jansson.h>

enum {
	MEMORY_SHAPE_SIZES = 42,     /* [i]: from 1 << (i - 1) to (1 << i) - 1 bytes; [0]: none */
	MEMORY_SHAPE_LIFETIMES = 26, /* [i]: from 2 << i to (4 << i) - 1 ms; [0]: less than 4 */
	MEMORY_SHAPE_AGES = 8,	     /* [i]: freed within the next 1 << i allocations */
};

struct memory_shape {
	uint64_t sizes[MEMORY_SHAPE_SIZES];
	uint64_t lifetimes[MEMORY_SHAPE_LIFETIMES]; /* of the blocks that were freed */
	uint64_t within[MEMORY_SHAPE_AGES];
	uint64_t sized, freed;		  /* blocks in the first, in the second */
	uint64_t median_bytes;		  /* that half of the blocks do not exceed, to a quarter */
	uint64_t rate;			  /* bytes between samples; 0: all were counted */
	uint64_t counts[PROFILE_BUCKETS]; /* of sizes, as the profile has them */
	double count_variance; /* of the number of allocations, where they were sampled; at most */
};

/* Returns false when the profile has no histograms: it is older than they are. */
bool memory_shape_measure(struct memory_shape *shape, const struct memory *memory,
			  const struct profile *profile);

/*
 * Returns the interval, at 95 %, of a number of blocks; both ends are the number when it is exact.
 *
 * Of blocks that were live the sizes are not kept: they are taken for those among all sizes that
 * leave most open and come to as many bytes. Source: docs/methods.md.
 *
 * @amounts  of a site, or of all
 * @amount   one that counts blocks
 */
struct memory_interval memory_shape_interval(const struct memory_shape *shape,
					     const uint64_t amounts[MEMORY_AMOUNTS],
					     enum memory_amount amount);

/*
 * Writes a number of blocks with its interval: "about 500 ± 40", or "between 3 and 9000" where the
 * sample does not even tell how large it is. Returns @text.
 */
const char *memory_shape_blocks(const struct memory_shape *shape,
				const uint64_t amounts[MEMORY_AMOUNTS], enum memory_amount amount,
				char *text, size_t size);

void memory_shape_write(const struct memory_shape *shape, FILE *stream);
json_t *memory_shape_json(const struct memory_shape *shape);
