/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uprobe_trial: what a probe costs on this machine, and whether probed functions still work.
 *
 * A child of the collector calls small functions of our own, one timed, one counted and one timed
 * by its exit for each kind of instruction, often enough for a steady figure, and checks what they
 * return. It can be wrong: a kernel that turns a 5-byte nop into a call overwrites what lies below
 * the stack pointer, which is harmless at a function's entry only.
 */
#pragma once

#include "collector/capture/uprobe.h"

/* Timed by a return probe, then counted, then timed by their exits. */
#define UPROBE_TRIAL_EXITS     (2 * UPROBE_KINDS)
#define UPROBE_TRIAL_FUNCTIONS (3 * UPROBE_KINDS)

struct uprobe_trial {
	pid_t pid; /* of the child */
	int fd;	   /* of the file that its functions lie in */
	int start_fd, result_fd;
	struct uprobe_function functions[UPROBE_TRIAL_FUNCTIONS];
	struct uprobe_exit exits[UPROBE_KINDS];
	uint32_t added_ns[UPROBE_TRIAL_FUNCTIONS]; /* to each call; known after the run */
};

/* Makes the child, which waits. Returns 0 or a negative errno. */
int uprobe_trial_start(struct uprobe_trial *trial, struct error *error);

/* Lets the child call the functions, which are probed by now. Cost: about 20 ms. Returns 0 or a
 * negative errno: -EILSEQ a function gave a wrong result. */
int uprobe_trial_run(struct uprobe_trial *trial, struct error *error);
void uprobe_trial_end(struct uprobe_trial *trial);

/* Sums a kind up. @counts is the histogram of its function that is timed by a return probe,
 * @exit_counts of that which is by its exit. */
struct uprobe_cost uprobe_trial_cost(const struct uprobe_trial *trial, enum uprobe_kind kind,
				     const uint64_t *counts, const uint64_t *exit_counts);
