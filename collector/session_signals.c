/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_signals: see session_signals.h. */
#include "collector/session_signals.h"

#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SAME_INTERRUPT_NS 300000000u

void session_signals_take(struct session_signals *signals)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		sigaddset(&set, taken[i]);
	sigprocmask(SIG_BLOCK, &set, &signals->saved.mask);
	sigaction(SIGPIPE, &ignore, &signals->saved.pipe);
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &signals->saved.child);
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void session_signals_give_back(struct session_signals *signals)
{
	sigaction(SIGPIPE, &signals->saved.pipe, NULL);
	sigprocmask(SIG_SETMASK, &signals->saved.mask, NULL);
}

void session_signals_done(struct session_signals *signals)
{
	close(signals->fd);
	session_signals_give_back(signals);
}

/* Tools that end a program signal it and then its group: what comes at once is one wish. */
static void count(struct session_signals *signals)
{
	struct timespec time;
	uint64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &time);
	now_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
	if (!signals->interrupts || now_ns - signals->interrupt_ns > SAME_INTERRUPT_NS)
		signals->interrupts++;
	signals->interrupt_ns = now_ns;
}

void session_signals_pass(struct session_signals *signals, pid_t pid)
{
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGINT || !pid)
			count(signals);
		if (pid && info.ssi_code != SI_KERNEL && signals->interrupts < 2)
			kill(pid, (int)info.ssi_signo);
	}
}
