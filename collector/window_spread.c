/* SPDX-License-Identifier: GPL-3.0-or-later */
/* window_spread: see window_spread.h. */
#include "collector/window_spread.h"

#include "collector/base/student.h"

#include <math.h>
#include <stddef.h>

#define RARE 3.0 /* windows, see window_path_hits */

void window_sizes_add(struct window_sizes *windows, double size)
{
	windows->count++;
	windows->size += size;
	windows->squares += size * size;
}

void window_spread_add(struct window_spread *spread, double hits, double size)
{
	spread->hits += hits;
	spread->squares += hits * hits;
	spread->products += hits * size;
}

double window_spread_margin(const struct window_spread *spread, const struct window_sizes *windows,
			    double all)
{
	double count = windows->count, ratio, rest, variance, left;

	if (windows->size <= 0)
		return 0;
	ratio = spread->hits / windows->size;
	if (windows->count < 2)
		return ratio * all;
	rest = spread->squares - 2 * ratio * spread->products + ratio * ratio * windows->squares;
	variance = (rest > 0 ? rest : 0) * count / (count - 1) / (windows->size * windows->size);
	left = windows->size < all ? 1 - windows->size / all : 0;
	return student_95(windows->count - 1) * all * sqrt(variance * left);
}

void window_path_add(struct window_path *path, double hits, double size, double since)
{
	double rate = hits / size, spans = since * since, part;

	path->change = rate - path->rate;
	if (!path->count && path->rate <= 0) {
		path->blind = since;
		path->rate = rate;
	} else if (path->blind > 0) {
		path->variance = path->squares = 0; /* it was all of the blind one's */
		spans += path->blind * path->blind;
		path->blind = 0;
	}
	path->hits += since * (rate + path->rate) / 2;
	part = spans * path->change * path->change / 2;
	path->variance += part;
	path->squares += part * part;
	path->rate = rate;
	path->count++;
	path->shown += hits > 0;
}

bool window_path_tells(const struct window_path *path)
{
	return path->count >= WINDOW_PATH_LEAST && path->shown >= WINDOW_PATH_SHOWN;
}

/* Differences of neighbours share windows. Of parts that are alike, squares of normal differences,
 * the sum's square is a third of their number times the squares' sum (the fourth moment is 3). */
static uint32_t degrees_of(const struct window_path *path, double variance, double squares)
{
	double alike = squares > 0 ? 3 * variance * variance / squares - 2 : path->count;
	double degrees = 2 * fmin(alike, path->count) / 3;

	return degrees < 1 ? 1 : (uint32_t)degrees;
}

double window_path_hits(const struct window_path *path, double rest, double *margin)
{
	double part = rest * rest * path->change * path->change / 2;
	double variance = path->variance + part;

	*margin = student_95(degrees_of(path, variance, path->squares + part * part)) *
		  sqrt(variance * (1 + RARE / path->count));
	return path->hits + rest * path->rate;
}
