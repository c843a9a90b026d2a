/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/comparison.h"

#include "reports/comparison_write.h"
#include "tests/unit/reports/small_comparison.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* @runs a side, three tenths of the samples in hot(), which costs @percent more in the new ones. */
static void add_runs(struct bench *bench, size_t runs, int percent)
{
	for (size_t i = 0; i < 2 * runs; i++) {
		bool fresh = i % 2;
		uint32_t hot = noisy(600, i / 2, 0);
		struct stack stacks[] = {
			{"main;step;hot", fresh ? hot * (100 + percent) / 100 : hot},
			{"main;step;warm", noisy(800, i / 2, 1)},
			{"main;cool", noisy(598, i / 2, 2)},
			{"main;rare", 2},
		};

		add_run(bench, fresh, stacks, 4);
	}
}

Test(comparison, a_change_of_ten_percent_is_found_where_it_is)
{
	struct bench bench = {0};

	add_runs(&bench, 10, 10);
	compare(&bench, &comparison_defaults);
	cr_assert_eq(row_of(&bench, "hot")->verdict, COMPARISON_REGRESSED);
	cr_assert_float_eq(expm1(row_of(&bench, "hot")->change.estimate), 0.1, 0.01);
	cr_assert_eq(row_of(&bench, "warm")->verdict, COMPARISON_UNCHANGED);
	cr_assert_eq(bench.comparison.verdicts[COMPARISON_REGRESSED], 1);
	cr_assert_eq(bench.comparison.rows[0].function, row_of(&bench, "hot")->function);
	cr_assert(comparison_is_worse(&bench.comparison));
	done(&bench);
}

Test(comparison, a_function_that_halves_makes_no_other_worse)
{
	struct bench bench = {0};

	add_runs(&bench, 8, -50);
	compare(&bench, &comparison_defaults);
	cr_assert_eq(row_of(&bench, "hot")->verdict, COMPARISON_IMPROVED);
	cr_assert_eq(row_of(&bench, "cool")->verdict, COMPARISON_UNCHANGED);
	cr_assert_eq(bench.comparison.total.verdict, COMPARISON_IMPROVED);
	cr_assert_not(comparison_is_worse(&bench.comparison));
	done(&bench);
}

Test(comparison, a_change_within_the_margin_is_unchanged)
{
	struct bench bench = {0};

	add_runs(&bench, 10, 1);
	compare(&bench, &comparison_defaults);
	cr_assert_eq(row_of(&bench, "hot")->verdict, COMPARISON_UNCHANGED);
	cr_assert_eq(bench.comparison.total.verdict, COMPARISON_UNCHANGED);
	cr_assert(isfinite(bench.comparison.total.detectable));
	done(&bench);
}

Test(comparison, noise_is_inconclusive_and_says_how_many_runs_it_takes)
{
	struct bench bench = {0};

	for (int i = 0; i < 8; i++)
		add_run(&bench, i % 2,
			(struct stack[]){{"main;hot", i / 2 % 2 ? 900 : 1500}, {"main", 1000}}, 2);
	compare(&bench, &comparison_defaults);
	cr_assert_eq(row_of(&bench, "hot")->verdict, COMPARISON_INCONCLUSIVE);
	cr_assert_gt(row_of(&bench, "hot")->runs_needed, 4);
	done(&bench);
}

/* The total of @count runs a side whose logarithms are normal quantiles around 0 and @change, in an
 * order that makes pairs of them vary, too. */
static struct comparison_row spread_total(size_t count, double change, bool paired)
{
	struct comparison_run *runs = xcalloc(2 * count, sizeof(*runs));
	const struct comparison_run **sides = xcalloc(2 * count, sizeof(*sides));
	struct comparison_options options = comparison_defaults;
	struct comparison_names names = {0};
	struct comparison comparison;

	options.paired = paired;
	for (size_t i = 0; i < 2 * count; i++) {
		double z = gsl_cdf_ugaussian_Pinv(((double)(i % count) + 0.5) / (double)count);
		bool fresh = i >= count;

		runs[i] = (struct comparison_run){
			.total = 1e12 * exp(0.02 * (paired && !fresh ? 0 : z) + fresh * change),
			.sample = 1e6,
			.samples = 1000000,
		};
		sides[i] = &runs[i];
	}
	comparison_make(&comparison, &options, &names, sides, count, sides + count, count);
	comparison_done(&comparison);
	free(sides);
	free(runs);
	return comparison.total;
}

