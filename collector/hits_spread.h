/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hits_spread: from counts in some windows to an estimate for all time, with an interval.
 *
 * A window gives hits h of n calls (or calls h of n nanoseconds). All N of them have about
 * N · Σh / Σn: the ratio estimator, whose variance comes from how far the windows' hits are from
 * what their n would make expect.
 *
 * Source: Cochran, "Sampling Techniques", 3rd edition, 6.4.
 */
#pragma once

#include <stdint.h>

struct hits_spread {
	double hits, squares, products; /* sums over windows of h, h·h and h·n */
};

/* What all figures of the windows share. */
struct hits_windows {
	uint32_t count;
	double size, squares; /* sums of n and n·n */
};

void hits_windows_add(struct hits_windows *windows, double size);
void hits_spread_add(struct hits_spread *spread, double hits, double size);

/*
 * Returns half of the 95 % interval of all hits.
 *
 * @all  N
 * Where one window cannot tell it is as large as the estimate itself.
 */
double hits_spread_margin(const struct hits_spread *spread, const struct hits_windows *windows,
			  double all);
