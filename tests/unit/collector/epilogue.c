/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/epilogue.c, on code assembled by hand. */
#include "collector/resolve/epilogue.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define BASE 0x1000

struct code {
	const uint8_t *bytes;
	size_t count;
};

static size_t read_code(void *context, uint64_t address, uint8_t *buffer, size_t bytes)
{
	const struct code *code = context;
	uint64_t offset = address - BASE;

	if (offset >= code->count)
		return 0;
	if (bytes > code->count - offset)
		bytes = code->count - offset;
	memcpy(buffer, code->bytes + offset, bytes);
	return bytes;
}

/* Finds the rule at @offset of the bytes that follow. */
#define RULE(offset, rule, ...)                                                                    \
	({                                                                                         \
		static const uint8_t bytes[] = {__VA_ARGS__};                                      \
		struct code code = {bytes, sizeof(bytes)};                                         \
		struct epilogue_memory memory = {0};                                               \
		bool is_found = epilogue_rule(&memory, read_code, &code, BASE + (offset), rule);   \
		epilogue_memory_done(&memory);                                                     \
		is_found;                                                                          \
	})

Test(epilogue, a_leaf_returns_through_the_top_of_the_stack)
{
	struct cfi_rule rule;

	/* mulpd %xmm8,%xmm8; jg .-0x20; ret */
	cr_assert(RULE(0, &rule, 0x66, 0x45, 0x0f, 0x59, 0xc0, 0x7f, 0xe0, 0xc3));
	cr_assert_eq(rule.kind, CFI_REGISTER);
	cr_assert_eq(rule.cfa_register, CFI_SP);
	cr_assert_eq(rule.cfa_offset, 8);
	cr_assert_eq(rule.bp_saved, CFI_SAME);
	cr_assert_eq(rule.ip_saved, CFI_AT_CFA);
	cr_assert_eq(rule.ip_offset, -8);
}

Test(epilogue, counts_what_is_popped_and_added_on_the_way)
{
	struct cfi_rule rule;

	/* nop; add $24,%rsp; pop %rbx; pop %rbp; pop %r12; ret */
	cr_assert(RULE(0, &rule, 0x90, 0x48, 0x83, 0xc4, 0x18, 0x5b, 0x5d, 0x41, 0x5c, 0xc3));
	cr_assert_eq(rule.cfa_offset, 24 + 24 + 8);
	cr_assert_eq(rule.bx_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bx_offset, 24 - 56);
	cr_assert_eq(rule.bp_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bp_offset, 32 - 56);
	/* From the middle of the same epilogue. */
	cr_assert(RULE(5, &rule, 0x90, 0x48, 0x83, 0xc4, 0x18, 0x5b, 0x5d, 0x41, 0x5c, 0xc3));
	cr_assert_eq(rule.cfa_offset, 32);
}

Test(epilogue, what_is_pushed_after_the_sample_is_no_saved_register)
{
	struct cfi_rule rule;

	/* push %rbp; push %rbx; pop %rbx; pop %rbp; ret */
	cr_assert(RULE(0, &rule, 0x55, 0x53, 0x5b, 0x5d, 0xc3));
	cr_assert_eq(rule.cfa_offset, 8);
	cr_assert_eq(rule.bp_saved, CFI_SAME);
	cr_assert_eq(rule.bx_saved, CFI_SAME);
}

Test(epilogue, leaves_by_the_frame_pointer)
{
	struct cfi_rule rule;

	/* sub $64,%rsp; leave; ret */
	cr_assert(RULE(0, &rule, 0x48, 0x83, 0xec, 0x40, 0xc9, 0xc3));
	cr_assert_eq(rule.cfa_register, CFI_BP);
	cr_assert_eq(rule.cfa_offset, 16);
	cr_assert_eq(rule.bp_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bp_offset, -16);
	/* xor %ebp,%ebp; leave: the frame pointer is something else by then */
	cr_assert_not(RULE(0, &rule, 0x31, 0xed, 0xc9, 0xc3));
}