Test(comparison, the_runs_that_are_said_to_be_needed_are_more_than_there_are_and_settle_it)
{
	static const double changes[] = {1.033, 1.036, 0.962, 1.026, 0.977, 1.0};
	size_t open = 0;

	for (size_t i = 0; i < 2 * 4 * sizeof(changes) / sizeof(*changes); i++) {
		bool paired = i % 2;
		size_t made = 3 + 7 * (i / 2 % 4);
		double change = log(changes[i / 8]);
		struct comparison_row row = spread_total(made, change, paired), more;

		if (row.verdict != COMPARISON_INCONCLUSIVE)
			continue;
		open++;
		cr_expect_gt(row.runs_needed, made, "%zu made of %g", made, changes[i / 8]);
		more = spread_total((size_t)(1.3 * row.runs_needed), change, paired);
		cr_expect_neq(more.verdict, COMPARISON_INCONCLUSIVE, "%zu made, %g needed of %g",
			      made, row.runs_needed, changes[i / 8]);
	}
	cr_assert_gt(open, 20);
}

Test(comparison, one_run_a_side_is_never_worse)
{
	struct bench bench = {0};

	add_run(&bench, false, (struct stack[]){{"main;hot", 3000}, {"main", 7000}}, 2);
	add_run(&bench, true, (struct stack[]){{"main;hot", 9000}, {"main", 7000}}, 2);
	compare(&bench, &comparison_defaults);
	cr_assert_not(bench.comparison.replicated);
	cr_assert_eq(row_of(&bench, "hot")->verdict, COMPARISON_CHANGED);
	cr_assert_eq(bench.comparison.verdicts[COMPARISON_REGRESSED], 0);
	cr_assert_not(comparison_is_worse(&bench.comparison));
	done(&bench);
}

Test(comparison, few_runs_admit_that_they_can_show_nothing)
{
	struct bench bench = {0};

	add_runs(&bench, 3, 50);
	compare(&bench, &comparison_defaults);
	cr_assert_eq(row_of(&bench, "hot")->verdict, COMPARISON_INCONCLUSIVE);
	cr_assert(isinf(bench.comparison.total.detectable));
	/* Four a side give p 2/70 at best, which three functions together raise beyond 0.05. */
	cr_assert_geq(bench.comparison.rows_count, 2);
	cr_assert_eq(bench.comparison.total.runs_needed, 4);
	cr_assert_eq(row_of(&bench, "hot")->runs_needed, 5);
	done(&bench);
}

Test(comparison, rare_functions_share_a_row)
{
	struct bench bench = {0};

	add_runs(&bench, 10, 0);
	compare(&bench, &comparison_defaults);
	for (size_t i = 0; i < bench.comparison.rows_count; i++)
		cr_assert(!bench.comparison.rows[i].function ||
			  strcmp(bench.comparison.rows[i].function->name, "rare"));
	cr_assert_eq(bench.comparison.others_count, 1);
	cr_assert_eq(bench.comparison.rows_count, 4); /* three functions, all others */
	done(&bench);
}

Test(comparison, pairs_see_what_drift_hides)
{
	struct bench bench = {0};
	struct comparison_options options = comparison_defaults;

	for (uint32_t i = 0; i < 12; i++)
		for (int fresh = 0; fresh < 2; fresh++)
			add_run(&bench, fresh,
				(struct stack[]){{"main;hot",
						  (100 + 10 * i) * (fresh ? 11 : 10) + i % 3 * 2}},
				1);
	compare(&bench, &options);
	cr_assert_eq(bench.comparison.total.verdict, COMPARISON_INCONCLUSIVE);
	comparison_done(&bench.comparison);
	options.paired = true;
	compare(&bench, &options);
	cr_assert_eq(bench.comparison.total.verdict, COMPARISON_REGRESSED);
	done(&bench);
}

