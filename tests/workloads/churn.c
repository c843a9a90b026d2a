/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * churn: `churn KIND DEPTH PAIRS` allocates and frees PAIRS times from a stack of DEPTH calls and
 * prints the nanoseconds of CPU time that a pair took. KIND: hot (one call site), sites (three in
 * turn), random (below it four calls that differ at random from any pair to the next).
 */
#include "tests/workloads/workload.h"

enum {
	FRAMES_BELOW = 3, /* of all kinds: loop, site, malloc's caller is one of them */
	FRAMES_RANDOM = 4,
};

static const char *kind;
static long pairs;

FUNCTION static void pair_one(size_t size)
{
	void *volatile block = malloc(size);

	free(block);
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
	static uint32_t state = 1;

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
		pair_one(size);
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
	clock_t start = clock();

	for (long i = 0; i < pairs; i++) {
		size_t size = 16 + (size_t)i % 256;

		if (*kind == 'h')
			pair_one(size);
		else if (*kind == 's')
			sites[i % 3](size);
		else
			random_next(FRAMES_RANDOM, size);
	}
	printf("%.2f\n", (double)(clock() - start) * 1e9 / CLOCKS_PER_SEC / (double)pairs);
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

int main(int argc, char **argv)
{
	int depth = argc > 2 ? atoi(argv[2]) : 13;

	kind = argc > 1 ? argv[1] : "hot";
	pairs = argc > 3 ? atol(argv[3]) : 1000000;
	/* With _start, two of the C library, main and descend itself. */
	descend(depth - 5 - FRAMES_BELOW - (*kind == 'r' ? FRAMES_RANDOM : 0));
	return 0;
}
