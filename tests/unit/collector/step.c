/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/cfi/step.c. Stacks are small arrays at an address of our choice. */
#include "collector/cfi/cfi.h"

#include <criterion/criterion.h>
#include <string.h>

#define BOTTOM	0x7000
#define WORDS	64
#define WORD(i) (BOTTOM + 8 * (i)) /* address of a word of the stack */

struct stack {
	uint64_t words[WORDS];
	struct cfi_memory memory;
	struct cfi_frame frame;
};

/* Word i of the stack holds 1000 + i; sp is its bottom, bp = 77, bx = 88, ip = 99. */
static void make(struct stack *stack)
{
	for (uint64_t i = 0; i < WORDS; i++)
		stack->words[i] = 1000 + i;
	stack->memory = (struct cfi_memory){(const uint8_t *)stack->words, BOTTOM,
					    sizeof(stack->words), NULL};
	stack->frame = (struct cfi_frame){.known = (1U << CFI_REGISTERS) - 1, .is_exact = true};
	stack->frame.registers[CFI_SP] = BOTTOM;
	stack->frame.registers[CFI_BP] = 77;
	stack->frame.registers[CFI_BX] = 88;
	stack->frame.registers[CFI_IP] = 99;
}

static const struct cfi_rule ordinary = {
	.kind = CFI_REGISTER,
	.cfa_register = CFI_SP,
	.cfa_offset = 32,
	.bp_saved = CFI_AT_CFA,
	.bp_offset = -16,
	.bx_saved = CFI_AT_CFA,
	.bx_offset = -24,
	.ip_saved = CFI_AT_CFA,
	.ip_offset = -8,
};

Test(step, restores_the_callers_registers)
{
	struct stack stack;

	make(&stack);
	cr_assert_eq(cfi_step(&ordinary, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_SP], WORD(4));
	cr_expect_eq(stack.frame.registers[CFI_IP], 1003);
	cr_expect_eq(stack.frame.registers[CFI_BP], 1002);
	cr_expect_eq(stack.frame.registers[CFI_BX], 1001);
	cr_expect_eq(stack.frame.return_slot, WORD(3));
	cr_expect_not(stack.frame.is_exact);
	cr_expect_eq(cfi_frame_address(&stack.frame), 1002);
	/* what a call may change is not known any more */
	cr_expect_eq(stack.frame.known, 1U << CFI_SP | 1U << CFI_IP | 1U << CFI_BP | 1U << CFI_BX);
}

Test(step, leaves_a_register_whose_slot_was_popped)
{
	struct cfi_rule rule = ordinary;
	struct stack stack;

	make(&stack);
	rule.cfa_offset = 8; /* in an epilogue: CFA - 16 is below sp */
	cr_assert_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_BP], 77);
	cr_expect_eq(stack.frame.registers[CFI_BX], 88);
	cr_expect_eq(stack.frame.registers[CFI_IP], 1000);
}

Test(step, changes_nothing_when_memory_is_missing)
{
	struct stack stack;
	struct cfi_frame before;

	for (size_t bytes = 0; bytes < 32; bytes += 4) {
		make(&stack);
		stack.memory.bytes = bytes;
		before = stack.frame;
		cr_assert_eq(cfi_step(&ordinary, &stack.frame, &stack.memory), CFI_STEP_OUTSIDE);
		cr_expect_eq(stack.frame.missing, WORD(3));
		before.missing = stack.frame.missing;
		cr_expect_arr_eq(&before, &stack.frame, sizeof(before));
	}
}

Test(step, goes_on_in_the_next_memory)
{
	struct stack stack;
	struct cfi_memory rest;

	make(&stack);
	rest = (struct cfi_memory){(const uint8_t *)(stack.words + 2), WORD(2), 16, NULL};
	stack.memory.bytes = 16;
	stack.memory.next = &rest;
	cr_assert_eq(cfi_step(&ordinary, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_IP], 1003);
	cr_expect_eq(stack.frame.registers[CFI_BX], 1001);
}

Test(step, refuses_a_frame_that_does_not_grow)
{
	struct cfi_rule rule = ordinary;
	struct stack stack;

	make(&stack);
	rule.cfa_offset = -8;
	cr_expect_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_IMPOSSIBLE);
	rule.cfa_offset = 12; /* no stack pointer is odd */
	cr_expect_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_IMPOSSIBLE);
	/* the innermost function, and no other, may hold its return address in a register */
	rule.cfa_offset = 0;
	rule.ip_saved = CFI_IN_REGISTER;
	rule.ip_offset = 5;
	stack.frame.registers[5] = 4321;
	stack.frame.is_exact = false;
	cr_expect_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_IMPOSSIBLE);
	stack.frame.is_exact = true;
	cr_assert_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_IP], 4321);
	cr_expect_eq(stack.frame.return_slot, 0);
}

Test(step, needs_registers_that_are_known)
{
	struct cfi_rule rule = ordinary;
	struct stack stack;

	make(&stack);
	rule.cfa_register = 10;
	stack.frame.registers[10] = BOTTOM + 8;
	cr_assert_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_SP], WORD(5));
	stack.frame.registers[10] = WORD(5);
	cr_expect_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_NO_RULE);
}

