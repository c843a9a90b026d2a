/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls: functions that are called a known number of times; the program counts for itself.
 *
 *     calls threads N     8 threads call `leaf` N times in all; each call calls `inner` twice
 *     calls recursion N   `descend` calls itself to a depth of 10, N times; with 100, to that
 *     calls tail N        `first` jumps to `second`
 *     calls loop N        `spin_down` loops back to its own first instruction, ten rounds a call
 *     calls longjmp N     `thrower` leaves every third call of itself and of `catcher` by longjmp
 *     calls fork N        three children call `leaf` N times each, within the parent's `forker`
 *     calls bimodal N     `bimodal` takes 20 us, every tenth time 200 us
 *     calls steps N       `step` calls `work`; every 137th time `stall`, sixty times as long
 *                         SIGTERM ends it after a step
 *     calls exit N        `leave` never ends: it exits
 *
 * Prints "FUNCTION CALLS" for each of its functions.
 */
#include "tests/workloads/workload.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8

static jmp_buf back;
static volatile uint64_t sink;

FUNCTION static uint64_t inner(uint64_t value)
{
	return value * 3 + sink;
}

FUNCTION static uint64_t leaf(uint64_t value)
{
	uint64_t sum = inner(value);

	sum += inner(sum);
	NOT_A_TAIL_CALL();
	return sum;
}

static void *call_leaf(void *count)
{
	uint64_t value = 1;

	for (uint64_t i = *(uint64_t *)count; i; i--)
		value = leaf(value);
	sink = value;
	return NULL;
}

static void run_threads(uint64_t count)
{
	uint64_t share = count / THREADS;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, call_leaf, &share);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("leaf %" PRIu64 "\ninner %" PRIu64 "\n", (share * THREADS), (share * THREADS * 2));
}

FUNCTION static uint64_t descend(uint64_t value, uint64_t levels)
{
	value = levels > 1 ? descend(value + 1, levels - 1) : inner(value);
	NOT_A_TAIL_CALL();
	return value + sink;
}

static void run_recursion(uint64_t count)
{
	uint64_t depth = count == 100 ? 100 : 10;

	for (uint64_t i = 0; i < count; i++)
		sink = descend(i, depth);
	printf("descend %" PRIu64 "\ninner %" PRIu64 "\n", (count * depth), count);
}

FUNCTION static uint64_t second(uint64_t value)
{
	return value * 5 + sink;
}

FUNCTION static uint64_t first(uint64_t value)
{
	return second(value + 1);
}

static void run_tail(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sink = first(i);
	printf("first %" PRIu64 "\nsecond %" PRIu64 "\n", count, count);
}

/* No compiler promises where a loop begins, so it is spelt out. */
uint64_t spin_down(uint64_t rounds);
__asm__(".text\n"
	".type spin_down,@function\n"
	"spin_down:\n"
	"	sub $1,%rdi\n"
	"	jne spin_down\n"
	"	mov %rdi,%rax\n"
	"	ret\n"
	".size spin_down,.-spin_down\n");

static void run_loop(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		sink = spin_down(10);
	printf("spin_down %" PRIu64 "\n", count);
}

FUNCTION static uint64_t thrower(uint64_t value)
{
	if (value % 3 == 0)
		longjmp(back, 1);
	NOT_A_TAIL_CALL();
	return value + sink;
}

FUNCTION static uint64_t catcher(uint64_t value)
{
	value = thrower(value);
	NOT_A_TAIL_CALL();
	return value;
}

static void run_longjmp(uint64_t count)
{
	for (volatile uint64_t i = 0; i < count; i++)
		if (!setjmp(back))
			sink = catcher(i);
	sink = inner(1);
	printf("thrower %" PRIu64 "\ncatcher %" PRIu64 "\ninner 1\n", count, count);
}

FUNCTION static int forker(uint64_t count)
{
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			call_leaf(&count);
			return 1;
		}
	while (wait(NULL) > 0)
		;
	return 0;
}

static void run_fork(uint64_t count)
{
	if (forker(count))
		_exit(0);
	printf("forker 1\nleaf %" PRIu64 "\ninner %" PRIu64 "\n", (count * 3), (count * 6));
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Waits without giving the processor away. */
static void wait_us(uint64_t microseconds)
{
	uint64_t end_ns = now_ns() + microseconds * 1000;

	while (now_ns() < end_ns)
		;
}

FUNCTION static void bimodal(uint64_t number)
{
	wait_us(number % 10 ? 20 : 200);
	NOT_A_TAIL_CALL();
}

static void run_bimodal(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		bimodal(i);
	printf("bimodal %" PRIu64 "\n", count);
}

FUNCTION static void stall(void)
{
	wait_us(60000);
	NOT_A_TAIL_CALL();
}

FUNCTION static void work(void)
{
	wait_us(1000);
	NOT_A_TAIL_CALL();
}

FUNCTION static void step(uint64_t number)
{
	work();
	if (number % 137 == 136)
		stall();
	NOT_A_TAIL_CALL();
}

static volatile sig_atomic_t is_over;

static void end_steps(int signal_number)
{
	(void)signal_number;
	is_over = 1;
}

static void run_steps(uint64_t count)
{
	uint64_t wanted = count;

	signal(SIGTERM, end_steps);
	for (count = 0; count < wanted && !is_over; count++)
		step(count);
	printf("step %" PRIu64 "\nwork %" PRIu64 "\nstall %" PRIu64 "\n", count, count,
	       (count / 137));
}

FUNCTION static void leave(uint64_t count)
{
	printf("leave 1\n");
	exit((int)(count & 1));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(uint64_t count);
	} kinds[] = {
		{"threads", run_threads}, {"recursion", run_recursion}, {"tail", run_tail},
		{"loop", run_loop},	  {"longjmp", run_longjmp},	{"fork", run_fork},
		{"bimodal", run_bimodal}, {"steps", run_steps},		{"exit", leave},
	};
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;

	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(argv[1], kinds[i].name)) {
			kinds[i].run(count);
			return 0;
		}
	fprintf(stderr, "calls: no such kind\n");
	return 1;
}
