/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Several looks at growing data, as collector ab makes them, on simulated runs: however often one
 * looks, a wrong answer is as rare as one look at 5 % would make it. 24 pairs, looks after 8, 16
 * and 24, an end at the first answer.
 */
#include "reports/comparison.h"

#include "collector/base/xalloc.h"

#include <criterion/criterion.h>
#include <gsl/gsl_randist.h>
#include <math.h>

enum {
	LOOKS = 3,
	PAIRS = 24,
	TRIALS = 1500,
};

/* The noise of one run, a factor. */
typedef double noise(const gsl_rng *generator);

static double normal(const gsl_rng *generator)
{
	return exp(gsl_ran_gaussian(generator, 0.04));
}

/* A neighbour takes the processor now and then, for long. */
static double contended(const gsl_rng *generator)
{
	double spike = gsl_rng_uniform(generator) < 0.15 ? gsl_ran_exponential(generator, 0.3) : 0;

	return exp(gsl_ran_gaussian(generator, 0.02)) * (1 + spike);
}

struct simulated {
	struct comparison_run runs[2][PAIRS];
	const struct comparison_run *sides[2][PAIRS];
};

/* Runs of which the second of a pair costs @change times the first, on a machine that drifts. */
static void simulate(struct simulated *simulated, double change, noise *one,
		     const gsl_rng *generator)
{
	double drift = 1;

	for (int pair = 0; pair < PAIRS; pair++) {
		drift *= exp(gsl_ran_gaussian(generator, 0.02));
		for (int side = 0; side < 2; side++) {
			simulated->runs[side][pair] = (struct comparison_run){
				.total = 1e9 * drift * one(generator) * (side ? change : 1),
				.sample = 1e6,
				.samples = 1000,
			};
			simulated->sides[side][pair] = &simulated->runs[side][pair];
		}
	}
}

static enum comparison_verdict look_until_settled(const struct simulated *simulated, double margin)
{
	struct comparison_options options = comparison_defaults;
	struct comparison_names names = {0};
	enum comparison_verdict verdict = COMPARISON_INCONCLUSIVE;

	options.paired = true;
	options.alpha = statistics_look_alpha(0.05, LOOKS);
	options.function_margin = margin;
	for (int look = 1; look <= LOOKS && verdict == COMPARISON_INCONCLUSIVE; look++) {
		struct comparison comparison;
		size_t pairs = PAIRS * look / LOOKS;

		comparison_make(&comparison, &options, &names, simulated->sides[0], pairs,
				simulated->sides[1], pairs);
		verdict = comparison.total.verdict;
		comparison_done(&comparison);
	}
	return verdict;
}

/* How often each verdict was given. */
static void try(double change, double margin, noise *one, int verdicts[COMPARISON_VERDICTS])
{
	gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937); /* the same numbers each time */
	struct simulated simulated;

	memset(verdicts, 0, COMPARISON_VERDICTS * sizeof(*verdicts));
	for (int trial = 0; trial < TRIALS; trial++) {
		simulate(&simulated, change, one, generator);
		verdicts[look_until_settled(&simulated, margin)]++;
	}
	gsl_rng_free(generator);
}

/* At most 5 %, and what chance adds to that in so many trials once in a thousand times. */
static void rare(int errors, const char *what)
{
	double limit = 0.05 * TRIALS + 3.1 * sqrt(0.05 * 0.95 * TRIALS);

	cr_expect_lt(errors, limit, "%s: wrong in %d of %d", what, errors, TRIALS);
}

Test(comparison_looks, equal_commands_differ_in_at_most_5_percent)
{
	int verdicts[COMPARISON_VERDICTS];

	/* No margin to speak of, so that every difference is one. */
	try(1, 1e-6, normal, verdicts);
	rare(verdicts[COMPARISON_REGRESSED] + verdicts[COMPARISON_IMPROVED], "normal noise");
	cr_expect_gt(verdicts[COMPARISON_REGRESSED], 0, "the test could not fail");
	try(1, 1e-6, contended, verdicts);
	rare(verdicts[COMPARISON_REGRESSED] + verdicts[COMPARISON_IMPROVED], "contention");
}

Test(comparison_looks, a_change_of_the_margin_is_beyond_it_or_within_it_in_at_most_5_percent)
{
	int verdicts[COMPARISON_VERDICTS];

	try(1.03, 0.03, normal, verdicts);
	rare(verdicts[COMPARISON_REGRESSED] + verdicts[COMPARISON_UNCHANGED], "normal noise");
	try(1.03, 0.03, contended, verdicts);
	rare(verdicts[COMPARISON_REGRESSED] + verdicts[COMPARISON_UNCHANGED], "contention");
}

Test(comparison_looks, a_look_at_5_percent_each_would_err_more_often)
{
	/* Shows that the simulation can tell: Pocock has 10.7 % for three looks at 5 %. */
	gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
	struct simulated simulated;
	int errors = 0;

	for (int trial = 0; trial < TRIALS; trial++) {
		bool differs = false;

		simulate(&simulated, 1, normal, generator);
		for (int look = 1; look <= LOOKS; look++) {
			struct comparison_options options = comparison_defaults;
			struct comparison_names names = {0};
			struct comparison comparison;
			size_t pairs = PAIRS * look / LOOKS;

			options.paired = true;
			options.function_margin = 1e-6;
			comparison_make(&comparison, &options, &names, simulated.sides[0], pairs,
					simulated.sides[1], pairs);
			differs = differs || comparison.total.verdict < COMPARISON_INCONCLUSIVE;
			comparison_done(&comparison);
		}
		errors += differs;
	}
	gsl_rng_free(generator);
	cr_expect_gt(errors, 0.08 * TRIALS);
}

Test(comparison_looks, a_large_change_ends_at_an_answer)
{
	int verdicts[COMPARISON_VERDICTS];

	try(1.15, 0.03, normal, verdicts);
	cr_expect_gt(verdicts[COMPARISON_REGRESSED], 0.95 * TRIALS);
}
