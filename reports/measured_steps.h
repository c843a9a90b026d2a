/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * measured_steps: which samples of a recording lie in steps.
 *
 * Where the step function's probe was taken off to keep the budget, marks of steps end with that.
 * After the last of them a sample lies in a step when the step function is on its stack; one of
 * another thread, when the latest sample of the thread that takes the steps does.
 */
#pragma once

#include "reports/call_tree.h"
#include "reports/report.h"

#include <stdbool.h>

struct measured_steps {
	const struct profile *profile;
	const struct call_tree *tree;
	bool lacks_steps;	    /* marks end before the steps do */
	bool *is_step;		    /* by symbol: it is a step function; of those that lack steps */
	uint32_t thread;	    /* that takes the steps, */
	bool is_stepping;	    /* and whether it did when it was sampled last */
	uint64_t first_ns, last_ns; /* of marked steps: start and end of all of them */
	uint64_t seen_ns;	    /* time of the latest sample in a step */
};

/* @same  symbols that are taken for one another, as of @tree. All is borrowed. */
void measured_steps_begin(struct measured_steps *steps, const struct report *report,
			  const struct call_tree *tree, const uint32_t *same);
void measured_steps_done(struct measured_steps *steps);

/* Says whether a step function was also inlined somewhere: what is executed there is no step. */
bool measured_steps_are_inlined(const struct profile *profile);

/* Says whether a profile lacks steps: their marks end before they do. */
bool measured_steps_lack(const struct profile *profile);

/* Returns how many steps a profile that lacks some had, 0 where that is not known: a step function
 * that could not be timed any more may have been counted to the end, each call of it a step. */
double measured_steps_counted(const struct profile *profile);

/* Says whether a sample lies in a step; of a profile without steps every one does. To be asked of
 * each, in the order of the profile. */
bool measured_steps_have(struct measured_steps *steps, size_t sample);
