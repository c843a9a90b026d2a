/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flow: see flow.h. */
#include "collector/resolve/flow.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/elf_image.h"
#include "collector/resolve/flow_code.h"

#include <string.h>
#include <unistd.h>

#define LONGEST_TABLE 4096

static const char into_instruction[] = "a jump in it leads into the middle of an instruction";
static const char no_end[] = "its code runs on behind its end";
static const char unknown_way[] = "it has code that no jump is known to lead to";

struct reading {
	struct flow *flow;
	struct flow_code code;
	const struct module *module;
	uint64_t *targets; /* of all tables; each once */
	size_t target_count, target_capacity;
	uint32_t *block_of; /* by instruction */
};

/* ---- jump tables --------------------------------------------------------------------------- */

static void add_target(struct reading *reading, struct flow_instruction *row)
{
	for (size_t i = 0; i < reading->target_count; i++)
		if (reading->targets[i] == row->address)
			return;
	row->is_leader = true;
	xgrow(reading->targets, reading->target_count, reading->target_capacity);
	reading->targets[reading->target_count++] = row->address;
}

/* Takes the entries of a table as long as they are places in the function. */
static void read_table(struct reading *reading, const struct elf_image *image, uint64_t table,
		       bool is_absolute)
{
	const Elf64_Phdr *segment = elf_image_loaded(image, table);
	union {
		uint64_t addresses[LONGEST_TABLE];
		int32_t distances[LONGEST_TABLE];
	} * entries;
	uint64_t offset;
	ssize_t bytes;
	size_t width = is_absolute ? sizeof(uint64_t) : sizeof(int32_t);

	if (!segment)
		return;
	entries = xcalloc(1, sizeof(*entries));
	offset = table - segment->p_vaddr + segment->p_offset;
	bytes = pread(reading->module->fd, entries, LONGEST_TABLE * width, (off_t)offset);
	for (size_t i = 0; bytes > 0 && i < (size_t)bytes / width; i++) {
		uint64_t address = is_absolute ? entries->addresses[i]
					       : table + (uint64_t)(int64_t)entries->distances[i];
		struct flow_instruction *row = flow_code_at(&reading->code, address);

		if (!row)
			break;
		add_target(reading, row);
	}
	free(entries);
}

static bool has_switch(const struct flow_code *code)
{
	for (size_t i = 0; i < code->count; i++)
		if (code->list[i].kind == FLOW_THROUGH)
			return true;
	return false;
}

static const char *read_tables(struct reading *reading)
{
	const struct flow_code *code = &reading->code;
	struct elf_image image;
	struct error error;

	if (!has_switch(code))
		return NULL;
	if (!elf_image_init(&image, reading->module->fd, NULL, 0, &error)) {
		for (size_t i = 0; i < code->table_count; i++)
			read_table(reading, &image, code->tables[i], false);
		for (size_t i = 0; i < code->absolute_count; i++)
			read_table(reading, &image, code->absolute_tables[i], true);
		elf_image_done(&image);
	}
	return reading->target_count ? NULL : "it jumps through a table that was not found";
}

/* ---- blocks -------------------------------------------------------------------------------- */

static bool is_inside(const struct function_code *function, uint64_t address)
{
	for (size_t i = 0; i < function->count; i++)
		if (address - function->parts[i].address < function->parts[i].count)
			return true;
	return false;
}

/* Marks the first instructions of blocks. */
static const char *mark_leaders(struct reading *reading, const struct function_code *function)
{
	struct flow_code *code = &reading->code;

	for (size_t i = 0; i < code->count; i++) {
		struct flow_instruction *row = &code->list[i], *target;

		if (!i || row->part != row[-1].part || row[-1].kind != FLOW_PLAIN)
			row->is_leader = true;
		if ((row->kind != FLOW_JUMP && row->kind != FLOW_CONDITIONAL) ||
		    !is_inside(function, row->target))
			continue;
		target = flow_code_at(code, row->target);
		if (!target)
			return into_instruction;
		target->is_leader = true;
	}
	return NULL;
}

/* Chooses the instruction to probe: the jump at the end tells most, else the cheapest. */
static void take_place(struct flow_block *block, const struct flow_instruction *row)
{
	bool is_emulated = row->price == FLOW_EMULATED;
	bool is_better = is_emulated && (!block->is_emulated || row->condition != EXITS_ALWAYS);

	if (row->price == FLOW_NEVER || (block->has_place && !is_better))
		return;
	block->has_place = true;
	block->place = row->address;
	block->is_emulated = is_emulated;
	block->condition = row->condition;
}

static enum flow_end end_of(const struct flow_instruction *last)
{
	switch (last->kind) {
	case FLOW_CONDITIONAL:
		return FLOW_BRANCH;
	case FLOW_THROUGH:
		return FLOW_SWITCH;
	case FLOW_CALLS:
		return FLOW_CALL;
	case FLOW_ENDS:
		return FLOW_LEAVE;
	default:
		return FLOW_ON;
	}
}

