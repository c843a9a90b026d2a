/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unwind_guess: the steps of a walk out of code without full call frame information
 * (unwind_walk.h).
 *
 * What the instructions up to the return do says where the return address is (epilogue.h). Code
 * that was generated is read in the process itself. Where they do not say it, the frame pointer is
 * followed, if nothing else can be the return address: every function that is being executed has
 * one above the stack pointer. So when no word from there to the record that the frame pointer
 * points to could be one, the record is the function's own. A function that keeps no frame pointer
 * has left its caller's in the register, and its own return address lies before that record.
 *
 * A caller's rule may name a register that a call need not preserve, as hand-written assembly's do
 * which know their callees. Of those the call frame information says nothing, and DWARF leaves to
 * the architecture what that means (DWARF 5 section 6.4.1). Below the innermost function it is
 * supposed to be unchanged.
 *
 * In each case the caller must be mapped code, behind a call instruction. The result is marked as
 * guessed. Where neither says it the stack ends here, as no_rule: a caller is never made up.
 */
#include "collector/resolve/unwind_walk.h"

/* Between the stack pointer and a record; frames of generated code are far smaller. */
#define MOST_RECORD_BYTES 16384

/* Registers that calls need not preserve, by DWARF number: ax, dx, cx, si, di, r8 to r11 (System V
 * ABI AMD64, figure 3.4). */
#define CALLER_SAVED 0xf37U

/* Takes a guessed step back unless the caller it led to is mapped code. */
static enum cfi_step judge(struct walk *walk, const struct cfi_frame *before)
{
	const struct cfi_frame *frame = &walk->frame;

	if (frame->registers[CFI_IP] &&
	    address_space_find(walk->space, cfi_frame_address(frame))->kind ==
		    PROFILE_MODULE_UNKNOWN) {
		walk->frame = *before;
		return CFI_STEP_NO_RULE;
	}
	walk->was_guessed = true;
	return CFI_STEP_DONE;
}

/* The same, and unless a call stands before it. */
static enum cfi_step judge_call(struct walk *walk, const struct cfi_frame *before)
{
	uint64_t ip;

	unwind_restore_return(walk);
	ip = walk->frame.registers[CFI_IP];
	if (ip && !address_space_follows_call(walk->space, ip)) {
		walk->frame = *before;
		return CFI_STEP_NO_RULE;
	}
	return judge(walk, before);
}

/* Steps by what the instructions up to the return do. */
static enum cfi_step step_by_code(struct walk *walk)
{
	struct cfi_frame before = walk->frame;
	const struct cfi_rule *rule = address_space_epilogue(walk->space, before.registers[CFI_IP]);
	enum cfi_step step = cfi_step(rule, &walk->frame, &walk->copy);

	return step == CFI_STEP_DONE ? judge_call(walk, &before) : step;
}

/* Says whether the record that the frame pointer points to can only be the function's own. */
static bool is_own_record(const struct walk *walk)
{
	uint64_t sp = walk->frame.registers[CFI_SP];
	uint64_t bp = walk->frame.registers[CFI_BP];

	if (sp & 7 || bp < sp || bp - sp > MOST_RECORD_BYTES)
		return false;
	for (uint64_t word; sp < bp; sp += 8)
		if (!cfi_read_word(&walk->copy, sp, &word) ||
		    (walk->sample->trampoline && word == walk->sample->trampoline) ||
		    address_space_follows_call(walk->space, word))
			return false;
	return true;
}

static enum cfi_step step_by_record(struct walk *walk)
{
	struct cfi_frame before = walk->frame;
	enum cfi_step step = cfi_step_by_frame_pointer(&walk->frame, &walk->copy);

	if (step != CFI_STEP_DONE)
		return step;
	walk->frame = before;
	if (!is_own_record(walk))
		return CFI_STEP_NO_RULE;
	cfi_step_by_frame_pointer(&walk->frame, &walk->copy);
	return judge_call(walk, &before);
}

/* Steps by the rule of the innermost function's caller, supposing that the callee has left the
 * register which that names as it was. */
static enum cfi_step step_by_kept_register(struct walk *walk, const struct cfi_rule *rule)
{
	struct cfi_frame before = walk->frame;
	enum cfi_step step;

	if (walk->depth != 1 || walk->was_guessed || !(CALLER_SAVED >> rule->cfa_register & 1))
		return CFI_STEP_NO_RULE;
	walk->frame.known |= 1U << rule->cfa_register;
	step = cfi_step(rule, &walk->frame, &walk->copy);
	if (step == CFI_STEP_DONE && walk->frame.registers[CFI_IP])
		return judge_call(walk, &before);
	before.missing = walk->frame.missing;
	walk->frame = before;
	if (step == CFI_STEP_OUTSIDE &&
	    before.missing - before.registers[CFI_SP] <= MOST_RECORD_BYTES)
		return CFI_STEP_OUTSIDE;
	return CFI_STEP_NO_RULE;
}

enum cfi_step unwind_guess(struct walk *walk, const struct code_address *code,
			   enum profile_ending *ending)
{
	const struct cfi_rule rule = code->rule;
	const bool is_entry = code->is_entry;
	enum cfi_step step;

	/* The kernel starts a process without a frame pointer. */
	*ending = unwind_root_ending(walk);
	if (is_entry && walk->frame.known & 1U << CFI_BP && !walk->frame.registers[CFI_BP])
		return CFI_STEP_END;
	step = step_by_kept_register(walk, &rule);
	if (step == CFI_STEP_NO_RULE)
		step = step_by_code(walk);
	if (step == CFI_STEP_DONE || step == CFI_STEP_OUTSIDE || step == CFI_STEP_END)
		return step;
	*ending = PROFILE_ENDING_NO_RULE;
	return step_by_record(walk);
}

enum cfi_step unwind_guess_go(struct walk *walk, enum go_stack stack, enum profile_ending *ending)
{
	struct cfi_frame before = walk->frame;
	enum cfi_step step;

	*ending = unwind_root_ending(walk);
	if (stack == GO_STACK_LEFT)
		return CFI_STEP_END;
	*ending = PROFILE_ENDING_NO_RULE;
	walk->frame.registers[CFI_SP] = walk->frame.registers[CFI_BP];
	step = cfi_step_by_frame_pointer(&walk->frame, &walk->copy);
	if (step == CFI_STEP_DONE)
		return judge(walk, &before);
	before.missing = walk->frame.missing;
	walk->frame = before;
	return step;
}
