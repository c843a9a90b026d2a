/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statistics: see statistics.h. */
#include "reports/statistics.h"

#include "collector/base/xalloc.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdint.h>

static const double power = 0.8;

/* Standard error and degrees of freedom (Welch and Satterthwaite) of a difference of means. */
static void welch(struct statistics_change *change, double first, size_t first_count, double second,
		  size_t second_count)
{
	double a = first / first_count, b = second / second_count;

	change->error = sqrt(a + b);
	if (a + b > 0)
		change->freedom = (a + b) * (a + b) /
				  (a * a / (first_count - 1) + b * b / (second_count - 1));
}

/*
 * The share of all splits of @values (both groups, one after the other) whose difference of means
 * is at least as far from 0 as the observed one. As the sum of all is fixed, a split is known by
 * the sum of its first group. Depth-first over the elements: at most C(20, 10) = 184,756 leaves.
 */
struct splits {
	const double *values;
	size_t count, chosen;
	double centre, distance; /* of the first group's sum */
	uint64_t extreme, all;
};

static void split(struct splits *splits, size_t at, size_t left, double sum)
{
	if (!left) {
		splits->all++;
		splits->extreme += fabs(sum - splits->centre) >= splits->distance;
		return;
	}
	for (; at + left <= splits->count; at++)
		split(splits, at + 1, left - 1, sum + splits->values[at]);
}

static double permutation_p(const double *first, size_t first_count, const double *second,
			    size_t second_count)
{
	size_t count = first_count + second_count;
	double *values = xcalloc(count, sizeof(*values));
	struct splits splits = {.values = values, .count = count, .chosen = first_count};
	double sum = 0, all = 0, size = 0;

	for (size_t i = 0; i < count; i++) {
		values[i] = i < first_count ? first[i] : second[i - first_count];
		all += values[i];
		size += fabs(values[i]);
		sum += i < first_count ? values[i] : 0;
	}
	splits.centre = all * first_count / count;
	/* Sums of the same numbers in another order differ in their last bits. */
	splits.distance = fabs(sum - splits.centre) - 1e-12 * size;
	split(&splits, 0, first_count, 0);
	free(values);
	return (double)splits.extreme / splits.all;
}

/* A change of which only the estimate is known. */
static struct statistics_change unknown(double estimate)
{
	return (struct statistics_change){
		.estimate = estimate,
		.low = -INFINITY,
		.high = INFINITY,
		.p = 1,
		.error = INFINITY,
		.p_floor = 1,
	};
}

/* Interval and p of an estimate by Student's t; error and freedom are known. */
static void conclude_t(struct statistics_change *change, double level)
{
	double half = change->error * gsl_cdf_tdist_Pinv((1 + level) / 2, change->freedom);

	change->low = change->estimate - half;
	change->high = change->estimate + half;
	change->p_floor = 0;
	if (change->error > 0)
		change->p = 2 * gsl_cdf_tdist_Q(fabs(change->estimate) / change->error,
						change->freedom);
	else
		change->p = change->estimate == 0;
}

struct statistics_change statistics_groups(const double *first, size_t first_count,
					   const double *second, size_t second_count, double level)
{
	struct statistics_change change = unknown(gsl_stats_mean(second, 1, second_count) -
						  gsl_stats_mean(first, 1, first_count));

	if (first_count < 2 || second_count < 2)
		return change;
	change.freedom = first_count + second_count - 2;
	welch(&change, gsl_stats_variance(first, 1, first_count), first_count,
	      gsl_stats_variance(second, 1, second_count), second_count);
	conclude_t(&change, level);
	if (first_count <= STATISTICS_EXACT_GROUP && second_count <= STATISTICS_EXACT_GROUP) {
		change.p = permutation_p(first, first_count, second, second_count);
		change.p_floor = (first_count == second_count ? 2 : 1) /
				 gsl_sf_choose(first_count + second_count, first_count);
	}
	return change;
}