Test(step, loses_a_register_and_all_that_needs_it)
{
	struct cfi_rule rule = ordinary;
	struct stack stack;

	make(&stack);
	rule.bp_saved = CFI_LOST;
	cr_assert_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_not(stack.frame.known & 1U << CFI_BP);
	rule.cfa_register = CFI_BP;
	cr_expect_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_NO_RULE);
	cr_expect_eq(cfi_step_by_frame_pointer(&stack.frame, &stack.memory), CFI_STEP_NO_RULE);
}

Test(step, follows_frames_that_realign_the_stack)
{
	const struct cfi_rule rule = {
		.kind = CFI_DEREFERENCE,
		.cfa_register = CFI_BP,
		.cfa_offset = -8,
		.cfa_offset2 = 8,
		.bp_saved = CFI_AT_BP,
		.bx_saved = CFI_AT_BP,
		.bx_offset = -16,
		.ip_saved = CFI_AT_CFA,
		.ip_offset = -8,
	};
	struct stack stack;

	make(&stack);
	stack.frame.registers[CFI_BP] = WORD(10);
	stack.words[9] = WORD(19);
	cr_assert_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_SP], WORD(20));
	cr_expect_eq(stack.frame.registers[CFI_IP], 1019);
	cr_expect_eq(stack.frame.registers[CFI_BP], 1010);
	cr_expect_eq(stack.frame.registers[CFI_BX], 1008);
}

Test(step, counts_the_words_that_the_linkage_table_pushed)
{
	const struct cfi_rule rule = {.kind = CFI_PLT,
				      .cfa_register = CFI_SP,
				      .cfa_offset = 8,
				      .cfa_offset2 = 11,
				      .ip_offset = -8,
				      .ip_saved = CFI_AT_CFA};
	struct stack stack;

	for (uint64_t at = 0; at < 16; at++) {
		make(&stack);
		stack.frame.registers[CFI_IP] = 0x4010f0 + at;
		cr_assert_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_DONE);
		cr_expect_eq(stack.frame.registers[CFI_IP], at < 11 ? 1000 : 1001);
	}
}

Test(step, takes_all_registers_from_a_signal_frame)
{
	const struct cfi_rule rule = {.kind = CFI_SIGNAL, .is_signal = true};
	struct stack stack;

	make(&stack);
	stack.frame.known = 1U << CFI_SP | 1U << CFI_IP;
	stack.frame.is_exact = false;
	stack.words[20] = 0x1230; /* gregs[REG_RSP]: another stack, even below */
	cr_assert_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_SP], 0x1230);
	cr_expect_eq(stack.frame.registers[CFI_IP], 1021);
	cr_expect_eq(stack.frame.registers[CFI_BP], 1015);
	cr_expect_eq(stack.frame.registers[CFI_BX], 1016);
	cr_expect_eq(stack.frame.registers[8], 1005, "r8");
	cr_expect_eq(stack.frame.registers[15], 1012, "r15");
	cr_expect_eq(stack.frame.registers[5], 1013, "di");
	cr_expect_eq(stack.frame.registers[4], 1014, "si");
	cr_expect_eq(stack.frame.registers[1], 1017, "dx");
	cr_expect_eq(stack.frame.registers[0], 1018, "ax");
	cr_expect_eq(stack.frame.registers[2], 1019, "cx");
	cr_expect_eq(stack.frame.known, (1U << CFI_REGISTERS) - 1);
	cr_expect(stack.frame.is_exact);
	cr_expect_eq(cfi_frame_address(&stack.frame), 1021);
	make(&stack);
	stack.memory.bytes = 168;
	cr_expect_eq(cfi_step(&rule, &stack.frame, &stack.memory), CFI_STEP_OUTSIDE);
	cr_expect_eq(stack.frame.missing, WORD(21));
}

Test(step, says_where_a_frame_ends_without_memory)
{
	struct cfi_rule rule = ordinary;
	struct stack stack;
	uint64_t top;

	make(&stack);
	cr_assert(cfi_frame_top(&rule, &stack.frame, &top));
	cr_expect_eq(top, WORD(4));
	rule.kind = CFI_DEREFERENCE;
	cr_expect_not(cfi_frame_top(&rule, &stack.frame, &top));
}

Test(step, follows_frame_pointers)
{
	struct stack stack;

	make(&stack);
	stack.frame.registers[CFI_BP] = WORD(5);
	cr_assert_eq(cfi_step_by_frame_pointer(&stack.frame, &stack.memory), CFI_STEP_DONE);
	cr_expect_eq(stack.frame.registers[CFI_BP], 1005);
	cr_expect_eq(stack.frame.registers[CFI_IP], 1006);
	cr_expect_eq(stack.frame.registers[CFI_SP], WORD(7));
	make(&stack);
	stack.frame.registers[CFI_BP] = BOTTOM - 8; /* below the frame */
	cr_expect_eq(cfi_step_by_frame_pointer(&stack.frame, &stack.memory), CFI_STEP_NO_RULE);
	stack.frame.registers[CFI_BP] = BOTTOM + 4; /* odd */
	cr_expect_eq(cfi_step_by_frame_pointer(&stack.frame, &stack.memory), CFI_STEP_NO_RULE);
	stack.frame.registers[CFI_BP] = WORD(WORDS); /* beyond the copy */
	cr_expect_eq(cfi_step_by_frame_pointer(&stack.frame, &stack.memory), CFI_STEP_OUTSIDE);
}
