/* SPDX-License-Identifier: GPL-3.0-or-later */
/* threads: eight threads, each run → share → piece, named "even" and "odd" in turn. The argument is
 * CPU time of the whole process. */
#include "tests/workloads/workload.h"

#include <pthread.h>

#define THREADS 8

static clock_t end;

FUNCTION static uint64_t piece(uint64_t value)
{
	return burn(value);
}

FUNCTION static uint64_t share(uint64_t value)
{
	while (clock() < end)
		value = piece(value);
	NOT_A_TAIL_CALL();
	return value;
}

static void *run(void *argument)
{
	uint64_t *value = argument;

	*value = share(*value);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	uint64_t values[THREADS];
	uint64_t sum = 0;

	end = workload_end(argc, argv);
	for (uint64_t i = 0; i < THREADS; i++) {
		values[i] = i;
		if (pthread_create(&threads[i], NULL, run, &values[i]) != 0)
			return 1;
		pthread_setname_np(threads[i], i % 2 ? "odd" : "even");
	}
	for (uint64_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += values[i];
	}
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
