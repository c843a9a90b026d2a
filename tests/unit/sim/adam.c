/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps of Adam by hand, and clipping. */
#include "sim/decision/adam.h"

#include <criterion/criterion.h>
#include <math.h>

enum {
	COUNT = 2 * PARAMETER_BLOCK
};

Test(adam, follows_the_published_algorithm)
{
	struct adam adam;
	float parameters[COUNT], gradient[COUNT];
	double mean[COUNT] = {0}, variance[COUNT] = {0}, expected[COUNT];
	for (int i = 0; i < COUNT; i++)
		parameters[i] = (float)(expected[i] = 0.1 * i - 1);
	adam_init(&adam, COUNT, 0.01F);
	for (int t = 1; t <= 20; t++) {
		for (int i = 0; i < COUNT; i++) {
			double g = sin(i + 0.3 * t);
			gradient[i] = (float)g;
			mean[i] = 0.9 * mean[i] + 0.1 * g;
			variance[i] = 0.999 * variance[i] + 0.001 * g * g;
			expected[i] -= 0.01 * (mean[i] / (1 - pow(0.9, t))) /
				       (sqrt(variance[i] / (1 - pow(0.999, t))) + 1e-8);
		}
		adam_step(&adam, parameters, gradient);
	}
	for (int i = 0; i < COUNT; i++)
		cr_assert_float_eq(parameters[i], expected[i], 1e-5);
	adam_done(&adam);
}

Test(adam, clipping_keeps_the_direction_and_limits_the_norm)
{
	float large[] = {3, -4, 0, 12};
	cr_assert_eq(gradient_clip(large, 4, 1), 13);
	cr_assert_float_eq(large[0], 3.0 / 13, 1e-6);
	cr_assert_float_eq(large[1], -4.0 / 13, 1e-6);
	cr_assert_float_eq(large[3], 12.0 / 13, 1e-6);
	float small[] = {0.3F, -0.4F};
	gradient_clip(small, 2, 1);
	cr_assert_eq(small[0], 0.3F);
	cr_assert_eq(small[1], -0.4F);
}
