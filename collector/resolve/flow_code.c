/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flow_code: see flow_code.h. */
#include "collector/resolve/flow_code.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/instruction.h"

static const char no_code[] = "its code cannot be read";

static void add_address(uint64_t **list, size_t *count, size_t *capacity, uint64_t address)
{
	for (size_t i = 0; i < *count; i++)
		if ((*list)[i] == address)
			return;
	xgrow(*list, *count, *capacity);
	(*list)[(*count)++] = address;
}

/* Takes note of addresses at which a jump table may lie. */
static void take_tables(struct flow_code *code, const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	const cs_x86_op *source = &x86->operands[x86->op_count > 1 ? 1 : 0];

	if (!x86->op_count || source->type != X86_OP_MEM)
		return;
	if (instruction->id == X86_INS_LEA && source->mem.base == X86_REG_RIP)
		add_address(&code->tables, &code->table_count, &code->table_capacity,
			    instruction->address + instruction->size + (uint64_t)source->mem.disp);
	else if (source->mem.base == X86_REG_INVALID && source->mem.index != X86_REG_INVALID &&
		 source->mem.scale == 8)
		add_address(&code->absolute_tables, &code->absolute_count, &code->absolute_capacity,
			    (uint64_t)source->mem.disp);
}

static enum flow_price price_of(csh handle, const cs_insn *instruction)
{
	/* The nop that the kernel may turn into a call writes below the stack pointer. */
	if (instruction_is_kernel_nop(instruction))
		return instruction->size == 5 ? FLOW_NEVER : FLOW_EMULATED;
	if (instruction_is_register_push(instruction) ||
	    instruction_is_emulated_branch(instruction))
		return FLOW_EMULATED;
	if (instruction_is_refused(handle, instruction))
		return FLOW_NEVER;
	return FLOW_STEPPED;
}

/* The flags that decide a jump; none for loop and jrcxz. */
static uint8_t condition_of(const cs_insn *instruction)
{
	const uint8_t *opcode = instruction_opcode(instruction);

	if ((*opcode & 0xf0) == 0x70)
		return *opcode & 15;
	if (*opcode == 0x0f && (opcode[1] & 0xf0) == 0x80)
		return opcode[1] & 15;
	return EXITS_ALWAYS;
}

static bool is_jump(csh handle, const cs_insn *instruction)
{
	return cs_insn_group(handle, instruction, CS_GRP_JUMP) || instruction->id == X86_INS_LOOP ||
	       instruction->id == X86_INS_LOOPE || instruction->id == X86_INS_LOOPNE;
}

static void take_jump(struct flow_instruction *row, const cs_insn *instruction)
{
	const cs_x86_op *operand = &instruction->detail->x86.operands[0];

	if (operand->type != X86_OP_IMM) {
		row->kind = FLOW_THROUGH;
		return;
	}
	row->target = (uint64_t)operand->imm;
	row->condition = condition_of(instruction);
	row->kind = instruction->id == X86_INS_JMP ? FLOW_JUMP : FLOW_CONDITIONAL;
}

static void add(csh handle, struct flow_code *code, const cs_insn *instruction, uint8_t part)
{
	struct flow_instruction row = {
		.address = instruction->address,
		.size = (uint8_t)instruction->size,
		.part = part,
		.condition = EXITS_ALWAYS,
		.price = price_of(handle, instruction),
		.is_nop = instruction->id == X86_INS_NOP || instruction->id == X86_INS_INT3,
	};

	if (is_jump(handle, instruction))
		take_jump(&row, instruction);
	else if (cs_insn_group(handle, instruction, CS_GRP_CALL))
		row.kind = FLOW_CALLS;
	else if (cs_insn_group(handle, instruction, CS_GRP_RET) || instruction->id == X86_INS_UD2 ||
		 instruction->id == X86_INS_HLT)
		row.kind = FLOW_ENDS;
	take_tables(code, instruction);
	xgrow(code->list, code->count, code->capacity);
	code->list[code->count++] = row;
}

static bool read_part(csh handle, cs_insn *instruction, struct flow_code *code,
		      const struct placement_code *part, uint8_t number)
{
	const uint8_t *bytes = part->bytes;
	size_t left = part->count;
	uint64_t address = part->address;

	while (left) {
		if (!cs_disasm_iter(handle, &bytes, &left, &address, instruction))
			return false;
		add(handle, code, instruction, number);
	}
	return true;
}

/* Those that leave the function by a jump through a register or memory are known to exits.c. */
static const char *mark_exits(struct flow_code *code, const struct function_code *function)
{
	struct exits exits;
	const char *problem = exits_find(function->parts, function->count, &exits);

	for (size_t i = 0; i < exits.count && !problem; i++) {
		struct flow_instruction *row = flow_code_at(code, exits.places[i].address);

		if (row && row->kind == FLOW_THROUGH) {
			row->kind = FLOW_ENDS;
			code->has_indirect_exit = true;
		}
	}
	return problem;
}

const char *flow_code_read(struct flow_code *code, const struct function_code *function)
{
	bool is_read = function->is_whole && function->parts[0].count;
	cs_insn *instruction;
	csh handle;

	*code = (struct flow_code){0};
	if (!is_read || cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return no_code;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	instruction = cs_malloc(handle);
	for (size_t i = 0; i < function->count && is_read; i++) {
		is_read = read_part(handle, instruction, code, &function->parts[i], (uint8_t)i);
		code->part_starts[++code->part_count] = code->count;
	}
	cs_free(instruction, 1);
	cs_close(&handle);
	return is_read ? mark_exits(code, function) : no_code;
}

void flow_code_done(struct flow_code *code)
{
	free(code->list);
	free(code->tables);
	free(code->absolute_tables);
}

struct flow_instruction *flow_code_at(const struct flow_code *code, uint64_t address)
{
	for (size_t part = 0; part < code->part_count; part++) {
		size_t low = code->part_starts[part], high = code->part_starts[part + 1];

		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (code->list[middle].address == address)
				return &code->list[middle];
			if (code->list[middle].address < address)
				low = middle + 1;
			else
				high = middle;
		}
	}
	return NULL;
}
