/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recursion: main → descend × 105 → bottom, which does all the work. */
#include "tests/workloads/workload.h"

#define DEPTH 105

FUNCTION static uint64_t bottom(uint64_t value)
{
	return burn(value);
}

FUNCTION static uint64_t descend(uint64_t value, int levels)
{
	volatile uint64_t kept = value;

	value = levels > 1 ? descend(value + 1, levels - 1) : bottom(value);
	return value + kept;
}

int main(int argc, char **argv)
{
	clock_t end = workload_end(argc, argv);
	uint64_t value = 1;

	while (clock() < end)
		value = descend(value, DEPTH);
	printf("%llu\n", (unsigned long long)value);
	return 0;
}
