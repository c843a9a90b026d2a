/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * window_spread: from counts in some windows to an estimate for all time, with an interval.
 *
 * A window gives hits h of n calls (or calls h of n nanoseconds). All N of them have about
 * N · Σh / Σn: the ratio estimator, whose variance comes from how far the windows' hits are from
 * what their n would make expect.
 *
 * Where windows come the later the more they show, as a budget has it, each speaks for its own part
 * of the time instead (struct window_path).
 *
 * Source: Cochran, "Sampling Techniques", 3rd edition, 6.4; 8.9 and 8.10 for the variance of
 * systematic samples by successive differences. Satterthwaite, "An approximate distribution of
 * estimates of variance components", Biometrics Bulletin 2 (1946), for the degrees of freedom.
 */
#pragma once

#include <stdbool.h>
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

/* Windows that a path needs for its interval to hold, and windows in which something was hit:
 * fewer may all have missed a phase, or all have met one. */
#define WINDOW_PATH_LEAST 6
#define WINDOW_PATH_SHOWN 4

/* Zero-initialised, but for `rate` where one is known before the first window. Where none is, the
 * first window speaks for all before it, too, and the second one tells how far that may be off. */
struct window_path {
	uint32_t count, shown; /* windows, and those with hits */
	double hits, variance; /* of all time until the last window */
	double squares;	       /* of the parts that the variance is the sum of */
	double rate;	       /* hits of a nanosecond in the last window */
	double change;	       /* of that, since the one before */
	double blind;	       /* what lay before the first window, while that is the only one */
};

/*
 * Takes a window.
 *
 * @size   of the window, > 0, in the unit of @since
 * @since  from the end of the last window, or from the beginning, to the end of this one
 */
void window_path_add(struct window_path *path, double hits, double size, double since);

/* Says whether there are as many windows as an interval needs that shall hold. */
bool window_path_tells(const struct window_path *path);

/*
 * Returns all hits, with a rest of the time behind the last window, and half of their 95 %
 * interval. One window at least. Differences of neighbours share windows, so there are fewer
 * degrees of freedom than windows: two thirds (von Neumann's ratio), and far fewer where few
 * changes are most of the variance, as of what comes in phases (Satterthwaite). What is rare is in
 * few of the windows, which then differ less than the time that they stand for: three windows more
 * that are like the others cover that, tried on constant, growing, bursting and phased rates.
 */
double window_path_hits(const struct window_path *path, double rest, double *margin);
