/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * crowd THREADS SECONDS: many threads that sleep, and four that all the time give birth to threads
 * which use 15 ms of CPU each and die.
 *
 * Prints "ready" when all sleep, then a line for each dead thread: its number, and when it began
 * and ended by CLOCK_MONOTONIC in ns.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LIFE_NS	    15000000
#define PARENTS	    4
#define STACK_BYTES 65536

static unsigned long long clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void *sleep_on(void *argument)
{
	(void)argument;
	pause();
	return NULL;
}

static __attribute__((noinline)) void burn(void)
{
	unsigned long long end_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + LIFE_NS;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns)
		for (volatile int i = 0; i < 20000; i++)
			;
}

static void *live(void *argument)
{
	unsigned long long start_ns = clock_ns(CLOCK_MONOTONIC);

	(void)argument;
	burn();
	printf("%d %llu %llu\n", gettid(), start_ns, clock_ns(CLOCK_MONOTONIC));
	return NULL;
}

static void *give_birth(void *argument)
{
	for (;;) {
		pthread_t child;

		if (pthread_create(&child, NULL, live, argument) == 0)
			pthread_join(child, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 100;
	pthread_attr_t small;
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&thread, &small, sleep_on, NULL))
			return 1;
	puts("ready");
	for (int i = 0; i < PARENTS; i++)
		if (pthread_create(&thread, &small, give_birth, NULL))
			return 1;
	sleep(argc > 2 ? (unsigned)atoi(argv[2]) : 2);
	return 0;
}
