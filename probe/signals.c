/* SPDX-License-Identifier: MIT */
/* signals: see signals.h. Sources: sigaction(2), signal(2), signalfd(2), sigwait(3). */
#include "probe/signals.h"

#include "probe/probe.h"
#include "probe/raw.h"
#include "probe/real.h"

#include <sys/signalfd.h>

#define KERNEL_SET_BYTES 8

static int our_number; /* 0: none */
static void (*our_handler)(int number, siginfo_t *info, void *context);

/* The program's own action: the one in use and the next. A reader never sees half of one. */
static struct sigaction actions[2];
static _Atomic uint32_t action_in_use;

REAL(sigaction);
REAL(signal);
REAL(sigprocmask);
REAL(pthread_sigmask);
REAL(sigwait);
REAL(sigwaitinfo);
REAL(sigtimedwait);
REAL(signalfd);

static const struct sigaction *program_action(void)
{
	return &actions[atomic_load_explicit(&action_in_use, memory_order_acquire)];
}

static bool has_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

#define SA_RESTORER 0x04000000 /* asm/signal.h: the library gives it with every action */

/* Installs our handler with what the program's asks for: calls are cut or restarted as it wants. */
static void install(const struct sigaction *program)
{
	struct sigaction ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	if (has_handler(program)) {
		ours.sa_mask = program->sa_mask;
		ours.sa_flags =
			SA_SIGINFO | (program->sa_flags & (SA_ONSTACK | SA_RESTART | SA_NODEFER));
	} else {
		sigfillset(&ours.sa_mask);
	}
	ours.sa_sigaction = our_handler;
	REAL_NOW(sigaction)(our_number, &ours, NULL);
}

void signals_take(int number, void (*handler)(int number, siginfo_t *info, void *context))
{
	our_handler = handler;
	REAL_NOW(sigaction)(number, NULL, &actions[0]);
	our_number = number;
	install(&actions[0]);
}

void signals_give_back(void)
{
	int number = our_number;

	our_number = 0;
	REAL_NOW(sigaction)(number, program_action(), NULL);
}

void signals_pass_on(int number, siginfo_t *info, void *context)
{
	const struct sigaction *action = program_action();

	if (!has_handler(action))
		return; /* the default is to ignore it */
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(number, info, context);
	else
		action->sa_handler(number);
}

void signals_open(void)
{
	uint64_t set = 1ull << (our_number - 1);

	RAW_4(SYS_rt_sigprocmask, SIG_UNBLOCK, &set, NULL, KERNEL_SET_BYTES);
}

/* ---- the program's own setting -------------------------------------------------------------- */

static bool is_ours(int number)
{
	return our_number && number == our_number && probe_is_on();
}

EXPORT int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
	uint32_t next = !action_in_use;
	struct sigaction wanted, installed = {0};

	if (!is_ours(number))
		return REAL_NOW(sigaction)(number, action, old);
	if (action)
		wanted = *action; /* it may be where the old one goes */
	if (old)
		*old = *program_action();
	if (action) {
		install(&wanted);
		REAL_NOW(sigaction)(number, NULL, &installed);
		wanted.sa_restorer = installed.sa_restorer;
		wanted.sa_flags |= installed.sa_flags & SA_RESTORER;
		actions[next] = wanted;
		atomic_store_explicit(&action_in_use, next, memory_order_release);
	}
	return 0;
}

EXPORT sighandler_t signal(int number, sighandler_t handler)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	if (!is_ours(number))
		return REAL_NOW(signal)(number, handler);
	sigaction(number, &action, &old);
	return old.sa_handler;
}

/* ---- sets of signals ------------------------------------------------------------------------ */

/* Returns @set, or @copy without our signal when the program does nothing with that itself. */
static const sigset_t *without_ours(const sigset_t *set, sigset_t *copy)
{
	if (!set || !our_number || !probe_is_on() || has_handler(program_action()) ||
	    sigismember(set, our_number) != 1)
		return set;
	*copy = *set;
	sigdelset(copy, our_number);
	return copy;
}

EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	return REAL_NOW(sigprocmask)(how, how == SIG_UNBLOCK ? set : without_ours(set, &copy), old);
}

EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	return REAL_NOW(pthread_sigmask)(how, how == SIG_UNBLOCK ? set : without_ours(set, &copy),
					 old);
}

EXPORT int sigwait(const sigset_t *set, int *number)
{
	sigset_t copy;

	return REAL_NOW(sigwait)(without_ours(set, &copy), number);
}

EXPORT int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	sigset_t copy;

	return REAL_NOW(sigwaitinfo)(without_ours(set, &copy), info);
}

EXPORT int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	sigset_t copy;

	return REAL_NOW(sigtimedwait)(without_ours(set, &copy), info, timeout);
}

EXPORT int signalfd(int fd, const sigset_t *set, int flags)
{
	sigset_t copy;

	return REAL_NOW(signalfd)(fd, without_ours(set, &copy), flags);
}
