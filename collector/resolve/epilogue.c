/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * epilogue: see epilogue.h.
 *
 * Kernels are long and sampled at hundreds of addresses, so that results are kept for stretches.
 * In a linear run of instructions that leave the stack pointer alone, all addresses up to the last
 * write of bp (and of bx) have the same way ahead of them and so the same rule; a scan from a lower
 * address that runs into a known stretch takes its result over.
 */
#include "collector/resolve/epilogue.h"
#include "collector/base/xalloc.h"

#include <capstone/capstone.h>

#define MOST_INSTRUCTIONS 10000
#define MOST_JUMPS	  32
#define WINDOW_BYTES	  4096
#define LONGEST_BYTES	  16 /* an instruction has at most 15 */

#define NO_SLOT INT32_MIN

/* Addresses [start, last] have this rule; kind CFI_NO_RULE: the scan gave up. */
struct epilogue_stretch {
	uint64_t start;
	uint64_t last;
	struct cfi_rule rule;
};

/* What has become of a register since the sampled instruction. */
struct followed {
	int32_t slot;	   /* where it was last loaded from; NO_SLOT: not from the stack */
	bool is_written;   /* no longer holds what it held */
	bool is_lost;	   /* nor will it at the return */
	uint64_t write_at; /* address of the last write while the scan was linear; 0: none */
};

/* What is known after the instructions so far. */
struct scan {
	uint64_t at;	  /* address of the instruction at hand */
	uint64_t address; /* of the next instruction */
	uint64_t run;	  /* from here to `at` all instructions were passed in line */
	uint8_t base;	  /* positions count from this sampled register: CFI_SP, CFI_BP, CFI_BX */
	int32_t position; /* of the stack pointer, from that base */
	struct followed bp, bx;
	bool is_plain;		    /* the stack pointer has not moved */
	bool is_linear;		    /* nor was a jump followed */
	uint64_t last;		    /* address of the instruction that ended this */
	uint64_t jumps[MOST_JUMPS]; /* followed so far */
	int jump_count;
};

enum verdict {
	GO_ON,
	RETURNS,
	GIVE_UP
};

void epilogue_memory_done(struct epilogue_memory *memory)
{
	free(memory->stretches);
	*memory = (struct epilogue_memory){0};
}

/* ---- following instructions ---------------------------------------------------------------- */

static bool is_register(const cs_x86_op *operand, x86_reg reg)
{
	return operand->type == X86_OP_REG && operand->reg == reg;
}

static struct followed *followed_register(struct scan *scan, x86_reg reg)
{
	switch (reg) {
	case X86_REG_RBP:
	case X86_REG_EBP:
		return &scan->bp;
	case X86_REG_RBX:
	case X86_REG_EBX:
		return &scan->bx;
	default:
		return NULL;
	}
}

static void note_write(struct scan *scan, struct followed *followed)
{
	followed->is_written = true;
	if (scan->is_linear)
		followed->write_at = scan->at;
}

static void overwrite(struct scan *scan, struct followed *followed)
{
	note_write(scan, followed);
	followed->is_lost = true;
	followed->slot = NO_SLOT;
}

/* A register is loaded from @slot. Below the base lies what was pushed after the sample: no saved
 * value of the caller's. */
static void load(struct scan *scan, struct followed *followed, int64_t slot)
{
	note_write(scan, followed);
	if (slot < 0 || slot > INT16_MAX)
		return;
	followed->slot = (int32_t)slot;
	followed->is_lost = false;
}

static void end_linear(struct scan *scan)
{
	if (scan->is_linear)
		scan->last = scan->at;
	scan->is_linear = false;
}

static enum verdict move_to(struct scan *scan, int64_t position)
{
	if (position < INT16_MIN || position > INT32_MAX / 2)
		return GIVE_UP;
	end_linear(scan);
	scan->is_plain = false;
	scan->position = (int32_t)position;
	return GO_ON;
}

