/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * target: the profiled program, started so that nothing of it is missed and nothing of it changes.
 *
 * The child is forked at once but waits on a pipe; events are opened on it; then it is released
 * and executes the program. A second pipe, closed by a successful execve, carries execve's errno
 * back. Standard input, output and error, environment, working folder, process group, signal mask
 * and dispositions are those the collector was started with.
 */
#pragma once

#include "collector/base/error.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the collector changes of its own signal state and the child must get back. */
struct target_signals {
	sigset_t mask;
	struct sigaction pipe;
	struct sigaction file_size; /* a write beyond ulimit -f is to fail, not to kill */
	struct sigaction child;	    /* ignored, it would take the child's status away */
};

struct target {
	pid_t pid;
	int pid_fd;	/* readable when the process has ended */
	int release_fd; /* closing ends the waiting child; a byte lets it execute */
	int errno_fd;
	bool ended;
	int ending_signal; /* that killed it; 0: none; valid when ended */
	int exit_status;   /* as a shell says it: 128 + n for signal n; valid when ended */
	uint64_t cpu_ns;   /* user + system, of the process and the children it waited for */
};

/*
 * Forks the child that will execute @argv[0] (searched in PATH), which waits for target_release.
 *
 * @environment  of the program, borrowed for the call; NULL: the collector's own
 * @signals      to restore in the child
 * Returns 0 or a negative errno.
 */
int target_prepare(struct target *target, const char **argv, char **environment,
		   const struct target_signals *signals, struct error *error);

/*
 * Lets the child execute.
 * Returns 0; -ENOENT when the program is not found, another negative errno when it cannot be
 * executed; the child is gone then.
 */
int target_release(struct target *target, const char **argv, struct error *error);

/* Says what target_release would, as far as the file @name itself tells: returns 0 where nothing
 * speaks against it. */
int target_check(const char *name, struct error *error);

/* Returns the command line with blanks between the arguments, owned by the caller. */
char *target_command(const char **argv);

/* Ends a child that was not released. */
void target_abandon(struct target *target);

/* Says whether the process has ended; it can still be looked at until it is collected. */
bool target_has_ended(const struct target *target);

/* Collects the ended process without waiting; returns whether it has ended. */
bool target_collect(struct target *target);

/* Closes the descriptors; the process, when it still runs, is left alone. */
void target_done(struct target *target);
