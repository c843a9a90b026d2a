/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * allocates: `allocates SECONDS` allocates 1000 bytes nine times in often() and once in seldom(),
 * and so on, with some arithmetic in between, for so long; prints how much that was.
 */
#include "tests/workloads/workload.h"

FUNCTION static void often(void)
{
	for (int i = 0; i < 9; i++) {
		void *volatile block = malloc(1000);

		free(block);
	}
}

FUNCTION static void seldom(void)
{
	void *volatile block = malloc(1000);

	free(block);
	NOT_A_TAIL_CALL();
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
	uint64_t value = 1, blocks = 0;
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		often();
		seldom();
		blocks += 10;
		for (int i = 0; i < 5; i++)
			value = burn(value);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 <
		 seconds);
	printf("%d %llu\n", value != 0, (unsigned long long)blocks);
	return 0;
}
