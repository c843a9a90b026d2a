/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/window_spread.c. */
#include "collector/window_spread.h"

#include <criterion/criterion.h>
#include <math.h>

static double margin(const double (*windows)[2], uint32_t count, double all_calls)
{
	struct window_sizes shared = {0};
	struct window_spread spread = {0};

	for (uint32_t i = 0; i < count; i++) {
		window_spread_add(&spread, windows[i][0], windows[i][1]);
		window_sizes_add(&shared, windows[i][1]);
	}
	return window_spread_margin(&spread, &shared, all_calls);
}

Test(window_spread, windows_that_agree_leave_no_doubt)
{
	cr_assert_float_eq(margin((double[][2]){{30, 10}, {60, 20}, {90, 30}}, 3, 1000), 0, 1e-3);
}

Test(window_spread, one_window_tells_nothing)
{
	cr_assert_float_eq(margin((double[][2]){{30, 10}}, 1, 1000), 3000, 1e-6);
	cr_assert_eq(margin(NULL, 0, 1000), 0);
}

Test(window_spread, is_that_of_the_ratio_estimator)
{
	/* Ratio 3.5; residuals -5, 5: variance 2·50/1/20² = 0.25; 95 % by t with 1 degree: 12.706.
	 */
	double expected = 12.706 * 1000 * 0.5 * 0.98994949366116658;

	cr_assert_float_eq(margin((double[][2]){{30, 10}, {40, 10}}, 2, 1000), expected, 1e-3);
	cr_assert_eq(margin((double[][2]){{30, 10}, {40, 10}}, 2, 20), 0, "all calls were counted");
}

Test(window_spread, each_window_of_a_path_speaks_for_the_time_since_the_last)
{
	struct window_path path = {.rate = 1};
	double margin;

	/* Idle half of the time and looked at ten times there, once where there is much to see. */
	window_path_add(&path, 10, 10, 500);
	for (int i = 0; i < 10; i++)
		window_path_add(&path, 0, 10, 50);
	cr_expect_float_eq(window_path_hits(&path, 0, &margin), 525, 1e-6);
	/* One change by 1, of 50: the variance is 50·50/2, and three windows more; 95 % by t with
	 * one degree, since no other change tells. */
	cr_expect_float_eq(margin, 12.706 * 35.355339 * sqrt(1 + 3.0 / 11), 1e-3);
	cr_expect_float_eq(window_path_hits(&path, 1000, &margin), 525, 1e-6, "idle at last");
}

Test(window_spread, changes_that_are_alike_tell_more_than_one_that_is_most_of_all)
{
	struct window_path path = {.rate = 2};
	double margin;

	/* Twelve changes by 1, of 100 each: 95 % by t with two thirds of 12 degrees. */
	for (int i = 0; i < 12; i++)
		window_path_add(&path, i % 2 ? 20 : 10, 10, 100);
	window_path_hits(&path, 0, &margin);
	cr_expect_float_eq(margin, 2.306 * sqrt(12 * 5000.0) * sqrt(1 + 3.0 / 12), 0.1);
	/* One more, ten times as large, leaves fewer than two degrees. */
	window_path_add(&path, 120, 10, 100);
	window_path_hits(&path, 0, &margin);
	cr_expect_float_eq(margin, 12.706 * sqrt(12 * 5000.0 + 500000) * sqrt(1 + 3.0 / 13), 0.1);
}

Test(window_spread, a_path_that_ends_in_the_middle_goes_on_as_it_was)
{
	struct window_path path = {.rate = 2};
	double margin;

	window_path_add(&path, 20, 10, 100);
	cr_expect_float_eq(window_path_hits(&path, 50, &margin), 300, 1e-6);
	cr_expect_float_eq(margin, 0, 1e-6);
}

Test(window_spread, a_path_of_unknown_beginning_is_as_wide_as_itself_until_a_second_window)
{
	struct window_path path = {0};
	double margin;

	window_path_add(&path, 20, 10, 100);
	cr_expect_float_eq(window_path_hits(&path, 0, &margin), 200, 1e-6);
	cr_expect_gt(margin, 200);
	window_path_add(&path, 20, 10, 100);
	cr_expect_float_eq(window_path_hits(&path, 0, &margin), 400, 1e-6);
	cr_expect_float_eq(margin, 0, 1e-6);
}

Test(window_spread, a_path_of_unknown_beginning_is_doubted_by_the_change_between_two_windows)
{
	struct window_path blind = {0}, known = {.rate = 1};
	double margin, margin_of_known;

	for (int i = 0; i < 2; i++) {
		window_path_add(&blind, 10 + 10 * i, 10, 100);
		window_path_add(&known, 10 + 10 * i, 10, 100);
	}
	cr_expect_float_eq(window_path_hits(&blind, 0, &margin), 250, 1e-6);
	window_path_hits(&known, 0, &margin_of_known);
	cr_expect_float_eq(margin, sqrt(2) * margin_of_known, 1e-6);
}

Test(window_spread, a_path_tells_when_enough_windows_have_shown_enough)
{
	struct window_path path = {0};

	for (int i = 0; i < WINDOW_PATH_LEAST; i++) {
		cr_expect_not(window_path_tells(&path));
		window_path_add(&path, 10, 10, 100);
	}
	cr_expect(window_path_tells(&path));
}

Test(window_spread, a_path_of_windows_that_hardly_ever_showed_anything_does_not_tell)
{
	struct window_path path = {0};

	for (int i = 0; i < 100; i++)
		window_path_add(&path, i < WINDOW_PATH_SHOWN - 1 ? 10 : 0, 10, 100);
	cr_expect_not(window_path_tells(&path));
}
