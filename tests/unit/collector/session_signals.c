/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/session_signals.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Begins a session on a terminal of its own. Returns the terminal's other end. */
static int lead_session(void)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), line;

	cr_assert_geq(terminal, 0);
	cr_assert_eq(grantpt(terminal), 0);
	cr_assert_eq(unlockpt(terminal), 0);
	cr_assert_geq(setsid(), 0);
	line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	cr_assert_geq(line, 0);
	cr_assert_eq(ioctl(line, TIOCSCTTY, 0), 0);
	return terminal;
}

/* Starts a program that any signal ends, and @last_s at the latest. */
static pid_t start_program(const struct session_signals *signals, int terminal, unsigned last_s)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	close(terminal);
	signal(SIGALRM, SIG_DFL);
	alarm(last_s);
	sigprocmask(SIG_SETMASK, &signals->saved.mask, NULL);
	while (true)
		pause();
}

/* The kernel tells it to the leader of the session only, which the program would be without us. */
Test(session_signals, a_terminal_that_is_hung_up_is_told_to_the_program)
{
	struct session_signals signals = {0};
	struct pollfd source = {.events = POLLIN};
	int terminal, status;
	pid_t leader = fork(), program;

	if (!leader) {
		terminal = lead_session();
		session_signals_take(&signals);
		program = start_program(&signals, terminal, 60);
		close(terminal);
		source.fd = signals.fd;
		poll(&source, 1, 60000);
		session_signals_pass(&signals, program);
		if (waitpid(program, &status, 0) != program)
			_exit(0);
		_exit(WTERMSIG(status));
	}
	cr_assert_eq(waitpid(leader, &status, 0), leader);
	cr_expect_eq(WEXITSTATUS(status), SIGHUP, "ended by signal %d", WEXITSTATUS(status));
}

/* The kernel tells it to the whole foreground group. */
Test(session_signals, what_is_typed_at_the_terminal_is_not_told_twice)
{
	struct session_signals signals = {0};
	int terminal, status;
	pid_t leader = fork(), program;

	if (!leader) {
		terminal = lead_session();
		session_signals_take(&signals);
		program = start_program(&signals, terminal, 60);
		cr_assert_eq(write(terminal, "\003", 1),
			     1); /* to the group, the program among it */
		waitpid(program, &status, 0);
		program = start_program(&signals, terminal, 1);
		session_signals_pass(&signals, program);
		waitpid(program, &status, 0);
		_exit(WTERMSIG(status));
	}
	cr_assert_eq(waitpid(leader, &status, 0), leader);
	cr_expect_eq(WEXITSTATUS(status), SIGALRM, "ended by signal %d", WEXITSTATUS(status));
}

/* What could end a recording, and is meant for the program. */
Test(session_signals, all_that_can_be_caught_are_told_to_the_program)
{
	static const int ends[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM};
	struct session_signals signals = {0};
	int terminal = -1, status, told = 0;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		signal(ends[i], SIG_DFL); /* a shell's background job ignores some */
	session_signals_take(&signals);
	for (int number = 1; number <= SIGRTMAX; number++) {
		pid_t program;

		if (!sigismember(&signals.taken, number) || number == SIGALRM)
			continue;
		program = start_program(&signals, terminal, 20);
		raise(number);
		session_signals_pass(&signals, program);
		cr_assert_eq(waitpid(program, &status, 0), program);
		cr_expect_eq(WTERMSIG(status), number, "%d: ended by %d", number, WTERMSIG(status));
		signals.interrupts = 0;
		told++;
	}
	session_signals_done(&signals);
	cr_expect_geq(told, 40);
}

Test(session_signals, what_nohup_ignores_is_ignored_and_what_a_shell_ignores_can_be_sent)
{
	struct session_signals signals = {0};

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	session_signals_take(&signals);
	raise(SIGHUP);
	session_signals_pass(&signals, 0);
	cr_expect_eq(signals.interrupts, 0);
	raise(SIGINT);
	session_signals_pass(&signals, 0);
	cr_expect_eq(signals.interrupts, 1);
	session_signals_done(&signals);
}

/* Watches a program as a session does, until it ends. */
static void watch(struct session_signals *signals, pid_t program)
{
	struct pollfd source = {.fd = signals->fd, .events = POLLIN};
	int status;

	while (!waitpid(program, &status, WNOHANG)) {
		poll(&source, 1, 20);
		session_signals_pass(signals, program);
	}
	_exit(WTERMSIG(status));
}

Test(session_signals, the_collector_stops_and_goes_on_with_its_program, .timeout = 60)
{
	int terminal = -1, status, ready[2];
	pid_t collector;
	char byte;

	cr_assert_eq(pipe(ready), 0);
	collector = fork();
	if (!collector) {
		struct session_signals signals = {0};
		pid_t program;

		setpgid(0, 0); /* not alone: a group that nobody could continue does not stop */
		session_signals_take(&signals);
		session_signals_take_stops(&signals);
		program = start_program(&signals, terminal, 50);
		if (write(ready[1], "", 1) == 1)
			watch(&signals, program);
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_assert_eq(kill(collector, SIGTSTP), 0);
	cr_assert_eq(waitpid(collector, &status, WUNTRACED), collector);
	cr_expect(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP, "status %x", status);
	cr_assert_eq(kill(collector, SIGCONT), 0);
	cr_assert_eq(kill(collector, SIGUSR1), 0);
	cr_assert_eq(waitpid(collector, &status, 0), collector);
	cr_expect_eq(WEXITSTATUS(status), SIGUSR1, "status %x", status);
}
