/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests of collector/resolve/unwind.c.
 *
 * Two kinds of stacks: our own, caught by a signal handler below a recursion of known depth and
 * compared with libc's backtrace(); and made-up ones, of words in an array and "code" in made-up
 * mappings. tests/bench/oracle.c compares with libdw on samples of whole programs.
 */
#include "collector/resolve/unwind.h"
#include "collector/base/xalloc.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static struct profile *profile;
static struct modules *modules;
static struct address_space *space;
static uint32_t frames[UNWIND_DEPTH];
static enum profile_ending ending;

static void map_ourselves(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096 + 128];

	cr_assert(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long long start, end, offset, inode;
		char path[4096] = "//anon", access[8];

		cr_assert_geq(sscanf(line, "%llx-%llx %7s %llx %*s %llu %4095[^\n]", &start, &end,
				     access, &offset, &inode, path),
			      5);
		if (access[2] == 'x')
			address_space_map(space, start, end, offset,
					  &(struct module_identity){.path = path, .inode = inode});
	}
	fclose(maps);
}

static void setup(void)
{
	profile = profile_new();
	modules = modules_new(profile);
	space = address_space_new(profile, modules, getpid());
}

static void teardown(void)
{
	address_space_free(space);
	modules_free(modules);
	profile_free(profile);
}

TestSuite(unwind, .init = setup, .fini = teardown);

/* ---- our own stack ------------------------------------------------------------------------- */

#define DEPTH 40

/* What a profiler would have seen of the test's own thread, and what backtrace() says of it. */
static struct {
	uint64_t registers[CFI_REGISTERS];
	uint8_t *stack;
	size_t stack_bytes;
	void *addresses[256]; /* of backtrace(): the handler and its trampoline come first */
	void **truth;	      /* in addresses, from the interrupted function on */
	uint32_t truth_count;
} caught;

static struct unwind_sample caught_sample(size_t bytes)
{
	struct unwind_sample sample = {.stack = caught.stack, .stack_bytes = bytes};

	memcpy(sample.registers, caught.registers, sizeof(sample.registers));
	return sample;
}

/* The stack's end, so that a copy has all of it. */
static uint64_t stack_end(uint64_t inside)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long long start = 0, end = 0;
	char line[4096 + 128];

	cr_assert(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%llx-%llx", &start, &end) == 2 && inside >= start && inside < end)
			break;
	fclose(maps);
	return end;
}

static void take_registers(const greg_t *from, uint64_t *registers)
{
	static const int dwarf_order[CFI_REGISTERS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
		REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	for (int i = 0; i < CFI_REGISTERS; i++)
		registers[i] = (uint64_t)from[dwarf_order[i]];
}

/* The whole stack, without regard to what the sanitizer has fenced off in it. */
static __attribute__((no_sanitize("address"))) void copy_stack(uint64_t sp)
{
	const volatile uint8_t *from = (const uint8_t *)(uintptr_t)sp;

	caught.stack_bytes = stack_end(sp) - sp;
	caught.stack = xmalloc(caught.stack_bytes);
	for (size_t i = 0; i < caught.stack_bytes; i++)
		caught.stack[i] = from[i];
}

static void catch_sample(int number, siginfo_t *information, void *context)
{
	int count, first = 0;

	(void)number;
	(void)information;
	take_registers(((ucontext_t *)context)->uc_mcontext.gregs, caught.registers);
	copy_stack(caught.registers[CFI_SP]);
	count = backtrace(caught.addresses, 256);
	while (first < count &&
	       (uint64_t)(uintptr_t)caught.addresses[first] != caught.registers[CFI_IP])
		first++;
	caught.truth = caught.addresses + first;
	caught.truth_count = (uint32_t)(count - first);
}

static __attribute__((noinline, noclone)) int descend(int levels, volatile int *kept)
{
	volatile int here = levels;

	if (levels > 1)
		*kept += descend(levels - 1, kept);
	else
		raise(SIGUSR1);
	return here;
}

static void catch_ourselves(void)
{
	struct sigaction action = {.sa_sigaction = catch_sample, .sa_flags = SA_SIGINFO};
	volatile int kept = 0;

	sigaction(SIGUSR1, &action, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_assert(caught.stack);
}

/* backtrace() gives return addresses but for the interrupted one. */
static void expect_truth(uint32_t count)
{
	cr_assert_eq(count, caught.truth_count, "%u of %u", count, caught.truth_count);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t address = (uint64_t)(uintptr_t)caught.truth[i] - (i > 0);

		cr_expect_eq(frames[i], address_space_find(space, address)->frame, "frame %u", i);
	}
}

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

Test(unwind, finishes_from_live_memory_only_what_it_can_verify)
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

Test(unwind, finishes_a_brief_copy_only_where_the_stack_beyond_it_was_the_same_before)
{
	struct sigaction action = {.sa_sigaction = finish_brief_inside, .sa_flags = SA_SIGINFO};
	volatile int kept = 0;

	sigaction(SIGUSR1, &action, NULL);
	map_ourselves();
	descend(DEPTH, &kept);
	cr_expect(caught.stack);
}

Test(unwind, does_not_believe_a_process_that_is_gone)
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

Test(unwind, finishes_from_the_threads_last_complete_walk)
{
	struct unwind_memory memory = {0};
	struct unwind_sample sample;
	uint32_t count;

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
		cr_expect_eq(ending, PROFILE_ENDING_FINISHED_CHAIN);
		expect_truth(count);
	}
	unwind_memory_done(&memory);
}

