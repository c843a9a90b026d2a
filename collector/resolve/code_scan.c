/* SPDX-License-Identifier: GPL-3.0-or-later */
/* code_scan: see code_scan.h. */
#include "collector/resolve/code_scan.h"

static bool is_register(const cs_x86_op *operand, x86_reg reg)
{
	return operand->type == X86_OP_REG && operand->reg == reg;
}

/* Returns the register that @reg is, or is the lower part of. */
static x86_reg whole_register(x86_reg reg)
{
	static const x86_reg parts[][5] = {
		{X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH},
		{X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH},
		{X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH},
		{X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH},
		{X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL},
		{X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL},
		{X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL},
		{X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL},
	};

	if (reg >= X86_REG_R8B && reg <= X86_REG_R15B)
		return X86_REG_R8 + (reg - X86_REG_R8B);
	if (reg >= X86_REG_R8D && reg <= X86_REG_R15D)
		return X86_REG_R8 + (reg - X86_REG_R8D);
	if (reg >= X86_REG_R8W && reg <= X86_REG_R15W)
		return X86_REG_R8 + (reg - X86_REG_R8W);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t k = 1; k < 5; k++)
			if (reg == parts[i][k] && reg != X86_REG_INVALID)
				return parts[i][0];
	return reg;
}

static struct code_scan_register *followed_register(struct code_scan *scan, x86_reg reg)
{
	switch (whole_register(reg)) {
	case X86_REG_RBP:
		return &scan->bp;
	case X86_REG_RBX:
		return &scan->bx;
	default:
		return NULL;
	}
}

static void note_write(struct code_scan *scan, struct code_scan_register *followed)
{
	followed->is_written = true;
	if (scan->is_linear)
		followed->write_at = scan->at;
}

static void overwrite(struct code_scan *scan, struct code_scan_register *followed)
{
	note_write(scan, followed);
	followed->is_lost = true;
	followed->is_frame = false;
	followed->slot = NO_SLOT;
}

/* A register is loaded from @slot. Below the base lies what was pushed after the sample: no saved
 * value of the caller's, unless it is what the register held then. */
static void load(struct code_scan *scan, struct code_scan_register *followed, int64_t slot)
{
	if (scan->is_floor) {
		overwrite(scan, followed);
		return;
	}
	note_write(scan, followed);
	followed->is_frame = false;
	if (slot == followed->pushed) {
		followed->slot = NO_SLOT;
		followed->is_lost = followed->is_written = false;
		return;
	}
	if (slot < 0 || slot > INT16_MAX)
		return;
	followed->slot = (int32_t)slot;
	followed->is_lost = false;
}

void code_scan_end_linear(struct code_scan *scan)
{
	if (scan->is_linear)
		scan->last = scan->at;
	scan->is_linear = false;
}

static enum code_scan_verdict move_to(struct code_scan *scan, int64_t position)
{
	if (position < INT16_MIN || position > INT32_MAX / 2)
		return CODE_SCAN_LOST;
	code_scan_end_linear(scan);
	scan->is_plain = false;
	scan->position = (int32_t)position;
	return CODE_SCAN_ON;
}

/* The stack pointer is taken from another register, if that still holds what it held. The slots
 * seen so far count from the old base. */
static enum code_scan_verdict rebase(struct code_scan *scan, x86_reg reg, int64_t position)
{
	struct code_scan_register *base = followed_register(scan, reg);

	if (base && base->is_frame) {
		scan->is_adrift = false;
		return move_to(scan, base->frame + position);
	}
	if (!base || base->is_written)
		return CODE_SCAN_LOST;
	scan->is_adrift = false;
	scan->bp.pushed = scan->bx.pushed = NO_SLOT;
	scan->base = base == &scan->bp ? CFI_BP : CFI_BX;
	scan->bp.is_lost |= scan->bp.slot != NO_SLOT;
	scan->bx.is_lost |= scan->bx.slot != NO_SLOT;
	scan->bp.slot = scan->bx.slot = NO_SLOT;
	return move_to(scan, position);
}

static enum code_scan_verdict pop(struct code_scan *scan, x86_reg reg)
{
	struct code_scan_register *followed = followed_register(scan, reg);
	int32_t slot = scan->position;
	enum code_scan_verdict verdict;

	if (reg == X86_REG_RSP)
		return CODE_SCAN_LOST;
	if (scan->is_adrift) {
		if (followed)
			overwrite(scan, followed);
		return CODE_SCAN_ON;
	}
	verdict = move_to(scan, (int64_t)scan->position + 8);
	if (followed)
		load(scan, followed, slot);
	scan->held = scan->is_floor ? X86_REG_INVALID : reg;
	scan->held_slot = slot;
	return verdict;
}

/* Says whether the operand is the return address that was popped. */
static bool is_held(const struct code_scan *scan, const cs_x86_op *operand)
{
	return scan->held != X86_REG_INVALID && is_register(operand, scan->held);
}

