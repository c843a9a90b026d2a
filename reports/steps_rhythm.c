/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steps_rhythm: see steps_rhythm.h. */
#include "reports/steps_rhythm.h"

#include "collector/base/xalloc.h"
#include "reports/steps.h"

#include <math.h>

enum {
	MOST_LOOKED_AT = 10000 /* steps */
};

static const double least_excess = 0.1; /* of what is long, over the median */
static const double least_hit = 0.8;
static const double surely = 5; /* nats beyond what chance may reach */

/* A series in which a rhythm is looked for, and room for the search. */
struct search {
	const double *values;
	const bool *is_taken; /* these are left out */
	uint32_t count;
	double median;
	uint32_t *raised, raised_count; /* longer than the limit that is tried, */
	uint32_t *taken, taken_count;	/* and what is left out, by place */
	uint32_t *hits;
	double limit, best; /* a log-likelihood ratio */
	struct steps_rhythm found;
};

static int compare_values(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Takes period @k when its best residue has more than its share of raised steps, more clearly than
 * the best so far. */
static void try_period(struct search *search, uint32_t k)
{
	double share = (double)search->raised_count / (search->count - search->taken_count);
	uint32_t phase = 0, places;
	double hit, gain;

	memset(search->hits, 0, k * sizeof(*search->hits));
	for (uint32_t i = 0; i < search->raised_count; i++)
		search->hits[search->raised[i] % k]++;
	for (uint32_t i = 1; i < k; i++)
		if (search->hits[i] > search->hits[phase])
			phase = i;
	if (search->hits[phase] < 3)
		return;
	places = (search->count - phase + k - 1) / k;
	for (uint32_t i = 0; i < search->taken_count; i++)
		places -= search->taken[i] % k == phase;
	hit = (double)search->hits[phase] / places;
	if (hit < least_hit)
		return;
	gain = search->hits[phase] * log(hit / share);
	if (search->hits[phase] < places)
		gain += (places - search->hits[phase]) * log((1 - hit) / (1 - share));
	if (gain <= search->best)
		return;
	search->best = gain;
	search->found = (struct steps_rhythm){.period = k,
					      .phase = phase,
					      .raised = search->hits[phase],
					      .count = places,
					      .limit_ns = search->limit};
}

static void try_limit(struct search *search, double limit)
{
	search->limit = fmax(limit, (1 + least_excess) * search->median);
	search->raised_count = 0;
	for (uint32_t i = 0; i < search->count; i++)
		if (!search->is_taken[i] && search->values[i] > search->limit)
			search->raised[search->raised_count++] = i;
	for (uint32_t k = 2; search->raised_count >= 3 && k <= search->count / 3; k++)
		try_period(search, k);
}

/* Looks for a rhythm with several limits of what counts as raised: noise decides which shows it.
 * Returns false when there is none. */
static bool find(const double *values, const bool *is_taken, uint32_t count,
		 struct steps_rhythm *found)
{
	static const double limits[] = {0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99};
	struct search search = {
		.values = values,
		.is_taken = is_taken,
		.count = count,
		.raised = xcalloc(count, sizeof(*search.raised)),
		.taken = xcalloc(count, sizeof(*search.taken)),
		.hits = xcalloc(count, sizeof(*search.hits)),
		/* So many pairs of period and residue are tried that chance alone reaches some
		   gain. */
		.best = log(9.0 * count * count / 18) + surely,
	};
	double *sorted = xcalloc(count, sizeof(*sorted));
	uint32_t left = 0;

	for (uint32_t i = 0; i < count; i++)
		if (is_taken[i])
			search.taken[search.taken_count++] = i;
		else
			sorted[left++] = values[i];
	qsort(sorted, left, sizeof(*sorted), compare_values);
	search.median = steps_quantile(sorted, left, 0.5);
	for (size_t i = 0; left && i < sizeof(limits) / sizeof(*limits); i++)
		try_limit(&search, steps_quantile(sorted, left, limits[i]));
	*found = search.found;
	free(search.raised);
	free(search.taken);
	free(search.hits);
	free(sorted);
	return found->period;
}

/* The series: what is looked at of it, and what was found. */
struct series {
	struct steps_rhythm *rhythms;
	uint32_t rhythm_count;
	const double *values; /* from the first that is looked at */
	uint32_t count;
	uint8_t *masks; /* likewise */
};

static bool is_of(const struct steps_rhythm *rhythm, uint32_t place)
{
	return place >= rhythm->phase && (place - rhythm->phase) % rhythm->period == 0;
}

/* Finds rhythms beside each other: what one has explained is left out for the next. */
static void find_beside(struct series *series)
{
	bool *is_taken = xcalloc(series->count, sizeof(*is_taken));
	struct steps_rhythm *found = series->rhythms;

	while (series->rhythm_count < STEPS_RHYTHMS &&
	       find(series->values, is_taken, series->count, found)) {
		for (uint32_t i = 0; i < series->count; i++)
			if (is_of(found, i)) {
				is_taken[i] = true;
				series->masks[i] |= (uint8_t)(1u << series->rhythm_count);
			}
		series->rhythm_count++;
		found++;
	}
	free(is_taken);
}

/* Moves the steps of the rhythm that was found last out of the one it lies in. */
static void take_out(struct series *series, uint32_t outer)
{
	struct steps_rhythm *rhythm = &series->rhythms[outer];
	uint8_t outer_bit = (uint8_t)(1u << outer), bit = (uint8_t)(1u << series->rhythm_count);

	for (uint32_t i = 0; i < series->count; i++) {
		if (!is_of(&series->rhythms[series->rhythm_count], i) ||
		    series->masks[i] != outer_bit)
			continue;
		series->masks[i] = bit;
		rhythm->count--;
		rhythm->raised -= series->values[i] > rhythm->limit_ns;
	}
	series->rhythm_count++;
}

/* Finds a rhythm among the steps of another one. What is of a third one, too, is left out. */
static void find_within(struct series *series, uint32_t outer)
{
	const struct steps_rhythm *rhythm = &series->rhythms[outer];
	struct steps_rhythm *found = &series->rhythms[series->rhythm_count];
	double *values = xcalloc(series->count, sizeof(*values));
	bool *is_taken = xcalloc(series->count, sizeof(*is_taken));
	uint32_t count = 0;

	for (uint32_t i = rhythm->phase; i < series->count; i += rhythm->period) {
		values[count] = series->values[i];
		is_taken[count++] = series->masks[i] != 1u << outer;
	}
	if (find(values, is_taken, count, found)) {
		found->phase = rhythm->phase + found->phase * rhythm->period;
		found->period *= rhythm->period;
		found->within = outer + 1;
		take_out(series, outer);
	}
	free(values);
	free(is_taken);
}

/* The rhythms that a step is of; of one within another it is not of that. */
static uint8_t mask_of(const struct series *series, uint32_t place)
{
	uint8_t mask = 0;

	for (uint32_t k = 0; k < series->rhythm_count; k++) {
		const struct steps_rhythm *rhythm = &series->rhythms[k];
		uint8_t outer_bit = rhythm->within ? (uint8_t)(1u << (rhythm->within - 1)) : 0;

		if (!is_of(rhythm, place))
			continue;
		if (!rhythm->within)
			mask |= (uint8_t)(1u << k);
		else if (mask == outer_bit)
			mask = (uint8_t)(1u << k);
	}
	return mask;
}

uint32_t steps_rhythms_find(struct steps_rhythm *rhythms, const double *duration_ns, uint32_t first,
			    uint32_t count, uint8_t *masks)
{
	uint32_t left = count - first, beside;
	struct series series = {
		.rhythms = rhythms,
		.values = duration_ns + first,
		.count = left < MOST_LOOKED_AT ? left : MOST_LOOKED_AT,
		.masks = masks + first,
	};

	find_beside(&series);
	beside = series.rhythm_count;
	for (uint32_t i = 0; i < beside; i++)
		find_within(&series, i);
	/* What was not looked at goes on in the same rhythms. */
	for (uint32_t i = series.count; i < left; i++)
		series.masks[i] = mask_of(&series, i);
	for (uint32_t k = 0; k < series.rhythm_count; k++)
		rhythms[k].phase += first;
	return series.rhythm_count;
}
