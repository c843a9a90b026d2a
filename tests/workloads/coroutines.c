/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * coroutines: main → schedule resumes, in turn, coroutines with stacks of their own (ucontext),
 * made anew after some rounds so that stacks are used again. Two threads take turns in resuming
 * those of one scheduler.
 *
 *     thread_main → schedule            the scheduler, on the thread's stack
 *     first → first_step × 10 → work    on a coroutine's stack: nothing of the scheduler's
 *     second → second_step × 20 → work
 *
 * Each round works in the scheduler too (schedule → plan), so that a stack which mixes two of them
 * would be seen.
 */
#include "tests/workloads/workload.h"

#include <pthread.h>
#include <ucontext.h>

#define STACK_BYTES 65536
#define COROUTINES  4

static ucontext_t scheduler, coroutines[COROUTINES];
static volatile uint64_t sum = 1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int current;

FUNCTION static void work(void)
{
	sum = burn(sum);
	NOT_A_TAIL_CALL();
}

FUNCTION static void plan(void)
{
	sum = burn(sum);
	NOT_A_TAIL_CALL();
}

static void yield(void)
{
	swapcontext(&coroutines[current], &scheduler);
}

FUNCTION static void first_step(int levels)
{
	if (levels > 1) {
		first_step(levels - 1);
	} else {
		work();
		yield();
		work();
	}
	NOT_A_TAIL_CALL();
}

FUNCTION static void second_step(int levels)
{
	volatile char room[40];

	room[0] = (char)levels;
	if (levels > 1) {
		second_step(levels - 1);
	} else {
		work();
		yield();
		work();
	}
	room[1] = room[0];
}

FUNCTION static void first(void)
{
	for (;;) {
		first_step(10);
		yield();
	}
}

FUNCTION static void second(void)
{
	for (;;) {
		second_step(20);
		yield();
	}
}

static void make(int number)
{
	static char stacks[COROUTINES][STACK_BYTES] __attribute__((aligned(16)));
	ucontext_t *context = &coroutines[number];

	getcontext(context);
	context->uc_stack.ss_sp = stacks[number];
	context->uc_stack.ss_size = STACK_BYTES;
	makecontext(context, number % 2 ? second : first, 0);
}

FUNCTION static void schedule(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		plan();
		current = i % COROUTINES;
		swapcontext(&scheduler, &coroutines[current]);
	}
}

static clock_t end;

FUNCTION static void *thread_main(void *argument)
{
	while (clock() < end) {
		pthread_mutex_lock(&turn);
		for (int i = 0; i < COROUTINES; i++)
			make(i);
		schedule(37);
		pthread_mutex_unlock(&turn);
	}
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];

	end = workload_end(argc, argv);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, thread_main, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
