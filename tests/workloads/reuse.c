/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reuse: allocates from stacks that look like the last one and are not: what a walk that takes over
 * parts of the last one must not be fooled by. Prints how many blocks and bytes it asked for.
 *
 *     reuse [ROUNDS]    of each case; 2000 by default
 */
#include "tests/workloads/workload.h"

#include <alloca.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

static _Atomic uint64_t blocks, bytes;
static volatile int rounds = 2000;

FUNCTION static void take(size_t size)
{
	void *volatile block = malloc(size);

	blocks++;
	bytes += size;
	free(block);
}

static uint32_t chance_state = 1;

static uint32_t chance(uint32_t limit)
{
	chance_state = chance_state * 1664525 + 1013904223;
	return (chance_state >> 16) % limit;
}

/* ---- the same frame and return address, from different callers ------------------------------- */

FUNCTION static void common(void)
{
	take(24);
	NOT_A_TAIL_CALL();
}

FUNCTION static void from_here(void (*function)(void))
{
	function();
	NOT_A_TAIL_CALL();
}

FUNCTION static void from_there(void (*function)(void))
{
	function();
	__asm__ volatile("nop" ::: "memory");
}

static void same_frames(void)
{
	for (int i = 0; i < rounds; i++)
		(chance(2) ? from_here : from_there)(common);
}

/* ---- the same, from several places each, in any order ------------------------------------------
 */

FUNCTION static void several(int place)
{
	switch (place) {
	case 0:
		take(25);
		NOT_A_TAIL_CALL();
		break;
	case 1:
		common();
		__asm__ volatile("nop" ::: "memory");
		break;
	default:
		common();
		NOT_A_TAIL_CALL();
	}
}

FUNCTION static void several_times(void)
{
	for (int i = (int)chance(3); i >= 0; i--)
		several((int)chance(3));
}

static void same_tails(void)
{
	for (int i = 0; i < rounds / 2; i++)
		(chance(2) ? from_here : from_there)(several_times);
}

/* ---- frames of varying size; one call site that reaches a function directly or by another ---- */

/* Saves the frame pointer, so that inner's frame is known only by what stands in this one. */
FUNCTION static void saver(void)
{
	__asm__ volatile("" ::: "rbp", "memory");
	take(41);
	NOT_A_TAIL_CALL();
}

FUNCTION static void inner(size_t size)
{
	volatile char *room = alloca(size);

	room[0] = 1;
	if (chance(2))
		take(40);
	else
		saver();
	room[0] = 2;
}

FUNCTION static void outer(size_t size)
{
	inner(size - 48);
	NOT_A_TAIL_CALL();
}

static void (*volatile reach[])(size_t) = {inner, outer};

static void varying_frames(void)
{
	for (int i = 0; i < rounds; i++)
		reach[chance(2)](64 + 16 * chance(16));
}

FUNCTION static void variable_array(int count)
{
	volatile char *room = alloca((size_t)count);

	room[count - 1] = 1;
	if (count > 40)
		variable_array(count - 40);
	else
		take(48);
	room[0] = 2;
}

static void variable_arrays(void)
{
	for (int i = 0; i < rounds; i++)
		variable_array(1 + (int)chance(200));
}

/* ---- jumps out of calls ---------------------------------------------------------------------- */

static jmp_buf way_out;

static void (*volatile dive_on)(int depth);

FUNCTION static void dive(int depth)
{
	take(32);
	if (depth)
		dive_on(depth - 1);
	else
		longjmp(way_out, 1);
	take(33);
}

static void jumps(void)
{
	dive_on = dive;
	for (volatile int i = 0; i < rounds; i++)
		if (!setjmp(way_out))
			dive((int)chance(30));
		else
			take(34);
}

/* ---- recursion at random, and deeper than is remembered -------------------------------------- */

FUNCTION static void wander(int depth)
{
	take(16 + (size_t)depth);
	while (depth && chance(3)) {
		if (chance(2))
			wander(depth - 1);
		else
			from_here(common);
	}
	NOT_A_TAIL_CALL();
}

static void wanders(void)
{
	for (int i = 0; i < rounds / 20; i++)
		wander(8);
}

FUNCTION static void descend(int depth)
{
	volatile int kept = depth;

	if (depth % 500 == 0)
		take(56);
	if (depth)
		descend(depth - 1);
	kept++;
}

static void deep(void)
{
	for (int i = 0; i < 3; i++)
		descend(3000 + i);
}

/* ---- callbacks out of the C library ---------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
	take(64);
	return *(const int *)left - *(const int *)right;
}

static void callbacks(void)
{
	int numbers[100];

	for (int i = 0; i < rounds / 100; i++) {
		for (int j = 0; j < 100; j++)
			numbers[j] = (int)chance(1000);
		qsort(numbers, 100, sizeof(*numbers), compare);
		/* What qsort takes for itself is not ours to count: 400 bytes need none. */
	}
}

/* ---- signal handlers, on the stack and on another -------------------------------------------- */

static void on_signal(int number)
{
	(void)number;
	take(72);
	from_here(common);
}

static void handlers(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
	static char room[65536];
	stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < rounds / 4; i++) {
		from_here(common);
		raise(SIGUSR1);
		take(73);
	}
}

/* ---- coroutines on stacks that come and go --------------------------------------------------- */

static ucontext_t coroutine, scheduler;

static void cooperate(void)
{
	for (int i = 0; i < 3; i++) {
		wander(3);
		swapcontext(&coroutine, &scheduler);
	}
}

static void coroutines(void)
{
	size_t size = 65536;

	for (volatile int i = 0; i < rounds / 20; i++) {
		void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);

		getcontext(&coroutine);
		coroutine.uc_stack = (stack_t){.ss_sp = stack, .ss_size = size};
		coroutine.uc_link = &scheduler;
		makecontext(&coroutine, cooperate, 0);
		for (int j = 0; j < 3; j++) {
			swapcontext(&scheduler, &coroutine);
			take(80);
		}
		munmap(stack, size);
	}
}

/* ---- threads on each other's stacks ---------------------------------------------------------- */

static void *thread(void *argument)
{
	int i = (int)(intptr_t)argument;

	(i % 2 ? from_here : from_there)(common);
	variable_array(1 + i % 100);
	return NULL;
}

static void threads(void)
{
	for (intptr_t i = 0; i < rounds / 20; i++) {
		pthread_t one, other;

		pthread_create(&one, NULL, thread, (void *)i);
		pthread_create(&other, NULL, thread, (void *)(i + 1));
		pthread_join(one, NULL);
		pthread_join(other, NULL);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = atoi(argv[1]);
	same_frames();
	same_tails();
	varying_frames();
	variable_arrays();
	jumps();
	wanders();
	deep();
	callbacks();
	handlers(0);
	handlers(SA_ONSTACK);
	coroutines();
	threads();
	printf("%llu %llu\n", (unsigned long long)blocks, (unsigned long long)bytes);
	return 0;
}
