/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/target.c. */
#include "collector/target.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct target_signals signals;
static struct error error;

static void setup(void)
{
	sigprocmask(SIG_SETMASK, NULL, &signals.mask);
	sigaction(SIGPIPE, NULL, &signals.pipe);
	sigaction(SIGCHLD, NULL, &signals.child);
}

TestSuite(target, .init = setup);

static void wait_for_end(struct target *target)
{
	struct pollfd ended = {.fd = target->pid_fd, .events = POLLIN};

	cr_assert_eq(poll(&ended, 1, 10000), 1);
	cr_assert(target_collect(target));
}

Test(target, waits_for_its_release_and_hands_its_status_back)
{
	const char *argv[] = {"sh", "-c", "exit 7", NULL};
	struct target target;

	cr_assert_eq(target_prepare(&target, argv, NULL, &signals, &error), 0);
	usleep(50000);
	cr_assert_not(target_collect(&target), "it must not have run yet");
	cr_assert_eq(target_release(&target, argv, &error), 0);
	wait_for_end(&target);
	cr_assert_eq(target.exit_status, 7);
	target_done(&target);
}

Test(target, says_128_plus_the_signal)
{
	const char *argv[] = {"sh", "-c", "kill -TERM $$", NULL};
	struct target target;

	cr_assert_eq(target_prepare(&target, argv, NULL, &signals, &error), 0);
	cr_assert_eq(target_release(&target, argv, &error), 0);
	wait_for_end(&target);
	cr_assert_eq(target.exit_status, 128 + SIGTERM);
	target_done(&target);
}

Test(target, counts_cpu_time_of_children_it_waited_for)
{
	const char *argv[] = {"sh", "-c",
			      "sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'; true",
			      NULL};
	struct target target;

	cr_assert_eq(target_prepare(&target, argv, NULL, &signals, &error), 0);
	cr_assert_eq(target_release(&target, argv, &error), 0);
	wait_for_end(&target);
	cr_assert_gt(target.cpu_ns, 10000000u);
	target_done(&target);
}

Test(target, tells_missing_from_forbidden_programs)
{
	const char *missing[] = {"/no/such/program", NULL};
	const char *unknown[] = {"no-such-program", NULL};
	const char *folder[] = {"/tmp", NULL};
	struct target target;

	cr_assert_eq(target_prepare(&target, missing, NULL, &signals, &error), 0);
	cr_assert_eq(target_release(&target, missing, &error), -ENOENT);
	cr_assert_str_eq(error.text, "there is no program /no/such/program; look at its path");
	target_done(&target);
	cr_assert_eq(target_prepare(&target, unknown, NULL, &signals, &error), 0);
	cr_assert_eq(target_release(&target, unknown, &error), -ENOENT);
	cr_assert_str_eq(error.text, "no-such-program: not found in PATH");
	target_done(&target);
	cr_assert_eq(target_prepare(&target, folder, NULL, &signals, &error), 0);
	cr_assert_eq(target_release(&target, folder, &error), -EACCES);
	cr_assert_str_eq(error.text, "cannot execute /tmp: it is a folder");
	target_done(&target);
}

Test(target, an_abandoned_child_never_executes)
{
	char path[] = "/tmp/target.XXXXXX";
	const char *argv[] = {"rm", "-r", path, NULL};
	struct target target;

	cr_assert_not_null(mkdtemp(path));
	cr_assert_eq(target_prepare(&target, argv, NULL, &signals, &error), 0);
	target_abandon(&target);
	cr_assert_eq(rmdir(path), 0, "the child removed it: %s", strerror(errno));
}

Test(target, gives_signals_back_as_they_were)
{
	/* Signals 32 and 33 are libc's own; its posix_spawn leaves them ignored in what make runs.
	 */
	const char *argv[] = {"sh", "-c",
			      "grep -q '^SigBlk:.0000000000000000' /proc/self/status && "
			      "grep -q '^SigIgn:.*[02468ace]...$' /proc/self/status",
			      NULL};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct target target;
	sigset_t all;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL); /* a shell's background job ignores interrupts */
	sigemptyset(&signals.mask);
	signals.pipe = (struct sigaction){.sa_handler = SIG_DFL};
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	cr_assert_eq(target_prepare(&target, argv, NULL, &signals, &error), 0);
	cr_assert_eq(target_release(&target, argv, &error), 0);
	wait_for_end(&target);
	cr_assert_eq(target.exit_status, 0);
	target_done(&target);
}

Test(target, a_program_started_with_children_ignored_ignores_them_again)
{
	/* Not through a shell, which would set the signal itself. */
	const char *argv[] = {"grep", "-q", "^SigIgn:.*[13579bdf]....$", "/proc/self/status", NULL};
	struct target target;

	signals.child = (struct sigaction){.sa_handler = SIG_IGN};
	cr_assert_eq(target_prepare(&target, argv, NULL, &signals, &error), 0);
	cr_assert_eq(target_release(&target, argv, &error), 0);
	wait_for_end(&target);
	cr_assert_eq(target.exit_status, 0);
	target_done(&target);
}
