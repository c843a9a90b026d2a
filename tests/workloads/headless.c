/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headless: the first thread ends at once, and the process goes on in another: run → works. */
#include "tests/workloads/workload.h"

#include <pthread.h>

static clock_t end;

FUNCTION static uint64_t works(uint64_t value)
{
	while (clock() < end)
		value = burn(value);
	NOT_A_TAIL_CALL();
	return value;
}

static void *run(void *argument)
{
	(void)argument;
	printf("%lu\n", (unsigned long)works(1));
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	end = workload_end(argc, argv);
	if (pthread_create(&thread, NULL, run, NULL))
		return 1;
	pthread_exit(NULL);
}
