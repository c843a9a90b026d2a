/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signals: main → sort → qsort (libc) → compare, interrupted every 2 ms of CPU time by
 * on_timer → in_handler; the comparison reads the clock now and then (vDSO).
 *
 * A stack in the handler must lead through the signal frame to whatever was interrupted.
 */
#include "tests/workloads/workload.h"

#include <signal.h>
#include <sys/time.h>

#define COUNT 20000

static volatile uint64_t handled;

FUNCTION static uint64_t in_handler(uint64_t value)
{
	return burn(value);
}

FUNCTION static void on_timer(int number)
{
	handled = in_handler(handled + (uint64_t)number);
	NOT_A_TAIL_CALL();
}

static int compare(const void *left, const void *right)
{
	const uint32_t *a = left;
	const uint32_t *b = right;
	struct timespec now;

	if (!(*a & 15))
		clock_gettime(CLOCK_MONOTONIC, &now);
	return (*a > *b) - (*a < *b);
}

FUNCTION static uint32_t sort(uint32_t *numbers, uint32_t seed)
{
	for (size_t i = 0; i < COUNT; i++)
		numbers[i] = seed = seed * 1664525 + 1013904223;
	qsort(numbers, COUNT, sizeof(*numbers), compare);
	return numbers[COUNT / 2];
}

int main(int argc, char **argv)
{
	static uint32_t numbers[COUNT];
	const struct itimerval every = {{0, 2000}, {0, 2000}};
	const struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
	clock_t end = workload_end(argc, argv);
	uint32_t value = 1;

	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &every, NULL);
	while (clock() < end)
		value = sort(numbers, value);
	printf("%u %llu\n", value, (unsigned long long)handled);
	return 0;
}
