/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flow: the control-flow graph of a function's machine code, and where each of its blocks can be
 * probed.
 *
 * A block is a straight piece of code: entered at its first instruction, left behind its last. It
 * ends before every place that a jump leads to, and behind every jump, return and call: what is
 * called may never come back (exit, longjmp, exceptions), or come back more than once (setjmp).
 *
 * Whether the graph is complete is checked, not hoped for: each byte must decode, jumps must lead
 * to instructions, and every block must be reached by an edge, or else (where exceptions are
 * thrown) be a landing pad. A function that cannot be read so is refused, with the reason.
 *
 * Switches jump through tables of distances, or of addresses. A table is whatever the function
 * takes the address of and that begins with places in the function; it is read as far as such
 * places go. That may be too far, which adds edges that nobody takes.
 */
#pragma once

#include "collector/resolve/exits.h"
#include "collector/resolve/function_code.h"

#define FLOW_OUTSIDE UINT32_MAX /* in place of a block: other functions */

enum flow_end {
	FLOW_ON,     /* goes on at one place */
	FLOW_BRANCH, /* at one of two, as a conditional jump decides */
	FLOW_SWITCH, /* at one of many */
	FLOW_CALL,   /* behind the call, if it comes back */
	FLOW_LEAVE   /* leaves the function */
};

struct flow_block {
	uint64_t address; /* elf address of the first instruction */
	uint32_t bytes, instructions;
	enum flow_end end;
	uint32_t first_edge, edge_count; /* that leave it */
	bool is_root;			 /* it is entered otherwise than by edges, too */
	bool is_dead;			 /* never executed: padding */
	bool has_place;			 /* it can be probed: */
	uint64_t place;			 /* elf address of the instruction to probe, */
	bool is_emulated;		 /* which the kernel emulates, */
	uint8_t condition; /* and which tells which edge is taken: the last bits of the jump's
			      opcode; else EXITS_ALWAYS */
	uint32_t depth;	   /* of loops around it */
};

struct flow_edge {
	uint32_t from, to; /* blocks; FLOW_OUTSIDE */
	bool is_taken;	   /* of a branch: the one of its jump, else the one behind it */
};

struct flow {
	struct flow_block *blocks; /* by part, then address; the first is the function's entry */
	uint32_t count, capacity;
	struct flow_edge *edges; /* by `from` */
	uint32_t edge_count, edge_capacity;
};

/*
 * Reads the graph.
 *
 * @module  of the code; jump tables are read from it
 * @throws  exceptions may enter the function at landing pads
 * Returns NULL, and flow_done releases; or why not: half a sentence about the function, static.
 * Cost: some microseconds an instruction.
 */
const char *flow_read(struct flow *flow, const struct module *module,
		      const struct function_code *code, bool throws);
void flow_done(struct flow *flow);
