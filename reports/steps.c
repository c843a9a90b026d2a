/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steps: see steps.h. */
#include "reports/steps.h"

#include "collector/base/xalloc.h"

#include <float.h>
#include <math.h>

static const double slow_z = 5;
static const double slow_excess = 0.1; /* and that of a lasting change */

static int compare_values(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double steps_quantile(const double *sorted, uint32_t count, double share)
{
	double at = share * (count - 1);
	uint32_t low = (uint32_t)at;

	if (!count)
		return 0;
	if (low + 1 >= count)
		return sorted[count - 1];
	return sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]);
}

static double *sorted_copy(const double *values, uint32_t count)
{
	double *copy = xcalloc(count, sizeof(*copy));

	memcpy(copy, values, count * sizeof(*copy));
	qsort(copy, count, sizeof(*copy), compare_values);
	return copy;
}

static double median_of(const double *values, uint32_t count)
{
	double *sorted = sorted_copy(values, count);
	double median = steps_quantile(sorted, count, 0.5);

	free(sorted);
	return median;
}

/* Returns 1.4826 times the median absolute deviation, for the normal distribution its sigma. */
static double spread_of(const double *values, uint32_t count, double median)
{
	double *apart = xcalloc(count, sizeof(*apart)), spread;

	for (uint32_t i = 0; i < count; i++)
		apart[i] = fabs(values[i] - median);
	spread = 1.4826 * median_of(apart, count);
	free(apart);
	return spread;
}

/* ---- segments ------------------------------------------------------------------------------ */

/* Sums of the winsorised series and of its squares, from the start up to each step. */
struct sums {
	double *values, *squares;
	double penalty;
	uint32_t least; /* steps in a segment */
};

static double cost(const struct sums *sums, uint32_t first, uint32_t end)
{
	double value = sums->values[end] - sums->values[first];
	double square = sums->squares[end] - sums->squares[first];

	return square - value * value / (end - first);
}

/* Finds the best cut of [first, end), 0 when none is worth its penalty. */
static uint32_t best_cut(const struct sums *sums, uint32_t first, uint32_t end)
{
	double whole = cost(sums, first, end), best = sums->penalty;
	uint32_t found = 0;

	for (uint32_t cut = first + sums->least; cut + sums->least <= end; cut++) {
		double gain = whole - cost(sums, first, cut) - cost(sums, cut, end);

		if (gain > best) {
			best = gain;
			found = cut;
		}
	}
	return found;
}

static void add_segments(struct steps *steps, const struct sums *sums, uint32_t first, uint32_t end,
			 uint32_t room)
{
	uint32_t cut = room > 1 ? best_cut(sums, first, end) : 0;

	if (cut) {
		add_segments(steps, sums, first, cut, room / 2);
		add_segments(steps, sums, cut, end, room - room / 2);
		return;
	}
	steps->segments[steps->segment_count++] = (struct steps_segment){
		first, end - first, median_of(steps->duration_ns + first, end - first)};
}

/* Noise from differences of neighbours: a slow step or a cut touches two of them. Where most are
 * none, as of steps that are shorter than the clock tells, from their squares. */
static double noise_of(const double *values, uint32_t count)
{
	double *apart = xcalloc(count, sizeof(*apart)), noise, squares = 0;

	for (uint32_t i = 1; i < count; i++) {
		apart[i - 1] = fabs(values[i] - values[i - 1]);
		squares += apart[i - 1] * apart[i - 1];
	}
	noise = 1.4826 * median_of(apart, count - 1) / sqrt(2);
	free(apart);
	return noise > 0 ? noise : sqrt(squares / (count - 1) / 2);
}

/* Returns how much more a segment takes than the one before it, or less, as a part of that. */
static double change_after(const struct steps *steps, uint32_t segment)
{
	double before_ns = steps->segments[segment].median_ns,
	       apart_ns = fabs(steps->segments[segment + 1].median_ns - before_ns);

	return apart_ns > 0 ? apart_ns / fmax(fabs(before_ns), DBL_MIN) : 0;
}

/* What least squares tell apart may be too little to matter: those least apart become one, until
 * each change is a tenth. */
static void join_segments(struct steps *steps)
{
	struct steps_segment *segments = steps->segments;

	while (steps->segment_count > 1) {
		uint32_t least = 0;

		for (uint32_t i = 1; i + 1 < steps->segment_count; i++)
			if (change_after(steps, i) < change_after(steps, least))
				least = i;
		if (change_after(steps, least) >= slow_excess)
			return;
		segments[least].count += segments[least + 1].count;
		segments[least].median_ns = median_of(steps->duration_ns + segments[least].first,
						      segments[least].count);
		steps->segment_count--;
		memmove(&segments[least + 1], &segments[least + 2],
			(steps->segment_count - least - 1) * sizeof(*segments));
	}
}