static void make_blocks(struct reading *reading)
{
	const struct flow_code *code = &reading->code;
	struct flow *flow = reading->flow;
	struct flow_block *block = NULL;

	reading->block_of = xcalloc(code->count, sizeof(*reading->block_of));
	for (size_t i = 0; i < code->count; i++) {
		const struct flow_instruction *row = &code->list[i];

		if (row->is_leader) {
			xgrow(flow->blocks, flow->count, flow->capacity);
			block = &flow->blocks[flow->count++];
			*block = (struct flow_block){.address = row->address,
						     .condition = EXITS_ALWAYS,
						     .is_dead = true};
		}
		reading->block_of[i] = flow->count - 1;
		block->bytes += row->size;
		block->instructions++;
		block->is_dead = block->is_dead && row->is_nop;
		block->end = end_of(row);
		take_place(block, row);
	}
}

/* ---- edges --------------------------------------------------------------------------------- */

static void add_edge(struct flow *flow, uint32_t from, uint32_t to, bool is_taken)
{
	xgrow(flow->edges, flow->edge_count, flow->edge_capacity);
	flow->edges[flow->edge_count++] = (struct flow_edge){from, to, is_taken};
	flow->blocks[from].edge_count++;
}

static uint32_t block_at(const struct reading *reading, uint64_t address)
{
	const struct flow_instruction *row = flow_code_at(&reading->code, address);

	return row ? reading->block_of[row - reading->code.list] : FLOW_OUTSIDE;
}

/* Adds the edges of a block by its last instruction; @next is the block behind it, or
 * FLOW_OUTSIDE at the end of a part. */
static const char *add_edges(struct reading *reading, const struct flow_instruction *last,
			     uint32_t block, uint32_t next)
{
	struct flow *flow = reading->flow;
	bool goes_on = last->kind == FLOW_PLAIN || last->kind == FLOW_CONDITIONAL ||
		       last->kind == FLOW_CALLS;

	flow->blocks[block].first_edge = flow->edge_count;
	if (last->kind == FLOW_JUMP || last->kind == FLOW_CONDITIONAL) {
		uint32_t target = block_at(reading, last->target);

		if (last->kind == FLOW_JUMP && target == FLOW_OUTSIDE)
			flow->blocks[block].end = FLOW_LEAVE;
		else
			add_edge(flow, block, target, true);
	}
	for (size_t i = 0; last->kind == FLOW_THROUGH && i < reading->target_count; i++)
		add_edge(flow, block, block_at(reading, reading->targets[i]), true);
	if (goes_on && next != FLOW_OUTSIDE)
		add_edge(flow, block, next, false);
	else if (goes_on && last->kind != FLOW_CALLS && !flow->blocks[block].is_dead)
		return no_end;
	return NULL;
}

static const char *connect(struct reading *reading)
{
	const struct flow_code *code = &reading->code;
	const char *problem = NULL;

	for (size_t i = 0; i < code->count && !problem; i++) {
		const struct flow_instruction *row = &code->list[i];
		bool is_last = i + 1 == code->count || row[1].part != row->part;

		if (is_last || row[1].is_leader)
			problem = add_edges(reading, row, reading->block_of[i],
					    is_last ? FLOW_OUTSIDE : reading->block_of[i + 1]);
	}
	return problem;
}

/* ---- is it complete? ----------------------------------------------------------------------- */

/* Visits what can be reached from a block. */
static void reach(const struct flow *flow, uint32_t from, bool *is_reached, uint32_t *stack)
{
	uint32_t depth = 0;

	if (is_reached[from])
		return;
	is_reached[from] = true;
	stack[depth++] = from;
	while (depth) {
		const struct flow_block *block = &flow->blocks[stack[--depth]];

		for (uint32_t i = 0; i < block->edge_count; i++) {
			uint32_t to = flow->edges[block->first_edge + i].to;

			if (to == FLOW_OUTSIDE || is_reached[to])
				continue;
			is_reached[to] = true;
			stack[depth++] = to;
		}
	}
}

/* Drops the parts that nothing leads to: another function's, of the same name. */
static void drop_strange_parts(struct reading *reading, bool *is_reached)
{
	const struct flow_code *code = &reading->code;

	for (size_t part = 1; part < code->part_count; part++) {
		bool any = false;

		for (size_t i = code->part_starts[part]; i < code->part_starts[part + 1]; i++)
			any |= is_reached[reading->block_of[i]];
		for (size_t i = code->part_starts[part]; i < code->part_starts[part + 1]; i++)
			if (!any)
				reading->flow->blocks[reading->block_of[i]].is_dead = true;
	}
}

