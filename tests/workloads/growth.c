/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * growth SIZE STEPS [LEAK [WARM]]: steps of a simulation of SIZE things, in which every function
 * costs what its name says; time_X is called once a step, calls_X as often as its name says. It
 * loses LEAK bytes a step, and WARM / i more in step i, as a program does that warms up. Ends with
 * counts of what it did.
 */
#include "tests/workloads/workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long calls, sink;

FUNCTION static unsigned long work(double units)
{
	unsigned long sum = 1;

	for (long i = 0; i < (long)units; i++)
		sum = sum * 6364136223846793005u + 1442695040888963407u;
	return sum;
}

#define TIME(name, units)                                                                          \
	void time_##name(double n);                                                                \
	FUNCTION void time_##name(double n)                                                        \
	{                                                                                          \
		(void)n;                                                                           \
		sink += work(20000 + (units));                                                     \
	}
#define CALLS(name)                                                                                \
	void calls_##name(void);                                                                   \
	FUNCTION void calls_##name(void)                                                           \
	{                                                                                          \
		calls++;                                                                           \
		__asm__ volatile("");                                                              \
	}

TIME(constant, 100000)
TIME(log, 30000 * log2(n))
TIME(linear, 1000 * n)
TIME(linear_log, 150 * n * log2(n))
TIME(three_halves, 60 * n * sqrt(n))
TIME(square, 4 * n * n)
CALLS(constant)
CALLS(log)
CALLS(linear)
CALLS(linear_log)
CALLS(three_halves)
CALLS(square)

static void repeat(void (*function)(void), double times)
{
	for (long i = 0; i < (long)times; i++)
		function();
}

void growth_step(double n);
FUNCTION void growth_step(double n)
{
	time_constant(n);
	time_log(n);
	time_linear(n);
	time_linear_log(n);
	time_three_halves(n);
	time_square(n);
	repeat(calls_constant, 5);
	repeat(calls_log, round(10 * log2(n)));
	repeat(calls_linear, n);
	repeat(calls_linear_log, round(n * log2(n)));
	repeat(calls_three_halves, round(n * sqrt(n)));
	repeat(calls_square, n * n);
}

static void lose(size_t bytes)
{
	char *lost = bytes ? malloc(bytes) : NULL;

	if (lost)
		memset(lost, 1, bytes);
	/* Else the compiler leaves out memory that nobody reads. */
	__asm__ volatile("" : : "r"(lost) : "memory");
}

int main(int argc, char **argv)
{
	double n = argc > 1 ? atof(argv[1]) : 16;
	int steps = argc > 2 ? atoi(argv[2]) : 5;
	size_t leak = argc > 3 ? (size_t)atol(argv[3]) : 0;
	size_t warm = argc > 4 ? (size_t)atol(argv[4]) : 0;

	for (int i = 0; i < steps; i++) {
		lose(leak);
		lose(warm / ((size_t)i + 1));
		growth_step(n);
	}
	printf("steps  %d\ncalls  %lu\nsum  %lu\n", steps, calls, sink);
	return 0;
}
