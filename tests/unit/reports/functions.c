/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/functions.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

struct measured {
	struct profile *profile;
	struct symbol_table symbols;
	struct call_tree *tree;
	struct functions functions;
};

static void measure(struct measured *measured, struct profile *profile, enum functions_order order,
		    uint32_t limit)
{
	measured->profile = profile;
	symbol_table_init(&measured->symbols, profile);
	measured->tree = call_tree_build(profile, &(struct call_tree_options){0});
	functions_measure(&measured->functions, profile, measured->tree, 0, &measured->symbols,
			  order, limit);
}

static void done(struct measured *measured)
{
	functions_done(&measured->functions);
	call_tree_free(measured->tree);
	symbol_table_done(&measured->symbols);
	profile_free(measured->profile);
}

static const struct function_row *row_of(const struct measured *measured, const char *label)
{
	for (uint32_t i = 0; i < measured->functions.count; i++) {
		const struct function_row *row = &measured->functions.rows[i];

		if (!strcmp(measured->symbols.symbols[row->symbol].label, label))
			return row;
	}
	cr_assert_fail("no row %s", label);
	return NULL;
}

Test(functions, self_and_total_of_plain_calls)
{
	struct profile *profile = new_profile();
	struct measured measured;

	add_stack(profile, "main;step;observe", 60);
	add_stack(profile, "main;step", 30);
	add_stack(profile, "main", 10);
	measure(&measured, profile, FUNCTIONS_BY_SELF, 10);
	cr_assert_eq(row_of(&measured, "main")->self.samples, 10);
	cr_assert_eq(row_of(&measured, "main")->total.samples, 100);
	cr_assert_eq(row_of(&measured, "step")->self.value, 30);
	cr_assert_eq(row_of(&measured, "step")->total.value, 90);
	cr_assert_eq(measured.functions.samples, 100);
	done(&measured);
}

Test(functions, recursion_counts_once)
{
	struct profile *profile = new_profile();
	struct measured measured;

	add_stack(profile, "main;walk;visit;walk;visit;walk", 10);
	add_stack(profile, "main;walk", 5);
	add_stack(profile, "main;visit;walk", 3);
	measure(&measured, profile, FUNCTIONS_BY_TOTAL, 10);
	cr_assert_eq(row_of(&measured, "walk")->total.samples, 18);
	cr_assert_eq(row_of(&measured, "visit")->total.samples, 13);
	cr_assert_eq(row_of(&measured, "walk")->self.samples, 18);
	done(&measured);
}

Test(functions, rows_are_ordered_by_the_cost_asked_for)
{
	struct profile *profile = new_profile();
	struct measured measured;

	add_stack(profile, "main;a", 10);
	add_stack(profile, "main;b", 20);
	measure(&measured, profile, FUNCTIONS_BY_SELF, 10);
	cr_assert_str_eq(measured.symbols.symbols[measured.functions.rows[0].symbol].label, "b");
	functions_sort(&measured.functions, &measured.symbols, FUNCTIONS_BY_TOTAL);
	cr_assert_str_eq(measured.symbols.symbols[measured.functions.rows[0].symbol].label, "main");
	cr_assert_str_eq(measured.symbols.symbols[measured.functions.rows[2].symbol].label, "a");
	done(&measured);
}

/* Two functions of one share: the one that came in a single burst is known less well. */
Test(functions, a_burst_has_a_wider_interval_than_an_even_share)
{
	struct profile *profile = new_profile();
	const struct function_row *burst, *even;
	struct measured measured;

	for (int i = 0; i < 300; i++) {
		add_stack(profile, "main;even", 1);
		add_stack(profile, i < 150 ? "main;burst" : "main;rest", 1);
		add_stack(profile, i < 150 ? "main;burst" : "main;rest", 1);
		add_stack(profile, "main", 0);
	}
	measure(&measured, profile, FUNCTIONS_BY_SELF, 10);
	burst = row_of(&measured, "burst");
	even = row_of(&measured, "even");
	cr_assert_eq(burst->self.samples, even->self.samples);
	cr_assert_gt(burst->self.share.high - burst->self.share.low,
		     3 * (even->self.share.high - even->self.share.low));
	cr_assert_leq(burst->self.share.low, 1.0 / 3);
	cr_assert_geq(burst->self.share.high, 1.0 / 3);
	done(&measured);
}

/* What callees do in bursts says nothing of the time in the caller itself. */
Test(functions, the_self_interval_leaves_callees_out)
{
	struct profile *profile = new_profile();
	const struct function_row *caller, *even;
	struct measured measured;

	for (int i = 0; i < 300; i++) {
		add_stack(profile, "main", 1);
		add_stack(profile, "even", 1);
		add_stack(profile, i < 150 ? "main;burst" : "other", 1);
	}
	measure(&measured, profile, FUNCTIONS_BY_SELF, 10);
	caller = row_of(&measured, "main");
	even = row_of(&measured, "even");
	cr_assert_eq(caller->self.samples, even->self.samples);
	cr_assert_float_eq(caller->self.share.high, even->self.share.high, 0.002);
	cr_assert_float_eq(caller->self.share.low, even->self.share.low, 0.002);
	cr_assert_gt(caller->total.share.high - caller->total.share.low,
		     1.5 * (even->total.share.high - even->total.share.low));
	done(&measured);
}

Test(functions, only_rows_within_the_limit_have_an_interval)
{
	struct profile *profile = new_profile();
	struct measured measured;

	add_stack(profile, "main;a", 10);
	add_stack(profile, "main;b", 20);
	measure(&measured, profile, FUNCTIONS_BY_SELF, 1);
	cr_assert_lt(measured.functions.rows[0].self.share.high, 1);
	cr_assert_eq(measured.functions.rows[1].self.share.high, 1);
	done(&measured);
}

Test(functions, an_empty_profile_has_no_rows)
{
	struct measured measured;

	measure(&measured, new_profile(), FUNCTIONS_BY_SELF, 10);
	cr_assert_eq(measured.functions.count, 0);
	done(&measured);
}
