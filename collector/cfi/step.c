/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * step: applies a rule to registers and memory (cfi_step of cfi.h).
 *
 * Nothing of the frame is written before all reads have succeeded, so that a walker can fetch more
 * memory and take the same step again.
 */
#include "collector/cfi/cfi.h"

/* ucontext_t.uc_mcontext.gregs at this offset, in this order (Linux, x86-64). */
#define UCONTEXT_REGISTERS 40

static const uint8_t ucontext_order[CFI_REGISTERS] = {
	8, 9, 10, 11, 12, 13, 14, 15, 5, 4, CFI_BP, CFI_BX, 1, 0, 2, CFI_SP, CFI_IP,
};

#define KNOWS(frame, number) ((frame)->known >> (number)&1)

/* Registers that survive a call as far as rules follow them. */
#define KNOWN_OF_CALLER (1U << CFI_BX | 1U << CFI_BP | 1U << CFI_SP | 1U << CFI_IP)

bool cfi_read_word(const struct cfi_memory *memory, uint64_t address, uint64_t *value)
{
	for (; memory; memory = memory->next) {
		uint64_t offset = address - memory->start;

		if (offset < memory->bytes && memory->bytes - offset >= sizeof(*value)) {
			__builtin_memcpy(value, memory->data + offset, sizeof(*value));
			return true;
		}
	}
	return false;
}

/* A register on its way from a frame to its caller's. */
struct passed {
	uint64_t value;
	bool is_known;
};

/* Returns false when memory is missing, with frame->missing set. */
static bool pass_register(struct cfi_frame *frame, const struct cfi_memory *memory, uint64_t cfa,
			  unsigned int number, enum cfi_saved saved, int16_t offset,
			  struct passed *passed)
{
	uint64_t slot;

	*passed = (struct passed){frame->registers[number], KNOWS(frame, number)};
	switch (saved) {
	case CFI_SAME:
		return true;
	case CFI_AT_CFA:
		slot = cfa + (uint64_t)offset;
		break;
	case CFI_AT_BP:
		if (!KNOWS(frame, CFI_BP)) {
			passed->is_known = false;
			return true;
		}
		slot = frame->registers[CFI_BP] + (uint64_t)offset;
		break;
	case CFI_CFA_PLUS:
		*passed = (struct passed){cfa + (uint64_t)offset, true};
		return true;
	case CFI_IN_REGISTER:
		*passed = (struct passed){frame->registers[offset], KNOWS(frame, offset)};
		return true;
	default:
		passed->is_known = false;
		return true;
	}
	if (slot < frame->registers[CFI_SP])
		return true;
	passed->is_known = cfi_read_word(memory, slot, &passed->value);
	frame->missing = slot;
	return passed->is_known;
}

static enum cfi_step step_signal(struct cfi_frame *frame, const struct cfi_memory *memory)
{
	uint64_t slot = frame->registers[CFI_SP] + UCONTEXT_REGISTERS;
	uint64_t registers[CFI_REGISTERS];

	for (unsigned int i = 0; i < CFI_REGISTERS; i++, slot += 8) {
		if (cfi_read_word(memory, slot, &registers[ucontext_order[i]]))
			continue;
		frame->missing = slot;
		return CFI_STEP_OUTSIDE;
	}
	__builtin_memcpy(frame->registers, registers, sizeof(registers));
	frame->known = (1U << CFI_REGISTERS) - 1;
	frame->is_exact = true;
	frame->return_slot = slot - 8;
	return CFI_STEP_DONE;
}

