/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steps_rhythm: order in which long steps come: every k-th one, in several rhythms at once.
 *
 * A period k is claimed when at least four fifths of the steps of one residue modulo k took longer
 * than some limit, at least three of them, and the log-likelihood ratio of that against steps that
 * are long by chance is beyond what so many pairs of period and residue reach by chance. The
 * clearest one is taken, its steps are left out, and the rest is searched again. Last, among the
 * steps of each rhythm that are of no other, those are looked for that are longer still: every
 * tenth step is long, and every tenth of these longer.
 */
#pragma once

#include <stdint.h>

enum {
	STEPS_RHYTHMS = 4,		  /* beside each other */
	STEPS_LAYERS = 2 * STEPS_RHYTHMS, /* with those within them */
};

struct steps_rhythm {
	uint32_t period; /* its steps come every so many */
	uint32_t phase;	 /* the first of them, counted from 0 */
	uint32_t within; /* number of the rhythm, from 1 on, of whose steps these are some; 0: none
			  */
	uint32_t raised; /* of its steps, those that are long, */
	uint32_t count;	 /* of so many that were looked at */
	double limit_ns; /* from which on they are */
};

/*
 * Finds rhythms in the durations of steps from @first up to @count, of which the first 10,000 are
 * looked at.
 *
 * @rhythms  receives them, the clearest first, those within others last; room for STEPS_LAYERS
 * @masks    receives for each step of the series bit i where it is of rhythm i; those before @first
 *           are 0
 * Returns their number.
 */
uint32_t steps_rhythms_find(struct steps_rhythm *rhythms, const double *duration_ns, uint32_t first,
			    uint32_t count, uint8_t *masks);
