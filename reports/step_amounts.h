/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * step_amounts: what came to each step of a simulation of allocations, waits, calls on files and
 * SQL, as the program itself had summed it up when the step began and ended. None is sampled,
 * unless allocations were (--memory-rate).
 *
 * They are the series of the profile whose names begin with "step ": one point for each step.
 */
#pragma once

#include "reports/steps.h"

#include <jansson.h>

struct step_amount {
	const char *name, *unit; /* "allocations", "count"; any bytes, borrowed */
	double *values;		 /* by step; NAN: not known */
	uint32_t step_count;
	uint32_t known; /* steps; what follows is of the steady ones among them */
	double mean, median, p95, most;
	double slow, typical; /* means of the steps that stand out and of the others; NAN: none */
};

struct step_amounts {
	struct step_amount *rows;
	size_t count;
};

#define STEP_AMOUNTS_PREFIX "step " /* of the names of such series */

/* @steps  of the profile, measured. step_amounts_done releases. */
void step_amounts_measure(struct step_amounts *amounts, const struct profile *profile,
			  const struct steps *steps);
void step_amounts_done(struct step_amounts *amounts);

/* Returns what a step had of it as people read it: "1.91 MiB". */
const char *step_amounts_text(const struct step_amount *amount, double value, char text[64]);

/* Writes a table of them all; nothing when there are none. */
void step_amounts_write(const struct step_amounts *amounts, const struct steps *steps,
			FILE *stream);

/*
 * Writes a line for each of those with one of @count names that the profile has: "per step ...".
 * For reports about one of them.
 */
void step_amounts_write_lines(const struct profile *profile, const char *const *names, size_t count,
			      FILE *stream);

/* An array of all, with the values of all steps; null where one is not known. Owned by the caller.
 */
json_t *step_amounts_json(const struct step_amounts *amounts);