/* The stack pointer is taken from another register, if that still holds what it held. The slots
 * seen so far count from the old base. */
static enum verdict rebase(struct scan *scan, x86_reg reg, int64_t position)
{
	struct followed *base = followed_register(scan, reg);

	if (!base || base->is_written)
		return GIVE_UP;
	scan->base = base == &scan->bp ? CFI_BP : CFI_BX;
	scan->bp.is_lost |= scan->bp.slot != NO_SLOT;
	scan->bx.is_lost |= scan->bx.slot != NO_SLOT;
	scan->bp.slot = scan->bx.slot = NO_SLOT;
	return move_to(scan, position);
}

static enum verdict pop(struct scan *scan, x86_reg reg)
{
	struct followed *followed = followed_register(scan, reg);
	int32_t slot = scan->position;
	enum verdict verdict;

	if (reg == X86_REG_RSP)
		return GIVE_UP;
	verdict = move_to(scan, (int64_t)scan->position + 8);
	if (followed)
		load(scan, followed, slot);
	return verdict;
}

/* A direct jump is followed once. One to what was just passed, or met again, closes a loop, and
 * what stands behind it is where the loop's conditional exit leads. */
static enum verdict jump(struct scan *scan, const cs_x86_op *target)
{
	if (target->type != X86_OP_IMM)
		return GIVE_UP; /* a jump table or a tail call: not told apart */
	if ((uint64_t)target->imm >= scan->run && (uint64_t)target->imm <= scan->at)
		return GO_ON;
	end_linear(scan);
	for (int i = 0; i < scan->jump_count; i++)
		if (scan->jumps[i] == scan->at)
			return GO_ON;
	if (scan->jump_count == MOST_JUMPS)
		return GIVE_UP;
	scan->jumps[scan->jump_count++] = scan->at;
	scan->address = scan->run = (uint64_t)target->imm;
	return GO_ON;
}

static enum verdict load_address(struct scan *scan, const cs_x86 *detail)
{
	const x86_op_mem *memory = &detail->operands[1].mem;

	if (memory->index != X86_REG_INVALID)
		return GIVE_UP;
	if (memory->base == X86_REG_RSP)
		return move_to(scan, scan->position + memory->disp);
	return rebase(scan, memory->base, memory->disp);
}

static enum verdict leave(struct scan *scan)
{
	enum verdict verdict = rebase(scan, X86_REG_RBP, 0);

	return verdict == GO_ON ? pop(scan, X86_REG_RBP) : verdict;
}

/* mov N(%rsp),%rbx: how assemblers without push and pop restore. Returns whether it is one. */
static bool is_restore(struct scan *scan, const cs_insn *instruction)
{
	const cs_x86_op *operands = instruction->detail->x86.operands;
	struct followed *followed;

	if (instruction->id != X86_INS_MOV || operands[0].type != X86_OP_REG ||
	    operands[0].size != 8 || operands[1].type != X86_OP_MEM ||
	    operands[1].mem.base != X86_REG_RSP || operands[1].mem.index != X86_REG_INVALID)
		return false;
	followed = followed_register(scan, operands[0].reg);
	if (followed)
		load(scan, followed, scan->position + operands[1].mem.disp);
	return true;
}

/* Any other instruction may do what it likes, except move the stack pointer. */
static enum verdict other(csh capstone, struct scan *scan, const cs_insn *instruction)
{
	cs_regs reads, writes;
	uint8_t read_count, write_count;

	if (is_restore(scan, instruction))
		return GO_ON;
	if (cs_regs_access(capstone, instruction, reads, &read_count, writes, &write_count))
		return GIVE_UP;
	for (int i = 0; i < write_count; i++) {
		struct followed *followed = followed_register(scan, writes[i]);

		if (writes[i] == X86_REG_RSP || writes[i] == X86_REG_ESP)
			return GIVE_UP;
		if (followed)
			overwrite(scan, followed);
	}
	return GO_ON;
}

