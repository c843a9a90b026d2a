/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * leak: whether a level, such as a process's memory, goes on growing from step to step.
 *
 * The first third of the steps, in which programs fill their caches, is left out. The rest is cut
 * into at most LEAK_PARTS parts of equal numbers of steps, and the growth of the parts is judged by
 * the interval of its signed ranks (statistics_pairs, 95 %):
 *
 *   LEAK_NONE         growth and its upper bound make less than LEAK_PAGE of the whole run; or
 *                     the interval holds 0, or lies below it, its upper bound makes less than
 *                     LEAK_SMALL of the level in all parts together, and what was gained is no
 *                     more than what was given back in between, or less than LEAK_UNSEEN
 *   LEAK_FOUND        the interval lies above 0, and the second half grew at least LEAK_STEADY
 *                     of what the first half did, however large the level is
 *   LEAK_CANNOT_TELL  else: too few parts, too much noise, growth in bursts without an end, or
 *                     growth that slows down: such a program may still be warming up
 *
 * 0.8 of steady growth: a level that rises with the logarithm of time grows in the last third of
 * it by ln(1 / (2/3)) / ln(2) = 0.58 of what it does in the one before, a leak by 1; between these
 * it is halfway.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LEAK_SMALL  0.05
#define LEAK_STEADY 0.8
#define LEAK_PAGE   4096.0 /* bytes: memory is mapped by it, of less nothing is seen */
/* The kernel's count may be off by so much, "inaccurate because of a kernel-internal scalability
 * optimization" (proc(5)): 64 pages of each thread before Linux 6.2, since then 32 of each CPU. */
#define LEAK_UNSEEN (64 * LEAK_PAGE)

enum {
	LEAK_PARTS = 16,
	LEAK_PARTS_LEAST = 6, /* fewer have no interval at 95 % */
};

enum leak_verdict {
	LEAK_CANNOT_TELL,
	LEAK_FOUND,
	LEAK_NONE,
};

struct leak {
	enum leak_verdict verdict;
	bool is_slowing;  /* why it cannot be told */
	size_t parts;	  /* 0: too few points */
	double per_step;  /* growth of a step */
	double low, high; /* the interval of that */
	double level;	  /* at the end */
};

/*
 * Judges a level that was looked at now and then.
 *
 * @steps   steps done at each look, ascending
 * @levels  seen then
 * @count   of both
 */
void leak_judge(struct leak *leak, const double *steps, const double *levels, size_t count);
