/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inlined: main → outer, into which middle and hot are inlined; hot does all the work. Machine
 * frames: main, outer; with inlined calls: main, outer, middle, hot. */
#include "tests/workloads/workload.h"

static inline __attribute__((always_inline)) uint64_t hot(uint64_t value)
{
	for (int i = 0; i < 100000; i++)
		value = value * 6364136223846793005 + 1442695040888963407;
	return value;
}

static inline __attribute__((always_inline)) uint64_t middle(uint64_t value)
{
	return hot(value + 1) ^ 1;
}

FUNCTION static uint64_t outer(uint64_t value)
{
	return middle(value) + 1;
}

int main(int argc, char **argv)
{
	clock_t end = workload_end(argc, argv);
	uint64_t value = 1;

	while (clock() < end)
		value = outer(value);
	printf("%llu\n", (unsigned long long)value);
	return 0;
}
