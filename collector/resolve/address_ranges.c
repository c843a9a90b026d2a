/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address_ranges: see address_ranges.h.
 *
 * After sorting by start (longer first), the candidate for an address is the last range that
 * starts at or before it. If it ends too early, every range before it that ends no later cannot
 * cover the address either; `outer` leads to the nearest earlier one that ends later. These links
 * are the "previous greater element" of the ends and are made in one pass.
 */
#include "collector/resolve/address_ranges.h"

#include "collector/base/xalloc.h"

#define NO_OUTER    UINT32_MAX
#define STEPS_LIMIT 1000

void address_ranges_add(struct address_ranges *ranges, uint64_t start, uint64_t end, uint32_t value)
{
	if (end <= start || ranges->count == NO_OUTER)
		return;
	xgrow(ranges->list, ranges->count, ranges->capacity);
	ranges->list[ranges->count++] = (struct address_range){
		.start = start,
		.end = end,
		.value = value,
	};
}

static int compare_ranges(const void *left, const void *right)
{
	const struct address_range *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return (a->value > b->value) - (a->value < b->value);
}

static void sort(struct address_ranges *ranges)
{
	for (size_t i = 1; i < ranges->count; i++)
		if (compare_ranges(&ranges->list[i - 1], &ranges->list[i]) > 0) {
			qsort(ranges->list, ranges->count, sizeof(*ranges->list), compare_ranges);
			return;
		}
}

/* Leaves one of each run of equal ranges. */
static void merge_equal(struct address_ranges *ranges, address_ranges_prefer *prefer, void *context)
{
	size_t kept = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		struct address_range *range = &ranges->list[i];
		struct address_range *last = kept ? &ranges->list[kept - 1] : NULL;

		if (last && last->start == range->start && last->end == range->end) {
			if (prefer && prefer(range->value, last->value, context))
				last->value = range->value;
		} else {
			ranges->list[kept++] = *range;
		}
	}
	ranges->count = kept;
}

static void link_outer(struct address_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		uint32_t outer = i ? (uint32_t)i - 1 : NO_OUTER;

		while (outer != NO_OUTER && ranges->list[outer].end <= ranges->list[i].end)
			outer = ranges->list[outer].outer;
		ranges->list[i].outer = outer;
	}
}

void address_ranges_sort(struct address_ranges *ranges, address_ranges_prefer *prefer,
			 void *context)
{
	sort(ranges);
	merge_equal(ranges, prefer, context);
	link_outer(ranges);
}

/* Returns how many ranges start at or before @address. */
static size_t count_to(const struct address_ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct address_range *address_ranges_find(const struct address_ranges *ranges,
						uint64_t address)
{
	size_t count = count_to(ranges, address);
	uint32_t at = count ? (uint32_t)count - 1 : NO_OUTER;

	for (int steps = 0; at != NO_OUTER && steps < STEPS_LIMIT; steps++) {
		if (ranges->list[at].end > address)
			return &ranges->list[at];
		at = ranges->list[at].outer;
	}
	return NULL;
}

uint64_t address_ranges_next(const struct address_ranges *ranges, uint64_t address)
{
	size_t count = count_to(ranges, address);

	return count < ranges->count ? ranges->list[count].start : UINT64_MAX;
}

void address_ranges_done(struct address_ranges *ranges)
{
	free(ranges->list);
	*ranges = (struct address_ranges){0};
}
