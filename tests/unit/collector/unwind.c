/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests of collector/resolve/unwind.c.
 *
 * Two kinds of stacks: our own (caught_stack.h); and made-up ones, of words in an array and of code
 * (made_stack.h). tests/bench/oracle.c compares with libdw on samples of whole programs.
 */
#include "tests/unit/collector/caught_stack.h"
#include "tests/unit/collector/made_stack.h"

#include <criterion/criterion.h>
#include <stdlib.h>

TestSuite(unwind, .init = caught_stack_setup, .fini = caught_stack_teardown);

/* ---- our own stack ------------------------------------------------------------------------- */

Test(unwind, agrees_with_backtrace_on_our_own_stack)
{
	struct unwind_sample sample;
	uint32_t count;

	catch_ourselves();
	sample = caught_sample(caught.stack_bytes);
	count = unwind_walk(space, NULL, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_COMPLETE);
	cr_expect_gt(count, DEPTH);
	expect_truth(count);
}

/* The signal frame is walked by catching a second sample inside the first one's handler. */
static void catch_inside(int number, siginfo_t *information, void *context)
{
	(void)number;
	(void)information;
	(void)context;
	raise(SIGUSR1);
}

Test(unwind, passes_a_signal_frame)
{
	struct sigaction outer = {.sa_sigaction = catch_inside, .sa_flags = SA_SIGINFO};
	struct sigaction inner = {.sa_sigaction = catch_sample, .sa_flags = SA_SIGINFO};
	struct unwind_sample sample;
	uint32_t count, i, exact_count = 0;

	sigaction(SIGUSR1, &inner, NULL);
	sigaction(SIGUSR2, &outer, NULL);
	map_ourselves();
	raise(SIGUSR2);
	sample = caught_sample(caught.stack_bytes);
	count = unwind_walk(space, NULL, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_COMPLETE);
	cr_assert_eq(count, caught.truth_count);
	for (i = 1; i < count; i++) {
		uint64_t truth = (uint64_t)(uintptr_t)caught.truth[i];
		bool is_caller = frames[i] == address_space_find(space, truth - 1)->frame;
		bool is_exact = frames[i] == address_space_find(space, truth)->frame;

		cr_expect(is_caller || is_exact, "frame %u", i);
		exact_count += is_exact;
	}
	cr_expect_eq(exact_count, 2, "the trampoline and what it interrupted, not %u", exact_count);
}

Test(unwind, marks_a_stack_that_ends_with_the_copy)
{
	struct unwind_sample sample;
	uint32_t whole, count;
	uint32_t all[UNWIND_DEPTH];

	catch_ourselves();
	sample = caught_sample(caught.stack_bytes);
	whole = unwind_walk(space, NULL, 0, &sample, all, &ending);
	for (size_t bytes = 0; bytes < 1500; bytes += 52) {
		sample = caught_sample(bytes);
		count = unwind_walk(space, NULL, 0, &sample, frames, &ending);
		cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
		cr_assert_geq(count, 1);
		cr_assert_lt(count, whole);
		cr_expect_arr_eq(frames, all, count * sizeof(frames[0]));
	}
}

/* ---- made-up stacks ------------------------------------------------------------------------ */

Test(unwind, stops_at_its_limit)
{
	make_frame_pointers(UNWIND_DEPTH + 1);
	cr_expect_eq(walk_made(), UNWIND_DEPTH);
	cr_expect_eq(ending, PROFILE_ENDING_TOO_DEEP);
	make_frame_pointers(UNWIND_DEPTH);
	cr_expect_eq(walk_made(), UNWIND_DEPTH);
	cr_expect_eq(ending, PROFILE_ENDING_GUESSED);
}

Test(unwind, says_that_an_address_is_unmapped)
{
	make_frame_pointers(1);
	made.sample.registers[CFI_IP] = 0x666000;
	cr_expect_eq(walk_made(), 1);
	cr_expect_eq(ending, PROFILE_ENDING_UNMAPPED);
	made.sample.registers[CFI_IP] = 0;
	cr_expect_eq(walk_made(), 1);
	cr_expect_eq(ending, PROFILE_ENDING_UNMAPPED);
}