/* An instruction whose first operand is the stack pointer. */
static enum verdict step_on_sp(struct scan *scan, const cs_insn *instruction)
{
	const cs_x86 *detail = &instruction->detail->x86;
	const cs_x86_op *operands = detail->operands;

	switch (instruction->id) {
	case X86_INS_ADD:
	case X86_INS_SUB:
		if (operands[1].type != X86_OP_IMM)
			return GIVE_UP;
		return move_to(scan, instruction->id == X86_INS_ADD
					     ? scan->position + operands[1].imm
					     : scan->position - operands[1].imm);
	case X86_INS_LEA:
		return load_address(scan, detail);
	case X86_INS_MOV:
		return operands[1].type == X86_OP_REG ? rebase(scan, operands[1].reg, 0) : GIVE_UP;
	case X86_INS_CMP:
	case X86_INS_TEST:
		return GO_ON;
	default:
		return GIVE_UP;
	}
}

static enum verdict step(csh capstone, struct scan *scan, const cs_insn *instruction)
{
	const cs_x86 *detail = &instruction->detail->x86;
	const cs_x86_op *operands = detail->operands;

	switch (instruction->id) {
	case X86_INS_RET:
		end_linear(scan);
		return RETURNS;
	case X86_INS_JMP:
		return jump(scan, &operands[0]);
	case X86_INS_UD2:
	case X86_INS_HLT:
	case X86_INS_INT3:
		return GIVE_UP;
	case X86_INS_CALL:
		return GO_ON;
	case X86_INS_PUSH:
	case X86_INS_PUSHFQ:
		return move_to(scan, scan->position - 8);
	case X86_INS_POPFQ:
		return move_to(scan, scan->position + 8);
	case X86_INS_POP:
		return pop(scan,
			   operands[0].type == X86_OP_REG ? operands[0].reg : X86_REG_INVALID);
	case X86_INS_LEAVE:
		return leave(scan);
	default:
		if (detail->op_count > 0 && is_register(&operands[0], X86_REG_RSP))
			return step_on_sp(scan, instruction);
		return other(capstone, scan, instruction);
	}
}

/* ---- results ------------------------------------------------------------------------------- */

static uint8_t saved(const struct followed *followed, int32_t cfa, int16_t *offset)
{
	int32_t relative;

	if (followed->slot == NO_SLOT)
		return followed->is_lost ? CFI_LOST : CFI_SAME;
	relative = followed->slot - cfa;
	if (relative < INT16_MIN)
		return CFI_LOST;
	*offset = (int16_t)relative;
	return CFI_AT_CFA;
}

static void make_rule(const struct scan *scan, struct cfi_rule *rule)
{
	int32_t cfa = scan->position + 8; /* above the return address */

	if (scan->position < 0)
		return;
	rule->kind = CFI_REGISTER;
	rule->cfa_register = scan->base;
	rule->cfa_offset = cfa;
	rule->ip_saved = CFI_AT_CFA;
	rule->ip_offset = -8;
	rule->bp_saved = saved(&scan->bp, cfa, &rule->bp_offset) & 15;
	rule->bx_saved = saved(&scan->bx, cfa, &rule->bx_offset) & 15;
}

/* Takes over the result of the stretch that a plain scan has run into. */
static void take_over(const struct scan *scan, const struct cfi_rule *known, struct cfi_rule *rule)
{
	int32_t cfa = known->cfa_register == CFI_SP ? known->cfa_offset : INT32_MAX;

	if (known->kind == CFI_NO_RULE || (known->cfa_register == CFI_BP && scan->bp.is_written) ||
	    (known->cfa_register == CFI_BX && scan->bx.is_written))
		return;
	*rule = *known;
	if (rule->bp_saved == CFI_SAME)
		rule->bp_saved = saved(&scan->bp, cfa, &rule->bp_offset) & 15;
	if (rule->bx_saved == CFI_SAME)
		rule->bx_saved = saved(&scan->bx, cfa, &rule->bx_offset) & 15;
}

