/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/flow.c, on instructions spelt as bytes. */
#include "collector/resolve/flow.h"

#include <criterion/criterion.h>

#define START 0x1000

static struct flow flow;

static const char *read_bytes(const uint8_t *bytes, size_t count, bool throws)
{
	struct function_code code = {
		.parts = {{START, bytes, count}}, .count = 1, .is_whole = true};

	return flow_read(&flow, NULL, &code, throws);
}

#define READ(throws, ...)                                                                          \
	({                                                                                         \
		static const uint8_t bytes[] = {__VA_ARGS__};                                      \
		read_bytes(bytes, sizeof(bytes), throws);                                          \
	})

#define TEST   0x48, 0x85, 0xc0 /* test %rax,%rax */
#define MOV    0x48, 0x89, 0xf8 /* mov %rdi,%rax */
#define JE(n)  0x74, n
#define JMP(n) 0xeb, n
#define CALL   0xe8, 0x00, 0x10, 0x00, 0x00
#define STOS   0xf3, 0x48, 0xab /* rep stos */
#define NOP5   0x0f, 0x1f, 0x44, 0x00, 0x00
#define UD2    0x0f, 0x0b
#define RET    0xc3

static uint32_t to_of(uint32_t block, uint32_t edge)
{
	return flow.edges[flow.blocks[block].first_edge + edge].to;
}

Test(flow, a_branch_has_the_edge_of_its_jump_and_the_one_behind_it)
{
	/* 0: test, je 2   1: mov   2: ret */
	cr_assert_null(READ(false, TEST, JE(3), MOV, RET));
	cr_assert_eq(flow.count, 3);
	cr_assert_eq(flow.blocks[0].end, FLOW_BRANCH);
	cr_assert_eq(to_of(0, 0), 2);
	cr_assert(flow.edges[0].is_taken);
	cr_assert_eq(to_of(0, 1), 1);
	cr_assert_eq(flow.blocks[0].place, START + 3, "the jump tells which way");
	cr_assert_eq(flow.blocks[0].condition, 4);
	cr_assert_eq(flow.blocks[2].end, FLOW_LEAVE);
	flow_done(&flow);
}

Test(flow, a_call_ends_a_block)
{
	cr_assert_null(READ(false, MOV, CALL, MOV, RET));
	cr_assert_eq(flow.count, 2);
	cr_assert_eq(flow.blocks[0].end, FLOW_CALL);
	cr_assert_eq(flow.blocks[0].place, START + 3);
	cr_assert(flow.blocks[0].is_emulated);
	flow_done(&flow);
}

Test(flow, a_jump_to_another_function_leaves)
{
	cr_assert_null(READ(false, TEST, JE(0x40), MOV, JMP(0x40)));
	cr_assert_eq(to_of(0, 0), FLOW_OUTSIDE);
	cr_assert_eq(flow.blocks[1].end, FLOW_LEAVE);
	flow_done(&flow);
}

Test(flow, loops_are_deeper)
{
	/* 0: mov   1: test, je 1   2: ret */
	cr_assert_null(READ(false, MOV, TEST, JE(0xfb), RET));
	cr_assert_eq(flow.blocks[0].depth, 0);
	cr_assert_eq(flow.blocks[1].depth, 1);
	cr_assert_eq(flow.blocks[2].depth, 0);
	flow_done(&flow);
}

Test(flow, neither_repeated_string_instructions_nor_five_byte_nops_are_probed)
{
	cr_assert_null(READ(false, STOS, NOP5, RET));
	cr_assert_eq(flow.blocks[0].place, START + 8, "the return is stepped, but safe");
	cr_assert_not(flow.blocks[0].is_emulated);
	flow_done(&flow);
	cr_assert_null(READ(false, TEST, JE(3), STOS, RET));
	cr_assert_not(flow.blocks[1].has_place);
	flow_done(&flow);
}

Test(flow, padding_is_never_executed)
{
	cr_assert_null(READ(false, TEST, JE(9), JMP(7), NOP5, 0x66, 0x90, RET));
	cr_assert(flow.blocks[2].is_dead);
	flow_done(&flow);
}

Test(flow, code_that_nothing_leads_to_is_refused_unless_exceptions_land_there)
{
	cr_assert_not_null(READ(false, RET, MOV, RET));
	cr_assert_null(READ(true, RET, MOV, RET));
	cr_assert(flow.blocks[1].is_root);
	flow_done(&flow);
	cr_assert_not_null(READ(true, 0xff, 0xe0 /* jmp *%rax */, MOV, RET), "or a table does");
}

Test(flow, jumps_into_instructions_and_ends_without_one_are_refused)
{
	cr_assert_not_null(READ(false, TEST, JE(1), MOV, RET));
	cr_assert_not_null(READ(false, MOV));
	cr_assert_null(READ(false, MOV, CALL), "what is called last need not come back");
	flow_done(&flow);
	cr_assert_null(READ(false, TEST, JE(2), UD2, RET), "nor go on");
	cr_assert_eq(flow.blocks[1].end, FLOW_LEAVE);
	flow_done(&flow);
	cr_assert_not_null(READ(false, MOV, 0x06, RET), "no code");
}
