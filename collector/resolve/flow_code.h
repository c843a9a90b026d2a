/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flow_code: the instructions of a function, as flow.c needs them to find its blocks. */
#pragma once

#include "collector/resolve/exits.h"
#include "collector/resolve/function_code.h"

enum flow_kind {
	FLOW_PLAIN,
	FLOW_JUMP,	  /* to `target` */
	FLOW_CONDITIONAL, /* to `target`, or on */
	FLOW_THROUGH,	  /* a jump through a table */
	FLOW_CALLS,
	FLOW_ENDS /* leaves the function, or stops the program */
};

/* What a probe on it costs. */
enum flow_price {
	FLOW_EMULATED,
	FLOW_STEPPED,
	FLOW_NEVER /* it cannot be probed, or would be met more often than executed */
};

struct flow_instruction {
	uint64_t address, target; /* elf addresses */
	uint8_t size, part;
	uint8_t condition; /* of a conditional jump by flags, else EXITS_ALWAYS */
	enum flow_kind kind;
	enum flow_price price;
	bool is_nop;
	bool is_leader; /* a block begins here */
};

struct flow_code {
	struct flow_instruction *list; /* by part, then address */
	size_t count, capacity;
	size_t part_starts[FUNCTION_CODE_PARTS + 1], part_count; /* with the end of the last */
	uint64_t *tables; /* addresses that may be those of jump tables of distances */
	size_t table_count, table_capacity;
	uint64_t *absolute_tables; /* of addresses */
	size_t absolute_count, absolute_capacity;
	bool has_indirect_exit; /* a jump through a register or memory that is taken for a tail call
				 */
};

/* Decodes all of a function. Returns NULL or half a sentence about it. flow_code_done releases in
 * both cases. */
const char *flow_code_read(struct flow_code *code, const struct function_code *function);
void flow_code_done(struct flow_code *code);

/* Returns the instruction at @address, or NULL when none begins there. */
struct flow_instruction *flow_code_at(const struct flow_code *code, uint64_t address);
