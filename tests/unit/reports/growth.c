/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/growth.h"

#include <criterion/criterion.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>

enum {
	SIZES = 7,
	REPEATS = 7,
	TRIALS = 40,
};

static const double sizes[SIZES] = {10, 25, 50, 100, 200, 400, 800};

static double value(enum growth_class class, double n)
{
	switch (class) {
	case GROWTH_LOG:
		return log(n);
	case GROWTH_LINEAR:
		return n;
	case GROWTH_LINEAR_LOG:
		return n * log(n);
	case GROWTH_THREE_HALVES:
		return pow(n, 1.5);
	case GROWTH_SQUARE:
		return n * n;
	default:
		return 1;
	}
}

/* The constant part is as large as what grows is at the third size. */
static double truth(enum growth_class class, double n)
{
	return class == GROWTH_CONSTANT ? 1000 : value(class, sizes[2]) + value(class, n);
}

/* Measurements of one cost: noise of 8 %, and one in seven up to half as long again, as where other
 * programs take the processor now and then. */
static void measure(enum growth_class class, gsl_rng *random, double costs[SIZES][REPEATS],
		    struct growth_point *points)
{
	for (int i = 0; i < SIZES; i++) {
		for (int k = 0; k < REPEATS; k++) {
			costs[i][k] = truth(class, sizes[i]) * exp(gsl_ran_gaussian(random, 0.08));
			if (gsl_rng_uniform(random) < 0.15)
				costs[i][k] *= 1 + 0.5 * gsl_rng_uniform(random);
		}
		points[i] = (struct growth_point){sizes[i], costs[i], REPEATS};
	}
}

static struct growth fit_exact(enum growth_class class)
{
	double costs[SIZES];
	struct growth_point points[SIZES];
	struct growth growth;

	for (int i = 0; i < SIZES; i++) {
		costs[i] = truth(class, sizes[i]);
		points[i] = (struct growth_point){sizes[i], &costs[i], 1};
	}
	growth_fit(&growth, points, SIZES);
	return growth;
}

static const enum growth_class planted[] = {
	GROWTH_CONSTANT,   GROWTH_LOG,		GROWTH_LINEAR,
	GROWTH_LINEAR_LOG, GROWTH_THREE_HALVES, GROWTH_SQUARE,
};

Test(growth, exact_costs_are_classified_and_their_exponent_found)
{
	for (size_t i = 0; i < sizeof(planted) / sizeof(*planted); i++) {
		struct growth growth = fit_exact(planted[i]);

		cr_assert_eq(growth.class, planted[i], "%s is called %s",
			     growth_class_names[planted[i]], growth_class_names[growth.class]);
		cr_assert_eq(growth.break_size, 0);
	}
	cr_assert_float_eq(fit_exact(GROWTH_LINEAR).exponent, 1, 0.011);
	cr_assert_float_eq(fit_exact(GROWTH_THREE_HALVES).exponent, 1.5, 0.011);
	cr_assert_float_eq(fit_exact(GROWTH_SQUARE).exponent, 2, 0.011);
}

Test(growth, noisy_costs_are_classified_right_in_95_of_100_cases_and_intervals_cover_in_90)
{
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	int right = 0, covered = 0, broken = 0, all = 0;

	for (size_t i = 0; i < sizeof(planted) / sizeof(*planted); i++) {
		double exponent = fit_exact(planted[i]).exponent;

		for (int trial = 0; trial < TRIALS; trial++, all++) {
			double costs[SIZES][REPEATS];
			struct growth_point points[SIZES];
			struct growth growth;

			measure(planted[i], random, costs, points);
			growth_fit(&growth, points, SIZES);
			right += growth.class == planted[i];
			covered +=
				growth.exponent_low <= exponent && exponent <= growth.exponent_high;
			broken += growth.break_size > 0;
		}
	}
	gsl_rng_free(random);
	cr_assert_geq(right, all * 95 / 100, "%d of %d", right, all);
	cr_assert_geq(covered, all * 90 / 100, "%d of %d", covered, all);
	cr_assert_leq(broken, all * 5 / 100, "%d of %d", broken, all);
}

