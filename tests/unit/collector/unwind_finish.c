/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/unwind_finish.c. */
#include "collector/resolve/unwind_walk.h"
#include "tests/unit/collector/caught_stack.h"

#include <criterion/criterion.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(unwind_finish, .init = caught_stack_setup, .fini = caught_stack_teardown);

/* Keeps the stack as it was caught by finishing inside the handler. */
static void finish_inside(int number, siginfo_t *information, void *context)
{
	struct unwind_sample sample;
	uint32_t count;
	uint64_t *slot;

	catch_sample(number, information, context);
	sample = caught_sample(1024);
	count = unwind_walk(space, NULL, getpid(), &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_LIVE);
	expect_truth(count);

	/* A return address of the copy that no longer stands in the stack: the stack is another. */
	slot = NULL;
	for (size_t i = 0; i + 8 <= 1024; i += 8) {
		uint64_t *word = (uint64_t *)(caught.stack + i);

		for (uint32_t k = 0; k < caught.truth_count; k++)
			if (*word == (uint64_t)(uintptr_t)caught.truth[k])
				slot = word;
	}
	cr_assert(slot);
	*slot += 1;
	unwind_walk(space, NULL, getpid(), &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "%d", ending);
	*slot -= 1;

	/* Nothing of the copy can be verified. */
	sample = caught_sample(0);
	count = unwind_walk(space, NULL, getpid(), &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "%d", ending);
	cr_expect_eq(count, 1);
}

