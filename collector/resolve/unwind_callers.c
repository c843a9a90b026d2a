/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind_callers: where the copy of the stack ends, what the kernel knows: the chain of frame
 * pointers that it has followed when it took the sample (unwind_walk.h).
 *
 * Where the innermost function's own frame leaves the copy, nothing in it can verify live memory.
 * But a function of such a frame mostly keeps a frame pointer (arrays that are aligned, or of
 * variable size). Where there is no frame pointer the stack ends as truncated.
 */
#include "collector/resolve/unwind_walk.h"

bool unwind_is_same_function(struct address_space *space, uint64_t a, uint64_t b)
{
	uint64_t start_a, start_b;

	return address_space_function(space, a, &start_a) &&
	       address_space_function(space, b, &start_b) && start_a == start_b;
}

/* Appends the frame of a caller; returns its code, or NULL when there is no room or no code. */
static const struct code_address *add_caller(struct walk *walk, uint64_t address)
{
	const struct code_address *code = address_space_find(walk->space, address);

	if (walk->depth == UNWIND_DEPTH || code->kind == PROFILE_MODULE_UNKNOWN)
		return NULL;
	unwind_note_frame(walk, 0, address, code->frame);
	walk->depth++;
	return code;
}

bool unwind_finish_by_callers(struct walk *walk)
{
	const struct code_address *code =
		address_space_find(walk->space, cfi_frame_address(&walk->frame));
	uint32_t depth = walk->depth++;
	size_t i = 0;

	if (code->stack == GO_STACK_NONE || walk->frame.is_exact)
		i = walk->caller_count;
	while (i < walk->caller_count && walk->callers[i] != walk->frame.registers[CFI_IP])
		i++;
	while (++i < walk->caller_count && code) {
		uint64_t target;

		if (code->stack == GO_STACK_SWITCHED &&
		    address_space_call_target(walk->space, walk->callers[i], &target) &&
		    !unwind_is_same_function(walk->space, code->address, target) &&
		    !add_caller(walk, target))
			break;
		code = add_caller(walk, walk->callers[i] - 1);
		if (code && (code->rule.kind == CFI_END || code->stack == GO_STACK_LEFT))
			return true;
	}
	walk->depth = depth;
	return false;
}

bool unwind_find_known_caller(struct walk *walk, struct cfi_frame *caller)
{
	const struct cfi_frame *frame = &walk->frame;
	const struct cfi_rule *rule =
		&address_space_find(walk->space, cfi_frame_address(frame))->rule;
	uint64_t bp = frame->registers[CFI_BP];

	if (walk->depth || walk->caller_count < 2 || walk->callers[0] != frame->registers[CFI_IP] ||
	    rule->kind != CFI_REGISTER || rule->cfa_register != CFI_BP ||
	    rule->ip_saved != CFI_AT_CFA || rule->cfa_offset + rule->ip_offset != 8)
		return false;
	*caller = *frame;
	caller->registers[CFI_SP] = bp + (uint64_t)(int64_t)rule->cfa_offset;
	caller->registers[CFI_IP] = walk->callers[1];
	caller->known = 1U << CFI_SP | 1U << CFI_IP;
	caller->is_exact = false;
	caller->return_slot = bp + 8;
	return true;
}
