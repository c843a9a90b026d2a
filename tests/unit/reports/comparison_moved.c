/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/comparison_moved.h"

#include "reports/comparison_write.h"
#include "tests/unit/reports/small_comparison.h"

enum {
	STACKS = 6
};

/* One stack of a program, and its samples before and after. */
struct becoming {
	const char *folded;
	uint32_t base, fresh;
};

/* Ten runs a side; each stack varies by a percent in its own way, whose samples are many enough. */
static void become(struct bench *bench, const struct becoming *stacks, size_t count)
{
	for (int i = 0; i < 20; i++) {
		struct stack made[STACKS];

		for (size_t k = 0; k < count; k++)
			made[k] = (struct stack){
				stacks[k].folded,
				noisy((int)(i % 2 ? stacks[k].fresh : stacks[k].base), i / 2,
				      (int)k)};
		add_run(bench, i % 2, made, count);
	}
	compare(bench, &comparison_defaults);
}

static void expect(const struct bench *bench, const char *name, enum comparison_verdict verdict,
		   const char *moved, const char *maybe)
{
	const struct comparison_row *row = row_of(bench, name);

	cr_expect_eq(row->verdict, verdict, "%s: %s", name, comparison_verdict_names[row->verdict]);
	cr_expect_str_eq(row->moved ? row->moved->name : "", moved, "%s", name);
	cr_expect_str_eq(row->maybe ? row->maybe->name : "", maybe, "%s", name);
}

/* The caller has hardly any cost of its own before, and little of its total is known to stay. */
static const struct becoming inlined[] = {
	{"main;parent;hot", 400, 0}, {"main;parent", 2, 402}, {"main;cold", 1200, 1200}};

Test(comparison_moved, a_function_that_is_inlined_into_an_idle_caller_has_moved)
{
	struct bench bench = {0};

	become(&bench, inlined, 3);
	expect(&bench, "hot", COMPARISON_UNCHANGED, "parent", "");
	expect(&bench, "parent", COMPARISON_UNCHANGED, "hot", "");
	cr_expect_eq(row_of(&bench, "hot")->presence, COMPARISON_REMOVED);
	cr_expect_eq(row_of(&bench, "parent")->presence, COMPARISON_BOTH);
	cr_expect_float_eq(row_of(&bench, "hot")->together_fresh, 402e6, 5e6);
	cr_expect_not(comparison_is_worse(&bench.comparison));
	done(&bench);
}

Test(comparison_moved, so_has_one_that_no_longer_is)
{
	struct bench bench = {0};
	struct becoming stacks[3];

	for (int i = 0; i < 3; i++)
		stacks[i] = (struct becoming){inlined[i].folded, inlined[i].fresh, inlined[i].base};
	become(&bench, stacks, 3);
	expect(&bench, "hot", COMPARISON_UNCHANGED, "parent", "");
	expect(&bench, "parent", COMPARISON_UNCHANGED, "hot", "");
	cr_expect_eq(row_of(&bench, "hot")->presence, COMPARISON_NEW);
	done(&bench);
}

Test(comparison_moved, the_code_of_all_callers_counts_and_a_call_may_be_left)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){{"main;one;hot", 600, 0},
				   {"main;two;hot", 400, 20},
				   {"main;one", 100, 700},
				   {"main;two", 300, 680},
				   {"main;cold", 1200, 1200}},
	       5);
	expect(&bench, "hot", COMPARISON_UNCHANGED, "one", "");
	expect(&bench, "one", COMPARISON_UNCHANGED, "hot", "");
	expect(&bench, "two", COMPARISON_UNCHANGED, "hot", "");
	done(&bench);
}

Test(comparison_moved, many_callers_of_little_each_are_tested_together)
{
	enum {
		CALLERS = 300
	};
	static char folded[CALLERS][32];
	struct bench bench = {0};
	struct stack stacks[CALLERS + 1] = {{"main;cold", 1200}};

	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < CALLERS; k++) {
			sprintf(folded[k], "main;f%d%s", k, i % 2 ? "" : ";hot");
			stacks[k + 1] = (struct stack){folded[k], 1};
		}
		add_run(&bench, i % 2, stacks, CALLERS + 1);
	}
	compare(&bench, &comparison_defaults);
	cr_expect_eq(row_of(&bench, "hot")->verdict, COMPARISON_UNCHANGED);
	cr_expect(row_of(&bench, "hot")->moved);
	cr_expect_float_eq(row_of(&bench, "hot")->together_fresh, CALLERS * 1e6, 1);
	done(&bench);
}

Test(comparison_moved, new_cost_has_not_moved_though_the_callers_total_is_unchanged)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){
		       {"main;hot", 1000, 700}, {"main;bloat", 0, 300}, {"main;cold", 600, 600}},
	       3);
	expect(&bench, "bloat", COMPARISON_REGRESSED, "", "");
	expect(&bench, "hot", COMPARISON_IMPROVED, "", "");
	done(&bench);
}

