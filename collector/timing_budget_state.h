/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_budget_state: what the parts of a budget share: timing_budget.c, which lets functions fall
 * back, and timing_windows.c, which shows what those still do.
 */
#pragma once

#include "collector/timing_budget.h"
#include "collector/window_spread.h"

#define MOST_DISTORTION                                                                            \
	2.0 /* what a probe may take of the time that is left, for a rate to be told */

struct watched {
	struct uprobe_function function;
	int fd;
	size_t group;	    /* its first function: they are put in place and taken off together */
	uint64_t calls;	    /* as of the last look */
	uint64_t new_calls; /* between the last two */
	double load; /* what its probe cost in the last round, of the target's own CPU time; of a
		      * step function, which cannot come back, lately */
	double recent_calls, recent_used_ns; /* of a step function: sums that fade */
	uint64_t only_counted_ns, sampled_ns;
	bool by_steps;		 /* its windows are whole steps, else pieces of time */
	bool is_due;		 /* the window at hand, or the next one, is its own */
	struct window_path path; /* calls in windows, by steps or by the target's own CPU time */
	uint64_t calls_before;	 /* until the windows began, */
	double sampled_used_ns;	 /* and the target's CPU time then */
	double path_place;	 /* steps, or the target's CPU time, at the end of the last one */
	double window_used_ns;	 /* the target's in windows, */
	double window_spent_ns;	 /* and that of probes, of all functions */
	double doubtful; /* calls in `path` that may be as many more, or less, if probes cost
			  * more, or less, than is taken for it: less time, or more, was the
			  * target's then */
};

struct timing_budget {
	struct probe_bank bank;
	struct watched *functions;
	size_t count, capacity;
	size_t *list;		   /* of `capacity` functions: at hand */
	uint64_t round_ns;	   /* of the last round */
	double steps;		   /* that had begun by the last look */
	uint32_t window_counts[2]; /* of time, and of steps */
	size_t first_due[2];	   /* where the choice of functions for such a window begins, */
	size_t after_due[2];	   /* and where the next one will */
	bool has_steps;		   /* a step function is timed, of one thread at a time */
	bool is_in_window;	   /* of steps */
	bool is_turn_of_steps;
	bool is_skipping;      /* steps, before a window of some */
	uint64_t random;       /* state of the generator of how many */
	double step_ns;	       /* that probes are taken to cost in a step: the most of late, */
	double window_steps;   /* and how long the last window of steps is for that */
	double needed_ns;      /* that probes are taken to cost in one of steps */
	unsigned vain_windows; /* of steps, since the last one that has closed */
	double begun_ns;       /* what they had cost as it began */
};

/* Sees what has happened since the last look. */
void timing_budget_look(struct timing_budget *budget, const struct uprobe *uprobe, uint64_t now_ns);

/* Returns what a call costs as the function is probed now. */
double timing_budget_cost_ns(const struct watched *watched, const struct uprobe *uprobe);

/* Returns where the target is, in what a function's windows are measured by. */
double timing_budget_place(const struct timing_budget *budget, const struct watched *watched);