/* Sums over the plots of a block, by treatment. */
struct block {
	double sums[2];
	size_t counts[2];
};

struct statistics_change statistics_blocks(const struct statistics_plot *plots, size_t count,
					   size_t blocks, double level)
{
	struct block *sums = xcalloc(blocks, sizeof(*sums));
	struct statistics_change change = unknown(NAN);
	double weight = 0, product = 0, squares = 0, values = 0;

	for (size_t i = 0; i < count; i++) {
		sums[plots[i].block].sums[plots[i].is_second] += plots[i].value;
		sums[plots[i].block].counts[plots[i].is_second]++;
	}
	for (size_t i = 0; i < blocks; i++) {
		double first = (double)sums[i].counts[0], second = (double)sums[i].counts[1];

		if (!sums[i].counts[0] || !sums[i].counts[1])
			continue;
		weight += first * second / (first + second);
		product += first * second / (first + second) *
			   (sums[i].sums[1] / second - sums[i].sums[0] / first);
		values += first + second;
		change.freedom -= 1;
	}
	if (weight > 0)
		change.estimate = product / weight;
	for (size_t i = 0; i < count; i++) {
		const struct block *block = &sums[plots[i].block];
		double all = (double)(block->counts[0] + block->counts[1]);
		double mean = (block->sums[0] + block->sums[1]) / all;
		double share = (double)block->counts[1] / all;

		if (block->counts[0] && block->counts[1])
			squares += pow(plots[i].value - mean -
					       change.estimate * (plots[i].is_second - share),
				       2);
	}
	free(sums);
	change.freedom += values - 1;
	if (weight <= 0 || change.freedom < 1)
		return change;
	change.error = sqrt(squares / change.freedom / weight);
	conclude_t(&change, level);
	return change;
}

/*
 * Returns how many subsets of the ranks have each sum, owned by the caller; ranks of ties are
 * averaged, so all is in halves of a rank: @doubled are the ranks twice. Divided by 2^count those
 * are the probabilities when every sign is a fair coin.
 */
static double *signed_rank_ways(const unsigned *doubled, size_t count, size_t *limit)
{
	double *ways;

	*limit = 0;
	for (size_t i = 0; i < count; i++)
		*limit += doubled[i];
	ways = xcalloc(*limit + 1, sizeof(*ways));
	ways[0] = 1;
	for (size_t i = 0; i < count; i++)
		for (size_t s = *limit; s >= doubled[i]; s--)
			ways[s] += ways[s - doubled[i]];
	return ways;
}

/* Probability that the signed-rank sum is at most @sum. */
static double signed_rank_below(const unsigned *doubled, size_t count, double sum)
{
	size_t limit;
	double *ways = signed_rank_ways(doubled, count, &limit), below = 0;

	for (size_t s = 0; s <= limit && s <= 2 * sum; s++)
		below += ways[s];
	free(ways);
	return ldexp(below, -(int)count);
}

/* Twice the ranks of the sizes of sorted absolute @values. */
static void rank_ties(const double *values, size_t count, unsigned *doubled)
{
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && values[end] == values[i]; end++)
			;
		for (size_t j = i; j < end; j++)
			doubled[j] = i + end + 1;
	}
}

static double signed_rank_normal_p(const unsigned *doubled, size_t count, double smaller)
{
	double variance = 0, mean = count * (count + 1) / 4.0;

	for (size_t i = 0; i < count; i++)
		variance += doubled[i] * (double)doubled[i] / 16;
	return fmin(1, 2 * gsl_cdf_ugaussian_P((smaller + 0.5 - mean) / sqrt(variance)));
}

