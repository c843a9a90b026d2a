/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address_ranges: "which of these ranges is the innermost around an address?"
 *
 * The same question is asked of symbols, of compilation units and of functions. Ranges may nest
 * and overlap: the answer is the covering range with the greatest start, and of those the
 * shortest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct address_range {
	uint64_t start, end; /* [start, end) */
	uint32_t value;	     /* the owner's: an index */
	uint32_t outer;	     /* set by address_ranges_sort: where a search goes on */
};

/* Zero-initialised by its owner, released with address_ranges_done. */
struct address_ranges {
	struct address_range *list;
	size_t count, capacity;
};

/* Says whether value @a is a better name than @b for one and the same range. */
typedef int address_ranges_prefer(uint32_t a, uint32_t b, void *context);

/* Adds a range; an empty or reversed one is ignored. */
void address_ranges_add(struct address_ranges *ranges, uint64_t start, uint64_t end,
			uint32_t value);

/*
 * Makes the ranges searchable; called once, when all have been added.
 *
 * @prefer   decides between equal ranges, of which one remains; NULL: the smallest value
 * Cost: O(n log n), O(n) when they were added in order.
 */
void address_ranges_sort(struct address_ranges *ranges, address_ranges_prefer *prefer,
			 void *context);

/*
 * Returns the innermost range that covers @address, or NULL.
 * Cost: one bisection, and a step for each inner range that ends before @address. More than 1,000
 * such steps happen in hostile files only and are answered with NULL.
 */
const struct address_range *address_ranges_find(const struct address_ranges *ranges,
						uint64_t address);

/* Returns the first start above @address, or UINT64_MAX. */
uint64_t address_ranges_next(const struct address_ranges *ranges, uint64_t address);

void address_ranges_done(struct address_ranges *ranges);