/* Keeps its frame in rbp, so that its caller is known from the chain alone. */
__attribute__((noinline, noclone, optimize("no-omit-frame-pointer"))) static int
keeps_a_frame(volatile int *kept)
{
	raise(0);
	return ++*kept;
}

Test(unwind, counts_no_frame_of_a_known_caller_that_leads_nowhere)
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

Test(unwind, joins_a_frame_at_another_call_of_the_same_function_only)
{
	struct unwind_memory memory = {0};
	struct unwind_sample sample;
	uint64_t qsort_address = (uint64_t)(uintptr_t)qsort;
	uint32_t count;

	catch_ourselves();
	sample = caught_sample(caught.stack_bytes);
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	/* the innermost function one byte on: the same rule, the same upper end */
	sample = caught_sample(0);
	sample.registers[CFI_IP]++;
	count = unwind_walk(space, &memory, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_CHAIN);
	cr_expect_eq(count, caught.truth_count);
	/* another function whose frame ends at the same place */
	sample.registers[CFI_IP] = qsort_address;
	for (uint64_t sp = caught.registers[CFI_SP] - 64; sp < caught.registers[CFI_SP] + 512;
	     sp += 8) {
		sample.registers[CFI_SP] = sp;
		unwind_walk(space, &memory, 0, &sample, frames, &ending);
		cr_expect_eq(ending, PROFILE_ENDING_TRUNCATED);
	}
	/* a walk that did not reach the root is not remembered */
	sample = caught_sample(0);
	unwind_walk(space, &memory, 0, &sample, frames, &ending);
	cr_expect_eq(ending, PROFILE_ENDING_FINISHED_CHAIN);
	unwind_memory_done(&memory);
}

/* ---- made-up stacks ------------------------------------------------------------------------ */

#define CODE   0x10000 /* generated code, without rules */
#define BOTTOM 0x7000000

struct made_up {
	uint64_t words[4 * UNWIND_DEPTH];
	struct unwind_sample sample;
};

static struct made_up made;

static uint64_t word_address(uint64_t i)
{
	return BOTTOM + 8 * i;
}

/* @count frames of four words that keep frame pointers; the last saved one is 0. */
static void make_frame_pointers(uint64_t count)
{
	made.sample = (struct unwind_sample){.stack = (const uint8_t *)made.words,
					     .stack_bytes = sizeof(made.words)};
	made.sample.registers[CFI_SP] = BOTTOM;
	made.sample.registers[CFI_IP] = CODE;
	made.sample.registers[CFI_BP] = word_address(2);
	memset(made.words, 0, sizeof(made.words));
	for (uint64_t i = 0; i < count; i++) {
		made.words[4 * i + 2] = i + 1 < count ? word_address(4 * i + 6) : 0;
		made.words[4 * i + 3] = CODE + i + 1;
	}
	address_space_map(space, CODE, CODE + 0x10000, 0,
			  &(struct module_identity){.path = "//anon"});
}

static uint32_t walk_made(void)
{
	return unwind_walk(space, NULL, 0, &made.sample, frames, &ending);
}

Test(unwind, guesses_through_code_without_rules_and_says_so)
{
	make_frame_pointers(5);
	cr_expect_eq(walk_made(), 6);
	cr_expect_eq(ending, PROFILE_ENDING_GUESSED);
	for (uint32_t i = 0; i < 6; i++)
		cr_expect_eq(profile->frames[frames[i]].address, CODE + i - (i > 0));
}

Test(unwind, does_not_guess_without_reason)
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
}

Test(unwind, stops_at_its_limit)
{
	make_frame_pointers(UNWIND_DEPTH);
	cr_expect_eq(walk_made(), UNWIND_DEPTH);
	cr_expect_eq(ending, PROFILE_ENDING_TOO_DEEP);
	make_frame_pointers(UNWIND_DEPTH - 1);
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
