/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_growth: see memory_growth.h. */
#include "reports/memory_growth.h"

#include "reports/statistics.h"

#include <math.h>

enum {
	LEAST_PARTS = 6, /* fewer have no interval at LEVEL_ALL */
	MOST_PARTS = 16,
};

#define FIRST_SHARE (1.0 / 3)
#define LAST_SHARE  0.9
#define LEVEL_ALL   0.95
#define LEVEL_SITE  0.999 /* there are many, and few of them should be called leaks by chance */

/* The ends of the parts: parts + 1 times. */
struct cuts {
	uint64_t times[MOST_PARTS + 1];
	uint32_t parts; /* 0: nothing can be told */
	uint64_t steps; /* in them; 0: they are of time */
};

static uint64_t duration_of(const struct profile *profile)
{
	int64_t duration = profile_number(profile, "duration_ns", 0);
	uint64_t last =
		profile->changes_count ? profile->changes[profile->changes_count - 1].time_ns : 0;

	return duration > 0 ? (uint64_t)duration : last;
}

static void cut_steps(struct cuts *cuts, const struct profile *profile)
{
	uint64_t first = (uint64_t)((double)profile->steps_count * FIRST_SHARE);
	uint64_t last = (uint64_t)((double)profile->steps_count * LAST_SHARE);
	uint64_t each = (last - first) / cuts->parts;

	cuts->steps = each * cuts->parts;
	for (uint32_t i = 0; i <= cuts->parts; i++)
		cuts->times[i] = profile->steps[first + i * each].end_ns;
}

static void cut_time(struct cuts *cuts, uint64_t duration)
{
	double first = (double)duration * FIRST_SHARE, last = (double)duration * LAST_SHARE;

	cuts->steps = 0;
	for (uint32_t i = 0; i <= cuts->parts; i++)
		cuts->times[i] = (uint64_t)(first + (last - first) * i / cuts->parts);
}

/*
 * Says whether it was looked at what is live in each part: else the levels at its two ends are one
 * and the same, and tell no growth. A look that found no change left nothing, but for the longest
 * time between two.
 */
static bool is_looked_at(const struct cuts *cuts, const struct profile *profile)
{
	int64_t gap = profile_number(profile, "memory.look_gap_ns", 0);
	bool looked[MOST_PARTS] = {false};
	uint32_t part = 0, count = 0;

	for (size_t i = 0; i < profile->changes_count; i++) {
		uint64_t time = profile->changes[i].time_ns;

		while (part < cuts->parts && cuts->times[part + 1] < time)
			part++;
		if (part < cuts->parts && cuts->times[part] < time)
			looked[part] = true;
	}
	for (uint32_t i = 0; i < cuts->parts; i++)
		count += looked[i] ||
			 (gap > 0 && cuts->times[i + 1] - cuts->times[i] >= (uint64_t)gap);
	return count == cuts->parts;
}

/*
 * Says whether the steps are those of the part of the recording that is judged. A program may do
 * other things before its steps and after them, and the probe of a step function may have been
 * taken off: then what comes later belongs to none.
 */
static bool steps_reach(const struct profile *profile, uint64_t duration)
{
	size_t count = profile->steps_count;
	size_t first = (size_t)((double)count * FIRST_SHARE);
	double middle = (double)duration * (FIRST_SHARE + LAST_SHARE) / 2;

	return count >= 2 * LEAST_PARTS &&
	       (double)profile->steps[count - 1].end_ns >= (double)duration * LAST_SHARE &&
	       (double)profile->steps[first].end_ns <= middle;
}

/* Makes as many parts as were looked at, of steps or of time. */
static bool cut(struct cuts *cuts, const struct profile *profile, uint64_t duration, bool by_steps)
{
	uint32_t most = MOST_PARTS;

	if (by_steps && most > profile->steps_count / 2)
		most = (uint32_t)(profile->steps_count / 2);
	for (cuts->parts = most; cuts->parts >= LEAST_PARTS; cuts->parts--) {
		if (by_steps)
			cut_steps(cuts, profile);
		else
			cut_time(cuts, duration);
		if (is_looked_at(cuts, profile))
			return true;
	}
	*cuts = (struct cuts){0};
	return false;
}

