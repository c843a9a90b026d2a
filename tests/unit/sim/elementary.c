/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Against the C library's. */
#include "sim/decision/elementary.h"

#include <criterion/criterion.h>
#include <math.h>

Test(elementary, exp_and_log_agree_with_the_library)
{
	for (int i = -1750; i < 1750; i++)
		cr_assert_float_eq(elementary_exp(0.37 * i) / exp(0.37 * i), 1, 1e-12);
	for (int i = -1000; i < 1000; i++) {
		double x = pow(1.07, i);
		cr_assert_float_eq(elementary_log(x), log(x), 1e-12 * fmax(1, fabs(log(x))));
	}
	cr_assert_eq(elementary_exp(0), 1);
	cr_assert_eq(elementary_log(1), 0);
	cr_assert_eq(elementary_exp(-1e9), 0);
}
