/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/exits.c, on instructions spelt as bytes. */
#include "collector/resolve/exits.h"

#include <criterion/criterion.h>

#define START 0x1000
#define COLD  0x5000

static struct exits exits;

static const char *find(const uint8_t *bytes, size_t count)
{
	struct placement_code code = {START, bytes, count};

	return exits_find(&code, 1, &exits);
}

#define FIND(...)                                                                                  \
	({                                                                                         \
		static const uint8_t bytes[] = {__VA_ARGS__};                                      \
		find(bytes, sizeof(bytes));                                                        \
	})

#define MOV	0x48, 0x89, 0xf8 /* mov %rdi,%rax */
#define RET	0xc3
#define LOOK_UP 0x48, 0x63, 0x04, 0x82 /* movslq (%rdx,%rax,4),%rax */
#define ADD	0x48, 0x01, 0xd0       /* add %rdx,%rax */
#define JMP_RAX 0xff, 0xe0

Test(exits, every_return_is_one)
{
	cr_assert_null(FIND(MOV, RET, 0xf3, RET, 0xc2, 0x08, 0x00));
	cr_assert_eq(exits.count, 3);
	cr_expect_eq(exits.places[0].address, START + 3);
	cr_expect_eq(exits.places[2].address, START + 6);
	cr_expect_eq(exits.places[0].condition, EXITS_ALWAYS);
	cr_expect_not(exits.places[0].is_emulated);
	for (int i = 0; i < 3; i++)
		cr_expect_not(exits.places[i].is_tail_call, "%d", i);
}

Test(exits, those_that_the_kernel_refuses_are_said)
{
	cr_assert_not_null(FIND(MOV, 0x3e, JMP_RAX));
	cr_assert_not_null(FIND(MOV, 0x2e, 0x75, 0x40, RET));
}

Test(exits, a_function_that_never_returns_has_none)
{
	cr_assert_null(FIND(0xe8, 0, 1, 0, 0, 0x0f, 0x0b)); /* call, ud2 */
	cr_assert_eq(exits.count, 0);
}

Test(exits, a_jump_elsewhere_is_a_tail_call_and_one_within_is_not)
{
	cr_assert_null(FIND(0xeb, 0x00, 0xe9, 0x00, 0x01, 0x00, 0x00));
	cr_assert_eq(exits.count, 1);
	cr_expect_eq(exits.places[0].address, START + 2);
	cr_expect(exits.places[0].is_emulated);
	cr_expect(exits.places[0].is_tail_call);
}

Test(exits, a_conditional_tail_call_has_its_condition)
{
	cr_assert_null(FIND(0x0f, 0x85, 0x00, 0x01, 0x00, 0x00, 0x74, 0x40, RET));
	cr_assert_eq(exits.count, 3);
	cr_expect_eq(exits.places[0].condition, 5); /* jne */
	cr_expect_eq(exits.places[1].condition, 4); /* je */
}

Test(exits, jumps_between_parts_are_within)
{
	static const uint8_t hot[] = {0x0f, 0x85, 0xfa, 0x3f, 0x00, 0x00, RET};
	static const uint8_t cold[] = {0xe9, 0xfb, 0xbf, 0xff, 0xff};
	struct placement_code code[] = {{START, hot, sizeof(hot)}, {COLD, cold, sizeof(cold)}};

	cr_assert_null(exits_find(code, 2, &exits));
	cr_assert_eq(exits.count, 1);
	cr_assert_null(exits_find(code, 1, &exits));
	cr_assert_eq(exits.count, 2);
}

Test(exits, a_switch_is_none_and_a_call_through_a_pointer_is)
{
	cr_assert_null(FIND(LOOK_UP, ADD, JMP_RAX, RET));
	cr_assert_eq(exits.count, 1);
	cr_assert_null(
		FIND(0xff, 0x24, 0xc5, 0x10, 0x20, 0x40, 0x00, RET)); /* *0x402010(,%rax,8) */
	cr_assert_eq(exits.count, 1);
	cr_assert_null(FIND(MOV, JMP_RAX));
	cr_assert_eq(exits.count, 1);
	cr_assert_null(FIND(0xff, 0x60, 0x10)); /* jmp *0x10(%rax) */
	cr_assert_eq(exits.count, 1);
	cr_assert_null(FIND(0xff, 0x24, 0xc2)); /* jmp *(%rdx,%rax,8) */
	cr_assert_eq(exits.count, 1);
}

Test(exits, what_cannot_be_known_is_told)
{
	cr_expect_not_null(FIND(0xff, 0x24, 0xc2, 0xff, 0x24, 0xc2)); /* an interpreter */
	cr_expect_not_null(FIND(MOV, 0x06, RET));		      /* no instruction */
	cr_expect_not_null(FIND(0xe3, 0x40, RET));		      /* jrcxz elsewhere */
	cr_expect_not_null(FIND(0x48, 0xcf));			      /* iretq */
}
