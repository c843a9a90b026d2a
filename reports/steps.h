/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steps: how long the steps of a simulation took, which were slow, and whether there is order in
 * it.
 *
 * Durations are without the cost of probes within them. A step is slow when its robust z-score,
 * (duration - median) / (1.4826 MAD) with median and median absolute deviation of the steady part,
 * is above 5 and it took at least a tenth longer than the median.
 *
 * Where durations change for good, the series is cut: binary segmentation by least squares on
 * winsorised durations, with a penalty of 3 ln n per cut; noise is estimated from differences of
 * neighbours, which trends and cuts hardly touch. Neighbours whose medians are less than a tenth
 * apart become one again. A first segment of at most a third is warm-up, and the steady part is
 * what follows.
 *
 * A period k is claimed when at least four fifths of the steps of one residue modulo k are slow,
 * and at least half of the slow steps are among them.
 *
 * Source: Iglewicz & Hoaglin 1993 (robust z); Scott & Knott 1974 (segmentation); Killick & Eckley
 * 2014 (penalty).
 */
#pragma once

#include "reports/report.h"

enum {
	STEPS_SEGMENTS = 8
};

struct steps_segment {
	uint32_t first, count; /* steps */
	double median_ns;
};

struct steps {
	uint32_t count;
	double *duration_ns; /* in the order of the steps' ends */
	bool *is_slow;
	double *z;
	double median_ns, p95_ns, p99_ns, max_ns; /* of the steady part */
	double spread_ns;			  /* 1.4826 MAD of it */
	double steps_per_second;
	uint32_t warm_up;    /* first steps that are not of the steady part */
	uint32_t slow_count; /* of the steady part */
	struct steps_segment segments[STEPS_SEGMENTS];
	uint32_t segment_count;
	uint32_t period;       /* steps that are raised come every so many; 0: no order was found */
	uint32_t phase;	       /* index of the first of them, counted from 0 */
	uint32_t on_period;    /* of those steps that are raised, */
	uint32_t period_count; /* of so many that were looked at */
	bool *is_compared;     /* steps of the period where there is one, else the slow ones */
	uint32_t compared_count;
	bool *is_apart; /* slow steps beside the period: neither compared nor typical; all others of
			   the steady part are that */
	uint32_t apart_count;
};

void steps_measure(struct steps *steps, const struct profile *profile);
void steps_done(struct steps *steps);

/* Returns the value below which a share 0 ... 1 of @count sorted values lie. */
double steps_quantile(const double *sorted, uint32_t count, double share);
