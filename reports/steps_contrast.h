/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steps_contrast: what slow steps do that typical ones do not, by the samples that were taken in
 * them.
 *
 * A sample belongs to the step of its process that was running at its time, in whatever thread.
 * Costs are per step: samples of a kind of steps, divided by their number. One step has a few
 * samples only; so it is sets of steps that are compared, and the standard error of a difference of
 * counts per step is sqrt(slow / n_slow² + typical / n_typical²).
 */
#pragma once

#include "reports/steps.h"

struct steps_cost {
	uint32_t symbol;
	double slow, typical; /* total, in units of the metric per step */
	double slow_self, typical_self;
	double error; /* standard error of slow - typical */
};

struct steps_contrast {
	struct steps_cost *rows; /* by slow - typical, largest first; functions with samples */
	uint32_t count;
	uint32_t slow_steps, typical_steps; /* of the steady part */
	uint64_t samples;		    /* in steps */
	uint64_t outside;		    /* between them */
	double excess;			    /* of slow steps over typical ones, per step */
	double excess_error;		    /* its standard error */
	double duration_excess_ns;	    /* that of their mean durations */
	bool has_waits;			    /* samples tell of waiting, too */
	uint32_t *path;	     /* symbols from the root to what causes half of the excess and more, */
	uint32_t path_count; /* as far as that is certain (95 %) */
	double path_excess;
	double *slow_of_stack, *typical_of_stack; /* own samples' amounts by stack, all steps */
	uint32_t *step_of_sample; /* STEPS_OUTSIDE: in none, or of a metric that is no time */
};

#define STEPS_OUTSIDE UINT32_MAX
#define NORMAL_95     1.96 /* standard errors in half of a 95 % interval */

/* Says whether samples explain why slow steps are slow: at least half of what they take longer, for
 * certain. Of a metric that is no time it cannot be told, and is taken for so. */
bool steps_contrast_explains(const struct steps_contrast *contrast, const struct report *report);

void steps_contrast_measure(struct steps_contrast *contrast, const struct report *report,
			    const struct steps *steps);
void steps_contrast_done(struct steps_contrast *contrast);