/* At the first instruction of a real function the return address is the first word. */
Test(unwind, judges_the_return_address)
{
	static const struct {
		uint64_t address;
		enum profile_ending ending;
		uint32_t count;
	} rows[] = {
		{0, PROFILE_ENDING_COMPLETE, 1}, /* as makecontext and thread libraries leave it */
		{5, PROFILE_ENDING_BAD, 1},
		{0x666000, PROFILE_ENDING_UNMAPPED, 2},
		{UINT64_MAX, PROFILE_ENDING_UNMAPPED, 2},
	};

	map_ourselves();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_frame_pointers(1);
		made.sample.registers[CFI_IP] = (uint64_t)(uintptr_t)qsort;
		made.words[0] = rows[i].address;
		cr_expect_eq(walk_made(), rows[i].count, "row %zu", i);
		cr_expect_eq(ending, rows[i].ending, "row %zu: %d", i, ending);
	}
}

Test(unwind, needs_no_stack_at_all)
{
	make_frame_pointers(1);
	made.sample.stack = NULL;
	made.sample.stack_bytes = 0;
	cr_expect_eq(walk_made(), 1);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
}

Test(unwind, survives_random_stacks)
{
	const uint64_t function = (uint64_t)(uintptr_t)descend;

	map_ourselves();
	make_frame_pointers(1);
	srandom(5);
	for (int round = 0; round < 3000; round++) {
		uint32_t count;

		for (size_t i = 0; i < 200; i++) {
			uint64_t word = (uint64_t)random() << 32 | (uint64_t)random();

			/* much that looks like code and like the stack, or walks end at once */
			switch (random() % 4) {
			case 0:
				word = function + (uint64_t)random() % 64;
				break;
			case 1:
				word = BOTTOM + 8 * ((uint64_t)random() % 200);
				break;
			case 2:
				word = CODE + (uint64_t)random() % 0x10000;
				break;
			default:
				break;
			}
			made.words[i] = word;
		}
		made.sample.registers[CFI_IP] = round % 2 ? function : CODE;
		made.sample.registers[CFI_BP] = BOTTOM + 8 * ((uint64_t)random() % 200);
		made.sample.stack_bytes = (size_t)random() % sizeof(made.words);
		count = walk_made();
		cr_assert_geq(count, 1);
		cr_assert_leq(count, UNWIND_DEPTH);
		cr_assert_lt(ending, PROFILE_ENDINGS);
	}
}

/* What was caught, of which the first KB came as the copy, and the rest as two pieces. */
static struct unwind_sample sample_in_pieces(struct cfi_memory *rest)
{
	struct unwind_sample sample = caught_sample(1024);
	uint64_t sp = sample.registers[CFI_SP];

	rest[0] = (struct cfi_memory){caught.stack + 1024, sp + 1024, 512, NULL};
	rest[1] = (struct cfi_memory){caught.stack + 1536, sp + 1536, caught.stack_bytes - 1536,
				      NULL};
	sample.rest = rest;
	sample.rest_count = 2;
	return sample;
}

Test(unwind, goes_on_in_what_was_copied_beyond_the_copy)
{
	struct cfi_memory rest[2];
	struct unwind_sample sample;
	uint32_t count;

	catch_ourselves();
	sample = sample_in_pieces(rest);
	count = unwind_walk(space, NULL, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_COMPLETE);
	expect_truth(count);

	rest[1] = (struct cfi_memory){0};
	unwind_walk(space, NULL, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "a piece in the middle is missing");
}

Test(unwind, has_no_use_for_brief_copies_of_stacks_that_whole_ones_do_not_hold)
{
	struct unwind_memory memory = {0};
	struct cfi_memory rest[2];
	struct unwind_sample sample;

	catch_ourselves();
	sample = sample_in_pieces(rest);
	sample.brief_bytes = 512;
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_COMPLETE);
	cr_expect_eq(memory.changes, 2, "also where it is the same as before");
	cr_expect_gt(memory.deep.count, 0, "a recursion's that lacks pieces can be joined to it");
	unwind_memory_done(&memory);
}
