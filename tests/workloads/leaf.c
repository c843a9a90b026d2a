/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leaf: main → outer → inner → leaf, which does all the work. */
#include "tests/workloads/workload.h"

FUNCTION static uint64_t leaf(uint64_t value)
{
	return burn(value);
}

FUNCTION static uint64_t inner(uint64_t value)
{
	value = leaf(value + 1);
	NOT_A_TAIL_CALL();
	return value;
}

FUNCTION static uint64_t outer(uint64_t value)
{
	value = inner(value + 1);
	NOT_A_TAIL_CALL();
	return value;
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
