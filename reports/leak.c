/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leak: see leak.h. */
#include "reports/leak.h"

#include "reports/statistics.h"

#include <math.h>

#define FIRST_SHARE (1.0 / 3)

/* The last level seen when no more than @step steps were done. */
static double level_at(const double *steps, const double *levels, size_t count, double step)
{
	size_t i = 0;

	while (i + 1 < count && steps[i + 1] <= step)
		i++;
	return levels[i];
}

/* Looks from a step on. */
static size_t looks_from(const double *steps, size_t count, double step)
{
	size_t looks = 0;

	for (size_t i = 0; i < count; i++)
		looks += steps[i] >= step && (!i || steps[i] > steps[i - 1]);
	return looks;
}

static bool is_slowing(const double *growths, size_t parts)
{
	double halves[2] = {0};

	for (size_t i = 0; i < parts / 2; i++) {
		halves[0] += growths[i];
		halves[1] += growths[parts - 1 - i];
	}
	return halves[1] < LEAK_STEADY * halves[0];
}

/* The most that the level fell from one end of a part to a later one: what was given back. */
static double deepest_fall(const double *growths, size_t parts)
{
	double fall = 0, deepest = 0;

	for (size_t i = 0; i < parts; i++) {
		fall = fmax(0, fall - growths[i]);
		deepest = fmax(deepest, fall);
	}
	return deepest;
}

/* Whether growth of @whole in all parts is none, of which at most @high a part was to be seen. */
static bool is_none(const struct leak *leak, const double *growths, double whole, double high)
{
	double parts = (double)leak->parts;

	return fabs(whole) <= LEAK_SMALL * leak->level &&
	       high * parts <= LEAK_SMALL * leak->level &&
	       (whole < LEAK_UNSEEN || whole <= deepest_fall(growths, leak->parts));
}

void leak_judge(struct leak *leak, const double *steps, const double *levels, size_t count)
{
	double growths[LEAK_PARTS], first, width, whole;
	struct statistics_change change;
	size_t looks;

	*leak = (struct leak){.level = count ? levels[count - 1] : 0};
	if (!count)
		return;
	first = steps[count - 1] * FIRST_SHARE;
	looks = looks_from(steps, count, first);
	if (looks < LEAK_PARTS_LEAST + 1)
		return;
	leak->parts = looks - 1 < LEAK_PARTS ? looks - 1 : LEAK_PARTS;
	width = (steps[count - 1] - first) / (double)leak->parts;
	for (size_t i = 0; i < leak->parts; i++)
		growths[i] = level_at(steps, levels, count, first + width * (double)(i + 1)) -
			     level_at(steps, levels, count, first + width * (double)i);
	whole = leak->level - level_at(steps, levels, count, first);
	change = statistics_pairs(growths, leak->parts, 0.95);
	leak->per_step = whole / (steps[count - 1] - first);
	leak->low = change.low / width;
	leak->high = change.high / width;
	leak->is_slowing = change.low > 0 && is_slowing(growths, leak->parts);
	if (fmax(leak->high, leak->per_step) * steps[count - 1] < LEAK_PAGE ||
	    (change.low <= 0 && is_none(leak, growths, whole, change.high)))
		leak->verdict = LEAK_NONE;
	else if (change.low > 0 && !leak->is_slowing)
		leak->verdict = LEAK_FOUND;
}