static void find_segments(struct steps *steps)
{
	uint32_t count = steps->count;
	double median = median_of(steps->duration_ns, count);
	double spread = spread_of(steps->duration_ns, count, median);
	double noise = noise_of(steps->duration_ns, count), limit = 3 * spread;
	struct sums sums = {.least = count / 100 < 5 ? 5 : count / 100};

	if (noise < median / 1000)
		noise = median / 1000;
	sums.penalty = 3 * log(count) * noise * noise * 4;
	sums.values = xcalloc(count + 1u, sizeof(*sums.values));
	sums.squares = xcalloc(count + 1u, sizeof(*sums.squares));
	for (uint32_t i = 0; i < count; i++) {
		double value = steps->duration_ns[i] - median;

		if (spread > 0 && fabs(value) > limit)
			value = copysign(limit, value);
		sums.values[i + 1] = sums.values[i] + value;
		sums.squares[i + 1] = sums.squares[i] + value * value;
	}
	add_segments(steps, &sums, 0, count, STEPS_SEGMENTS);
	free(sums.values);
	free(sums.squares);
	join_segments(steps);
	if (steps->segment_count > 1 && steps->segments[0].count <= count / 3)
		steps->warm_up = steps->segments[0].count;
}

/* ---- slow steps ---------------------------------------------------------------------------- */

static void find_slow(struct steps *steps)
{
	double least = steps->spread_ns;

	if (least < steps->median_ns / 1000)
		least = steps->median_ns / 1000;
	for (uint32_t i = 0; i < steps->count; i++) {
		steps->z[i] = least > 0 ? (steps->duration_ns[i] - steps->median_ns) / least : 0;
		steps->is_slow[i] = i >= steps->warm_up && steps->z[i] > slow_z &&
				    steps->duration_ns[i] > (1 + slow_excess) * steps->median_ns;
		steps->slow_count += steps->is_slow[i];
	}
}

/* ---- what is compared ---------------------------------------------------------------------- */

static bool is_of_rhythm(const struct steps *steps, uint32_t step, uint32_t rhythm, bool alone)
{
	uint8_t bit = (uint8_t)(1u << rhythm), mask = steps->rhythms_of[step];

	return alone ? mask == bit : mask & bit;
}

static bool has_steps_alone(const struct steps *steps, uint32_t rhythm)
{
	for (uint32_t i = steps->warm_up; i < steps->count; i++)
		if (is_of_rhythm(steps, i, rhythm, true))
			return true;
	return false;
}

void steps_compare(struct steps *steps, uint32_t rhythm)
{
	bool alone = has_steps_alone(steps, rhythm);

	steps->compared = rhythm;
	steps->compared_count = steps->apart_count = 0;
	for (uint32_t i = steps->warm_up; i < steps->count; i++) {
		steps->is_compared[i] = steps->rhythm_count ? is_of_rhythm(steps, i, rhythm, alone)
							    : steps->is_slow[i];
		steps->compared_count += steps->is_compared[i];
		steps->is_apart[i] =
			!steps->is_compared[i] && (steps->is_slow[i] || steps->rhythms_of[i]);
		steps->apart_count += steps->is_apart[i];
	}
}

static void find_rhythms(struct steps *steps)
{
	steps->rhythm_count = steps_rhythms_find(steps->rhythms, steps->duration_ns, steps->warm_up,
						 steps->count, steps->rhythms_of);
	for (uint32_t i = steps->warm_up; i < steps->count && steps->rhythm_count; i++)
		steps->beside += steps->is_slow[i] && !steps->rhythms_of[i];
	steps_compare(steps, 0);
}

/* ------------------------------------------------------------------------------------------- */

static void describe_steady(struct steps *steps, const struct profile *profile)
{
	const double *steady = steps->duration_ns + steps->warm_up;
	uint32_t count = steps->count - steps->warm_up;
	double *sorted = sorted_copy(steady, count);
	uint64_t first_ns = UINT64_MAX, last_ns = 0;

	steps->median_ns = steps_quantile(sorted, count, 0.5);
	steps->p95_ns = steps_quantile(sorted, count, 0.95);
	steps->p99_ns = steps_quantile(sorted, count, 0.99);
	steps->max_ns = sorted[count - 1];
	free(sorted);
	steps->spread_ns = spread_of(steady, count, steps->median_ns);
	for (size_t i = 0; i < profile->steps_count; i++) {
		if (profile->steps[i].start_ns < first_ns)
			first_ns = profile->steps[i].start_ns;
		if (profile->steps[i].end_ns > last_ns)
			last_ns = profile->steps[i].end_ns;
	}
	if (last_ns > first_ns)
		steps->steps_per_second = steps->count / ((double)(last_ns - first_ns) / 1e9);
}

void steps_measure(struct steps *steps, const struct profile *profile)
{
	*steps = (struct steps){.count = (uint32_t)profile->steps_count};
	steps->duration_ns = xcalloc(steps->count, sizeof(*steps->duration_ns));
	steps->is_slow = xcalloc(steps->count, sizeof(*steps->is_slow));
	steps->is_compared = xcalloc(steps->count, sizeof(*steps->is_compared));
	steps->is_apart = xcalloc(steps->count, sizeof(*steps->is_apart));
	steps->rhythms_of = xcalloc(steps->count, sizeof(*steps->rhythms_of));
	steps->z = xcalloc(steps->count, sizeof(*steps->z));
	if (!steps->count)
		return;
	for (uint32_t i = 0; i < steps->count; i++) {
		const struct profile_step *step = &profile->steps[i];

		steps->duration_ns[i] =
			(double)(step->end_ns - step->start_ns) - (double)step->probe_ns;
	}
	if (steps->count >= 20)
		find_segments(steps);
	describe_steady(steps, profile);
	find_slow(steps);
	find_rhythms(steps);
}

void steps_done(struct steps *steps)
{
	free(steps->duration_ns);
	free(steps->is_slow);
	free(steps->is_compared);
	free(steps->is_apart);
	free(steps->rhythms_of);
	free(steps->z);
}