/* Runs of a size that hardly differ, and sizes that the machine drifted between. */
static void measure_drifting(enum growth_class class, gsl_rng *random, size_t count,
			     double costs[SIZES][REPEATS], struct growth_point *points)
{
	for (size_t i = 0; i < count; i++) {
		double drift = exp(gsl_ran_gaussian(random, 0.03));

		for (int k = 0; k < 3; k++)
			costs[i][k] = truth(class, sizes[i]) * drift *
				      exp(gsl_ran_gaussian(random, 0.005));
		points[i] = (struct growth_point){sizes[i], costs[i], 3};
	}
}

Test(growth, intervals_cover_in_90_of_100_cases_where_the_machine_drifts_between_sizes)
{
	static const enum growth_class powers[] = {GROWTH_LINEAR, GROWTH_THREE_HALVES,
						   GROWTH_SQUARE};
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	int covered = 0, told = 0, all = 0;

	for (int i = 0; i < 3; i++) {
		double exponent = fit_exact(powers[i]).exponent;

		for (int trial = 0; trial < 2 * TRIALS; trial++, all++) {
			double costs[SIZES][REPEATS];
			struct growth_point points[SIZES];
			struct growth growth;

			measure_drifting(powers[i], random, trial % 2 ? SIZES : 5, costs, points);
			growth_fit(&growth, points, trial % 2 ? SIZES : 5);
			covered +=
				growth.exponent_low <= exponent && exponent <= growth.exponent_high;
			told += growth.misfit > 0;
		}
	}
	gsl_rng_free(random);
	cr_assert_geq(covered, all * 90 / 100, "%d of %d", covered, all);
	cr_assert_geq(told, all * 50 / 100, "%d of %d", told, all);
}

Test(growth, a_misfit_is_not_told_where_runs_explain_it)
{
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	int told = 0;

	for (int trial = 0; trial < 2 * TRIALS; trial++) {
		double costs[SIZES][REPEATS];
		struct growth_point points[SIZES];
		struct growth growth;

		measure(GROWTH_LINEAR, random, costs, points);
		growth_fit(&growth, points, SIZES);
		told += growth.misfit > 0;
	}
	gsl_rng_free(random);
	cr_assert_leq(told, 2 * TRIALS * 5 / 100, "%d", told);
}

Test(growth, a_break_is_found_where_the_cost_grows_otherwise)
{
	double costs[SIZES];
	struct growth_point points[SIZES];
	struct growth growth;

	for (int i = 0; i < SIZES; i++) {
		costs[i] = sizes[i] <= 100 ? sizes[i] : sizes[i] * sizes[i] / 100;
		points[i] = (struct growth_point){sizes[i], &costs[i], 1};
	}
	growth_fit(&growth, points, SIZES);
	cr_assert_float_eq(growth.break_size, 100, 1e-9);
	cr_assert_float_eq(growth.before, 1, 0.05);
	cr_assert_float_eq(growth.after, 2, 0.05);
}

Test(growth, five_sizes_measured_once_are_enough_where_they_are_in_perfect_order)
{
	double costs[] = {1, 4, 16, 64, 256};
	struct growth_point points[5];
	struct growth growth;

	for (int i = 0; i < 5; i++)
		points[i] = (struct growth_point){1 << i, &costs[i], 1};
	growth_fit(&growth, points, 5);
	cr_assert_eq(growth.class, GROWTH_SQUARE);
	costs[4] = 63;
	growth_fit(&growth, points, 5);
	cr_assert_eq(growth.class, GROWTH_CONSTANT);
}

Test(growth, few_sizes_give_no_class)
{
	double costs[] = {1, 2, 4, 8};
	struct growth_point points[4];
	struct growth growth;

	for (int i = 0; i < 4; i++)
		points[i] = (struct growth_point){costs[i], &costs[i], 1};
	growth_fit(&growth, points, 4);
	cr_assert_not(growth.is_known);
	cr_assert_float_eq(growth.local[2], 1, 1e-9);
}

Test(growth, the_size_of_a_cost_is_the_inverse_of_the_fit)
{
	struct growth growth = fit_exact(GROWTH_SQUARE);

	cr_assert_float_eq(growth_size_of(&growth, growth_at(&growth, 123)), 123, 1e-6);
	cr_assert_eq(growth_size_of(&growth, growth.constant / 2), 0);
	growth = fit_exact(GROWTH_CONSTANT);
	cr_assert(isinf(growth_size_of(&growth, 2000)));
}
