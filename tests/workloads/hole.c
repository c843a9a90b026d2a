/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hole: main → above → around (with 40 KB of buffer that is never touched) → below → work.
 *
 * The kernel's copy of the stack ends at the first absent page, at any size of copy, so that the
 * frames above the buffer can be had from the live process only.
 */
#include "tests/workloads/workload.h"

FUNCTION static uint64_t work(uint64_t value)
{
	return burn(value);
}

FUNCTION static uint64_t below(uint64_t value)
{
	value = work(value + 1);
	NOT_A_TAIL_CALL();
	return value;
}

FUNCTION static uint64_t around(uint64_t value)
{
	char buffer[40000];

	__asm__ volatile("" ::"r"(buffer) : "memory");
	value = below(value);
	NOT_A_TAIL_CALL();
	return value;
}

FUNCTION static uint64_t above(uint64_t value, clock_t end)
{
	while (clock() < end)
		value = around(value);
	return value;
}

int main(int argc, char **argv)
{
	uint64_t value = above(1, workload_end(argc, argv));

	printf("%llu\n", (unsigned long long)value);
	return 0;
}
