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
 * Rhythms of long steps: steps_rhythm.h. Those of one of them, or where there is none the slow
 * ones, are compared with typical steps, which are of no rhythm and not slow.
 *
 * Source: Iglewicz & Hoaglin 1993 (robust z); Scott & Knott 1974 (segmentation); Killick & Eckley
 * 2014 (penalty).
 */
#pragma once

#include "reports/report.h"
#include "reports/steps_rhythm.h"

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
	struct steps_rhythm rhythms[STEPS_LAYERS]; /* the clearest first */
	uint32_t rhythm_count;
	uint8_t *rhythms_of; /* of each step, a bit each */
	uint32_t beside;     /* slow steps of no rhythm, where there is one */
	uint32_t compared;   /* the rhythm whose steps are compared, where there is one, */
	bool *is_compared;   /* these steps; else the slow ones */
	uint32_t compared_count;
	bool *is_apart; /* slow steps besides, and those of other rhythms: neither compared nor
			   typical; all others of the steady part are that */
	uint32_t apart_count;
};

void steps_measure(struct steps *steps, const struct profile *profile);
void steps_done(struct steps *steps);

/* Compares the steps of another rhythm < rhythm_count; at first it is the clearest one. Those that
 * are of several are left out, unless it has no others. */
void steps_compare(struct steps *steps, uint32_t rhythm);

/* Returns the value below which a share 0 ... 1 of @count sorted values lie. */
double steps_quantile(const double *sorted, uint32_t count, double share);
