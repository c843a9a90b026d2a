/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * executes: a child of vfork works on its parent's stack, and a thread that is not the first
 * executes another program, which then goes on under the first one's number.
 *
 *     main → parent → between → vforked → work     in the child, on the parent's memory
 *     main → parent → after                        in the parent
 *     … start_thread → other_thread → before_exec  then execve: main → executed
 */
#include "tests/workloads/workload.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile uint64_t sum = 1;
static double seconds = 1;

/* In CPU time of the thread: the process's own goes on in others. */
static void spend(double share)
{
	struct timespec now;
	double end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + seconds * share;
	do {
		sum = burn(sum);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end);
}

#define SPENDING(name, share)                                                                      \
	FUNCTION static void name(void)                                                            \
	{                                                                                          \
		spend(share);                                                                      \
		NOT_A_TAIL_CALL();                                                                 \
	}

SPENDING(work, 0.3)
SPENDING(after, 0.1)
SPENDING(before_exec, 0.2)
SPENDING(executed, 0.3)

FUNCTION static void vforked(void)
{
	work();
	NOT_A_TAIL_CALL();
}

FUNCTION static void between(void)
{
	pid_t pid = vfork(); /* NOLINT: to be followed */

	if (pid == 0) {
		vforked(); /* NOLINT: its parent waits */
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

FUNCTION static void parent(void)
{
	between();
	after();
	NOT_A_TAIL_CALL();
}

static char **words;

FUNCTION static void *other_thread(void *argument)
{
	before_exec();
	execl("/proc/self/exe", words[0], words[1] ? words[1] : "1", "executed", NULL);
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	words = argv;
	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	if (argc > 2 && !strcmp(argv[2], "executed")) {
		executed();
		printf("%llu\n", (unsigned long long)sum);
		return 0;
	}
	parent();
	pthread_create(&thread, NULL, other_thread, NULL);
	for (;;)
		pause();
}