Test(epilogue, follows_direct_jumps_only)
{
	struct cfi_rule rule;

	/* jmp +2; int3; int3; lea 16(%rsp),%rsp; ret */
	cr_assert(RULE(0, &rule, 0xeb, 0x02, 0xcc, 0xcc, 0x48, 0x8d, 0x64, 0x24, 0x10, 0xc3));
	cr_assert_eq(rule.cfa_offset, 24);
	/* jmp *%rax */
	cr_assert_not(RULE(0, &rule, 0xff, 0xe0, 0xc3));
	/* 0: dec %ecx; je 6; jmp 0; 6: add $8,%rsp; ret: a loop whose exit is conditional */
	cr_assert(RULE(0, &rule, 0xff, 0xc9, 0x74, 0x02, 0xeb, 0xfa, 0x48, 0x83, 0xc4, 0x08, 0xc3));
	cr_assert_eq(rule.cfa_offset, 16);
	/* 0: jmp 5; 2: pop %rax; ret; int3; 5: nop; jmp 0: a loop of two jumps */
	cr_assert(RULE(0, &rule, 0xeb, 0x03, 0x58, 0xc3, 0xcc, 0x90, 0xeb, 0xf8, 0xc3));
	cr_assert_eq(rule.cfa_offset, 16);
	/* jmp to itself */
	cr_assert_not(RULE(0, &rule, 0xeb, 0xfe));
}

Test(epilogue, gives_up_where_the_stack_pointer_is_computed)
{
	struct cfi_rule rule;

	memset(&rule, 0x55, sizeof(rule));
	/* mov %rax,%rsp; ret */
	cr_assert_not(RULE(0, &rule, 0x48, 0x89, 0xc4, 0xc3));
	/* and $-32,%rsp; ret */
	cr_assert_not(RULE(0, &rule, 0x48, 0x83, 0xe4, 0xe0, 0xc3));
	/* xchg %rax,%rsp; ret */
	cr_assert_not(RULE(0, &rule, 0x48, 0x94, 0xc3));
	/* pop %rsp; ret */
	cr_assert_not(RULE(0, &rule, 0x5c, 0xc3));
	/* push %rax; ret: returns to what was pushed */
	cr_assert_not(RULE(0, &rule, 0x50, 0xc3));
	/* ud2; ret */
	cr_assert_not(RULE(0, &rule, 0x0f, 0x0b, 0xc3));
	/* no return before the end of the file */
	cr_assert_not(RULE(0, &rule, 0x90, 0x90));
	cr_assert_eq(rule.kind, 0x55, "written on success only");
}

Test(epilogue, leaves_by_a_stack_pointer_kept_in_bx)
{
	struct cfi_rule rule;

	/* as OpenBLAS: add $4,%rbp; mov %rbx,%rsp; mov (%rsp),%rbx; mov 8(%rsp),%rbp;
	 * add $96,%rsp; ret */
	cr_assert(RULE(0, &rule, 0x48, 0x83, 0xc5, 0x04, 0x48, 0x89, 0xdc, 0x48, 0x8b, 0x1c, 0x24,
		       0x48, 0x8b, 0x6c, 0x24, 0x08, 0x48, 0x83, 0xc4, 0x60, 0xc3));
	cr_assert_eq(rule.cfa_register, CFI_BX);
	cr_assert_eq(rule.cfa_offset, 96 + 8);
	cr_assert_eq(rule.bx_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bx_offset, -104);
	cr_assert_eq(rule.bp_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bp_offset, -96);
	/* add $4,%rbx; mov %rbx,%rsp; ret: bx is something else by then */
	cr_assert_not(RULE(0, &rule, 0x48, 0x83, 0xc3, 0x04, 0x48, 0x89, 0xdc, 0xc3));
}

Test(epilogue, believes_the_last_write_of_a_register)
{
	struct cfi_rule rule;

	/* mov 48(%rsp),%rbx (a local); mov (%rsp),%rbx; add $56,%rsp; ret */
	cr_assert(RULE(0, &rule, 0x48, 0x8b, 0x5c, 0x24, 0x30, 0x48, 0x8b, 0x1c, 0x24, 0x48, 0x83,
		       0xc4, 0x38, 0xc3));
	cr_assert_eq(rule.bx_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bx_offset, -64);
	/* mov (%rsp),%rbx; xor %ebx,%ebx; ret */
	cr_assert(RULE(0, &rule, 0x48, 0x8b, 0x1c, 0x24, 0x31, 0xdb, 0xc3));
	cr_assert_eq(rule.bx_saved, CFI_LOST);
	cr_assert_eq(rule.bp_saved, CFI_SAME);
	/* mov $1,%bl; ret: of a part, too */
	cr_assert(RULE(0, &rule, 0xb3, 0x01, 0xc3));
	cr_assert_eq(rule.bx_saved, CFI_LOST);
}

