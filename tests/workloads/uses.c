/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uses: takes 40 MiB of memory in ten steps, writes 10 MiB to the file named by its second argument
 * and a thread lives in the second half. The first argument is the CPU time of a step. */
#include "tests/workloads/workload.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define STEPS	   10
#define STEP_BYTES (4 << 20)
#define WRITTEN	   (1 << 20)

static void *wait_for_end(void *channel)
{
	char byte;

	return read(*(int *)channel, &byte, 1) == 1 ? channel : NULL;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.05;
	int file = open(argc > 2 ? argv[2] : "uses.out", O_CREAT | O_WRONLY | O_TRUNC, 0600);
	uint64_t value = 1;
	int channel[2];
	pthread_t thread;

	if (file < 0 || pipe(channel))
		return 1;
	for (int step = 0; step < STEPS; step++) {
		clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
		char *memory = malloc(STEP_BYTES);

		if (!memory)
			return 1;
		memset(memory, step, STEP_BYTES);
		if (write(file, memory, WRITTEN) != WRITTEN)
			return 1;
		if (step == STEPS / 2 && pthread_create(&thread, NULL, wait_for_end, channel))
			return 1;
		while (clock() < end)
			value = burn(value);
		usleep(20000);
	}
	if (write(channel[1], "x", 1) != 1)
		return 1;
	pthread_join(thread, NULL);
	printf("%llu\n", (unsigned long long)value);
	return 0;
}
