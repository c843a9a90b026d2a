/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_signals: see session_signals.h. */
#include "collector/session_signals.h"

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Tools that end a program signal it and then its group: what comes at once is one wish. */
#define SAME_WISH_NS 300000000u
#define STOP_NS	     4000000000u /* in which a program stops that does so when it is asked to */

/* Those that do not end a program, that tell of an error of its own, and that we ignore. */
static const int left[] = {SIGKILL, SIGSTOP, SIGCONT,  SIGTSTP, SIGTTIN, SIGTTOU,
			   SIGCHLD, SIGURG,  SIGWINCH, SIGSEGV, SIGBUS,	 SIGFPE,
			   SIGILL,  SIGTRAP, SIGSYS,   SIGPIPE, SIGXFSZ};

/* Those by which somebody wants an end of the collector itself, when nothing is recorded. */
static const int final[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static bool (*give_up_waiting)(void); /* for the handler below */
static uint64_t wish_ns;	      /* when the last signal came; for the handler below */

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool is_among(int number, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == number)
			return true;
	return false;
}

static bool is_left(int number)
{
	return is_among(number, left, sizeof(left) / sizeof(*left)) ||
	       (number >= __SIGRTMIN && number < SIGRTMIN); /* are the C library's own */
}

void session_signals_take(struct session_signals *signals)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigemptyset(&signals->taken);
	for (int number = 1; number <= SIGRTMAX; number++) {
		if (is_left(number))
			continue;
		sigaction(number, NULL, &signals->ending[number]);
		sigaddset(&signals->taken, number);
	}
	sigprocmask(SIG_BLOCK, &signals->taken, &signals->saved.mask);
	sigaction(SIGPIPE, &ignore, &signals->saved.pipe);
	sigaction(SIGXFSZ, &ignore, &signals->saved.file_size);
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &signals->saved.child);
	signals->fd = signalfd(-1, &signals->taken, SFD_CLOEXEC | SFD_NONBLOCK);
}

void session_signals_take_stops(struct session_signals *signals)
{
	struct sigaction action;

	if (sigaction(SIGTSTP, NULL, &action) || action.sa_handler != SIG_DFL)
		return;
	sigaddset(&signals->taken, SIGTSTP);
	sigaddset(&signals->taken, SIGCONT);
	sigprocmask(SIG_BLOCK, &signals->taken, NULL);
	signalfd(signals->fd, &signals->taken, 0);
}

/* Dies of a signal, as without a handler, unless it belongs to the wish that was granted. */
static void die_of_another_wish(int signal_number)
{
	if (now_ns() - wish_ns <= SAME_WISH_NS)
		return;
	wish_ns = now_ns();
	if (give_up_waiting && give_up_waiting())
		return;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

void session_signals_allow(struct session_signals *signals, bool (*give_up)(void))
{
	const struct sigaction action = {.sa_handler = die_of_another_wish, .sa_flags = SA_RESTART};
	sigset_t allowed;

	give_up_waiting = give_up;
	sigemptyset(&allowed);
	for (size_t i = 0; i < sizeof(final) / sizeof(*final); i++) {
		if (signals->ending[final[i]].sa_handler == SIG_DFL)
			sigaction(final[i], &action, NULL);
		if (!sigismember(&signals->saved.mask, final[i]))
			sigaddset(&allowed, final[i]);
	}
	if (!sigismember(&signals->saved.mask, SIGTSTP))
		sigaddset(&allowed, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &allowed, NULL);
}

static void give_back(struct session_signals *signals)
{
	struct signalfd_siginfo info;

	for (int number = 1; number <= SIGRTMAX; number++)
		if (!is_left(number))
			sigaction(number, &signals->ending[number], NULL);
	sigaction(SIGPIPE, &signals->saved.pipe, NULL);
	sigaction(SIGXFSZ, &signals->saved.file_size, NULL);
	/* What came for the program when it had ended is nobody's. */
	while (read(signals->fd, &info, sizeof(info)) == sizeof(info))
		;
	sigprocmask(SIG_SETMASK, &signals->saved.mask, NULL);
}

void session_signals_done(struct session_signals *signals)
{
	give_back(signals);
	close(signals->fd);
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

static bool has_stopped(pid_t pid)
{
	siginfo_t state = {0};

	return !waitid(P_PID, (id_t)pid, &state, WSTOPPED | WNOHANG | WNOWAIT) &&
	       state.si_pid == pid;
}

/* Stops as the signal would have stopped us. Returns when we are continued. */
static void stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void pass(const struct signalfd_siginfo *info, pid_t pid)
{
	int number = (int)info->ssi_signo;

	if (info->ssi_code == SI_QUEUE)
		sigqueue(pid, number,
			 (union sigval){.sival_ptr = (void *)(uintptr_t)info->ssi_ptr});
	else
		kill(pid, number);
}

/*
 * Says whether we were started so as not to notice it: what nohup does to a hang-up, and shells
 * without job control to what is typed while we run in the background.
 */
static bool is_ignored(const struct session_signals *signals, const struct signalfd_siginfo *info)
{
	bool can_be_typed = info->ssi_signo == SIGINT || info->ssi_signo == SIGQUIT;

	return signals->ending[info->ssi_signo].sa_handler == SIG_IGN &&
	       (!can_be_typed || info->ssi_code == SI_KERNEL);
}

static void take(struct session_signals *signals, const struct signalfd_siginfo *info, pid_t pid)
{
	int number = (int)info->ssi_signo;

	if (number == SIGCONT) { /* which a shell sends to the whole group */
		signals->stop_ns = 0;
		if (has_stopped(pid))
			kill(pid, SIGCONT);
		return;
	}
	if (number == SIGTSTP)
		signals->stop_ns = now_ns();
	else
		wish_ns = now_ns();
	if ((number == SIGINT || !pid) && !is_ignored(signals, info))
		count(signals);
	if (pid && !has_program_got(info) && signals->interrupts < 2)
		pass(info, pid);
}

void session_signals_pass(struct session_signals *signals, pid_t pid)
{
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info))
		take(signals, &info, pid);
	if (!signals->stop_ns)
		return;
	if (has_stopped(pid)) {
		signals->stop_ns = 0;
		stop();
	} else if (now_ns() - signals->stop_ns > STOP_NS) {
		signals->stop_ns = 0;
	}
}
