/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lines_write: the cost of lines as text, the hottest first or beside the source, and as JSON.
 *
 * Columns of what was not recorded are left out.
 */
#pragma once

#include "reports/lines_hint.h"
#include "reports/table.h"

#include <jansson.h>

struct lines_view {
	const struct report *report;
	const struct lines *lines;
	const struct lines_hints *hints;
	enum lines_inlined inlined;
	const char *folder; /* to look for sources in, or NULL */
	uint32_t limit;	    /* rows, UINT32_MAX: all */
};

void lines_write_hot(const struct lines_view *view, FILE *stream);
void lines_write_source(const struct lines_view *view, FILE *stream);

/* What the hints and the columns of hits and allocations mean, where there are such. */
void lines_write_remarks(const struct lines_view *view, FILE *stream);

/* The instructions of those functions that @wanted says yes to, LINES_DISASSEMBLED at most, the
 * hottest first; why there are none is written in their place. */
void lines_write_disassembly(const struct lines_view *view, const bool *wanted, FILE *stream);

enum {
	LINES_DISASSEMBLED = 4
};

/*
 * The hits of those functions that @wanted (NULL: all) says yes to and that have no lines, by the
 * addresses of their blocks, and why there are no lines. Nothing where there are none.
 */
void lines_write_blocks(const struct lines_view *view, const bool *wanted, FILE *stream);

/* Likewise: an array of {function, address, bytes, instructions, hits, margin, label}. */
json_t *lines_blocks_json(const struct lines_view *view, const bool *wanted);

/* Says of each row of hit_functions whether its hits are known by address only; an array that the
 * caller owns. */
bool *lines_hits_without_lines(const struct profile *profile);

/* Writes the hits of a block as a cell; an empty one for NULL. */
void lines_block_hits_cell(struct table *table, const struct profile_block_hits *block);

/* An object: what ran, inlined, lines. Owned by the caller. */
json_t *lines_json(const struct lines_view *view);

/* The same instructions: an array of {function, whole, instructions} or {function, missing}. */
json_t *lines_disassembly_json(const struct lines_view *view, const bool *wanted);
