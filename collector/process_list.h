/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process_list: process numbers on the command line of attach and top. */
#pragma once

#include <argp.h>
#include <stddef.h>
#include <sys/types.h>

struct process_list {
	pid_t *pids; /* owned by whoever owns the list */
	size_t count, capacity;
};

/* Adds the process of an argument. One that is no process number ends the program. */
void process_list_parse(struct process_list *list, const struct argp_state *state,
			const char *text);

/* Ends the program when there is none; @example is a command that would do. */
void process_list_check(const struct process_list *list, const struct argp_state *state,
			const char *example);

/*
 * Leaves out those that cannot be attached to (vanished, ended, threads of the kernel or of another
 * process) when there are others, with a sentence for each. When there are none all stay: what
 * follows will say why.
 */
void process_list_keep_living(struct process_list *list, const char *command);
