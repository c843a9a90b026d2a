/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_amounts: see memory_amounts.h. */
#include "collector/capture/memory_amounts.h"

#include "collector/base/xalloc.h"

const struct event_metric memory_metrics[MEMORY_METRICS] = {
	[MEMORY_METRIC_ALLOCATIONS] = {"allocations", "count", 1, false},
	[MEMORY_METRIC_ALLOCATED] = {"allocated", "bytes", 1, false},
	[MEMORY_METRIC_TEMPORARIES] = {"temporaries", "count", 1, false},
	[MEMORY_METRIC_LIVE] = {"live", "bytes", 1, true},
	[MEMORY_METRIC_LIVE_BLOCKS] = {"live-blocks", "count", 1, true},
	[MEMORY_METRIC_PEAK] = {"peak", "bytes", 1, true},
	[MEMORY_METRIC_PEAK_BLOCKS] = {"peak-blocks", "count", 1, true},
	[MEMORY_METRIC_LIFETIME] = {"lifetime", "ms", 1, false},
	[MEMORY_METRIC_REPLACED] = {"replaced", "bytes", 1, false},
	[MEMORY_METRIC_REPLACED_BLOCKS] = {"replaced-blocks", "count", 1, false},
	[MEMORY_METRIC_MAPPINGS] = {"mappings", "count", 1, false},
	[MEMORY_METRIC_MAPPED] = {"mapped", "bytes", 1, false},
	[MEMORY_METRIC_MAPPED_LIVE] = {"mapped-live", "bytes", 1, true},
};

static uint64_t value_of(const struct memory_sum *sum, int metric)
{
	switch (metric) {
	case MEMORY_METRIC_ALLOCATIONS:
	case MEMORY_METRIC_MAPPINGS:
		return sum->allocations;
	case MEMORY_METRIC_ALLOCATED:
	case MEMORY_METRIC_MAPPED:
		return sum->bytes;
	case MEMORY_METRIC_TEMPORARIES:
		return sum->temporaries;
	case MEMORY_METRIC_LIVE:
	case MEMORY_METRIC_MAPPED_LIVE:
		return memory_sum_difference(sum->bytes, sum->freed_bytes);
	case MEMORY_METRIC_LIVE_BLOCKS:
		return memory_sum_difference(sum->allocations, sum->frees);
	case MEMORY_METRIC_PEAK:
		return memory_sum_difference(sum->peak_bytes, 0);
	case MEMORY_METRIC_PEAK_BLOCKS:
		return memory_sum_difference(sum->peak_blocks, 0);
	case MEMORY_METRIC_REPLACED:
		return sum->replaced_bytes;
	case MEMORY_METRIC_REPLACED_BLOCKS:
		return sum->replaced_blocks;
	default:
		return sum->lifetime * (WIRE_CLOCK_NS / 1000000);
	}
}

/* What a program had is gone when its process executes another, and is no part of a peak that a
 * program of the same process has passed. */
static void take_away(struct memory_sum *sum, const struct memory_image *image)
{
	if (image->is_replaced) {
		sum->replaced_bytes = memory_sum_difference(sum->bytes, sum->freed_bytes);
		sum->replaced_blocks = memory_sum_difference(sum->allocations, sum->frees);
		sum->freed_bytes = sum->bytes;
		sum->frees = sum->allocations;
	}
	if (image->is_lower)
		sum->peak_bytes = sum->peak_blocks = 0;
}

void memory_amounts_look(struct memory_amounts *amounts, const struct probe_memory *memory,
			 const uint64_t *epochs, const struct memory_image *images, uint32_t count)
{
	while (amounts->told_count < count) {
		xgrow(amounts->told, amounts->told_count, amounts->told_capacity);
		amounts->told[amounts->told_count++] = (struct memory_told){0};
	}
	free(amounts->sums);
	amounts->sums = memory_sum_make(memory, epochs, count);
	for (uint32_t i = 0; i < count; i++)
		take_away(&amounts->sums[i], &images[i]);
	amounts->count = count;
	amounts->node = 0;
	amounts->metric = 0;
}

/* What came to a metric since it was last told. What only grows is never told to have shrunk, as
 * memory that anybody may write could say. */
static uint64_t change_of(const struct memory_amounts *amounts, uint32_t node, int metric)
{
	uint64_t value = value_of(&amounts->sums[node], metric);
	uint64_t told = amounts->told[node].values[metric];

	return memory_metrics[metric].is_level ? value - told : memory_sum_difference(value, told);
}

bool memory_amounts_find(struct memory_amounts *amounts, struct memory_change *change)
{
	if (!amounts->sums)
		return false;
	for (; amounts->node < amounts->count; amounts->node++, amounts->metric = 0)
		for (; amounts->metric < MEMORY_METRICS; amounts->metric++) {
			change->weight = change_of(amounts, amounts->node, amounts->metric);
			if (!change->weight)
				continue;
			change->node = amounts->node;
			change->metric = (enum memory_metric)amounts->metric;
			return true;
		}
	free(amounts->sums);
	amounts->sums = NULL;
	return false;
}

void memory_amounts_take(struct memory_amounts *amounts, const struct memory_change *change)
{
	amounts->told[change->node].values[change->metric] += change->weight;
	amounts->metric++;
}

void memory_amounts_done(struct memory_amounts *amounts)
{
	free(amounts->told);
	free(amounts->sums);
}
