/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory_growth: whether what is live grows from step to step, or only with time.
 *
 * Memory live at the end says nothing of a leak: a program keeps things until its end. A leak is
 * what goes on growing. So the recording is looked at between its first third, in which programs
 * fill their caches, and its last tenth, in which they take things down; that is cut into parts of
 * equal numbers of steps, or of equal time where no steps were recorded or those that are known do
 * not reach from before the middle of that to its end, and what was live at the ends of the parts
 * is compared. It must have been looked at in each of them.
 *
 * It grows when the signed ranks of the parts' growth give an interval above 0; it does not when
 * that interval, for all parts together, ends below MEMORY_GROWTH_SMALL of what is live; between
 * these nothing can be told, and so it is when there are too few parts.
 *
 * Source: statistics_pairs; docs/methods.md.
 */
#pragma once

#include "reports/memory.h"
#include "reports/report.h"

#include <jansson.h>
#include <stdio.h>

#define MEMORY_GROWTH_SMALL 0.05

enum memory_verdict {
	MEMORY_CANNOT_TELL,
	MEMORY_GROWS,
	MEMORY_DOES_NOT_GROW,
};

struct memory_trend {
	enum memory_verdict verdict;
	double growth;	  /* bytes in all parts together, from the first end to the last */
	double low, high; /* the interval of what it would be if all parts were like most of them:
			     growth may lie outside, by a single burst */
	double level;	  /* bytes at the last end */
};

struct memory_growth {
	uint32_t parts;	  /* 0: nothing can be told */
	uint64_t steps;	  /* in them; 0: they are of time */
	bool lacks_steps; /* they are, though steps were recorded: of a piece of that time only, */
	bool lacks_looks; /* or there were too few looks for parts of steps */
	double seconds;	  /* from the first end to the last */
	bool has_processes; /* several: what each had not freed when it ended is live from then on
			     */
	struct memory_trend all;
	struct memory_trend *sites; /* of memory->sites, in their order */
};

/* Measures it. @memory's sites must not be sorted again after that. */
void memory_growth_measure(struct memory_growth *growth, const struct memory *memory,
			   const struct profile *profile);
void memory_growth_done(struct memory_growth *growth);

extern const char *const memory_verdicts[]; /* by enum memory_verdict */

/* Writes the verdict as a clause, without an end of line. */
void memory_growth_say(const struct memory_growth *growth, FILE *stream);

/* Measures it and writes the verdict, with the call sites that grow, @limit of them. */
void memory_growth_write(const struct report *report, const struct memory *memory, uint32_t limit,
			 FILE *stream);
json_t *memory_growth_json(const struct memory_growth *growth);
