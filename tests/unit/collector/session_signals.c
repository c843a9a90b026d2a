/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/session_signals.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
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
		program = start_program(&signals, terminal, 5);
		close(terminal);
		source.fd = signals.fd;
		poll(&source, 1, 5000);
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
		program = start_program(&signals, terminal, 1);
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
