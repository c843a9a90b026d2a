/* SPDX-License-Identifier: GPL-3.0-or-later */
/* placement: see placement.h. */
#include "collector/resolve/placement.h"

#include "collector/resolve/instruction.h"

#include <string.h>

#define MOST_INSTRUCTIONS 40 /* from the entry to the probe */
#define REACH_BYTES	  256

/* What jumps lead to, near the function's start. */
struct targets {
	uint64_t start;
	bool is_target[REACH_BYTES];
	bool has_table; /* a jump leads to places that are not known */
};

static bool is_in_group(csh handle, const cs_insn *instruction, unsigned group)
{
	return cs_insn_group(handle, instruction, group);
}

static void take_jump(csh handle, const cs_insn *instruction, struct targets *targets)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	uint64_t distance;

	if (!is_in_group(handle, instruction, CS_GRP_JUMP) && instruction->id != X86_INS_LOOP &&
	    instruction->id != X86_INS_LOOPE && instruction->id != X86_INS_LOOPNE)
		return;
	if (x86->op_count != 1 || x86->operands[0].type != X86_OP_IMM) {
		targets->has_table = true;
		return;
	}
	distance = (uint64_t)x86->operands[0].imm - targets->start;
	if (distance < REACH_BYTES)
		targets->is_target[distance] = true;
}

/* Reads all jumps of a piece. What cannot be decoded is passed byte by byte, as data between code.
 */
static void find_targets(csh handle, cs_insn *instruction, const struct placement_code *code,
			 struct targets *targets)
{
	const uint8_t *bytes = code->bytes;
	size_t left = code->count < PLACEMENT_LONGEST ? code->count : PLACEMENT_LONGEST;
	uint64_t address = code->address;

	while (left) {
		if (cs_disasm_iter(handle, &bytes, &left, &address, instruction)) {
			take_jump(handle, instruction, targets);
		} else {
			bytes++;
			left--;
			address++;
		}
	}
}

/* A register whose value belongs to the caller, which a function saves once if it needs it. */
static bool is_saved_push(const cs_insn *instruction)
{
	const cs_x86_op *operand = &instruction->detail->x86.operands[0];

	if (!instruction_is_register_push(instruction))
		return false;
	switch (operand->reg) {
	case X86_REG_RBX:
	case X86_REG_RBP:
	case X86_REG_R12:
	case X86_REG_R13:
	case X86_REG_R14:
	case X86_REG_R15:
		return true;
	default:
		return false;
	}
}

static bool writes_memory(const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;

	for (int i = 0; i < x86->op_count; i++)
		if (x86->operands[i].type == X86_OP_MEM && x86->operands[i].access != CS_AC_READ)
			return true;
	return false;
}

static bool moves_stack(csh handle, const cs_insn *instruction)
{
	cs_regs read, written;
	uint8_t read_count, written_count;

	if (cs_regs_access(handle, instruction, read, &read_count, written, &written_count))
		return true;
	for (int i = 0; i < written_count; i++)
		if (written[i] == X86_REG_RSP || written[i] == X86_REG_ESP ||
		    written[i] == X86_REG_SP || written[i] == X86_REG_SPL)
			return true;
	return false;
}

static bool ends_block(csh handle, const cs_insn *instruction)
{
	return is_in_group(handle, instruction, CS_GRP_JUMP) ||
	       is_in_group(handle, instruction, CS_GRP_CALL) ||
	       is_in_group(handle, instruction, CS_GRP_RET) ||
	       is_in_group(handle, instruction, CS_GRP_INT) ||
	       is_in_group(handle, instruction, CS_GRP_IRET);
}

/* Adds up how far the stack pointer has gone down. */
static uint32_t moved_by(csh handle, const cs_insn *instruction, uint32_t moved)
{
	const cs_x86_op *operands = instruction->detail->x86.operands;

	if (moved == PLACEMENT_MOVED_UNKNOWN || !moves_stack(handle, instruction))
		return moved;
	if (instruction->id == X86_INS_PUSH && operands[0].size == 8)
		return moved + 8;
	if (instruction->id == X86_INS_SUB && operands[1].type == X86_OP_IMM &&
	    operands[1].imm >= 0 && operands[1].imm < INT32_MAX / 2)
		return moved + (uint32_t)operands[1].imm;
	return PLACEMENT_MOVED_UNKNOWN;
}

/* What the way from the entry to an instruction was like. */
struct way {
	uint32_t moved;	   /* the stack pointer, downwards */
	bool is_plain;	   /* nothing but nops and endbr64 */
	bool has_written;  /* to memory */
	bool is_table_way; /* jumps may lead anywhere */
};

static bool is_cheap_place(const cs_insn *instruction, const struct way *way)
{
	if (way->is_table_way && !way->is_plain)
		return is_saved_push(instruction);
	if (instruction_is_kernel_nop(instruction))
		return !way->has_written;
	return instruction_is_register_push(instruction) ||
	       instruction_is_emulated_branch(instruction);
}

/* Returns false when the kernel takes none of the instructions that every call executes once. */
static bool walk(csh handle, cs_insn *instruction, const struct placement_code *code,
		 const struct targets *targets, bool is_counted, struct placement *placement)
{
	const uint8_t *bytes = code->bytes;
	size_t left = code->count;
	uint64_t address = code->address;
	struct way way = {.is_plain = true, .is_table_way = targets->has_table};
	bool is_refused = true; /* as far as the way has come */

	for (int i = 0; i < MOST_INSTRUCTIONS; i++) {
		uint64_t distance = address - code->address;

		if (distance >= REACH_BYTES || (distance && targets->is_target[distance]) ||
		    !cs_disasm_iter(handle, &bytes, &left, &address, instruction))
			return !is_refused;
		if (is_cheap_place(instruction, &way)) {
			placement->address = instruction->address;
			placement->moved = way.moved;
			placement->kind =
				instruction_is_kernel_nop(instruction) && instruction->size == 5
					? PLACEMENT_NOP5
					: PLACEMENT_EMULATED;
			return true;
		}
		if (is_refused && !(way.is_table_way && i) &&
		    !instruction_is_refused(handle, instruction)) {
			placement->address = instruction->address;
			placement->moved = way.moved;
			is_refused = false;
		}
		if (ends_block(handle, instruction) ||
		    (!is_counted && moves_stack(handle, instruction)))
			return !is_refused;
		way.moved = moved_by(handle, instruction, way.moved);
		way.is_plain = way.is_plain && (instruction_is_kernel_nop(instruction) ||
						instruction->id == X86_INS_ENDBR64);
		way.has_written = way.has_written || writes_memory(instruction);
	}
	return !is_refused;
}

bool placement_find(const struct placement_code *code, size_t part_count, bool is_counted,
		    struct placement *placement)
{
	struct targets targets = {.start = code->address};
	const uint8_t *bytes = code->bytes;
	size_t left = code->count;
	uint64_t address = code->address;
	cs_insn *instruction;
	bool is_placed;
	csh handle;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return false;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	instruction = cs_malloc(handle);
	is_placed = cs_disasm_iter(handle, &bytes, &left, &address, instruction);
	if (is_placed) {
		*placement =
			(struct placement){.address = code->address, .kind = PLACEMENT_STEPPED};
		for (size_t i = 0; i < part_count; i++)
			find_targets(handle, instruction, &code[i], &targets);
		is_placed = walk(handle, instruction, code, &targets, is_counted, placement);
		placement->is_loop = targets.is_target[0];
	}
	cs_free(instruction, 1);
	cs_close(&handle);
	return is_placed;
}
