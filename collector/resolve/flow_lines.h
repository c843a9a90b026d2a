/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flow_lines: from hits of blocks to hits of source lines.
 *
 * A line's hits are how often control comes to it from elsewhere, or comes round a loop that is all
 * in it: what gcov counts. Where a line begins the line table tells (is_stmt); a compiler that
 * optimises scatters a line's instructions, and marks with it where its statements begin. So of the
 * blocks where a line begins, or that continue it and are reached from it only, all hits are added
 * up, and those that came from another of them on the way down are taken off.
 *
 * Source: DWARF 5, 6.2.2 (is_stmt); GCC, "Invoking gcov".
 */
#pragma once

#include "collector/resolve/debug_lines.h"
#include "collector/resolve/flow.h"

struct flow_line {
	const char *folder, *file; /* borrowed from the debug information */
	uint32_t line;
	uint32_t first_block, block_count; /* in flow_lines.blocks: whose hits count */
	uint32_t first_edge, edge_count;   /* in flow_lines.edges: whose hits are taken off */
};

struct flow_lines {
	struct flow_line *lines;
	uint32_t count, capacity;
	uint32_t *blocks;
	uint32_t block_count, block_capacity;
	uint32_t *edges;
	uint32_t edge_count, edge_capacity;
};

/* Reads the lines of a function's code. Without any the file has no debug information, or none of
 * the function. flow_lines_done releases. */
void flow_lines_read(struct flow_lines *lines, struct debug_lines *debug,
		     const struct function_code *code, const struct flow *flow);
void flow_lines_done(struct flow_lines *lines);

/* Returns the hits of a line, by those of blocks and edges (flow_counters_solve). */
uint64_t flow_lines_hits(const struct flow_lines *lines, const struct flow_line *line,
			 const uint64_t *blocks, const uint64_t *edges);

/* Says whether a line was counted itself: each of its blocks has a probe, and nothing is taken off.
 */
bool flow_lines_is_counted(const struct flow_lines *lines, const struct flow_line *line,
			   const bool *is_probed);
