/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manners: what a program sees of signals, as one line each. With a sampler in the process that
 * uses SIGURG the lines must be the same as without.
 */
#include "tests/workloads/workload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t urgent, alarms;

static void on_urgent(int number)
{
	urgent += number == SIGURG;
}

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void spend(double seconds)
{
	clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
	uint64_t value = 1;

	while (clock() < end)
		value = burn(value);
	if (!value)
		puts("impossible");
}

/* A handler for the sampler's own signal. */
static void own_urgent_handler(void)
{
	struct sigaction action = {.sa_handler = on_urgent}, old;

	sigaction(SIGURG, NULL, &old);
	printf("default: %d\n", old.sa_handler == SIG_DFL);
	sigaction(SIGURG, &action, &old);
	printf("old is default: %d\n", old.sa_handler == SIG_DFL);
	spend(0.05);
	raise(SIGURG);
	kill(getpid(), SIGURG);
	printf("handled: %d\n", (int)urgent);
	sigaction(SIGURG, NULL, &old);
	printf("ours: %d, flags %#x\n", old.sa_handler == on_urgent, (unsigned)old.sa_flags);
	printf("signal gives it back: %d\n", signal(SIGURG, SIG_IGN) == on_urgent);
	raise(SIGURG);
	printf("ignored: %d\n", (int)urgent);
	printf("and that too: %d\n", signal(SIGURG, SIG_DFL) == SIG_IGN);
}

/* Waits until the parent sleeps in a system call. */
static void wait_for_sleeping_parent(void)
{
	char path[64], state = 'R';

	snprintf(path, sizeof(path), "/proc/%d/stat", getppid());
	while (state != 'S') {
		FILE *stream = fopen(path, "r");

		usleep(1000);
		if (!stream || fscanf(stream, "%*d (%*[^)]) %c", &state) != 1)
			state = 'S';
		if (stream)
			fclose(stream);
	}
}

/* A read that a signal cuts short, or not. */
static void interrupted_read(int flags)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
	int channel[2];
	char byte;
	ssize_t result;

	if (pipe(channel))
		return;
	sigaction(SIGALRM, &action, NULL);
	fflush(stdout);
	if (fork() == 0) {
		wait_for_sleeping_parent();
		kill(getppid(), SIGALRM);
		wait_for_sleeping_parent();
		_exit(write(channel[1], "x", 1) != 1);
	}
	spend(0.02);
	result = read(channel[0], &byte, 1);
	printf("read %zd %s, alarms %d\n", result, result < 0 ? strerror(errno) : "", (int)alarms);
	wait(NULL);
	close(channel[0]);
	close(channel[1]);
}

/* Waiting for all signals, as servers do in a thread of its own. */
static void waiting_for_all(void)
{
	const struct timespec briefly = {0, 20000000};
	struct signalfd_siginfo info;
	sigset_t all, old;
	int fd, number;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	spend(0.05);
	number = sigtimedwait(&all, NULL, &briefly);
	printf("nothing waits: %d %s\n", number, strerror(errno));
	kill(getpid(), SIGUSR1);
	sigwait(&all, &number);
	printf("waited for: %s\n", sigabbrev_np(number));
	fd = signalfd(-1, &all, SFD_NONBLOCK);
	spend(0.05);
	number = (int)read(fd, &info, sizeof(info));
	printf("nothing in the descriptor: %d %s\n", number, strerror(errno));
	close(fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void *spend_blocked(void *argument)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	spend(0.1);
	return argument;
}

int main(void)
{
	pthread_t thread;
	int status;

	own_urgent_handler();
	interrupted_read(0);
	interrupted_read(SA_RESTART);
	waiting_for_all();
	if (!pthread_create(&thread, NULL, spend_blocked, NULL))
		pthread_join(thread, NULL);
	if (fork() == 0)
		abort();
	wait(&status);
	printf("child %d\n", WTERMSIG(status));
	return 0;
}
