/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_amounts: what has come to each stack since the last look, metric by metric.
 */
#pragma once

#include "collector/capture/event.h"
#include "collector/capture/memory_images.h"
#include "collector/capture/memory_sum.h"

/* In the order in which they are told. */
enum memory_metric {
	MEMORY_METRIC_ALLOCATIONS,
	MEMORY_METRIC_ALLOCATED,
	MEMORY_METRIC_TEMPORARIES,
	MEMORY_METRIC_LIVE,
	MEMORY_METRIC_LIVE_BLOCKS,
	MEMORY_METRIC_PEAK,
	MEMORY_METRIC_PEAK_BLOCKS,
	MEMORY_METRIC_LIFETIME,
	MEMORY_METRIC_REPLACED,
	MEMORY_METRIC_REPLACED_BLOCKS,
	/* of memory from the kernel itself */
	MEMORY_METRIC_MAPPINGS,
	MEMORY_METRIC_MAPPED,
	MEMORY_METRIC_MAPPED_LIVE,
	MEMORY_METRICS,
};

extern const struct event_metric memory_metrics[MEMORY_METRICS];

/* The sum of what was told of a stack. */
struct memory_told {
	uint64_t values[MEMORY_METRICS];
};

struct memory_amounts {
	struct memory_told *told; /* by node */
	size_t told_count, told_capacity;
	struct memory_sum *sums; /* of the look at hand; NULL: all is told */
	uint32_t count;		 /* of the nodes looked at */
	uint32_t node;		 /* where the telling is */
	int metric;
};

/* One change: @weight of memory_metrics[metric], a difference where that is a level. */
struct memory_change {
	uint32_t node;
	enum memory_metric metric;
	uint64_t weight;
};

/*
 * Looks at the amounts of the first @count nodes. What an earlier look has found and nobody has
 * taken is found again.
 *
 * @epochs  as of memory_sum_make
 * @images  of each node's process: one that was replaced has nothing live, but what it had until
 * then; one that is lower has no part in the peak
 */
void memory_amounts_look(struct memory_amounts *amounts, const struct probe_memory *memory,
			 const uint64_t *epochs, const struct memory_image *images, uint32_t count);

/* Finds the next change without taking it; returns false when there is none. */
bool memory_amounts_find(struct memory_amounts *amounts, struct memory_change *change);

/* Takes the change that was found. */
void memory_amounts_take(struct memory_amounts *amounts, const struct memory_change *change);

void memory_amounts_done(struct memory_amounts *amounts);
