/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of found ids: growing, sorting. */
#include "sim/allocate.h"
#include "sim/spatial/spatial_index.h"

#include <stdlib.h>

enum {
	FOUND_MINIMUM = 64,
	FEW = 24, /* ids that insertion sorts faster than anything else */
};

uint32_t *spatial_found_reserve(struct spatial_found *found, size_t more)
{
	if (found->count + more > found->capacity) {
		size_t needed = found->count + more;
		size_t doubled = found->capacity ? 2 * found->capacity : FOUND_MINIMUM;
		found->capacity = needed > doubled ? needed : doubled;
		found->ids = reallocate(found->ids, found->capacity, sizeof(*found->ids));
	}
	return found->ids + found->count;
}

void spatial_found_append(struct spatial_found *found, uint32_t id)
{
	*spatial_found_reserve(found, 1) = id;
	found->count++;
}

static void sort_few(uint32_t *ids, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint32_t id = ids[i];
		size_t j = i;
		for (; j > 0 && ids[j - 1] > id; j--)
			ids[j] = ids[j - 1];
		ids[j] = id;
	}
}

/* Hoare's partition around the middle; ids are distinct. Returns where the upper part begins. */
static size_t part(uint32_t *ids, size_t count)
{
	uint32_t pivot = ids[(count - 1) / 2];
	size_t i = 0, j = count - 1;
	for (;; i++, j--) {
		while (ids[i] < pivot)
			i++;
		while (ids[j] > pivot)
			j--;
		if (i >= j)
			return j + 1;
		uint32_t swapped = ids[i];
		ids[i] = ids[j];
		ids[j] = swapped;
	}
}

/* The shorter part by a call, the longer one by the loop: no deeper than log2 of the count. */
static void sort_many(uint32_t *ids, size_t count)
{
	while (count > FEW) {
		size_t lower = part(ids, count);
		if (lower < count - lower) {
			sort_many(ids, lower);
			ids += lower;
			count -= lower;
		} else {
			sort_many(ids + lower, count - lower);
			count = lower;
		}
	}
	sort_few(ids, count);
}

void spatial_found_sort(struct spatial_found *found)
{
	sort_many(found->ids, found->count);
}

void spatial_found_done(struct spatial_found *found)
{
	free(found->ids);
	*found = (struct spatial_found){0};
}
