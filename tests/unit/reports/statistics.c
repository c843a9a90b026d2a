/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/statistics.h"

#include <criterion/criterion.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void near(double value, double expected, double tolerance)
{
	cr_assert_float_eq(value, expected, tolerance, "%.9g, expected %.9g", value, expected);
}

/* "Student" 1908, Biometrika 6:1, hours of sleep gained by two drugs; t, freedom and interval of
 * Welch's test as in the manual of R (t.test). */
static const double sleep_first[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
static const double sleep_second[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

Test(statistics, groups_give_the_published_interval_of_the_sleep_data)
{
	struct statistics_change change =
		statistics_groups(sleep_first, 10, sleep_second, 10, 0.95);

	near(change.estimate, 1.58, 1e-9);
	near(change.low, -0.2054832, 1e-6);
	near(change.high, 3.3654832, 1e-6);
	near(change.freedom, 17.776, 1e-3);
	near(change.estimate / change.error, 1.8608, 1e-4);
}

Test(statistics, large_groups_give_the_published_p_of_welch)
{
	/* The sleep data with one run more than can be enumerated has Welch's p; that p is checked
	 * against the t distribution's tables: t = 2.228 is 5 % for 10 degrees. */
	double first[11], second[11];
	struct statistics_change change;

	for (int i = 0; i < 11; i++) {
		first[i] = i;
		second[i] = i + 5;
	}
	change = statistics_groups(first, 11, second, 11, 0.95);
	/* Variance 11 in both groups: t = 5 / sqrt(2), 20 degrees. */
	near(change.error, sqrt(2), 1e-12);
	near(change.freedom, 20, 1e-9);
	near(change.p, 0.002074, 1e-5);
	near(change.high - change.estimate, 2.086 * sqrt(2), 1e-3);
}

Test(statistics, groups_that_do_not_overlap_have_the_smallest_p)
{
	const double low[] = {1, 2, 3, 4, 5}, high[] = {6, 7, 8, 9, 10};

	near(statistics_groups(low, 3, high, 3, 0.95).p, 2 / 20.0, 1e-12);
	near(statistics_groups(low, 5, high, 5, 0.95).p, 2 / 252.0, 1e-12);
	near(statistics_groups(low, 5, high, 5, 0.95).p_floor, 2 / 252.0, 1e-12);
	near(statistics_groups(low, 2, high, 3, 0.95).p_floor, 1 / 10.0, 1e-12);
}

Test(statistics, permutation_counts_splits_that_are_as_far_apart)
{
	/* Of the six splits of 1 2 3 5 in two, 1+3 is as far from half the sum as 2+5; further are
	 * 1+2 and 3+5. */
	const double first[] = {1, 3}, second[] = {2, 5};

	near(statistics_groups(first, 2, second, 2, 0.95).p, 4 / 6.0, 1e-12);
}

Test(statistics, equal_groups_are_no_change)
{
	const double same[] = {2, 2, 2, 2};
	struct statistics_change change = statistics_groups(same, 4, same, 4, 0.95);

	near(change.estimate, 0, 1e-12);
	near(change.p, 1, 1e-12);
}

Test(statistics, one_run_a_side_tells_nothing)
{
	const double first = 1, second = 9;
	struct statistics_change change = statistics_groups(&first, 1, &second, 1, 0.95);

	near(change.p, 1, 0);
	cr_assert(isinf(change.low) && isinf(change.high));
	cr_assert(isinf(statistics_detectable(&change, 0.03, 0.95, 0.05)));
}

/* Hollander & Wolfe 1999, Nonparametric Statistical Methods, examples 3.1, 3.3 and 3.4: Hamilton
 * depression scale before and after; estimate -0.46, interval -0.786 ... -0.010. */
static const double depression[] = {0.878 - 1.83, 0.647 - 0.50, 0.598 - 1.62,
				    2.05 - 2.48,  1.06 - 1.68,	1.29 - 1.88,
				    1.06 - 1.55,  3.14 - 3.06,	1.29 - 1.30};

Test(statistics, pairs_give_the_published_results_of_the_depression_data)
{
	struct statistics_change change = statistics_pairs(depression, COUNT(depression), 0.95);

	near(change.p, 2 * 0.01953125, 1e-9);
	near(change.estimate, -0.46, 1e-9);
	near(change.low, -0.786, 1e-9);
	near(change.high, -0.010, 1e-9);
}

Test(statistics, ten_pairs_reach_five_percent_at_the_tabled_rank_sum)
{
	/* The table of Wilcoxon has 8 for ten pairs: 3.5 and 4.5 make that sum. */
	const double differences[] = {1, 2, -3, 4, -5, 6, 7, 8, 9, 10};

	near(statistics_pairs(differences, 10, 0.95).p, 50 / 1024.0, 1e-12);
}

Test(statistics, many_pairs_reach_five_percent_at_the_tabled_rank_sum)
{
	/* The table of Wilcoxon has 98 for 26 pairs: the ranks 23 to 26 make that sum. */
	double differences[26];

	for (int i = 0; i < 26; i++)
		differences[i] = i < 22 ? i + 1 : -i - 1;
	near(statistics_pairs(differences, 26, 0.95).p, 0.05, 0.001);
	cr_assert_lt(statistics_pairs(differences, 26, 0.95).low, 0.5);
	cr_assert_gt(statistics_pairs(differences, 26, 0.95).high, 8);
}

Test(statistics, five_pairs_are_too_few_for_an_interval)
{
	const double differences[] = {1, 1.1, 1.2, 1.3, 1.4};
	struct statistics_change change = statistics_pairs(differences, 5, 0.95);

	cr_assert(isinf(change.low) && isinf(change.high));
	near(change.p, 2 / 32.0, 1e-12);
}

Test(statistics, median_interval_takes_the_tabled_order_statistics)
{
	/* David & Nagaraja, Order Statistics, 7.1: at 95 % the 2nd and 9th of 10, the 3rd and 10th
	 * of 12. */
	double values[12];
	struct statistics_change change;

	for (int i = 0; i < 12; i++)
		values[i] = i + 1;
	change = statistics_median(values, 10, 0.95);
	near(change.low, 2, 0);
	near(change.high, 9, 0);
	change = statistics_median(values, 12, 0.95);
	near(change.low, 3, 0);
	near(change.high, 10, 0);
	near(change.estimate, 6.5, 0);
	cr_assert(isinf(statistics_median(values, 5, 0.95).low));
}

/* Benjamini & Hochberg 1995, section 4.1: 15 hypotheses, their procedure rejects four at 5 %,
 * Bonferroni's (and Holm's) three. */
static const double published_p[] = {0.0201, 0.0001, 0.0004, 0.0019, 0.0095, 0.0278, 0.0298, 0.0344,
				     0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};

static int rejected(void (*adjust)(double *p, size_t count), double *p)
{
	int count = 0;

	memcpy(p, published_p, sizeof(published_p));
	adjust(p, COUNT(published_p));
	for (size_t i = 0; i < COUNT(published_p); i++)
		count += p[i] <= 0.05;
	return count;
}

Test(statistics, adjustments_reject_as_many_as_published)
{
	double p[COUNT(published_p)];

	cr_assert_eq(rejected(statistics_benjamini_hochberg, p), 4);
	near(p[4], 0.0095 * 15 / 4, 1e-12);
	near(p[0], 0.0298 * 15 / 7 < 0.0201 * 15 / 5 ? 0.0298 * 15 / 7 : 0.0201 * 15 / 5, 1e-12);
	cr_assert_eq(rejected(statistics_holm, p), 3);
	near(p[3], 0.0019 * 13, 1e-12);
}

Test(statistics, a_change_of_the_detectable_size_is_detectable)
{
	const double first[] = {1, 1.02, 0.98, 1.01, 0.99, 1.0, 1.03, 0.97};
	struct statistics_change change = statistics_groups(first, 8, first, 8, 0.95);
	double size = statistics_detectable(&change, 0.03, 0.95, 0.05);

	cr_assert_gt(size, 0.03 + change.high - change.estimate);
	cr_assert_lt(size, 0.03 + 2 * (change.high - change.estimate));
	cr_assert_gt(statistics_detectable(&change, 0, 0.95, 0.0005),
		     statistics_detectable(&change, 0, 0.95, 0.05));
	cr_assert(isinf(statistics_detectable(&change, 0, 0.95, 1e-9)));
}

Test(statistics, runs_needed_follow_the_square_of_the_width)
{
	double few = statistics_runs_needed(0.05, false, 0.05, 0.95);
	double many = statistics_runs_needed(0.05, false, 0.005, 0.95);

	/* By the normal distribution 2 (1.96)^2 = 7.7 and 768. */
	cr_assert(few >= 8 && few <= 10);
	cr_assert(many >= 768 && many <= 790);
	near(statistics_runs_needed(INFINITY, false, 0.1, 0.95), 0, 0);
}

Test(statistics, looks_have_the_levels_of_pocock)
{
	near(statistics_look_alpha(0.05, 1), 0.05, 0);
	near(statistics_look_alpha(0.05, 3), 0.0221, 0);
	near(statistics_look_alpha(0.01, 5), 0.0028, 0);
	near(statistics_look_alpha(0.02, 4), 0.005, 0);
}

/* By hand: differences of the blocks 0.2 and 0.1, each with the weight 1/2; what is left over has
 * the squares 4 x 0.025^2 on one degree of freedom. The third block had one treatment only. */
Test(statistics, blocks_of_different_level_speak_of_the_difference_together)
{
	const struct statistics_plot plots[] = {
		{1, 0, false}, {1.2, 0, true}, {7, 1, false}, {7.1, 1, true}, {50, 2, true},
	};
	struct statistics_change change = statistics_blocks(plots, 5, 3, 0.95);

	near(change.estimate, 0.15, 1e-12);
	near(change.freedom, 1, 0);
	near(change.error, 0.05, 1e-12);
	near(change.high, 0.15 + 0.05 * 12.7062, 1e-5);
}

Test(statistics, one_block_is_two_groups_of_the_same_variance)
{
	const struct statistics_plot plots[] = {
		{1, 0, false}, {2, 0, false}, {3, 0, false},
		{4, 0, true},  {5, 0, true},  {6, 0, true},
	};
	const double first[] = {1, 2, 3}, second[] = {4, 5, 6};
	struct statistics_change blocks = statistics_blocks(plots, 6, 1, 0.95);
	struct statistics_change groups = statistics_groups(first, 3, second, 3, 0.95);

	near(blocks.low, groups.low, 1e-12);
	near(blocks.high, groups.high, 1e-12);
}

Test(statistics, blocks_with_one_treatment_each_say_nothing)
{
	const struct statistics_plot plots[] = {{1, 0, false}, {2, 1, true}};

	cr_assert(isnan(statistics_blocks(plots, 2, 2, 0.95).estimate));
}
