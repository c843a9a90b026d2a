/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lives: processes and threads made in every way, and what is done to them, as one line each. With
 * a probe in the process the lines must be the same as without. Where a process works, it works in
 * a function named after how it came to be, so that a profile shows who was followed.
 */
#include "tests/workloads/workload.h"

#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS	      4
#define FORKS	      5
#define SHORT_THREADS 2000 /* more than there is room for at a time */

static void spend(double seconds)
{
	clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
	uint64_t value = 1;

	while (clock() < end)
		value = burn(value);
	if (!value)
		puts("impossible");
}

/* Functions that a profile should show. */
#define WORK(name, seconds)                                                                        \
	FUNCTION static void name(void)                                                            \
	{                                                                                          \
		spend(seconds);                                                                    \
		NOT_A_TAIL_CALL();                                                                 \
	}

WORK(forked, 0.04)
WORK(forked_from_thread, 0.02)
WORK(executed, 0.03)
WORK(small_stack, 0.05)
WORK(daemonised, 0.05)

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static char own_path[PATH_MAX];

static void fork_and_execute(void)
{
	static char word[] = "executed";
	char *arguments[] = {own_path, word, NULL}, *nothing[] = {NULL};
	pid_t pid = fork();
	int result;

	if (pid == 0) {
		forked();
		_exit(3);
	}
	printf("fork %d\n", status_of(pid));
	pid = vfork(); /* NOLINT: to be survived */
	if (pid == 0) {
		execle(own_path, own_path, "executed", NULL, nothing);
		_exit(99);
	}
	printf("vfork, no environment %d\n", status_of(pid));
	result = posix_spawn(&pid, own_path, NULL, NULL, arguments, environ);
	printf("posix_spawn %d %d\n", result, status_of(pid));
	printf("missing program %d\n",
	       posix_spawn(&pid, "/no/such", NULL, NULL, arguments, environ));
	result = system("exit 7");
	printf("system %d\n", WEXITSTATUS(result));
}

static void *fork_often(void *argument)
{
	long failed = 0;

	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (i == 0)
				forked_from_thread();
			if (i % 2)
				execl(own_path, own_path, "nothing", NULL);
			_exit(0);
		}
		failed += pid < 0 || status_of(pid) != 0;
	}
	return failed ? argument : NULL;
}

static void fork_from_threads(void)
{
	pthread_t threads[THREADS];
	void *result;
	int failed = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, fork_often, own_path);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		failed += result != NULL;
	}
	printf("threads whose forks failed: %d\n", failed);
}

static void *work_on_small_stack(void *argument)
{
	small_stack();
	return argument;
}

static void *do_nothing(void *argument)
{
	return argument;
}

static void small_threads(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int result;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
	result = pthread_create(&thread, &attributes, work_on_small_stack, NULL);
	printf("smallest stack %d\n", result);
	if (!result)
		pthread_join(thread, NULL);
	result = 0;
	for (int i = 0; i < SHORT_THREADS; i++) {
		int code = pthread_create(&thread, &attributes, do_nothing, NULL);

		result += code != 0;
		if (!code)
			pthread_join(thread, NULL);
	}
	printf("short threads refused %d\n", result);
}

static void limits_and_descriptors(void)
{
	struct rlimit limit = {300u << 20, 300u << 20};
	int next;
	pid_t pid = fork();

	if (pid == 0) {
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
		setrlimit(RLIMIT_AS, &limit);
		next = dup(0);
		execl(own_path, own_path, next == 3 ? "executed" : "nothing", NULL);
		_exit(99);
	}
	printf("little memory, no descriptors %d\n", status_of(pid));
}

static void become_daemon(void)
{
	int channel[2];
	char byte = 0;

	if (pipe(channel))
		return;
	if (fork() == 0) {
		if (daemon(1, 1))
			_exit(1);
		daemonised();
		_exit(write(channel[1], "x", 1) != 1);
	}
	close(channel[1]);
	printf("daemon %d\n", (int)read(channel[0], &byte, 1));
	wait(NULL);
}

int main(int argc, char **argv)
{
	ssize_t bytes = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);

	if (bytes < 0)
		return 1;
	own_path[bytes] = '\0';
	if (argc > 1) {
		if (!strcmp(argv[1], "executed")) {
			executed();
			return 5;
		}
		return 0;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	fork_and_execute();
	fork_from_threads();
	small_threads();
	limits_and_descriptors();
	become_daemon();
	clearenv();
	execl(own_path, own_path, "executed", NULL);
	return 1;
}