/* A jump to an address from a register: the return, when it was popped there. Else it is a jump
 * table or the call of a function that returns for this one, and these are not told apart. */
static enum code_scan_verdict jump_indirectly(struct code_scan *scan, const cs_x86_op *target)
{
	code_scan_end_linear(scan);
	/* The frame has just been given up. */
	if (scan->base == CFI_BP && !scan->is_adrift && scan->bp.slot == scan->position - 8)
		return CODE_SCAN_RETURNS;
	if (!is_held(scan, target) || followed_register(scan, scan->held))
		return CODE_SCAN_LOST;
	scan->is_floor = scan->is_adrift;
	scan->released = scan->is_floor ? 0 : scan->position - scan->held_slot - 8;
	scan->position = scan->held_slot;
	return scan->released < 0 || scan->released > INT16_MAX / 2 ? CODE_SCAN_LOST
								    : CODE_SCAN_RETURNS;
}

/* A direct jump is followed once. One to what was just passed, or met again, closes a loop, and
 * what stands behind it is where the loop's conditional exit leads. */
static enum code_scan_verdict jump(struct code_scan *scan, const cs_x86_op *target)
{
	if (target->type != X86_OP_IMM)
		return jump_indirectly(scan, target);
	if ((uint64_t)target->imm >= scan->run && (uint64_t)target->imm <= scan->at)
		return CODE_SCAN_ON;
	code_scan_end_linear(scan);
	for (int i = 0; i < scan->jump_count; i++)
		if (scan->jumps[i] == scan->at)
			return CODE_SCAN_ON;
	if (scan->jump_count == CODE_SCAN_JUMPS)
		return CODE_SCAN_LOST;
	scan->jumps[scan->jump_count++] = scan->at;
	scan->address = scan->run = (uint64_t)target->imm;
	return CODE_SCAN_ON;
}

/* The stack pointer is set in a way that is not followed: only from a frame's register it can be
 * had again. */
static enum code_scan_verdict drift(struct code_scan *scan)
{
	code_scan_end_linear(scan);
	scan->is_plain = false;
	scan->is_adrift = true;
	return CODE_SCAN_ON;
}

static enum code_scan_verdict load_address(struct code_scan *scan, const cs_x86 *detail)
{
	const x86_op_mem *memory = &detail->operands[1].mem;

	if (memory->index != X86_REG_INVALID)
		return memory->base == X86_REG_RSP ? drift(scan) : CODE_SCAN_LOST;
	if (memory->base == X86_REG_RSP)
		return scan->is_adrift ? CODE_SCAN_ON
				       : move_to(scan, scan->position + memory->disp);
	return rebase(scan, memory->base, memory->disp);
}

static enum code_scan_verdict leave(struct code_scan *scan)
{
	enum code_scan_verdict verdict = rebase(scan, X86_REG_RBP, 0);

	return verdict == CODE_SCAN_ON ? pop(scan, X86_REG_RBP) : verdict;
}

/* mov N(%rsp),%rbx: how assemblers without push and pop restore. Returns whether it is one. */
static bool is_restore(struct code_scan *scan, const cs_insn *instruction)
{
	const cs_x86_op *operands = instruction->detail->x86.operands;
	struct code_scan_register *followed;

	if (instruction->id != X86_INS_MOV || operands[0].type != X86_OP_REG ||
	    operands[0].size != 8 || operands[1].type != X86_OP_MEM ||
	    operands[1].mem.base != X86_REG_RSP || operands[1].mem.index != X86_REG_INVALID)
		return false;
	followed = followed_register(scan, operands[0].reg);
	if (followed && scan->is_adrift)
		overwrite(scan, followed);
	else if (followed)
		load(scan, followed, scan->position + operands[1].mem.disp);
	return true;
}

/* mov %rsp,%rbp: a frame is made. Returns whether it is one. */
static bool is_frame_made(struct code_scan *scan, const cs_insn *instruction)
{
	const cs_x86_op *operands = instruction->detail->x86.operands;
	struct code_scan_register *followed;

	if (instruction->id != X86_INS_MOV || operands[0].type != X86_OP_REG ||
	    !is_register(&operands[1], X86_REG_RSP) || scan->is_adrift)
		return false;
	followed = followed_register(scan, operands[0].reg);
	if (!followed || operands[0].size != 8)
		return false;
	overwrite(scan, followed);
	followed->is_frame = true;
	followed->frame = scan->position;
	return true;
}

