/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exits: see exits.h. */
#include "collector/resolve/exits.h"

#include "collector/resolve/instruction.h"

#include <capstone/capstone.h>

#define LOOK_UP_NEAR 12 /* instructions between looking a table up and jumping */

static const char too_many[] = "it has too many exits";
static const char odd_jump[] = "it is left in a way that cannot be probed";
static const char no_code[] = "its code cannot be read";

/* What is known while the instructions go by. */
struct reading {
	const struct placement_code *code;
	size_t part_count;
	struct exits *exits;
	csh handle;
	size_t from_arrays;   /* jumps through elements of arrays: of several, labels of its own */
	size_t since_look_up; /* instructions since one that may have looked a jump table up */
	bool has_loaded;      /* the instruction before has loaded 32 bits of an array */
};

static bool is_inside(const struct reading *reading, uint64_t address)
{
	for (size_t i = 0; i < reading->part_count; i++)
		if (address - reading->code[i].address < reading->code[i].count)
			return true;
	return false;
}

static const char *add(struct reading *reading, const cs_insn *instruction, uint8_t condition,
		       bool is_emulated)
{
	struct exits *exits = reading->exits;

	if (exits->count == EXITS_MOST)
		return too_many;
	if (instruction_is_refused(reading->handle, instruction))
		return odd_jump;
	exits->places[exits->count++] = (struct exit_place){
		instruction->address, condition, is_emulated, instruction->id != X86_INS_RET};
	return NULL;
}

/* A jump whose target is in it, near or short. */
static const char *take_direct(struct reading *reading, const cs_insn *instruction)
{
	const uint8_t *bytes = instruction->bytes;
	bool has_prefix = false;

	if (is_inside(reading, (uint64_t)instruction->detail->x86.operands[0].imm))
		return NULL;
	/* bnd, which the kernel steps. */
	while (*bytes == 0xf2) {
		bytes++;
		has_prefix = true;
	}
	if (*bytes == 0xeb || *bytes == 0xe9)
		return add(reading, instruction, EXITS_ALWAYS, !has_prefix);
	if ((*bytes & 0xf0) == 0x70)
		return add(reading, instruction, *bytes & 15, !has_prefix);
	if (*bytes == 0x0f && (bytes[1] & 0xf0) == 0x80)
		return add(reading, instruction, bytes[1] & 15, !has_prefix);
	return odd_jump; /* loop, jrcxz */
}

/* An array at an address of its own, as switches have it in programs that are not moved. */
static bool is_absolute_table(const cs_x86_op *operand)
{
	return operand->mem.base == X86_REG_INVALID && operand->mem.index != X86_REG_INVALID;
}

static const char *take_jump(struct reading *reading, const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	const cs_x86_op *operand = &x86->operands[0];

	if (x86->op_count != 1)
		return odd_jump;
	if (operand->type == X86_OP_IMM)
		return take_direct(reading, instruction);
	if (operand->type == X86_OP_MEM && is_absolute_table(operand))
		return NULL;
	if (operand->type == X86_OP_MEM && operand->mem.index != X86_REG_INVALID &&
	    reading->from_arrays++)
		return odd_jump;
	if (operand->type == X86_OP_REG && reading->since_look_up < LOOK_UP_NEAR)
		return NULL;
	return add(reading, instruction, EXITS_ALWAYS, false);
}

/* A distance from a table of them, or an address: movslq (%rdx,%rax,4),%rax. */
static bool looks_table_up(const cs_insn *instruction)
{
	const cs_x86_op *source = &instruction->detail->x86.operands[1];

	if (instruction->detail->x86.op_count != 2 || source->type != X86_OP_MEM)
		return false;
	if (instruction->id == X86_INS_MOV)
		return is_absolute_table(source) && source->mem.scale == 8;
	return instruction->id == X86_INS_MOVSXD && source->mem.index != X86_REG_INVALID &&
	       source->mem.scale == 4;
}

/* The same in two steps, as without optimisation: mov (%rdx,%rax,1),%eax; cltq. */
static bool loads_element(const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;

	return instruction->id == X86_INS_MOV && x86->operands[0].type == X86_OP_REG &&
	       x86->operands[0].size == 4 && x86->operands[1].type == X86_OP_MEM &&
	       x86->operands[1].mem.index != X86_REG_INVALID;
}

static const char *take(csh handle, struct reading *reading, const cs_insn *instruction)
{
	bool looks_up = looks_table_up(instruction) ||
			(reading->has_loaded && instruction->id == X86_INS_CDQE);

	reading->has_loaded = loads_element(instruction);
	reading->since_look_up = looks_up ? 0 : reading->since_look_up + 1;
	if (cs_insn_group(handle, instruction, CS_GRP_IRET) || instruction->id == X86_INS_RETF ||
	    instruction->id == X86_INS_RETFQ)
		return odd_jump;
	if (cs_insn_group(handle, instruction, CS_GRP_RET))
		return add(reading, instruction, EXITS_ALWAYS, false);
	if (cs_insn_group(handle, instruction, CS_GRP_JUMP) || instruction->id == X86_INS_LOOP ||
	    instruction->id == X86_INS_LOOPE || instruction->id == X86_INS_LOOPNE)
		return take_jump(reading, instruction);
	return NULL;
}

static const char *read_part(csh handle, cs_insn *instruction, struct reading *reading, size_t part)
{
	const uint8_t *bytes = reading->code[part].bytes;
	size_t left = reading->code[part].count;
	uint64_t address = reading->code[part].address;
	const char *problem = NULL;

	reading->since_look_up = LOOK_UP_NEAR;
	reading->has_loaded = false;
	while (left && !problem)
		problem = cs_disasm_iter(handle, &bytes, &left, &address, instruction)
				  ? take(handle, reading, instruction)
				  : no_code;
	return problem;
}

const char *exits_find(const struct placement_code *code, size_t part_count, struct exits *exits)
{
	struct reading reading = {.code = code, .part_count = part_count, .exits = exits};
	const char *problem = NULL;
	cs_insn *instruction;
	csh handle;

	exits->count = 0;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return no_code;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	reading.handle = handle;
	instruction = cs_malloc(handle);
	for (size_t i = 0; i < part_count && !problem; i++)
		problem = read_part(handle, instruction, &reading, i);
	cs_free(instruction, 1);
	cs_close(&handle);
	return problem;
}