bool cfi_frame_top(const struct cfi_rule *rule, const struct cfi_frame *frame, uint64_t *cfa)
{
	if ((rule->kind != CFI_REGISTER && rule->kind != CFI_PLT) ||
	    !KNOWS(frame, rule->cfa_register))
		return false;
	*cfa = frame->registers[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;
	if (rule->kind == CFI_PLT && (int16_t)(frame->registers[CFI_IP] & 15) >= rule->cfa_offset2)
		*cfa += 8;
	return true;
}

/* Finds the canonical frame address, by memory where the rule says so. */
static enum cfi_step find_cfa(const struct cfi_rule *rule, struct cfi_frame *frame,
			      const struct cfi_memory *memory, uint64_t *cfa)
{
	uint64_t bottom = frame->registers[CFI_SP];

	if (rule->kind == CFI_DEREFERENCE) {
		uint64_t slot;

		if (!KNOWS(frame, rule->cfa_register))
			return CFI_STEP_NO_RULE;
		slot = frame->registers[rule->cfa_register] + (uint64_t)(int64_t)rule->cfa_offset;
		if (!cfi_read_word(memory, slot, cfa)) {
			frame->missing = slot;
			return CFI_STEP_OUTSIDE;
		}
		*cfa += (uint64_t)(int64_t)rule->cfa_offset2;
	} else if (!cfi_frame_top(rule, frame, cfa)) {
		return CFI_STEP_NO_RULE;
	}
	/* Only the innermost function can have a frame without bytes: its return address may
	 * already be in a register. */
	if (*cfa < bottom || (*cfa == bottom && !frame->is_exact) || *cfa & 7)
		return CFI_STEP_IMPOSSIBLE;
	return CFI_STEP_DONE;
}

enum cfi_step cfi_step(const struct cfi_rule *rule, struct cfi_frame *frame,
		       const struct cfi_memory *memory)
{
	struct passed bp, bx;
	uint64_t cfa, ip, slot = 0;
	enum cfi_step found;

	if (rule->kind == CFI_END)
		return CFI_STEP_END;
	if (rule->kind == CFI_SIGNAL)
		return step_signal(frame, memory);
	if (rule->kind == CFI_NO_RULE || rule->kind == CFI_UNSUPPORTED)
		return CFI_STEP_NO_RULE;
	found = find_cfa(rule, frame, memory, &cfa);
	if (found != CFI_STEP_DONE)
		return found;
	if (rule->ip_saved == CFI_AT_CFA) {
		slot = cfa + (uint64_t)rule->ip_offset;
		if (slot < frame->registers[CFI_SP])
			return CFI_STEP_IMPOSSIBLE;
		if (!cfi_read_word(memory, slot, &ip)) {
			frame->missing = slot;
			return CFI_STEP_OUTSIDE;
		}
	} else if (KNOWS(frame, rule->ip_offset)) {
		ip = frame->registers[rule->ip_offset];
	} else {
		return CFI_STEP_NO_RULE;
	}
	if (!pass_register(frame, memory, cfa, CFI_BP, rule->bp_saved, rule->bp_offset, &bp) ||
	    !pass_register(frame, memory, cfa, CFI_BX, rule->bx_saved, rule->bx_offset, &bx))
		return CFI_STEP_OUTSIDE;
	frame->registers[CFI_BP] = bp.value;
	frame->registers[CFI_BX] = bx.value;
	frame->registers[CFI_SP] = cfa;
	frame->registers[CFI_IP] = ip;
	frame->known = KNOWN_OF_CALLER & ~((uint32_t)!bp.is_known << CFI_BP) &
		       ~((uint32_t)!bx.is_known << CFI_BX) & ~((uint32_t)rule->is_floor << CFI_SP);
	frame->is_exact = rule->is_signal;
	frame->return_slot = slot;
	return CFI_STEP_DONE;
}

enum cfi_step cfi_step_by_frame_pointer(struct cfi_frame *frame, const struct cfi_memory *memory)
{
	uint64_t bp = frame->registers[CFI_BP];
	uint64_t ip, caller_bp;

	if (!KNOWS(frame, CFI_BP) || bp < frame->registers[CFI_SP] || bp & 7)
		return CFI_STEP_NO_RULE;
	if (!cfi_read_word(memory, bp + 8, &ip) || !cfi_read_word(memory, bp, &caller_bp)) {
		frame->missing = bp;
		return CFI_STEP_OUTSIDE;
	}
	frame->registers[CFI_BP] = caller_bp;
	frame->registers[CFI_SP] = bp + 16;
	frame->registers[CFI_IP] = ip;
	frame->known = 1U << CFI_BP | 1U << CFI_SP | 1U << CFI_IP;
	frame->is_exact = false;
	frame->return_slot = bp + 8;
	return CFI_STEP_DONE;
}