static double signed_rank_p(const double *differences, size_t count)
{
	double *sizes = xcalloc(count, sizeof(*sizes));
	unsigned *doubled = xcalloc(count, sizeof(*doubled));
	double positive = 0, all, smaller, p;
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		if (differences[i] != 0)
			sizes[used++] = fabs(differences[i]);
	gsl_sort(sizes, 1, used);
	rank_ties(sizes, used, doubled);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < used && differences[i] > 0; j++)
			if (sizes[j] == differences[i]) {
				positive += doubled[j] / 2.0;
				break;
			}
	all = used * (used + 1) / 2.0;
	smaller = fmin(positive, all - positive);
	if (!used)
		p = 1;
	else if (used <= STATISTICS_EXACT_PAIRS)
		p = fmin(1, 2 * signed_rank_below(doubled, used, smaller));
	else
		p = signed_rank_normal_p(doubled, used, smaller);
	free(sizes);
	free(doubled);
	return p;
}

/* How many Walsh averages to leave out at each end for an interval of at least @level; -1: none. */
static long walsh_cut(size_t count, double level)
{
	double tail = (1 - level) / 2, mean = count * (count + 1) / 4.0;
	unsigned doubled[STATISTICS_EXACT_PAIRS];
	double *ways, below = 0;
	size_t limit;
	long cut = -1;

	if (count > STATISTICS_EXACT_PAIRS)
		return fmax(-1,
			    floor(mean - 1 +
				  gsl_cdf_ugaussian_Pinv(tail) * sqrt(mean * (2 * count + 1) / 6)));
	for (size_t i = 0; i < count; i++)
		doubled[i] = 2 * (i + 1);
	ways = signed_rank_ways(doubled, count, &limit);
	while (ldexp(below += ways[2 * (cut + 1)], -(int)count) <= tail)
		cut++;
	free(ways);
	return cut;
}

struct statistics_change statistics_pairs(const double *differences, size_t count, double level)
{
	struct statistics_change change = unknown(differences[0]);
	size_t walsh_count = count * (count + 1) / 2, next = 0;
	double *walsh;
	long cut;

	if (count < 2)
		return change;
	walsh = xcalloc(walsh_count, sizeof(*walsh));
	for (size_t i = 0; i < count; i++)
		for (size_t j = i; j < count; j++)
			walsh[next++] = (differences[i] + differences[j]) / 2;
	gsl_sort(walsh, 1, walsh_count);
	change.estimate = gsl_stats_median_from_sorted_data(walsh, 1, walsh_count);
	cut = walsh_cut(count, level);
	if (cut >= 0) {
		change.low = walsh[cut];
		change.high = walsh[walsh_count - 1 - cut];
	}
	free(walsh);
	change.p = signed_rank_p(differences, count);
	change.p_floor = count <= STATISTICS_EXACT_PAIRS ? ldexp(2, -(int)count) : 0;
	change.error = gsl_stats_sd(differences, 1, count) / sqrt(count);
	change.freedom = count - 1;
	return change;
}

struct statistics_change statistics_single(double first, double first_error, double second,
					   double second_error, double level)
{
	struct statistics_change change = unknown(second - first);
	double half;

	change.error = hypot(first_error, second_error);
	half = change.error * gsl_cdf_ugaussian_Pinv((1 + level) / 2);
	change.low = change.estimate - half;
	change.high = change.estimate + half;
	change.freedom = 1e9;
	change.p_floor = 0;
	change.p = change.error > 0 ? 2 * gsl_cdf_ugaussian_Q(fabs(change.estimate) / change.error)
				    : change.estimate == 0;
	return change;
}

struct statistics_change statistics_median(const double *differences, size_t count, double level)
{
	struct statistics_change change = unknown(differences[0]);
	double *sorted = xcalloc(count, sizeof(*sorted)), below;
	size_t positive = 0, negative = 0, cut = 0;

