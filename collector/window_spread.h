/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * window_spread: from counts in some windows to an estimate for all time, with an interval.
 *
 * A window gives hits h of n calls (or calls h of n nanoseconds). All N of them have about
 * N · Σh / Σn: the ratio estimator, whose variance comes from how far the windows' hits are from
 * what their n would make expect.
 *
 * Source: Cochran, "Sampling Techniques", 3rd edition, 6.4.
 */
#pragma once

#include <stdint.h>

struct window_spread {
	double hits, squares, products; /* sums over windows of h, h·h and h·n */
};

/* What all figures of the windows share. */
struct window_sizes {
	uint32_t count;
	double size, squares; /* sums of n and n·n */
};

void window_sizes_add(struct window_sizes *windows, double size);
void window_spread_add(struct window_spread *spread, double hits, double size);

/*
 * Returns half of the 95 % interval of all hits.
 *
 * @all  N
 * Where one window cannot tell it is as large as the estimate itself.
 */
double window_spread_margin(const struct window_spread *spread, const struct window_sizes *windows,
			    double all);