Test(unwind_finish, finishes_from_live_memory_only_what_it_can_verify)
{
	struct sigaction action = {.sa_sigaction = finish_inside, .sa_flags = SA_SIGINFO};
	volatile int kept = 0;

	sigaction(SIGUSR1, &action, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_expect(caught.stack);
}

/* The word of the whole stack that holds the return address which leads to frame @i. */
static uint64_t *return_slot(uint32_t i)
{
	uint64_t *word = (uint64_t *)caught.stack;

	for (uint32_t k = 1; k <= i; k++, word++)
		while (*word != (uint64_t)(uintptr_t)caught.truth[k])
			cr_assert_lt((uint8_t *)++word, caught.stack + caught.stack_bytes);
	return word - 1;
}

static void finish_brief_inside(int number, siginfo_t *information, void *context)
{
	struct unwind_memory memory = {0};
	struct unwind_sample whole, brief;
	uint32_t count, level;
	uint64_t *slot;

	catch_sample(number, information, context);
	whole = caught_sample(caught.stack_bytes);
	whole.brief_bytes = 1024;
	brief = caught_sample(1024);
	brief.brief_bytes = 1024;
	brief.is_brief = true;

	unwind_walk(space, &memory, getpid(), &whole, frames, &ending);
	cr_expect_eq(memory.changes, 1, "what the first has beyond a brief copy is new");
	unwind_walk(space, &memory, getpid(), &whole, frames, &ending);
	cr_expect_eq(memory.changes, 1, "the second has the same there");
	count = unwind_walk(space, &memory, getpid(), &brief, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_LIVE);
	expect_truth(count);

	/* The last complete walk had another call of the same function beyond the copy. */
	slot = return_slot(DEPTH - 5);
	cr_assert_gt((uint8_t *)slot, caught.stack + 1024);
	*slot += 1;
	unwind_walk(space, &memory, getpid(), &whole, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_COMPLETE);
	*slot -= 1;
	cr_expect_eq(memory.changes, 2);
	unwind_walk(space, &memory, getpid(), &brief, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
	cr_expect_eq(memory.changes, 3);
	unwind_walk(space, &memory, getpid(), &brief, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "in doubt until a whole copy comes");
	cr_expect_eq(memory.changes, 3, "but told once");
	unwind_walk(space, &memory, getpid(), &whole, frames, &ending);
	unwind_walk(space, &memory, getpid(), &brief, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_LIVE);
	cr_expect_eq(memory.changes, 4);

	/* The copy is no longer the live stack's. Sanitizers make the frames larger. */
	for (level = 12; (uint8_t *)return_slot(level) >= caught.stack + 1024;)
		level--;
	cr_assert_gt(level, 1);
	slot = return_slot(level);
	*slot += 1;
	unwind_walk(space, &memory, getpid(), &brief, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
	cr_expect_eq(memory.changes, 5);
	unwind_memory_done(&memory);
}

Test(unwind_finish, finishes_a_brief_copy_only_where_the_stack_beyond_it_was_the_same_before)
{
	struct sigaction action = {.sa_sigaction = finish_brief_inside, .sa_flags = SA_SIGINFO};
	volatile int kept = 0;

	sigaction(SIGUSR1, &action, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_expect(caught.stack);
}

static void finish_restless_inside(int number, siginfo_t *information, void *context)
{
	struct unwind_memory memory = {0};
	struct unwind_sample sample;
	struct unwind_memory_frame *first;

	catch_sample(number, information, context);
	sample = caught_sample((size_t)((uint8_t *)return_slot(30) - caught.stack));
	for (int i = 0; i < REST_BELIEF_TIMES; i++) {
		unwind_walk(space, &memory, getpid(), &sample, frames, &ending);
		cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "too few moments: %d", i);
		nanosleep(&(struct timespec){.tv_nsec = REST_BELIEF_APART_NS + 1000000}, NULL);
	}
	expect_truth(unwind_walk(space, &memory, getpid(), &sample, frames, &ending));
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_LIVE);

	/* The recursion was entered from elsewhere before: it may have been again. */
	first = &memory.deep.frames[memory.deep.count - 1];
	first->position += 8;
	unwind_walk(space, &memory, getpid(), &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
	for (int i = 0; i < 63; i++) {
		unwind_walk(space, &memory, getpid(), &sample, frames, &ending);
		cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
		unwind_walk(space, &memory, 0, &sample, frames, &ending);
		cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "nor is the last one believed");
	}
	unwind_walk(space, &memory, getpid(), &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_LIVE);
	unwind_memory_done(&memory);
}

Test(unwind_finish, believes_what_lies_below_a_plain_recursion_only_where_it_stays_the_same)
{
	struct sigaction action = {.sa_sigaction = finish_restless_inside, .sa_flags = SA_SIGINFO};
	volatile int kept = 0;

	sigaction(SIGUSR1, &action, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_expect(caught.stack);
}

/* Compares with the truth, in which the addresses that signals interrupted are exact. */
static void expect_truth_across_signals(uint32_t count)
{
	cr_assert_eq(count, caught.truth_count, "%u of %u", count, caught.truth_count);
	for (uint32_t i = 1; i < count; i++) {
		uint64_t truth = (uint64_t)(uintptr_t)caught.truth[i];

		cr_expect(frames[i] == address_space_find(space, truth - 1)->frame ||
				  frames[i] == address_space_find(space, truth)->frame,
			  "frame %u", i);
	}
}

static void expect_ending(const struct unwind_sample *sample, struct unwind_memory *memory,
			  enum profile_ending expected, const char *why)
{
	uint32_t count = unwind_walk(space, memory, getpid(), sample, frames, &ending);

	cr_expect_eq(ending, expected, "%s: %d", why, ending);
	if (ending == PROFILE_ENDING_COMPLETE && !sample->is_interruption)
		expect_truth_across_signals(count);
}

/* The sample as it would be in the system call that ends the handler, with @frames_left of the
 * truth: behind the call the trampoline ends. */
static struct unwind_sample returning_sample(const struct unwind_sample *sample,
					     uint32_t *frames_left)
{
	struct unwind_sample returning = *sample;
	uint64_t trampoline;
	size_t offset = 0;
	uint32_t i = 0;

	while (address_space_find(space, (uint64_t)(uintptr_t)caught.truth[i])->rule.kind !=
	       CFI_SIGNAL)
		cr_assert_lt(++i, caught.truth_count);
	trampoline = (uint64_t)(uintptr_t)caught.truth[i];
	for (size_t at = 0; at + 8 <= sample->stack_bytes; at += 8)
		if (*(const uint64_t *)(sample->stack + at) == trampoline)
			offset = at + 8;
	returning.stack += offset;
	returning.stack_bytes -= offset;
	returning.registers[CFI_SP] += offset;
	/* mov $15, %rax; syscall */
	returning.registers[CFI_IP] = returning.registers[CFI_CX] = trampoline + 9;
	*frames_left = caught.truth_count - i;
	return returning;
}

/* Walks while a handler runs on a stack of its own: from what is caught in it, with and without
 * having been told what it interrupted. */
static void walk_in_handler(int number, siginfo_t *information, void *context)
{
	struct unwind_sample interruption, sample, returning;
	struct unwind_memory memory = {0};
	uint32_t left;
	struct unwind_stack *told = &memory.interrupted;

	catch_sample(number, information, context);
	interruption = caught_sample(caught.stack_bytes);
	raise(SIGUSR2);
	sample = caught_sample(caught.stack_bytes);

	expect_ending(&sample, NULL, PROFILE_ENDING_INTERRUPTED, "nothing is known");
	unwind_walk(space, &memory, getpid(), &interruption, frames, &ending);
	cr_assert_eq(ending, PROFILE_ENDING_COMPLETE);
	expect_ending(&sample, &memory, PROFILE_ENDING_INTERRUPTED,
		      "the last complete stack was there, but perhaps not now");

	interruption.is_interruption = true;
	unwind_walk(space, &memory, getpid(), &interruption, frames, &ending);
	expect_ending(&sample, &memory, PROFILE_ENDING_COMPLETE, "it was told");
	expect_ending(&sample, &memory, PROFILE_ENDING_COMPLETE, "and lasts");
	returning = returning_sample(&sample, &left);
	cr_expect_eq(unwind_walk(space, &memory, getpid(), &returning, frames, &ending), left);
	cr_expect_eq(ending, PROFILE_ENDING_COMPLETE, "it returns: %d", ending);
	cr_expect_neq(memory.last.frames[0].position, sample.registers[CFI_SP],
		      "what a handler led to is not what it will lead to");

	told->frames[0].position += 8;
	expect_ending(&sample, &memory, PROFILE_ENDING_INTERRUPTED, "another place was told");
	told->frames[0].position -= 8;
	memmove(told->frames + 1, told->frames, (told->count - 1) * sizeof(*told->frames));
	told->frames[0].position -= 64;
	expect_ending(&sample, &memory, PROFILE_ENDING_INTERRUPTED, "its callee was interrupted");

	unwind_walk(space, &memory, getpid(), &interruption, frames, &ending);
	expect_ending(&sample, &memory, PROFILE_ENDING_COMPLETE, "it was told again");
	interruption.stack_bytes = 0;
	unwind_walk(space, NULL, 0, &interruption, frames, &ending);
	cr_assert(!profile_endings[ending].complete);
	memory.last.count = memory.deep.count = 0;
	unwind_walk(space, &memory, 0, &interruption, frames, &ending);
	expect_ending(&sample, &memory, PROFILE_ENDING_INTERRUPTED, "then one that was cut");
	unwind_memory_done(&memory);
}

Test(unwind_finish, goes_on_on_the_stack_that_a_handler_interrupted_only_as_that_was_told)
{
	struct sigaction outer = {.sa_sigaction = walk_in_handler,
				  .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction inner = {.sa_sigaction = catch_sample, .sa_flags = SA_SIGINFO};
	size_t bytes = 256 << 10;
	stack_t stack = {.ss_sp = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			 .ss_size = bytes};
	volatile int kept = 0;

	cr_assert_eq(sigaltstack(&stack, NULL), 0);
	sigaction(SIGUSR1, &outer, NULL);
	sigaction(SIGUSR2, &inner, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_expect(caught.stack);
}

Test(unwind_finish, does_not_believe_a_process_that_is_gone)
{
	struct unwind_sample sample;
	pid_t pid;

	catch_ourselves();
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	sample = caught_sample(1024);
	unwind_walk(space, NULL, pid, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
}

Test(unwind_finish, finishes_from_the_threads_last_complete_walk_what_is_below_a_recursion)
{
	struct unwind_memory memory = {0};
	struct unwind_sample sample;
	uint32_t count, finished = 0;

	catch_ourselves();
	sample = caught_sample(1024);
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "nothing is remembered yet");
	sample = caught_sample(caught.stack_bytes);
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_COMPLETE);
	for (size_t bytes = 0; bytes < 1500; bytes += 48) {
		sample = caught_sample(bytes);
		count = unwind_walk(space, &memory, 0, &sample, frames, &ending);
		if (ending == PROFILE_ENDING_TRUNCATED)
			continue; /* in what the recursion called */
		cr_expect_eq(ending, PROFILE_ENDING_FINISHED_CHAIN);
		expect_truth(count);
		finished++;
	}
	cr_expect_gt(finished, 5);
	unwind_memory_done(&memory);
}

static void finish_live_inside(int number, siginfo_t *information, void *context)
{
	struct unwind_memory memory = {0};
	struct unwind_sample whole, part;
	uint32_t count;

	catch_sample(number, information, context);
	whole = caught_sample(caught.stack_bytes);
	part = caught_sample((size_t)((uint8_t *)return_slot(DEPTH + 3) - caught.stack));
	unwind_walk(space, &memory, 0, &whole, frames, &ending);
	unwind_walk(space, &memory, 0, &part, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "the last complete walk alone: %d", ending);

	for (int i = 0; i <= REST_BELIEF_TIMES; i++) {
		unwind_walk(space, &memory, getpid(), &part, frames, &ending);
		cr_expect_eq(ending,
			     i < REST_BELIEF_TIMES ? PROFILE_ENDING_TRUNCATED
						   : PROFILE_ENDING_FINISHED_LIVE,
			     "%d: %d", i, ending);
		usleep(REST_BELIEF_APART_NS / 1000 + 1);
	}
	count = unwind_walk(space, &memory, getpid(), &part, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_LIVE);
	expect_truth(count);
	unwind_walk(space, &memory, 0, &part, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "the process is gone: %d", ending);
	((uint8_t *)caught.stack)[part.stack_bytes - 1] ^= 1;
	unwind_walk(space, &memory, getpid(), &part, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED, "the copy does not stand there: %d", ending);
	((uint8_t *)caught.stack)[part.stack_bytes - 1] ^= 1;
	unwind_memory_done(&memory);
}

Test(unwind_finish, outside_of_recursions_only_what_stands_there_is_believed)
{
	struct sigaction action = {.sa_sigaction = finish_live_inside, .sa_flags = SA_SIGINFO};
	volatile int kept = 0;

	sigaction(SIGUSR1, &action, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_expect(caught.stack);
}

/* Keeps its frame in rbp, so that its caller is known from the chain alone. */
__attribute__((noinline, noclone, optimize("no-omit-frame-pointer"))) static int
keeps_a_frame(volatile int *kept)
{
	raise(0);
	return ++*kept;
}

Test(unwind_finish, counts_no_frame_of_a_known_caller_that_leads_nowhere)
{
	static const uint8_t sets_rbp[] = {0x48, 0x89, 0xe5};
	struct unwind_memory memory = {0};
	struct unwind_sample sample;
	const uint8_t *code = (const uint8_t *)(uintptr_t)keeps_a_frame;
	uint64_t callers[2] = {0, 16};

	catch_ourselves();
	sample = caught_sample(caught.stack_bytes);
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	cr_assert_eq(ending, PROFILE_ENDING_COMPLETE);
	code = memmem(code, 64, sets_rbp, sizeof(sets_rbp));
	cr_assert(code);
	callers[0] = (uint64_t)(uintptr_t)code + sizeof(sets_rbp);
	sample = (struct unwind_sample){.callers = callers, .caller_count = 2};
	sample.registers[CFI_IP] = callers[0];
	sample.registers[CFI_SP] = sample.registers[CFI_BP] = caught.registers[CFI_SP];
	cr_expect_eq(unwind_walk(space, &memory, 0, &sample, frames, &ending), 1);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
	unwind_memory_done(&memory);
}

Test(unwind_finish, does_not_join_what_only_the_last_complete_walk_had)
{
	struct unwind_memory memory = {0};
	struct unwind_sample sample;
	uint64_t qsort_address = (uint64_t)(uintptr_t)qsort;

	catch_ourselves();
	sample = caught_sample(caught.stack_bytes);
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	/* the innermost function one byte on: the same rule, the same upper end */
	sample = caught_sample(0);
	sample.registers[CFI_IP]++;
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
	/* another function whose frame ends at the same place */
	sample.registers[CFI_IP] = qsort_address;
	for (uint64_t sp = caught.registers[CFI_SP] - 64; sp < caught.registers[CFI_SP] + 512;
	     sp += 8) {
		sample.registers[CFI_SP] = sp;
		unwind_walk(space, &memory, 0, &sample, frames, &ending);
		cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
	}
	cr_expect_eq(memory.last.count, caught.truth_count, "a cut one is not remembered");
	unwind_memory_done(&memory);
}