Test(epilogue, arguments_that_the_return_releases_lie_above_the_return_address)
{
	struct cfi_rule rule;

	/* pop %rbx; ret $16 */
	cr_assert(RULE(0, &rule, 0x5b, 0xc2, 0x10, 0x00));
	cr_assert_eq(rule.cfa_offset, 8 + 8 + 16);
	cr_assert_eq(rule.ip_offset, 8 - 32);
	cr_assert_eq(rule.bx_offset, 0 - 32);
	cr_assert_not(rule.is_floor);
	/* pop %rcx; add $24,%rsp; jmp *%rcx */
	cr_assert(RULE(0, &rule, 0x59, 0x48, 0x83, 0xc4, 0x18, 0xff, 0xe1));
	cr_assert_eq(rule.cfa_offset, 32);
	cr_assert_eq(rule.ip_offset, 0 - 32);
	/* pop %rcx; xor %ecx,%ecx; jmp *%rcx: no longer the return address */
	cr_assert_not(RULE(0, &rule, 0x59, 0x31, 0xc9, 0xff, 0xe1));
}

Test(epilogue, of_arguments_whose_number_is_not_known_the_callers_stack_is_above)
{
	struct cfi_rule rule;

	/* pop %rbx; pop %rcx; lea (%rsp,%rax,8),%rsp; push %rcx; ret: as V8 */
	cr_assert(RULE(0, &rule, 0x5b, 0x59, 0x48, 0x8d, 0x24, 0xc4, 0x51, 0xc3));
	cr_assert(rule.is_floor);
	cr_assert_eq(rule.cfa_offset, 16);
	cr_assert_eq(rule.ip_offset, -8);
	cr_assert_eq(rule.bx_offset, -16);
	/* pop %rcx; lea (%rsp,%rax,8),%rsp; jmp *%rcx */
	cr_assert(RULE(0, &rule, 0x59, 0x48, 0x8d, 0x24, 0xc4, 0xff, 0xe1));
	cr_assert(rule.is_floor);
	cr_assert_eq(rule.cfa_offset, 8);
	cr_assert_eq(rule.ip_offset, -8);
	/* pop %rcx; lea (%rsp,%rax,8),%rsp; push %rdx; ret: something else is returned to */
	cr_assert_not(RULE(0, &rule, 0x59, 0x48, 0x8d, 0x24, 0xc4, 0x52, 0xc3));
}

Test(epilogue, takes_the_other_way_where_the_one_straight_on_ends_nowhere)
{
	struct cfi_rule rule;

	/* push %rax; je 5; jmp *%rdx; 5: pop %rcx; add $8,%rsp; ret */
	cr_assert(RULE(0, &rule, 0x50, 0x74, 0x02, 0xff, 0xe2, 0x59, 0x48, 0x83, 0xc4, 0x08, 0xc3));
	cr_assert_eq(rule.cfa_offset, 16);
	/* je 6; jne 7; ud2; 6: ret; 7: pop %rbx; ret: the last jump's first */
	cr_assert(RULE(0, &rule, 0x74, 0x04, 0x75, 0x03, 0x0f, 0x0b, 0xc3, 0x5b, 0xc3));
	cr_assert_eq(rule.cfa_offset, 16);
	/* je 6; jne 7; ud2; 6: ret; 7: ud2 */
	cr_assert(RULE(0, &rule, 0x74, 0x04, 0x75, 0x03, 0x0f, 0x0b, 0xc3, 0x0f, 0x0b));
	cr_assert_eq(rule.cfa_offset, 8);
	/* je 4; ud2; 4: ud2; ret */
	cr_assert_not(RULE(0, &rule, 0x74, 0x02, 0x0f, 0x0b, 0x0f, 0x0b, 0xc3));
}

/* musl's clone from its system call on: test %eax,%eax; jnz 23; xor %ebp,%ebp; pop %rdi; call *%r9;
 * 12: mov %eax,%edi; xor %eax,%eax; mov $60,%al; syscall; hlt; 21: ret */