/* Any other instruction may do what it likes, except move the stack pointer. */
static enum code_scan_verdict other(csh capstone, struct code_scan *scan,
				    const cs_insn *instruction)
{
	cs_regs reads, writes;
	uint8_t read_count, write_count;

	if (is_restore(scan, instruction) || is_frame_made(scan, instruction))
		return CODE_SCAN_ON;
	if (cs_insn_group(capstone, instruction, CS_GRP_JUMP) &&
	    instruction->detail->x86.operands[0].type == X86_OP_IMM)
		scan->branch = (uint64_t)instruction->detail->x86.operands[0].imm;
	if (cs_regs_access(capstone, instruction, reads, &read_count, writes, &write_count))
		return CODE_SCAN_LOST;
	for (int i = 0; i < write_count; i++) {
		struct code_scan_register *followed = followed_register(scan, writes[i]);
		x86_reg whole = whole_register(writes[i]);

		if (whole == X86_REG_RSP)
			return CODE_SCAN_LOST;
		if (followed)
			overwrite(scan, followed);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the caller's own */
		if (whole == scan->held)
			scan->held = X86_REG_INVALID;
	}
	return CODE_SCAN_ON;
}

/* An instruction whose first operand is the stack pointer. */
static enum code_scan_verdict step_on_sp(struct code_scan *scan, const cs_insn *instruction)
{
	const cs_x86 *detail = &instruction->detail->x86;
	const cs_x86_op *operands = detail->operands;

	switch (instruction->id) {
	case X86_INS_ADD:
	case X86_INS_SUB:
		if (operands[1].type != X86_OP_IMM)
			return drift(scan);
		if (scan->is_adrift)
			return CODE_SCAN_ON;
		return move_to(scan, instruction->id == X86_INS_ADD
					     ? scan->position + operands[1].imm
					     : scan->position - operands[1].imm);
	case X86_INS_LEA:
		return load_address(scan, detail);
	case X86_INS_MOV:
		return operands[1].type == X86_OP_REG ? rebase(scan, operands[1].reg, 0)
						      : drift(scan);
	case X86_INS_AND:
		return drift(scan);
	case X86_INS_CMP:
	case X86_INS_TEST:
		return CODE_SCAN_ON;
	default:
		return CODE_SCAN_LOST;
	}
}

static enum code_scan_verdict push(struct code_scan *scan, const cs_x86_op *operand)
{
	struct code_scan_register *followed =
		operand->type == X86_OP_REG ? followed_register(scan, operand->reg) : NULL;

	if (scan->is_adrift && is_held(scan, operand)) {
		scan->is_adrift = false;
		scan->is_floor = true;
		return move_to(scan, scan->held_slot);
	}
	if (scan->is_adrift)
		return CODE_SCAN_ON;
	if (followed && !followed->is_written)
		followed->pushed = scan->position - 8;
	return move_to(scan, scan->position - 8);
}

/* ret, and ret N, which releases what the caller has pushed. */
static enum code_scan_verdict give_back(struct code_scan *scan, const cs_x86 *detail)
{
	code_scan_end_linear(scan);
	if (scan->is_adrift)
		return CODE_SCAN_LOST;
	if (scan->is_floor && scan->position != scan->held_slot)
		return CODE_SCAN_LOST;
	if (detail->op_count && !scan->is_floor)
		scan->released = (int32_t)(detail->operands[0].imm & UINT16_MAX);
	return scan->released > INT16_MAX / 2 ? CODE_SCAN_LOST : CODE_SCAN_RETURNS;
}

static enum code_scan_verdict take(struct code_scan *scan, csh capstone, const cs_insn *instruction)
{
	const cs_x86 *detail = &instruction->detail->x86;
	const cs_x86_op *operands = detail->operands;

	switch (instruction->id) {
	case X86_INS_RET:
		return give_back(scan, detail);
	case X86_INS_JMP:
		return jump(scan, &operands[0]);
	case X86_INS_HLT: /* behind the system call that ends a thread */
		return scan->was_syscall ? CODE_SCAN_ENDS : CODE_SCAN_LOST;
	case X86_INS_UD2:
	case X86_INS_INT3:
		return CODE_SCAN_LOST;
	case X86_INS_CALL:
		scan->held = X86_REG_INVALID;
		return CODE_SCAN_ON;
	case X86_INS_PUSH:
	case X86_INS_PUSHFQ:
		return push(scan, &operands[0]);
	case X86_INS_POPFQ:
		return scan->is_adrift ? CODE_SCAN_ON : move_to(scan, scan->position + 8);
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

void code_scan_begin(struct code_scan *scan, uint64_t address)
{
	*scan = (struct code_scan){
		.address = address,
		.run = address,
		.base = CFI_SP,
		.is_plain = true,
		.is_linear = true,
		.bp = {.slot = NO_SLOT, .pushed = NO_SLOT},
		.bx = {.slot = NO_SLOT, .pushed = NO_SLOT},
	};
}

enum code_scan_verdict code_scan_take(struct code_scan *scan, csh capstone,
				      const cs_insn *instruction)
{
	enum code_scan_verdict verdict = take(scan, capstone, instruction);

	scan->was_syscall = instruction->id == X86_INS_SYSCALL;
	return verdict;
}