Test(comparison, inlined_code_has_moved_and_is_no_change)
{
	struct bench bench = {0};

	for (int i = 0; i < 20; i++) {
		uint32_t noise = noisy(40, i / 2, 0);

		if (i % 2)
			add_run(&bench, true,
				(struct stack[]){{"main;step", 600 + noise}, {"main;other", 300}},
				2);
		else
			add_run(&bench, false,
				(struct stack[]){{"main;step;helper.isra.0", 400 + noise},
						 {"main;step", 200},
						 {"main;other", 300}},
				3);
	}
	compare(&bench, &comparison_defaults);
	cr_assert_eq(row_of(&bench, "helper")->presence, COMPARISON_REMOVED);
	cr_assert_eq(row_of(&bench, "helper")->verdict, COMPARISON_UNCHANGED);
	cr_assert_str_eq(row_of(&bench, "helper")->moved->name, "step");
	cr_assert_eq(row_of(&bench, "step")->verdict, COMPARISON_UNCHANGED);
	cr_assert_str_eq(row_of(&bench, "step")->moved->name, "helper");
	cr_assert_eq(bench.comparison.verdicts[COMPARISON_REGRESSED], 0);
	done(&bench);
}

Test(comparison, work_that_is_gone_has_not_moved)
{
	struct bench bench = {0};

	for (int i = 0; i < 20; i++)
		add_run(&bench, i % 2,
			(struct stack[]){{"main;step;helper", i % 2 ? 0 : 400},
					 {"main;step", noisy(200, i / 2, 0)},
					 {"main;other", 300}},
			3);
	compare(&bench, &comparison_defaults);
	cr_assert_eq(row_of(&bench, "helper")->verdict, COMPARISON_IMPROVED);
	cr_assert_null(row_of(&bench, "helper")->moved);
	done(&bench);
}

Test(comparison, false_findings_in_equal_runs_are_as_rare_as_promised)
{
	/* 200 comparisons of 8 and 8 runs whose six functions vary by 20 %, normally and
	 * independently: the share with any finding has a standard error of 1.5 %. */
	uint64_t state = 7;
	int any = 0;

	for (int trial = 0; trial < 200; trial++) {
		struct bench bench = {0};

		for (int i = 0; i < 16; i++) {
			static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
			struct stack stacks[6];

			for (int f = 0; f < 6; f++) {
				double sum = -6; /* of twelve uniform numbers, about normal */

				for (int k = 0; k < 12; k++) {
					state = state * 6364136223846793005 + 1442695040888963407;
					sum += (state >> 11) / 9007199254740992.0;
				}
				stacks[f] = (struct stack){names[f], 100 * exp(0.2 * sum)};
			}
			add_run(&bench, i % 2, stacks, 6);
		}
		compare(&bench, &comparison_defaults);
		any += bench.comparison.verdicts[COMPARISON_REGRESSED] +
			       bench.comparison.verdicts[COMPARISON_IMPROVED] >
		       0;
		done(&bench);
	}
	cr_assert_leq(any, 200 * 0.05 + 2 * 3.1, "%d of 200", any);
	cr_assert_gt(any, 0);
}

Test(comparison, cost_is_per_step_where_all_runs_have_steps)
{
	struct bench bench = {0};

	for (int i = 0; i < 12; i++) {
		bench.steps = i % 2 ? 20 : 10;
		add_run(&bench, i % 2,
			(struct stack[]){{"main;hot", noisy(i % 2 ? 1200 : 600, i / 2, 0)}}, 1);
	}
	compare(&bench, &comparison_defaults);
	cr_assert(bench.comparison.per_step);
	cr_assert_eq(bench.comparison.total.verdict, COMPARISON_UNCHANGED);
	cr_assert_float_eq(bench.comparison.total.base, 60e6, 1e6);
	comparison_done(&bench.comparison);
	bench.steps = 0;
	add_run(&bench, true, (struct stack[]){{"main;hot", 1200}}, 1);
	compare(&bench, &comparison_defaults);
	cr_assert_not(bench.comparison.per_step);
	cr_assert_eq(bench.comparison.total.verdict, COMPARISON_REGRESSED);
	done(&bench);
}

Test(comparison, refuses_what_cannot_be_compared)
{
	struct bench bench = {0};
	const struct comparison_run *all[] = {&bench.runs[0], &bench.runs[1], &bench.runs[2],
					      &bench.runs[3]};
	struct error error;

	add_runs(&bench, 2, 0);
	cr_assert_eq(comparison_check(all, 4, false, &error), 0);
	free(bench.runs[3].machine);
	bench.runs[3].machine = xstrdup("another");
	cr_assert_lt(comparison_check(all, 4, false, &error), 0);
	cr_assert(strstr(error.text, "different machines"));
	cr_assert_eq(comparison_check(all, 4, true, &error), 0);
	free(bench.runs[2].metric);
	bench.runs[2].metric = xstrdup("allocated");
	cr_assert_lt(comparison_check(all, 4, true, &error), 0);
	compare(&bench, &comparison_defaults);
	done(&bench);
}

