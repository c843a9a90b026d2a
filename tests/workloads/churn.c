/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * churn: `churn KIND DEPTH PAIRS [THREADS]` allocates and frees PAIRS times from a stack of DEPTH
 * calls, in each of THREADS (1), and prints the nanoseconds of CPU time that a pair took. KIND: hot
 * (one call site), sites (three in turn), random (below it four calls that differ at random from
 * any pair to the next), live (as random, but a block is freed when 65536 others have been made).
 */
#include "tests/workloads/workload.h"

#include <pthread.h>

enum {
	FRAMES_BELOW = 3, /* of all kinds: loop, site, malloc's caller is one of them */
	FRAMES_RANDOM = 4,
};

enum {
	LIVE = 65536,
	MOST_THREADS = 64,
};

static const char *kind;
static long pairs;
static int depth = 13;
static double total_ns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

FUNCTION static void pair_one(size_t size)
{
	void *volatile block = malloc(size);

	free(block);
}

FUNCTION static void pair_live(size_t size)
{
	static __thread void *blocks[LIVE];
	static __thread uint32_t next;
	void **place = &blocks[next++ % LIVE];

	free(*place);
	*place = malloc(size);
}

FUNCTION static void pair_two(size_t size)
{
	void *volatile block = malloc(size);

	free(block);
	__asm__ volatile("nop");
}

FUNCTION static void pair_three(size_t size)
{
	void *volatile block = malloc(size);

	free(block);
	__asm__ volatile("nop; nop");
}

static uint32_t chance(void)
{
	static __thread uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return state >> 31;
}

FUNCTION static void random_one(int levels, size_t size);
FUNCTION static void random_two(int levels, size_t size);

static void random_next(int levels, size_t size)
{
	if (levels)
		(chance() ? random_one : random_two)(levels - 1, size);
	else
		(*kind == 'l' ? pair_live : pair_one)(size);
}

FUNCTION static void random_one(int levels, size_t size)
{
	random_next(levels, size);
	NOT_A_TAIL_CALL();
}

FUNCTION static void random_two(int levels, size_t size)
{
	random_next(levels, size);
	__asm__ volatile("nop" ::: "memory");
}

FUNCTION static void loop(void)
{
	static void (*const sites[])(size_t) = {pair_one, pair_two, pair_three};
	struct timespec start, end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	for (long i = 0; i < pairs; i++) {
		size_t size = 16 + (size_t)i % 256;

		if (*kind == 'h')
			pair_one(size);
		else if (*kind == 's')
			sites[i % 3](size);
		else
			random_next(FRAMES_RANDOM, size);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	pthread_mutex_lock(&lock);
	total_ns +=
		(double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
	pthread_mutex_unlock(&lock);
}

FUNCTION static void descend(int levels)
{
	volatile int kept = levels;

	if (levels > 0)
		descend(levels - 1);
	else
		loop();
	kept++;
}

static void *run(void *context)
{
	/* With _start, two of the C library, main, run and descend itself. */
	descend(depth - 6 - FRAMES_BELOW - (*kind == 'r' || *kind == 'l' ? FRAMES_RANDOM : 0));
	return context;
}

int main(int argc, char **argv)
{
	int threads = argc > 4 ? atoi(argv[4]) : 1;
	pthread_t others[MOST_THREADS];

	if (threads > MOST_THREADS)
		threads = MOST_THREADS;
	kind = argc > 1 ? argv[1] : "hot";
	depth = argc > 2 ? atoi(argv[2]) : depth;
	pairs = argc > 3 ? atol(argv[3]) : 1000000;
	for (int i = 1; i < threads; i++)
		pthread_create(&others[i], NULL, run, NULL);
	run(NULL);
	for (int i = 1; i < threads; i++)
		pthread_join(others[i], NULL);
	printf("%.2f\n", total_ns / (double)pairs / threads);
	return 0;
}