Test(comparison_moved, small_new_cost_does_not_hide_within_a_large_caller)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){{"main;parent", 4000, 4000},
				   {"main;parent;fresh", 0, 100},
				   {"main", 10, 10}},
	       3);
	expect(&bench, "fresh", COMPARISON_REGRESSED, "", "");
	expect(&bench, "parent", COMPARISON_UNCHANGED, "", "");
	done(&bench);
}

Test(comparison_moved, code_that_is_faster_where_it_is_inlined_makes_no_caller_worse)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){{"main;parent;hot", 400, 20},
				   {"main;parent", 100, 380},
				   {"main;cold", 1200, 1200}},
	       3);
	expect(&bench, "hot", COMPARISON_IMPROVED, "", "");
	expect(&bench, "parent", COMPARISON_INCONCLUSIVE, "", "hot");
	cr_expect_not(comparison_is_worse(&bench.comparison));
	done(&bench);
}

Test(comparison_moved, code_that_is_slower_where_it_is_inlined_makes_its_caller_worse)
{
	struct bench bench = {0};
	char text[COMPARISON_SENTENCE], *table;
	size_t bytes;
	FILE *stream;

	become(&bench,
	       (struct becoming[]){{"main;parent;hot", 400, 0},
				   {"main;parent", 4, 500},
				   {"main;cold", 1200, 1200}},
	       3);
	expect(&bench, "parent", COMPARISON_REGRESSED, "", "");
	expect(&bench, "hot", COMPARISON_INCONCLUSIVE, "", "parent");
	cr_expect(row_of(&bench, "hot")->together_more);
	cr_expect_float_eq(row_of(&bench, "hot")->together_fresh, 500e6, 5e6);
	cr_expect_str_eq(comparison_remark(&bench.comparison, row_of(&bench, "hot"), text),
			 "may have moved into parent: together 404 ms → 500 ms, more for certain");
	stream = open_memstream(&table, &bytes);
	comparison_write(&bench.comparison, 10, stream, 200, false);
	fclose(stream);
	cr_expect(strstr(table, "dearer in parent?"), "%s", table);
	free(table);
	done(&bench);
}

Test(comparison_moved, a_part_that_is_slower_where_it_is_inlined_has_not_improved_what_is_left)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){{"main;parent;hot", 600, 300},
				   {"main;parent", 100, 600},
				   {"main;cold", 1200, 1200}},
	       3);
	expect(&bench, "parent", COMPARISON_REGRESSED, "", "");
	expect(&bench, "hot", COMPARISON_INCONCLUSIVE, "", "parent");
	done(&bench);
}

Test(comparison_moved, what_costs_less_has_improved_though_another_caller_is_slower)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){{"main;parent;hot", 600, 300},
				   {"main;parent", 500, 500},
				   {"main;stranger", 500, 1000}},
	       3);
	expect(&bench, "stranger", COMPARISON_REGRESSED, "", "");
	expect(&bench, "hot", COMPARISON_IMPROVED, "", "");
	done(&bench);
}

Test(comparison_moved, what_cannot_be_told_is_inconclusive_on_both_sides)
{
	struct bench bench = {0};

	for (int i = 0; i < 20; i++) {
		uint32_t noise = 12 * (uint32_t)(i / 2 % 5);

		add_run(&bench, i % 2,
			i % 2 ? (struct stack[]){{"main;parent", 380 + noise}, {"main", 900}}
			      : (struct stack[]){{"main;parent;hot", 380 + noise}, {"main", 900}},
			2);
	}
	compare(&bench, &comparison_defaults);
	expect(&bench, "hot", COMPARISON_INCONCLUSIVE, "", "parent");
	expect(&bench, "parent", COMPARISON_INCONCLUSIVE, "", "hot");
	done(&bench);
}

Test(comparison_moved, a_function_on_both_sides_improves_however_its_caller_varies)
{
	struct bench bench = {0};

	for (int i = 0; i < 20; i++)
		add_run(&bench, i % 2,
			(struct stack[]){{"main;parent;hot", noisy(i % 2 ? 200 : 400, i / 2, 0)},
					 {"main;parent", 1000 + 200 * (uint32_t)(i / 2 % 5)}},
			2);
	compare(&bench, &comparison_defaults);
	expect(&bench, "hot", COMPARISON_IMPROVED, "", "");
	expect(&bench, "parent", COMPARISON_INCONCLUSIVE, "", "");
	done(&bench);
}

Test(comparison_moved, a_new_name_for_a_function_that_is_gone_is_no_regression_and_no_claim)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){
		       {"main;sort", 400, 0}, {"main;sorted", 0, 400}, {"main;cold", 1200, 1200}},
	       3);
	expect(&bench, "sorted", COMPARISON_INCONCLUSIVE, "", "sort");
	expect(&bench, "sort", COMPARISON_INCONCLUSIVE, "", "sorted");
	done(&bench);
}