/* What nothing leads to is padding, or a landing pad of exceptions, or else the graph is wrong. */
static const char *check(struct reading *reading, bool throws)
{
	struct flow *flow = reading->flow;
	bool *is_reached = xcalloc(flow->count, sizeof(*is_reached)), has_roots = false;
	uint32_t *stack = xcalloc(flow->count, sizeof(*stack));
	const char *problem = NULL;

	reach(flow, 0, is_reached, stack);
	if (!throws)
		drop_strange_parts(reading, is_reached);
	for (uint32_t i = 0; i < flow->count && !problem; i++) {
		struct flow_block *block = &flow->blocks[i];

		block->is_dead = block->is_dead && !is_reached[i];
		if (is_reached[i] || block->is_dead)
			continue;
		if (!throws)
			problem = unknown_way;
		block->is_root = has_roots = true;
		reach(flow, i, is_reached, stack);
	}
	if (has_roots && reading->code.has_indirect_exit)
		problem = unknown_way;
	flow->blocks[0].is_root = true;
	free(is_reached);
	free(stack);
	return problem;
}

/* ---- loops --------------------------------------------------------------------------------- */

/* Finds the edges that lead back to a block they were reached from, by a walk in depth. */
static void find_back_edges(const struct flow *flow, bool *is_back)
{
	enum {
		NEW,
		OPEN,
		DONE
	};
	uint8_t *state = xcalloc(flow->count, sizeof(*state));
	uint32_t *stack = xcalloc(flow->count, sizeof(*stack));
	uint32_t *next = xcalloc(flow->count, sizeof(*next));

	for (uint32_t root = 0; root < flow->count; root++) {
		uint32_t depth = 0;

		if (state[root] != NEW || !flow->blocks[root].is_root)
			continue;
		state[root] = OPEN;
		stack[depth++] = root;
		while (depth) {
			uint32_t block = stack[depth - 1], edge;

			if (next[block] == flow->blocks[block].edge_count) {
				state[block] = DONE;
				depth--;
				continue;
			}
			edge = flow->blocks[block].first_edge + next[block]++;
			if (flow->edges[edge].to == FLOW_OUTSIDE)
				continue;
			is_back[edge] = state[flow->edges[edge].to] == OPEN;
			if (state[flow->edges[edge].to] == NEW) {
				state[flow->edges[edge].to] = OPEN;
				stack[depth++] = flow->edges[edge].to;
			}
		}
	}
	free(state);
	free(stack);
	free(next);
}

/* Deepens all blocks of the loop with this head: those that lead to a back edge of it without
 * passing the head. Edges are few, so they are searched through until nothing more is found. */
static void deepen(struct flow *flow, uint32_t head, const bool *is_back, bool *is_in_loop)
{
	bool has_grown = true;

	memset(is_in_loop, 0, flow->count * sizeof(*is_in_loop));
	is_in_loop[head] = true;
	for (uint32_t i = 0; i < flow->edge_count; i++)
		if (is_back[i] && flow->edges[i].to == head)
			is_in_loop[flow->edges[i].from] = true;
	while (has_grown) {
		has_grown = false;
		for (uint32_t i = flow->edge_count; i-- > 0;) {
			const struct flow_edge *edge = &flow->edges[i];

			if (edge->to == FLOW_OUTSIDE || edge->to == head || !is_in_loop[edge->to] ||
			    is_in_loop[edge->from])
				continue;
			is_in_loop[edge->from] = has_grown = true;
		}
	}
	for (uint32_t i = 0; i < flow->count; i++)
		flow->blocks[i].depth += is_in_loop[i];
}

static void find_depths(struct flow *flow)
{
	bool *is_back = xcalloc(flow->edge_count + 1, sizeof(*is_back));
	bool *is_in_loop = xcalloc(flow->count, sizeof(*is_in_loop));
	bool *is_head = xcalloc(flow->count, sizeof(*is_head));

	find_back_edges(flow, is_back);
	for (uint32_t i = 0; i < flow->edge_count; i++)
		if (is_back[i])
			is_head[flow->edges[i].to] = true;
	for (uint32_t i = 0; i < flow->count; i++)
		if (is_head[i])
			deepen(flow, i, is_back, is_in_loop);
	free(is_back);
	free(is_in_loop);
	free(is_head);
}

const char *flow_read(struct flow *flow, const struct module *module,
		      const struct function_code *function, bool throws)
{
	struct reading reading = {.flow = flow, .module = module};
	const char *problem = flow_code_read(&reading.code, function);

	*flow = (struct flow){0};
	if (!problem)
		problem = read_tables(&reading);
	if (!problem)
		problem = mark_leaders(&reading, function);
	if (!problem) {
		make_blocks(&reading);
		problem = connect(&reading);
	}
	if (!problem)
		problem = check(&reading, throws);
	if (!problem)
		find_depths(flow);
	free(reading.targets);
	free(reading.block_of);
	flow_code_done(&reading.code);
	if (problem)
		flow_done(flow);
	return problem;
}

void flow_done(struct flow *flow)
{
	free(flow->blocks);
	free(flow->edges);
	*flow = (struct flow){0};
}