/* Returns the index of the first stretch that begins above @address. */
static size_t first_above(const struct epilogue_memory *memory, uint64_t address)
{
	size_t low = 0;
	size_t high = memory->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memory->stretches[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct epilogue_stretch *find_stretch(struct epilogue_memory *memory, uint64_t address)
{
	size_t i = first_above(memory, address);

	return i && address <= memory->stretches[i - 1].last ? &memory->stretches[i - 1] : NULL;
}

/* Keeps the result for all addresses that have the same way ahead. */
static void keep(struct epilogue_memory *memory, uint64_t address, const struct scan *scan,
		 struct epilogue_stretch *met, const struct cfi_rule *rule)
{
	uint64_t last = scan->last;
	size_t i;

	if (scan->bp.write_at && scan->bp.write_at < last)
		last = scan->bp.write_at;
	if (scan->bx.write_at && scan->bx.write_at < last)
		last = scan->bx.write_at;
	if (met && scan->is_linear && memcmp(rule, &met->rule, sizeof(*rule)) == 0) {
		met->start = address;
		return;
	}
	i = first_above(memory, address);
	xgrow(memory->stretches, memory->count, memory->capacity);
	memmove(&memory->stretches[i + 1], &memory->stretches[i],
		(memory->count - i) * sizeof(*memory->stretches));
	memory->stretches[i] = (struct epilogue_stretch){address, last, *rule};
	memory->count++;
}

/* Decodes from @address on until the way out is known; returns the known stretch it ran into. */
static struct epilogue_stretch *follow(csh capstone, struct epilogue_memory *memory,
				       epilogue_read *read, void *context, struct scan *scan,
				       enum verdict *verdict)
{
	cs_insn *instruction = cs_malloc(capstone);
	struct epilogue_stretch *met = NULL;
	uint8_t window[WINDOW_BYTES];
	uint64_t start = 0;
	size_t bytes = 0;

	*verdict = GO_ON;
	for (int i = 0; i < MOST_INSTRUCTIONS && *verdict == GO_ON; i++) {
		const uint8_t *code;
		size_t left;

		scan->at = scan->address;
		if (scan->is_plain && (met = find_stretch(memory, scan->at)))
			break;
		if (scan->address < start || scan->address + LONGEST_BYTES > start + bytes) {
			start = scan->address;
			bytes = read(context, start, window, sizeof(window));
		}
		code = window + (scan->address - start);
		left = bytes - (scan->address - start);
		if (!cs_disasm_iter(capstone, &code, &left, &scan->address, instruction))
			*verdict = GIVE_UP;
		else
			*verdict = step(capstone, scan, instruction);
	}
	if (scan->is_linear)
		scan->last = scan->at;
	cs_free(instruction, 1);
	return met;
}

bool epilogue_rule(struct epilogue_memory *memory, epilogue_read *read, void *context,
		   uint64_t address, struct cfi_rule *rule)
{
	struct scan scan = {.address = address, .run = address, .base = CFI_SP};
	struct cfi_rule found = {.kind = CFI_NO_RULE};
	struct epilogue_stretch *met;
	enum verdict verdict;
	csh capstone;

	scan.bp.slot = scan.bx.slot = NO_SLOT;
	scan.is_plain = scan.is_linear = true;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone))
		return false;
	cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
	met = follow(capstone, memory, read, context, &scan, &verdict);
	cs_close(&capstone);
	if (met)
		take_over(&scan, &met->rule, &found);
	else if (verdict == RETURNS)
		make_rule(&scan, &found);
	if (!met || address < met->start || address > met->last)
		keep(memory, address, &scan, met, &found);
	if (found.kind == CFI_NO_RULE)
		return false;
	*rule = found;
	return true;
}
