/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/sweep_plan.h"

#include <criterion/criterion.h>

static struct sweep_plan plan_of(int repeats, int bare, int seed)
{
	struct sweep_plan plan;
	struct error error;
	json_t *points = json_array(), *json;

	cr_assert_eq(sweep_points_vary(points, "n=1,2,3,4,5,6,7,8", &error), 0);
	json = json_pack("{s:s, s:[s, s], s:o, s:[], s:i, s:i, s:i, s:f, s:i}", "schema",
			 "simprof/sweep-v1", "command", "engine", "--size={n}", "points", points,
			 "run", "repeats", repeats, "bare", bare, "warm_up", 0, "time_limit_s", 1.0,
			 "seed", seed);
	cr_assert_eq(sweep_plan_init(&plan, json, &error), 0, "%s", error.text);
	return plan;
}

static bool same_order(const struct sweep_run *a, const struct sweep_run *b, int count)
{
	for (int i = 0; i < count; i++)
		if (a[i].point != b[i].point)
			return false;
	return true;
}

Test(sweep_plan, every_round_has_every_point_once_in_an_order_that_the_seed_draws)
{
	struct sweep_plan plan = plan_of(3, 1, 1), other = plan_of(3, 1, 2);
	int count, other_count;
	struct sweep_run *runs = sweep_plan_runs(&plan, &count);
	struct sweep_run *again = sweep_plan_runs(&plan, &other_count);
	struct sweep_run *others = sweep_plan_runs(&other, &other_count);
	int seen[8][4] = {0};

	cr_assert_eq(count, 32);
	for (int i = 0; i < count; i++) {
		seen[runs[i].point][runs[i].is_bare ? 3 : runs[i].repeat]++;
		/* The first round has 16 runs, bare ones among them; the others have 8. */
		cr_assert_eq(runs[i].repeat, i < 16 ? 0 : i < 24 ? 1 : 2);
	}
	for (int point = 0; point < 8; point++)
		for (int k = 0; k < 4; k++)
			cr_assert_eq(seen[point][k], 1);
	cr_assert(same_order(runs, again, count));
	cr_assert_not(same_order(runs, others, count));
	free(runs);
	free(again);
	free(others);
	sweep_plan_done(&plan);
	sweep_plan_done(&other);
}

Test(sweep_plan, names_in_braces_are_replaced_and_other_braces_stay)
{
	struct sweep_plan plan = plan_of(1, 0, 1);
	char **command;

	json_array_append_new(plan.command, json_string("{n}{n} {} {a b} }{"));
	command = sweep_plan_command(&plan, 2);
	cr_assert_str_eq(command[1], "--size=3");
	cr_assert_str_eq(command[2], "33 {} {a b} }{");
	cr_assert_null(command[3]);
	sweep_command_free(command);
	sweep_plan_done(&plan);
}

Test(sweep_plan, several_names_make_a_grid)
{
	json_t *points = json_array();
	struct error error;

	cr_assert_eq(sweep_points_vary(points, "a=1,2", &error), 0);
	cr_assert_eq(sweep_points_vary(points, "b=x,y,z", &error), 0);
	cr_assert_eq(json_array_size(points), 6);
	cr_assert_neq(sweep_points_vary(points, "a=3", &error), 0);
	cr_assert_neq(sweep_points_vary(points, "=3", &error), 0);
	cr_assert_neq(sweep_points_list(points, "a", &error), 0);
	json_decref(points);
}
