/* SPDX-License-Identifier: GPL-3.0-or-later */
/* divides: divide() has all the work, and all of that is one division. */
#include "tests/workloads/workload.h"

FUNCTION static uint64_t divide(uint64_t sum, uint64_t divisor)
{
	for (uint64_t i = 1; i < 100000; i++)
		sum = (sum ^ (i << 40)) / (divisor | 1) + i;
	return sum;
}

int main(int argc, char **argv)
{
	clock_t end = workload_end(argc, argv);
	uint64_t value = 1;

	while (clock() < end)
		value = divide(value, value & 63);
	printf("%llu\n", (unsigned long long)value);
	return 0;
}