static const uint8_t clone_code[] = {
	0x0f, 0x05, 0x85, 0xc0, 0x75, 0x0f, 0x31, 0xed, 0x5f, 0x41, 0xff,
	0xd1, 0x89, 0xc7, 0x31, 0xc0, 0xb0, 0x3c, 0x0f, 0x05, 0xf4, 0xc3,
};

/* Asks at offset 0 and at 12, where the thread ends: whether that is known already must not matter.
 */
static void expect_thread_end(struct code *code, bool is_end_known)
{
	struct epilogue_memory memory = {0};
	struct cfi_rule before, behind;

	if (is_end_known)
		cr_assert(epilogue_rule(&memory, read_code, code, BASE + 12, &behind));
	cr_assert(epilogue_rule(&memory, read_code, code, BASE, &before));
	cr_assert(epilogue_rule(&memory, read_code, code, BASE + 12, &behind));
	cr_expect_eq(before.kind, CFI_REGISTER);
	cr_expect_eq(before.cfa_offset, 8);
	cr_expect_eq(behind.kind, CFI_END);
	epilogue_memory_done(&memory);
}

Test(epilogue, a_thread_ends_where_musl_ends_it_and_not_in_the_one_that_made_it)
{
	uint8_t bytes[sizeof(clone_code)];
	struct code code = {bytes, sizeof(bytes)};

	memcpy(bytes, clone_code, sizeof(bytes));
	expect_thread_end(&code, false);
	expect_thread_end(&code, true);
	bytes[8] = 0x90; /* the stack pointer does not move */
	expect_thread_end(&code, false);
	expect_thread_end(&code, true);
}

/* Finds the rule at @offset of the bytes that follow by what stands before it. */
#define RULE_FROM_START(offset, rule, ...)                                                         \
	({                                                                                         \
		static const uint8_t bytes[] = {__VA_ARGS__};                                      \
		struct code code = {bytes, sizeof(bytes)};                                         \
		epilogue_rule_from_start(read_code, &code, BASE, BASE + (offset), rule);           \
	})

Test(epilogue, what_a_function_has_pushed_so_far_says_where_its_return_address_is)
{
	struct cfi_rule rule;

	/* push %rbp; push %rbx; sub $24,%rsp; xor %ebx,%ebx; jmp *%rax */
	cr_assert(RULE_FROM_START(8, &rule, 0x55, 0x53, 0x48, 0x83, 0xec, 0x18, 0x31, 0xdb, 0xff,
				  0xe0));
	cr_assert_eq(rule.cfa_register, CFI_SP);
	cr_assert_eq(rule.cfa_offset, 8 + 8 + 8 + 24);
	cr_assert_eq(rule.ip_offset, -8);
	cr_assert_eq(rule.bp_saved, CFI_SAME);
	cr_assert_eq(rule.bx_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bx_offset, -24);
	/* push %rbx; xor %ebx,%ebx; pop %rbx; jmp *%rax */
	cr_assert(RULE_FROM_START(4, &rule, 0x53, 0x31, 0xdb, 0x5b, 0xff, 0xe0));
	cr_assert_eq(rule.cfa_offset, 8);
	cr_assert_eq(rule.bx_saved, CFI_SAME);
	/* xor %ebx,%ebx; jmp *%rax */
	cr_assert(RULE_FROM_START(2, &rule, 0x31, 0xdb, 0xff, 0xe0));
	cr_assert_eq(rule.bx_saved, CFI_LOST);
}

Test(epilogue, a_frame_that_was_made_is_left_by_its_pointer_however_the_stack_moved)
{
	struct cfi_rule rule;

	/* push %rbp; mov %rsp,%rbp; and $-32,%rsp; jmp *%rax */
	cr_assert(RULE_FROM_START(8, &rule, 0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xe4, 0xe0, 0xff,
				  0xe0));
	cr_assert_eq(rule.cfa_register, CFI_BP);
	cr_assert_eq(rule.cfa_offset, 16);
	cr_assert_eq(rule.bp_saved, CFI_AT_CFA);
	cr_assert_eq(rule.bp_offset, -16);
	/* and $-32,%rsp; jmp *%rax */
	cr_assert_not(RULE_FROM_START(4, &rule, 0x48, 0x83, 0xe4, 0xe0, 0xff, 0xe0));
}

