/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flow_lines: see flow_lines.h. */
#include "collector/resolve/flow_lines.h"

#include "collector/base/xalloc.h"

#include <string.h>

/* That a block has something of a line. */
struct mention {
	const char *folder, *file;
	uint32_t line, block;
	bool begins; /* a statement of the line begins in it; else it goes on there */
};

struct reading {
	const struct flow *flow;
	struct mention *mentions;
	uint32_t count, capacity;
	uint8_t *role; /* by block, of the line at hand */
	uint32_t *stack, *next;
};

enum role {
	OTHER,
	CONTINUES, /* it may belong to the line */
	BELONGS,
	OPEN, /* belongs, and is being walked through */
	DONE
};

/* ---- which blocks have what ---------------------------------------------------------------- */

static void mention(struct reading *reading, const struct debug_row *row, uint32_t block,
		    bool begins)
{
	xgrow(reading->mentions, reading->count, reading->capacity);
	reading->mentions[reading->count++] =
		(struct mention){row->folder, row->file, row->line, block, begins};
}

static void take_row(void *context, const struct debug_row *row)
{
	struct reading *reading = context;
	const struct flow *flow = reading->flow;

	if (!row->file || !row->line)
		return;
	for (uint32_t i = 0; i < flow->count; i++) {
		const struct flow_block *block = &flow->blocks[i];
		bool starts_here = row->start - block->address < block->bytes;

		if (block->is_dead)
			continue;
		if (starts_here && row->is_statement)
			mention(reading, row, i, true);
		else if (row->start <= block->address && block->address < row->end)
			mention(reading, row, i, false);
	}
}

static int compare_mentions(const void *left, const void *right)
{
	const struct mention *a = left, *b = right;
	int files = strcmp(a->file, b->file);

	if (files)
		return files;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return b->begins - a->begins;
}

/* ---- the blocks of one line ---------------------------------------------------------------- */

static bool is_of_line(uint8_t role)
{
	return role >= BELONGS;
}

/* A block that continues the line belongs to it when it is reached from it only. */
static bool is_reached_only_from_line(const struct reading *reading, uint32_t block)
{
	const struct flow *flow = reading->flow;
	bool any = false;

	if (flow->blocks[block].is_root)
		return false;
	for (uint32_t i = 0; i < flow->edge_count; i++) {
		if (flow->edges[i].to != block)
			continue;
		if (!is_of_line(reading->role[flow->edges[i].from]))
			return false;
		any = true;
	}
	return any;
}

static void take_continuations(struct reading *reading, const struct mention *mentions,
			       uint32_t count)
{
	bool has_grown = true;

	while (has_grown) {
		has_grown = false;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t block = mentions[i].block;

			if (reading->role[block] != CONTINUES ||
			    !is_reached_only_from_line(reading, block))
				continue;
			reading->role[block] = BELONGS;
			has_grown = true;
		}
	}
}

static void add_edge(struct flow_lines *lines, uint32_t edge)
{
	xgrow(lines->edges, lines->edge_count, lines->edge_capacity);
	lines->edges[lines->edge_count++] = edge;
}

/* Walks in depth through the blocks of the line. What leads back to a block on the way is another
 * round of a loop, and counts; all other edges within the line do not. */
static void walk(struct reading *reading, uint32_t from, struct flow_lines *lines)
{
	const struct flow *flow = reading->flow;
	uint32_t depth = 0;

	if (reading->role[from] != BELONGS)
		return;
	reading->role[from] = OPEN;
	reading->next[from] = 0;
	reading->stack[depth++] = from;
	while (depth) {
		uint32_t block = reading->stack[depth - 1], edge, to;

		if (reading->next[block] == flow->blocks[block].edge_count) {
			reading->role[block] = DONE;
			depth--;
			continue;
		}
		edge = flow->blocks[block].first_edge + reading->next[block]++;
		to = flow->edges[edge].to;
		if (to == FLOW_OUTSIDE || !is_of_line(reading->role[to]))
			continue;
		if (reading->role[to] != OPEN)
			add_edge(lines, edge);
		if (reading->role[to] != BELONGS)
			continue;
		reading->role[to] = OPEN;
		reading->next[to] = 0;
		reading->stack[depth++] = to;
	}
}

