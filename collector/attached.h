/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attached: running processes that are watched and never touched.
 */
#pragma once

#include "collector/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct attached {
	pid_t *pids;
	int *pid_fds; /* each readable when its process has ended */
	size_t count;
};

/*
 * Takes the processes @pids, with all their descendants when @is_tree.
 *
 * Returns 0, or a negative errno with a sentence: no such process, a kernel thread, no permission.
 */
int attached_open(struct attached *attached, const pid_t *pids, size_t count, bool is_tree,
		  struct error *error);
void attached_done(struct attached *attached);

/* Says whether all of them have ended. */
bool attached_have_ended(const struct attached *attached);

/* Returns the name of the program of a process, owned by the caller: its file's, else its own. */
char *attached_program(pid_t pid);

/* Returns the command line of a process with blanks between the arguments, owned by the caller. */
char *attached_command(pid_t pid);