Test(epilogue, from_the_start_some_way_must_lead_there)
{
	struct cfi_rule rule;

	memset(&rule, 0x55, sizeof(rule));
	/* ret; jmp *%rax: behind the function's end */
	cr_assert_not(RULE_FROM_START(1, &rule, 0xc3, 0xff, 0xe0));
	/* mov $0x90909090,%eax: no instruction begins there */
	cr_assert_not(RULE_FROM_START(2, &rule, 0xb8, 0x90, 0x90, 0x90, 0x90, 0xc3));
	/* pop %rcx; jmp *%rax: the return address is gone */
	cr_assert_not(RULE_FROM_START(1, &rule, 0x59, 0xff, 0xe0));
	cr_assert_eq(rule.kind, 0x55, "written on success only");
	/* push %rax; je 4; ret; 4: jmp *%rax */
	cr_assert(RULE_FROM_START(4, &rule, 0x50, 0x74, 0x01, 0xc3, 0xff, 0xe0));
	cr_assert_eq(rule.cfa_offset, 16);
}

/* Linear code, with jumps and two functions; what was found before must not change the answer. */
Test(epilogue, remembers_without_changing_any_answer)
{
	/* clang-format off */
	static const uint8_t bytes[] = {
		0x90, 0x48, 0x83, 0xc5, 0x04, 0x90, 0x48, 0x83, 0xc3, 0x04, 0x7f, 0xf4, /* adds */
		0x48, 0x8b, 0x5c, 0x24, 0x30, 0x90, 0x90, /* loads a local */
		0x48, 0x8b, 0x1c, 0x24, 0x48, 0x83, 0xc4, 0x38, 0xc3, /* restores, returns */
		0x90, 0x31, 0xed, 0x90, 0x90, 0xc3, /* bp is lost */
		0x90, 0x31, 0xdb, 0x90, 0x55, 0x90, 0x5d, 0x90, 0xc9, 0xc3, /* leaves by bp */
		0x90, 0x31, 0xdb, 0x48, 0x89, 0xdc, 0x5b, 0x5d, 0xc3, /* leaves by bx */
		0x90, 0x90, 0xff, 0xe0, 0x90, /* is given up */
		0xff, 0xc9, 0x31, 0xed, 0x74, 0x02, 0xeb, 0xf8, 0x5d, 0xc3, /* loops */
	};
	static const uint8_t instructions[] = {
		0, 1, 5, 6, 10, 12, 17, 18, 19, 23, 27, 28, 29, 31, 32, 33, 34, 35, 37, 38, 39, 40,
		41, 42, 43, 44, 45, 47, 50, 51, 52, 53, 54, 55, 57, 58, 60, 62, 64, 66, 67,
	};
	/* clang-format on */
	struct code code = {bytes, sizeof(bytes)};

	for (int round = 0; round < 40; round++) {
		struct epilogue_memory memory = {0};

		srandom((unsigned int)round);
		for (int i = 0; i < 100; i++) {
			uint64_t address =
				BASE + instructions[(size_t)random() % sizeof(instructions)];
			struct epilogue_memory empty = {0};
			struct cfi_rule rule = {0}, fresh = {0};
			bool is_found = epilogue_rule(&memory, read_code, &code, address, &rule);

			cr_assert_eq(is_found,
				     epilogue_rule(&empty, read_code, &code, address, &fresh),
				     "offset %llu", (unsigned long long)(address - BASE));
			cr_assert_arr_eq(&rule, &fresh, sizeof(rule), "offset %llu",
					 (unsigned long long)(address - BASE));
			epilogue_memory_done(&empty);
		}
		epilogue_memory_done(&memory);
	}
}

Test(epilogue, ends_on_any_bytes)
{
	static uint8_t bytes[8192];
	struct code code = {bytes, sizeof(bytes)};
	struct epilogue_memory memory = {0};
	struct cfi_rule rule;
	int found = 0;

	srandom(3);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random();
	for (uint64_t offset = 0; offset < sizeof(bytes); offset++)
		found += epilogue_rule(&memory, read_code, &code, BASE + offset, &rule);
	cr_assert_lt(found, (int)sizeof(bytes));
	epilogue_memory_done(&memory);
}