	for (size_t i = 0; i < count; i++) {
		sorted[i] = differences[i];
		positive += differences[i] > 0;
		negative += differences[i] < 0;
	}
	gsl_sort(sorted, 1, count);
	change.estimate = gsl_stats_median_from_sorted_data(sorted, 1, count);
	change.error = change.freedom = 0;
	/* The interval from the (cut)-th smallest to the (cut)-th largest misses with twice the
	 * probability that fewer than cut of count fair coins show heads. */
	while (2 * (cut + 1) <= count && 2 * gsl_cdf_binomial_P(cut, 0.5, count) <= 1 - level)
		cut++;
	if (cut) {
		change.low = sorted[cut - 1];
		change.high = sorted[count - cut];
	}
	below = positive < negative ? positive : negative;
	if (positive + negative)
		change.p = fmin(1, 2 * gsl_cdf_binomial_P(below, 0.5, positive + negative));
	change.p_floor = fmin(1, ldexp(2, -(int)count));
	free(sorted);
	return change;
}

double statistics_detectable(const struct statistics_change *change, double margin, double level,
			     double alpha)
{
	double by_interval, by_p;

	if (!isfinite(change->error) || change->freedom <= 0 || change->p_floor > alpha ||
	    !isfinite(change->low))
		return INFINITY;
	by_interval =
		margin + change->error * (gsl_cdf_tdist_Pinv((1 + level) / 2, change->freedom) +
					  gsl_cdf_tdist_Pinv(power, change->freedom));
	by_p = change->error * (gsl_cdf_tdist_Pinv(1 - alpha / 2, change->freedom) +
				gsl_cdf_tdist_Pinv(power, change->freedom));
	return fmax(by_interval, by_p);
}

/* Half an interval's width with so many runs a side that vary by @spread. */
static double half_width_of(double spread, double runs, bool paired, double level)
{
	double freedom = paired ? runs - 1 : 2 * runs - 2;
	double error = spread * sqrt((paired ? 1.0 : 2.0) / runs);

	return error * gsl_cdf_tdist_Pinv((1 + level) / 2, freedom);
}

double statistics_runs_narrower(double runs, bool paired, double times, double level)
{
	double now = half_width_of(1, runs, paired, level);

	return statistics_runs_needed(1, paired, now / times, level);
}

double statistics_runs_needed(double spread, bool paired, double half_width, double level)
{
	size_t few = 1, many = 1000000; /* too few, enough */

	if (!isfinite(spread) || half_width <= 0)
		return 0;
	while (many - few > 1) {
		size_t runs = few + (many - few) / 2;

		if (half_width_of(spread, (double)runs, paired, level) <= half_width)
			many = runs;
		else
			few = runs;
	}
	return many;
}

double statistics_runs_of_floor(bool paired, double alpha)
{
	unsigned exact = paired ? STATISTICS_EXACT_PAIRS : STATISTICS_EXACT_GROUP, runs = 2;

	while (runs <= exact &&
	       (paired ? ldexp(2, -(int)runs) : 2 / gsl_sf_choose(2 * runs, runs)) > alpha)
		runs++;
	return runs;
}

void statistics_benjamini_hochberg(double *p, size_t count)
{
	size_t *order = xcalloc(count, sizeof(*order));
	double least = 1;

	gsl_sort_index(order, p, 1, count);
	for (size_t i = count; i--;) {
		least = fmin(least, p[order[i]] * count / (i + 1));
		p[order[i]] = least;
	}
	free(order);
}

void statistics_holm(double *p, size_t count)
{
	size_t *order = xcalloc(count, sizeof(*order));
	double most = 0;

	gsl_sort_index(order, p, 1, count);
	for (size_t i = 0; i < count; i++) {
		most = fmax(most, fmin(1, p[order[i]] * (count - i)));
		p[order[i]] = most;
	}
	free(order);
}

double statistics_look_alpha(double alpha, int looks)
{
	static const double five_percent[] = {0.05, 0.0294, 0.0221, 0.0182, 0.0158};
	static const double one_percent[] = {0.01, 0.0056, 0.0041, 0.0033, 0.0028};

	if (alpha == 0.05)
		return five_percent[looks - 1];
	if (alpha == 0.01)
		return one_percent[looks - 1];
	return alpha / looks;
}
