/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/placement.c, on instructions spelt as bytes. */
#include "collector/resolve/placement.h"

#include <criterion/criterion.h>

#define START 0x1000

static struct placement placement;

/* Places a probe in the code of one piece; returns its distance from the start, -1 for no code. */
static int place(const uint8_t *bytes, size_t count, bool is_counted)
{
	struct placement_code code = {START, bytes, count};

	return placement_find(&code, 1, is_counted, &placement) ? (int)(placement.address - START)
								: -1;
}

#define PLACE(is_counted, ...)                                                                     \
	({                                                                                         \
		static const uint8_t bytes[] = {__VA_ARGS__};                                      \
		place(bytes, sizeof(bytes), is_counted);                                           \
	})

#define ENDBR64	 0xf3, 0x0f, 0x1e, 0xfa
#define NOP5	 0x0f, 0x1f, 0x44, 0x00, 0x00
#define PUSH_RBX 0x53
#define MOV	 0x48, 0x89, 0xf8	/* mov %rdi,%rax */
#define TEST	 0x48, 0x85, 0xc0	/* test %rax,%rax */
#define JE_2	 0x74, 0x02		/* over two bytes */
#define SUB_SP	 0x48, 0x83, 0xec, 0x08 /* sub $8,%rsp */
#define CALL	 0xe8, 0x00, 0x01, 0x00, 0x00
#define RED_ZONE 0x48, 0x89, 0x7c, 0x24, 0xf8 /* mov %rdi,-8(%rsp) */
#define RET	 0xc3

Test(placement, stays_at_a_push)
{
	cr_assert_eq(PLACE(false, PUSH_RBX, MOV, RET), 0);
	cr_assert_eq(placement.kind, PLACEMENT_EMULATED);
}

Test(placement, goes_past_endbr64)
{
	cr_assert_eq(PLACE(false, ENDBR64, PUSH_RBX, MOV, RET), 4);
	cr_assert_eq(placement.kind, PLACEMENT_EMULATED);
}

Test(placement, goes_down_to_the_first_conditional_jump)
{
	cr_assert_eq(PLACE(false, MOV, TEST, JE_2, 0x90, 0x90, RET), 6);
	cr_assert_eq(placement.kind, PLACEMENT_EMULATED);
}

#define LOCK_ADD 0xf0, 0x48, 0x01, 0x07 /* lock add %rax,(%rdi) */
#define NOTRACK	 0x3e, 0xff, 0xe0	/* notrack jmp *%rax */

Test(placement, passes_what_the_kernel_refuses)
{
	cr_assert_eq(PLACE(false, LOCK_ADD, MOV, RET), 4);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
	cr_assert_eq(PLACE(true, LOCK_ADD, RET), 4);
	cr_assert_eq(PLACE(true, ENDBR64, LOCK_ADD, RET), 0);
	cr_assert_eq(PLACE(true, LOCK_ADD, NOTRACK), -1);
	/* Behind it a loop would be counted, too. */
	cr_assert_eq(PLACE(true, LOCK_ADD, MOV, 0xeb, 0xfb), -1);
}

Test(placement, takes_a_five_byte_nop_at_the_entry)
{
	cr_assert_eq(PLACE(false, ENDBR64, NOP5, MOV, RET), 4);
	cr_assert_eq(placement.kind, PLACEMENT_NOP5);
}

/* The kernel turns it into a call, which overwrites what a leaf function keeps there. */
Test(placement, takes_no_nop_below_which_the_red_zone_is_in_use)
{
	cr_assert_eq(PLACE(false, RED_ZONE, NOP5, MOV, RET), 0);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
	cr_assert_eq(PLACE(true, RED_ZONE, NOP5, MOV, RET), 0);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
}

/* The kernel looks for the return address at the stack pointer. */
Test(placement, moves_the_stack_only_when_nobody_waits_for_the_return)
{
	cr_assert_eq(PLACE(false, SUB_SP, CALL, RET), 0);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
	cr_assert_eq(PLACE(true, SUB_SP, CALL, RET), 4);
	cr_assert_eq(placement.kind, PLACEMENT_EMULATED);
}

/* mov; L: test; je out; jmp L */
Test(placement, stops_before_what_a_jump_leads_to)
{
	cr_assert_eq(PLACE(false, MOV, TEST, JE_2, 0xeb, 0xf9, RET), 0);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
	cr_assert_not(placement.is_loop);
}

/* L: mov; test; jne L */
Test(placement, tells_a_loop_back_to_the_entry)
{
	cr_assert_eq(PLACE(false, MOV, TEST, 0x75, 0xf8, RET), 6);
	cr_assert(placement.is_loop);
}

/* The part elsewhere jumps back to the second instruction. */
Test(placement, sees_jumps_of_the_functions_parts)
{
	static const uint8_t main_part[] = {MOV, TEST, JE_2, 0x90, 0x90, RET};
	static const uint8_t cold_part[] = {0xe9, 0xfe, 0xef, 0xff,
					    0xff}; /* at 0x2000, to 0x1003 */
	struct placement_code code[] = {{START, main_part, sizeof(main_part)},
					{0x2000, cold_part, sizeof(cold_part)}};

	cr_assert(placement_find(code, 2, false, &placement));
	cr_assert_eq(placement.address, START);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
}

/* mov; test; je; jmp *%rax: who knows where that leads */
Test(placement, trusts_only_the_save_of_a_register_where_jumps_lead_through_a_table)
{
	cr_assert_eq(PLACE(false, MOV, TEST, JE_2, 0xff, 0xe0, RET), 0);
	cr_assert_eq(PLACE(false, MOV, PUSH_RBX, 0xff, 0xe0, RET), 3);
	cr_assert_eq(PLACE(false, MOV, 0x50, 0xff, 0xe0, RET), 0, "rax is nobody's to save");
}

/* A longer encoding of a short jump, and nops that only look like the kernel's. */
Test(placement, knows_what_the_kernel_does_not_emulate)
{
	PLACE(false, 0x66, 0x0f, 0x1f, 0x00, RET);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
	PLACE(false, 0x3e, 0x74, 0x01, 0x90, RET);
	cr_assert_eq(placement.kind, PLACEMENT_STEPPED);
}

Test(placement, refuses_what_is_no_code)
{
	cr_assert_eq(PLACE(false, 0x06, 0x06), -1);
	cr_assert_eq(place((const uint8_t *)"", 0, false), -1);
}

Test(placement, tells_how_far_the_stack_pointer_has_moved)
{
	cr_assert_eq(PLACE(true, SUB_SP, MOV, CALL, RET), 7);
	cr_assert_eq(placement.moved, 8);
	cr_assert_eq(PLACE(true, 0x48, 0x83, 0xe4, 0xf0, CALL, RET), 4); /* and $-16,%rsp */
	cr_assert_eq(placement.moved, PLACEMENT_MOVED_UNKNOWN);
	cr_assert_eq(PLACE(false, MOV, PUSH_RBX, RET), 3);
	cr_assert_eq(placement.moved, 0);
}
