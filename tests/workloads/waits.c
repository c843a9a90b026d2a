/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waits: threads and a child that wait in known functions, for a pipe, a mutex, the disk, a child
 * and the clock. Prints, a line each, the function and the nanoseconds that it took by its own
 * clock, so that a profile can be compared with what really happened. The argument is the seconds
 * of each sleep (0.1 by default); there are four, and of the three rounds of work.
 */
#include "tests/workloads/workload.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 3

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int channel[2];
static double seconds = 0.1;

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

FUNCTION static void sleeps(void)
{
	struct timespec time = {.tv_sec = (time_t)seconds};

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	nanosleep(&time, NULL);
	NOT_A_TAIL_CALL();
}

FUNCTION static void waits_for_pipe(void)
{
	char byte;

	if (read(channel[0], &byte, 1) != 1)
		exit(1);
	NOT_A_TAIL_CALL();
}

FUNCTION static void waits_for_mutex(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	NOT_A_TAIL_CALL();
}

FUNCTION static void waits_for_disk(void)
{
	char name[] = "waits.XXXXXX";
	static char page[1 << 20];
	int fd = mkstemp(name);

	if (fd < 0 || write(fd, page, sizeof(page)) < 0 || fsync(fd))
		exit(1);
	unlink(name);
	close(fd);
}

FUNCTION static void child_sleeps(void)
{
	sleeps();
	NOT_A_TAIL_CALL();
}

FUNCTION static void waits_for_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		child_sleeps();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	NOT_A_TAIL_CALL();
}

FUNCTION static void works(void)
{
	clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
	uint64_t value = 1;

	while (clock() < end)
		value = burn(value);
	if (!value)
		exit(1);
}

/* One thing to wait for, and what its rounds took. */
struct wait {
	const char *name;
	void (*function)(void);
	uint64_t took_ns;
};

static void *run(void *argument)
{
	struct wait *wait = argument;
	uint64_t start_ns = now_ns();

	for (int i = 0; i < ROUNDS; i++)
		wait->function();
	wait->took_ns = now_ns() - start_ns;
	return NULL;
}

int main(int argc, char **argv)
{
	static struct wait waits[] = {
		{"waits_for_pipe", waits_for_pipe, 0},
		{"waits_for_mutex", waits_for_mutex, 0},
		{"waits_for_disk", waits_for_disk, 0},
		{"waits_for_child", waits_for_child, 0},
		{"works", works, 0},
	};
	enum {
		COUNT = sizeof(waits) / sizeof(*waits)
	};
	pthread_t threads[COUNT];

	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	if (pipe(channel))
		return 1;
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < COUNT; i++)
		if (pthread_create(&threads[i], NULL, run, &waits[i]))
			return 1;
	sleeps();
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < ROUNDS; i++) {
		sleeps();
		if (write(channel[1], "x", 1) != 1)
			return 1;
	}
	for (int i = 0; i < COUNT; i++) {
		pthread_join(threads[i], NULL);
		printf("%s %llu\n", waits[i].name, (unsigned long long)waits[i].took_ns);
	}
	return 0;
}
