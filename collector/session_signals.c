/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_signals: see session_signals.h. */
#include "collector/session_signals.h"

#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* Tools that end a program signal it and then its group: what comes at once is one wish. */
#define SAME_WISH_NS 300000000u

static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};

static uint64_t wish_ns; /* when the last signal came; for the handler below */

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void session_signals_take(struct session_signals *signals)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS_TAKEN; i++) {
		sigaddset(&set, taken[i]);
		sigaction(taken[i], NULL, &signals->ending[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &signals->saved.mask);
	sigaction(SIGPIPE, &ignore, &signals->saved.pipe);
	sigaction(SIGXFSZ, &ignore, &signals->saved.file_size);
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &signals->saved.child);
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Dies of a signal, as without a handler, unless it belongs to the wish that was granted. */
static void die_of_another_wish(int signal_number)
{
	if (now_ns() - wish_ns <= SAME_WISH_NS)
		return;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

void session_signals_allow(struct session_signals *signals)
{
	for (size_t i = 0; i < SIGNALS_TAKEN; i++)
		if (signals->ending[i].sa_handler == SIG_DFL)
			sigaction(taken[i],
				  &(struct sigaction){.sa_handler = die_of_another_wish,
						      .sa_flags = SA_RESTART},
				  NULL);
	sigprocmask(SIG_SETMASK, &signals->saved.mask, NULL);
}

static void give_back(struct session_signals *signals)
{
	for (size_t i = 0; i < SIGNALS_TAKEN; i++)
		sigaction(taken[i], &signals->ending[i], NULL);
	sigaction(SIGPIPE, &signals->saved.pipe, NULL);
	sigaction(SIGXFSZ, &signals->saved.file_size, NULL);
	sigprocmask(SIG_SETMASK, &signals->saved.mask, NULL);
}

void session_signals_done(struct session_signals *signals)
{
	close(signals->fd);
	give_back(signals);
}

static void count(struct session_signals *signals)
{
	uint64_t time_ns = now_ns();

	if (!signals->interrupts || time_ns - signals->interrupt_ns > SAME_WISH_NS)
		signals->interrupts++;
	signals->interrupt_ns = time_ns;
}

/*
 * Says whether the program has it from the kernel already: what is typed goes to the whole
 * foreground group, but that the terminal was hung up only to the leader of the session.
 */
static bool has_program_got(const struct signalfd_siginfo *info)
{
	bool is_hang_up = info->ssi_signo == SIGHUP && getsid(0) == getpid();

	return info->ssi_code == SI_KERNEL && !is_hang_up;
}

void session_signals_pass(struct session_signals *signals, pid_t pid)
{
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
		wish_ns = now_ns();
		if (info.ssi_signo == SIGINT || !pid)
			count(signals);
		if (pid && !has_program_got(&info) && signals->interrupts < 2)
			kill(pid, (int)info.ssi_signo);
	}
}
