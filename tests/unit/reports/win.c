/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/win.h"

#include <criterion/criterion.h>

Test(win, a_component_of_half_the_time_twice_as_fast_makes_the_whole_a_third_faster)
{
	cr_assert_float_eq(win_of_whole(0.5, 2), 4.0 / 3, 1e-12);
}

Test(win, what_gains_nothing_or_is_nothing_leaves_the_whole_as_it_is)
{
	cr_assert_float_eq(win_of_whole(0.7, 1), 1, 1e-12);
	cr_assert_float_eq(win_of_whole(0, 9), 1, 1e-12);
}

/* Says whether a win with this trace and these changes has a problem. */
static bool has_problem(const char *trace, const char *changes)
{
	json_t *win = json_pack("{s:s?, s:s}", "trace", trace, "changes", changes);
	bool answer = win_problem(win) != NULL;

	json_decref(win);
	return answer;
}

Test(win, results_that_differ_are_a_problem_unless_the_change_is_named)
{
	cr_assert(has_problem("differs", ""));
	cr_assert_not(has_problem("differs", "agents are blind"));
}

Test(win, results_that_were_not_compared_are_a_problem)
{
	cr_assert(has_problem(NULL, "agents are blind"));
	cr_assert_not(has_problem("same", ""));
}

Test(win, other_work_is_a_problem_unless_the_change_is_named_or_the_results_are_the_same)
{
	json_t *win =
		json_pack("{s:s, s:s}", "changes", "", "work", "turns 1000 before, 200 after");

	cr_assert(strstr(win_problem(win), "different work"));
	json_object_set_new(win, "trace", json_string("same"));
	cr_assert_null(win_problem(win));
	json_object_set_new(win, "trace", json_string("differs"));
	cr_assert(strstr(win_problem(win), "different work"));
	json_object_set_new(win, "changes", json_string("fewer turns"));
	cr_assert_null(win_problem(win));
	json_decref(win);
}