/* Ten runs that all had four samples may have cost between 3.5 and 4.5 of them. */
Test(comparison, runs_that_agree_to_the_sample_are_known_to_half_a_sample)
{
	static const uint32_t samples[] = {4, 400};

	for (size_t k = 0; k < sizeof(samples) / sizeof(*samples); k++) {
		struct bench bench = {0};
		const struct comparison_row *total = &bench.comparison.total;

		for (size_t i = 0; i < 10; i++)
			add_run(&bench, i % 2, (struct stack[]){{"main;hot", samples[k]}}, 1);
		compare(&bench, &comparison_defaults);
		cr_assert_float_eq(total->change.high, 2 * log1p(0.5 / samples[k]), 1e-9);
		cr_assert_float_eq(total->change.low, -total->change.high, 1e-9);
		cr_assert_float_eq(row_of(&bench, "hot")->other.high, total->change.high, 1e-9);
		cr_assert_geq(total->detectable, total->change.high);
		cr_assert_eq(total->verdict,
			     samples[k] == 400 ? COMPARISON_UNCHANGED : COMPARISON_INCONCLUSIVE);
		done(&bench);
	}
}

/* The half sample that is added makes +50 % of 2 samples +40 %; of 400 it is not seen. */
Test(comparison, a_percentage_does_not_contradict_its_row)
{
	static const uint32_t samples[] = {2, 400};

	for (size_t k = 0; k < 2; k++) {
		struct bench bench = {0};

		for (uint32_t i = 0; i < 20; i++)
			add_run(&bench, i % 2,
				(struct stack[]){{"main;hot", samples[k] + i % 2 * samples[k] / 2},
						 {"main;held", i % 2 ? 0 : 100},
						 {"main;held;inner", 100},
						 {"main;gone", i % 2 ? 0 : 100}},
				4);
		compare(&bench, &comparison_defaults);
		cr_expect_str_eq(comparison_instead_of_change(row_of(&bench, "held")), "to 0");
		cr_expect_str_eq(comparison_instead_of_change(row_of(&bench, "gone")), "removed");
		if (samples[k] == 2)
			cr_expect_str_eq(comparison_instead_of_change(row_of(&bench, "hot")),
					 "few samples");
		else
			cr_expect_null(comparison_instead_of_change(row_of(&bench, "hot")));
		done(&bench);
	}
}

/* As many samples in each step of twice as many: only the half sample makes them look cheaper. */
Test(comparison, half_a_sample_among_few_is_no_change_of_what_a_step_costs)
{
	static const uint32_t samples[] = {19, 1900};

	for (size_t k = 0; k < 2; k++) {
		const struct comparison_row *total;
		char text[COMPARISON_SENTENCE];
		struct bench bench = {0};

		for (uint32_t i = 0; i < 8; i++) {
			bench.steps = i % 2 ? 80 : 40;
			add_run(&bench, i % 2,
				(struct stack[]){{"main;hot", samples[k] * (1 + i % 2)}}, 1);
		}
		compare(&bench, &comparison_defaults);
		total = &bench.comparison.total;
		cr_assert_float_eq(total->base, total->fresh, 1e-6 * total->base);
		comparison_sentence(&bench.comparison, total, text);
		cr_expect(strstr(text, samples[k] == 19 ? ", few samples (" : ", -0.0 % ("), "%s",
			  text);
		done(&bench);
	}
}

/* Of ten samples and eleven the half one takes little away. */
Test(comparison, few_samples_have_a_percentage_that_agrees_with_their_figures)
{
	struct bench bench = {0};

	for (uint32_t i = 0; i < 8; i++)
		add_run(&bench, i % 2, (struct stack[]){{"main;hot", 10 + i % 2}}, 1);
	compare(&bench, &comparison_defaults);
	cr_expect_null(comparison_instead_of_change(&bench.comparison.total));
	done(&bench);
}