/* Says whether control can come to a block from outside its line. */
static bool is_entrance(const struct reading *reading, uint32_t block)
{
	return !is_reached_only_from_line(reading, block);
}

static void take_line(struct reading *reading, const struct mention *mentions, uint32_t count,
		      struct flow_lines *lines)
{
	struct flow_line line = {mentions->folder,
				 mentions->file,
				 mentions->line,
				 lines->block_count,
				 0,
				 lines->edge_count,
				 0};

	for (uint32_t i = count; i-- > 0;)
		reading->role[mentions[i].block] = mentions[i].begins ? BELONGS : CONTINUES;
	take_continuations(reading, mentions, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t block = mentions[i].block;

		if ((i && mentions[i - 1].block == block) || !is_of_line(reading->role[block]))
			continue;
		xgrow(lines->blocks, lines->block_count, lines->block_capacity);
		lines->blocks[lines->block_count++] = block;
	}
	for (uint32_t i = 0; i < count; i++)
		if (is_entrance(reading, mentions[i].block))
			walk(reading, mentions[i].block, lines);
	for (uint32_t i = 0; i < count; i++)
		walk(reading, mentions[i].block, lines);
	for (uint32_t i = 0; i < count; i++)
		reading->role[mentions[i].block] = OTHER;
	line.block_count = lines->block_count - line.first_block;
	line.edge_count = lines->edge_count - line.first_edge;
	if (!line.block_count)
		return;
	xgrow(lines->lines, lines->count, lines->capacity);
	lines->lines[lines->count++] = line;
}

void flow_lines_read(struct flow_lines *lines, struct debug_lines *debug,
		     const struct function_code *code, const struct flow *flow)
{
	struct reading reading = {.flow = flow};

	*lines = (struct flow_lines){0};
	for (size_t i = 0; i < code->count && debug; i++)
		debug_lines_rows(debug, code->parts[i].address,
				 code->parts[i].address + code->parts[i].count, take_row, &reading);
	reading.role = xcalloc(flow->count, sizeof(*reading.role));
	reading.stack = xcalloc(flow->count, sizeof(*reading.stack));
	reading.next = xcalloc(flow->count, sizeof(*reading.next));
	if (reading.count)
		qsort(reading.mentions, reading.count, sizeof(*reading.mentions), compare_mentions);
	for (uint32_t i = 0, end; i < reading.count; i = end) {
		for (end = i + 1; end < reading.count; end++)
			if (reading.mentions[end].line != reading.mentions[i].line ||
			    strcmp(reading.mentions[end].file, reading.mentions[i].file))
				break;
		take_line(&reading, &reading.mentions[i], end - i, lines);
	}
	free(reading.mentions);
	free(reading.role);
	free(reading.stack);
	free(reading.next);
}

void flow_lines_done(struct flow_lines *lines)
{
	free(lines->lines);
	free(lines->blocks);
	free(lines->edges);
	*lines = (struct flow_lines){0};
}

uint64_t flow_lines_hits(const struct flow_lines *lines, const struct flow_line *line,
			 const uint64_t *blocks, const uint64_t *edges)
{
	uint64_t hits = 0, off = 0;

	for (uint32_t i = 0; i < line->block_count; i++)
		hits += blocks[lines->blocks[line->first_block + i]];
	for (uint32_t i = 0; i < line->edge_count; i++) {
		uint64_t edge = edges[lines->edges[line->first_edge + i]];

		off += edge == UINT64_MAX ? 0 : edge;
	}
	return hits > off ? hits - off : 0;
}

bool flow_lines_is_counted(const struct flow_lines *lines, const struct flow_line *line,
			   const bool *is_probed)
{
	for (uint32_t i = 0; i < line->block_count; i++)
		if (!is_probed[lines->blocks[line->first_block + i]])
			return false;
	return !line->edge_count;
}