static void make_cuts(struct cuts *cuts, const struct profile *profile)
{
	uint64_t duration = duration_of(profile);

	if (!steps_reach(profile, duration) || !cut(cuts, profile, duration, true))
		cut(cuts, profile, duration, false);
}

/* @levels  at the ends of the parts */
static struct memory_trend judge(const double *levels, uint32_t parts, double level)
{
	struct memory_trend trend = {.growth = levels[parts] - levels[0], .level = levels[parts]};
	double growths[MOST_PARTS], small = MEMORY_GROWTH_SMALL * trend.level;
	struct statistics_change change;

	for (uint32_t i = 0; i < parts; i++)
		growths[i] = levels[i + 1] - levels[i];
	change = statistics_pairs(growths, parts, level);
	trend.low = change.low * parts;
	if (isfinite(trend.low) && trend.low < 0 - levels[0]) /* no more can be given back */
		trend.low = 0 - levels[0];
	trend.high = change.high * parts;
	if (change.low > 0 && trend.growth > 0)
		trend.verdict = MEMORY_GROWS;
	else if (isfinite(change.high) && trend.high <= small && trend.growth <= small)
		trend.verdict = MEMORY_DOES_NOT_GROW;
	return trend;
}

/* Fills in, for each site and behind them for all, what was live at the ends of the parts. */
static void add_levels(double *levels, const struct memory *memory, const struct profile *profile,
		       const struct cuts *cuts)
{
	uint32_t *sites = memory_sites_of_stacks(memory, profile);
	size_t ends = cuts->parts + 1;
	int metric = memory_live_metric(profile);

	for (size_t i = 0; i < profile->changes_count; i++) {
		const struct profile_sample *change = &profile->changes[i];
		uint32_t site = sites[change->stack];
		size_t end = 0;

		if (change->metric != metric)
			continue;
		while (end < ends && cuts->times[end] < change->time_ns)
			end++;
		for (; end < ends; end++) {
			levels[memory->count * ends + end] += (double)(int64_t)change->value;
			if (site < memory->count)
				levels[site * ends + end] += (double)(int64_t)change->value;
		}
	}
	free(sites);
}

void memory_growth_measure(struct memory_growth *growth, const struct memory *memory,
			   const struct profile *profile)
{
	struct cuts cuts;
	double *levels;
	size_t ends;

	*growth =
		(struct memory_growth){.sites = xcalloc(memory->count + 1, sizeof(*growth->sites))};
	make_cuts(&cuts, profile);
	if (!cuts.parts)
		return;
	ends = cuts.parts + 1;
	levels = xcalloc((memory->count + 1) * ends, sizeof(*levels));
	add_levels(levels, memory, profile, &cuts);
	growth->parts = cuts.parts;
	growth->steps = cuts.steps;
	growth->has_processes = profile_number(profile, "memory.processes", 1) > 1;
	growth->lacks_steps = profile->steps_count && !steps_reach(profile, duration_of(profile));
	growth->lacks_looks = profile->steps_count && !growth->lacks_steps && !cuts.steps;
	growth->seconds = (double)(cuts.times[cuts.parts] - cuts.times[0]) / 1e9;
	growth->all = judge(&levels[memory->count * ends], cuts.parts, LEVEL_ALL);
	for (size_t i = 0; i < memory->count; i++)
		growth->sites[i] = judge(&levels[i * ends], cuts.parts, LEVEL_SITE);
	free(levels);
}

void memory_growth_done(struct memory_growth *growth)
{
	free(growth->sites);
	*growth = (struct memory_growth){0};
}
