/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/matrix.h"

#include <criterion/criterion.h>
#include <math.h>

Test(matrix, a_component_of_half_the_time_can_at_most_double_the_speed)
{
	cr_assert_float_eq(matrix_priority(0.5, 0.5, 1), 1, 1e-12);
}

Test(matrix, a_wide_interval_lowers_the_priority_in_proportion)
{
	cr_assert_float_eq(matrix_priority(0.75, 0.25, 1), 1, 1e-12);
}

Test(matrix, what_takes_no_time_or_has_no_interval_has_no_priority)
{
	cr_assert_eq(matrix_priority(0, 0, 1), 0);
	cr_assert_eq(matrix_priority(0.5, 0, 1), 0);
}

Test(matrix, what_takes_all_the_time_has_no_bound)
{
	cr_assert(isinf(matrix_priority(1, 1, 1)));
}

Test(matrix, what_takes_twice_the_effort_has_half_the_priority)
{
	cr_assert_float_eq(matrix_priority(0.5, 0.5, 2), 0.5, 1e-12);
}
