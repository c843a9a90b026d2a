/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * debug_unit: the functions of one compilation unit and the calls that were inlined into each,
 * read from DWARF once and searchable by address.
 *
 * The tree of debugging information entries is walked by our own loops, which cannot be led in
 * circles by bad sibling references, and no deeper than DEBUG_UNIT_DEPTH.
 */
#pragma once

#include "collector/resolve/address_ranges.h"

#include <elfutils/libdw.h>
#include <stdbool.h>

#define DEBUG_UNIT_DEPTH 256

/* A call that was inlined into a function. */
struct debug_inlined {
	Dwarf_Die die;
	uint64_t low, high; /* hull of its ranges */
	uint32_t range;	    /* first of its ranges in the function's list */
	uint32_t range_count;
	uint32_t next; /* index behind its own inlined calls */
	uint32_t call_line;
	uint32_t call_file; /* index in the unit's table of files */
};

struct debug_concrete {
	Dwarf_Die die;
	bool read;		       /* the lists below are filled */
	struct debug_inlined *inlined; /* in preorder */
	size_t inlined_count, inlined_capacity;
	struct debug_range *ranges;
	size_t range_count, range_capacity;
};

struct debug_range {
	uint64_t low, high;
};

struct debug_unit {
	Dwarf_Die die;	       /* has the line table; the skeleton of a split unit */
	Dwarf_Die tree;	       /* has the functions */
	bool read;	       /* top level and namespaces have been read */
	bool read_deep;	       /* the whole tree has been read */
	bool lacks_tree;       /* it is split, and its other part was not found */
	bool has_foreign_tree; /* a file is where that should be, but another build's, or cut */
	struct debug_concrete *functions;
	size_t function_count, function_capacity;
	struct address_ranges ranges; /* of functions; value = index */
};

/* @unit  zero-initialised, with .die set; released with debug_unit_done */
void debug_unit_done(struct debug_unit *unit);

/*
 * Returns the function with code around @address, or NULL.
 *
 * @budget  ranges that may still be stored for this file, counted down; with hostile files it
 *          ends, and what was not stored is not found
 * Cost: the first call reads the unit's top level (about 1 ms for a big one); a call for code that
 * no function of the top level covers reads the whole tree once; otherwise one bisection.
 */
struct debug_concrete *debug_unit_function(struct debug_unit *unit, uint64_t address,
					   size_t *budget);

/* Returns the name of the file that a split unit's other part is in, borrowed; NULL: none. */
const char *debug_unit_split_name(Dwarf_Die *root);

/* Fills in the calls inlined into @function, once. @budget as above. */
void debug_unit_read_inlined(struct debug_concrete *function, size_t *budget);

/* Says whether the code of @inlined covers @address. */
bool debug_unit_covers(const struct debug_concrete *function, const struct debug_inlined *inlined,
		       uint64_t address);

/* Steps to the next entry of a tree level; returns false after the last or on a bad one. */
bool debug_unit_sibling(Dwarf_Die *die);
