/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/unwind_guess.c. */
#include "tests/unit/collector/made_stack.h"

#include <criterion/criterion.h>

TestSuite(unwind_guess, .init = caught_stack_setup, .fini = caught_stack_teardown);

Test(unwind_guess, guesses_through_code_without_rules_and_says_so)
{
	make_frame_pointers(5);
	cr_expect_eq(walk_made(), 5);
	cr_expect_eq(ending, PROFILE_ENDING_GUESSED);
	for (uint32_t i = 0; i < 5; i++)
		cr_expect_eq(profile->frames[frames[i]].address, i ? MADE_CALL(i - 1) - 1 : CODE);
}

Test(unwind_guess, does_not_guess_without_reason)
{
	static const uint64_t implausible[] = {0, BOTTOM - 8, BOTTOM + 3, UINT64_MAX, 42};

	for (size_t i = 0; i < sizeof(implausible) / sizeof(implausible[0]); i++) {
		make_frame_pointers(5);
		made.sample.registers[CFI_BP] = implausible[i];
		cr_expect_eq(walk_made(), 1);
		cr_expect(ending == PROFILE_ENDING_NO_RULE || ending == PROFILE_ENDING_TRUNCATED,
			  "%d", ending);
	}
	make_frame_pointers(5);
	made.words[7] = 0x5000000; /* a return address outside every mapping */
	cr_expect_eq(walk_made(), 2);
	cr_expect_eq(ending, PROFILE_ENDING_NO_RULE);
	make_frame_pointers(5);
	made.words[7] = MADE_CALL(1) + 1; /* in code, but no call stands before it */
	cr_expect_eq(walk_made(), 2);
	cr_expect_eq(ending, PROFILE_ENDING_NO_RULE);
}

/* A function without frame pointer leaves its caller's in the register: who follows that misses the
 * caller. */
Test(unwind_guess, does_not_follow_a_frame_pointer_that_may_be_the_callers)
{
	make_frame_pointers(5);
	made.words[1] = MADE_CALL(9);
	cr_expect_eq(walk_made(), 1);
	cr_expect_eq(ending, PROFILE_ENDING_NO_RULE);
	made.words[1] = MADE_CALL(9) + 1;
	cr_expect_eq(walk_made(), 5, "no return address: no call stands before it");
}

#define PLACE 1024 /* no call of the made stacks is there */

/* Walks with @code at the sampled address. */
static uint32_t walk_code(const void *code, size_t bytes)
{
	make_frame_pointers(5);
	made.words[0] = MADE_CALL(9);
	made.words[1] = MADE_CALL(10);
	made.sample.registers[CFI_IP] = CODE + PLACE;
	memcpy(made_stack_code() + PLACE, code, bytes);
	return walk_made();
}

Test(unwind_guess, generated_code_without_frame_pointer_says_itself_who_called_it)
{
	static const uint8_t leaf[] = {0xff, 0xc9, 0xc3};	       /* dec %ecx; ret */
	static const uint8_t frame[] = {0x48, 0x83, 0xc4, 0x08, 0xc3}; /* add $8,%rsp; ret */

	walk_code(leaf, sizeof(leaf));
	cr_expect_eq(profile->frames[frames[1]].address, MADE_CALL(9) - 1);
	address_space_exec(space);
	walk_code(frame, sizeof(frame));
	cr_expect_eq(profile->frames[frames[1]].address, MADE_CALL(10) - 1);
}

Test(unwind_guess, generated_code_with_frame_pointer_is_left_by_it)
{
	static const uint8_t leaves[] = {0xff, 0xc9, 0xc9, 0xc3}; /* dec %ecx; leave; ret */

	cr_expect_eq(walk_code(leaves, sizeof(leaves)), 5);
	cr_expect_eq(ending, PROFILE_ENDING_GUESSED);
	cr_expect_eq(profile->frames[frames[1]].address, MADE_CALL(0) - 1);
}

Test(unwind_guess, code_that_was_replaced_is_read_again)
{
	static const uint8_t leaf[] = {0xc3}, frame[] = {0x48, 0x83, 0xc4, 0x08, 0xc3};

	walk_code(leaf, sizeof(leaf));
	for (int i = 0; i < 5000; i++)
		walk_code(frame, sizeof(frame));
	cr_expect_eq(profile->frames[frames[1]].address, MADE_CALL(10) - 1);
}

Test(unwind_guess, code_that_cannot_be_read_ends_the_stack)
{
	make_frame_pointers(5);
	address_space_map(space, 0x40000000, 0x40001000, 0,
			  &(struct module_identity){.path = "//anon"});
	made.sample.registers[CFI_IP] = 0x40000000;
	made.words[0] = MADE_CALL(9);
	cr_expect_eq(walk_made(), 1);
	cr_expect_eq(ending, PROFILE_ENDING_NO_RULE);
}