Test(comparison_moved, a_dearer_function_in_the_place_of_one_is_a_regression)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){
		       {"main;sort", 400, 0}, {"main;sorted", 0, 500}, {"main;cold", 1200, 1200}},
	       3);
	expect(&bench, "sorted", COMPARISON_REGRESSED, "", "");
	expect(&bench, "sort", COMPARISON_INCONCLUSIVE, "", "sorted");
	cr_expect(row_of(&bench, "sort")->together_more);
	done(&bench);
}

Test(comparison_moved, so_is_one_that_is_many_times_dearer)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){
		       {"main;sort", 400, 0}, {"main;sorted", 0, 4000}, {"main;cold", 1200, 1200}},
	       3);
	expect(&bench, "sorted", COMPARISON_REGRESSED, "", "");
	expect(&bench, "sort", COMPARISON_INCONCLUSIVE, "", "sorted");
	done(&bench);
}

Test(comparison_moved, what_is_gone_has_improved_though_something_small_is_new_beside_it)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){
		       {"main;sort", 400, 0}, {"main;other", 0, 100}, {"main;cold", 1200, 1200}},
	       3);
	expect(&bench, "sort", COMPARISON_IMPROVED, "", "");
	done(&bench);
}

Test(comparison_moved, recursion_and_chains_of_inlined_functions_end_in_their_caller)
{
	struct bench bench = {0};

	become(&bench,
	       (struct becoming[]){{"main;parent;outer;inner", 300, 0},
				   {"main;parent;outer;inner;outer;inner", 300, 0},
				   {"main;parent;outer", 200, 0},
				   {"main;parent", 200, 1000},
				   {"main;cold", 1200, 1200}},
	       5);
	expect(&bench, "inner", COMPARISON_UNCHANGED, "parent", "");
	expect(&bench, "outer", COMPARISON_UNCHANGED, "parent", "");
	expect(&bench, "parent", COMPARISON_UNCHANGED, "inner", "");
	done(&bench);
}

Test(comparison_moved, a_new_layer_is_no_regression_of_totals_but_new_work_below_it_is)
{
	struct comparison_options by_total = comparison_defaults;
	struct bench bench = {0};

	by_total.order = FUNCTIONS_BY_TOTAL;
	become(&bench,
	       (struct becoming[]){{"main;work", 1000, 0},
				   {"main;layer;work", 0, 1000},
				   {"main;layer;extra", 0, 300}},
	       3);
	comparison_done(&bench.comparison);
	compare(&bench, &by_total);
	expect(&bench, "layer", COMPARISON_INCONCLUSIVE, "", "main");
	expect(&bench, "work", COMPARISON_UNCHANGED, "", "");
	expect(&bench, "extra", COMPARISON_REGRESSED, "", "");
	done(&bench);
}

/* Parent and 64 small functions that it calls; their samples in a new run. */
static void become_small(struct bench *bench, uint32_t own, uint32_t called)
{
	static char folded[64][40];
	struct stack stacks[66];

	for (int i = 0; i < 20; i++) {
		stacks[0] = (struct stack){"main;large", noisy(1500, i / 2, 1)};
		stacks[1] = (struct stack){"main;parent", i % 2 ? own : 200};
		for (int k = 0; k < 64; k++) {
			sprintf(folded[k], "main;parent;small%d", k);
			stacks[k + 2] = (struct stack){folded[k], i % 2 ? called : 2};
		}
		add_run(bench, i % 2, stacks, 66);
	}
	compare(bench, &comparison_defaults);
}

static const struct comparison_row *others_of(const struct bench *bench)
{
	for (size_t i = 0; i < bench->comparison.rows_count; i++)
		if (!bench->comparison.rows[i].function)
			return &bench->comparison.rows[i];
	cr_assert_fail("no others");
	return NULL;
}

Test(comparison_moved, small_functions_are_not_worse_for_what_their_caller_lost)
{
	struct bench bench = {0};

	become_small(&bench, 72, 4);
	cr_expect_eq(others_of(&bench)->verdict, COMPARISON_INCONCLUSIVE, "%s",
		     comparison_verdict_names[others_of(&bench)->verdict]);
	cr_expect_str_eq(others_of(&bench)->maybe->name, "parent");
	cr_expect_neq(row_of(&bench, "parent")->verdict, COMPARISON_IMPROVED);
	done(&bench);
}

Test(comparison_moved, small_functions_are_worse_for_what_is_new)
{
	struct bench bench = {0};

	become_small(&bench, 200, 4);
	cr_expect_eq(others_of(&bench)->verdict, COMPARISON_REGRESSED);
	expect(&bench, "parent", COMPARISON_UNCHANGED, "", "");
	done(&bench);
}
