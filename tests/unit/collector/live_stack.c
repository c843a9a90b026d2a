/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/live_stack.c; the process that is read is our own. */
#include "collector/resolve/live_stack.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 12
#define WORDS (PAGES * PAGE / 8)

static uint64_t *words; /* what stands for a stack */
static struct live_stack live;

static uint64_t place(size_t word)
{
	return (uint64_t)(uintptr_t)&words[word];
}

static void setup(void)
{
	words = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	cr_assert_neq(words, MAP_FAILED);
	for (size_t i = 0; i < WORDS; i++)
		words[i] = i * 7;
	live_stack_begin(&live, getpid(), true);
}

static void teardown(void)
{
	munmap(words, PAGES * PAGE);
}

TestSuite(live_stack, .init = setup, .fini = teardown);

/* Asks for a word that the copy of a stack from @bottom on has not. */
static bool ask(size_t bottom, size_t missing)
{
	struct cfi_frame frame = {.missing = place(missing)};

	frame.registers[CFI_SP] = place(bottom);
	return live_stack_read(&live, &frame, NULL, false);
}

static void note(size_t word)
{
	live_stack_note(&live, place(word), words[word]);
}

static uint64_t window_word(size_t word)
{
	uint64_t value;

	memcpy(&value, live.memory.data + (place(word) - live.memory.start), sizeof(value));
	return value;
}

Test(live_stack, reads_a_window_around_what_is_missing)
{
	note(10);
	cr_assert(ask(0, 700));
	cr_expect_leq(live.memory.start, place(700));
	cr_expect_eq(window_word(700), 700 * 7);
	cr_expect_eq(window_word(500), 500 * 7, "slots of the same frame, too");
	cr_expect(live_stack_confirm(&live));
}

Test(live_stack, does_not_look_below_the_stack_pointer)
{
	note(710);
	cr_assert(ask(690, 700));
	cr_expect_eq(live.memory.start, place(690));
}

Test(live_stack, wants_a_witness_unless_told_that_there_is_other_proof)
{
	cr_expect_not(ask(0, 700));
	live_stack_begin(&live, getpid(), false);
	cr_expect(ask(0, 700));
	cr_expect(live_stack_confirm(&live));
}

Test(live_stack, believes_nothing_once_a_witness_has_changed)
{
	note(10);
	note(20);
	words[10]++;
	cr_expect_not(ask(0, 700));
	words[10]--;
	cr_assert(ask(0, 700));
	words[20]++;
	cr_expect_not(live_stack_confirm(&live), "it changed while the walk went on");
}

Test(live_stack, asks_the_last_witnesses)
{
	for (size_t i = 0; i < LIVE_STACK_WITNESSES + 3; i++)
		note(i);
	words[2]++;
	cr_expect(ask(0, 700));
	words[3]++;
	cr_expect_not(ask(0, 700));
}

Test(live_stack, forgets_what_stood_on_another_stack)
{
	note(10);
	live_stack_forget(&live);
	cr_expect_not(ask(0, 700));
	note(20);
	words[10]++;
	cr_expect(ask(0, 700));
}

Test(live_stack, stops_at_a_page_that_is_absent)
{
	munmap((uint8_t *)words + 2 * PAGE, PAGE);
	note(10);
	cr_assert(ask(0, PAGE / 8));
	cr_expect_leq(live.memory.start + live.memory.bytes, place(2 * PAGE / 8));
	cr_expect_not(ask(0, 2 * PAGE / 8 + 5));
	cr_expect(ask(3 * PAGE / 8, 3 * PAGE / 8 + 5), "beyond it there is memory again");
}

Test(live_stack, gives_up_a_walk_that_asks_without_end)
{
	size_t windows = 0;

	note(10);
	while (windows < 1000 && ask(0, 700))
		windows++;
	cr_expect_eq(windows, (1 << 20) / LIVE_STACK_WINDOW);
	live_stack_begin(&live, getpid(), true);
	note(10);
	cr_expect(ask(0, 700), "the next walk begins anew");
}

Test(live_stack, says_that_a_process_is_gone)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	live_stack_begin(&live, pid, true);
	note(10);
	cr_expect_not(ask(0, 700));
	cr_expect(live.is_gone);
	live_stack_begin(&live, getpid(), true);
	note(10);
	words[10]++;
	cr_expect_not(ask(0, 700));
	cr_expect_not(live.is_gone, "it is there, but its stack is another");
}
