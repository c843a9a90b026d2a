/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sleeps: main → burn, and between that, calls that wait: each in its turn, long and short. Prints
 * how many of them failed or came back before their time. A sampler that works inside the process
 * must leave that 0: these calls are never restarted, whatever SA_RESTART says.
 */
#include "tests/workloads/workload.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#define WAITS 6

static int epoll_fd;

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Waits in the @kind-th way; returns what the call did. */
static int wait_for(int kind, long milliseconds)
{
	struct timespec time = {0, milliseconds * 1000000};
	struct timeval interval = {0, milliseconds * 1000};
	struct epoll_event event;
	sigset_t none;

	sigemptyset(&none);
	switch (kind) {
	case 0:
		return nanosleep(&time, NULL);
	case 1:
		return poll(NULL, 0, (int)milliseconds);
	case 2:
		return select(0, NULL, NULL, NULL, &interval);
	case 3:
		return epoll_wait(epoll_fd, &event, 1, (int)milliseconds);
	case 4:
		return usleep((useconds_t)milliseconds * 1000);
	default:
		return sigtimedwait(&none, NULL, &time) < 0 && errno == EAGAIN ? 0 : -1;
	}
}

int main(int argc, char **argv)
{
	clock_t end = workload_end(argc, argv);
	uint64_t value = 1;
	int cut = 0;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; clock() < end; i++) {
		long milliseconds = i / WAITS % 300 ? 0 : 5;
		uint64_t start_ns = now_ns();

		cut += wait_for(i % WAITS, milliseconds) != 0 ||
		       now_ns() - start_ns < (uint64_t)milliseconds * 1000000u;
		if (i % 16 == 0)
			value = burn(value);
	}
	printf("%d %s\n", cut, value ? "cut short" : "");
	return 0;
}
