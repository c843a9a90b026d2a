/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The network against sums by hand and against finite differences. */
#include "sim/decision/network.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum {
	INPUTS = 7,
	HIDDEN = 9,
	OUTPUTS = 3,
	ROWS = 5
};

static const struct layer layers[] = {
	{.kind = &layer_dense, .inputs = INPUTS, .outputs = HIDDEN},
	{.kind = &layer_relu, .inputs = HIDDEN, .outputs = HIDDEN},
	{.kind = &layer_dense, .inputs = HIDDEN, .outputs = HIDDEN},
	{.kind = &layer_relu, .inputs = HIDDEN, .outputs = HIDDEN},
	{.kind = &layer_dense, .inputs = HIDDEN, .outputs = OUTPUTS},
};

static struct network network;
static struct workspace workspace;
static struct random numbers;
static float input[ROWS * INPUTS];

static void make(void)
{
	random_seed(&numbers, 11, 1);
	size_t count = sizeof(layers) / sizeof(layers[0]);
	network_init(&network, layers, count);
	workspace_init(&workspace, layers, count, ROWS, matrix_own());
	network_initialize(&network, &numbers);
	for (size_t i = 0; i < network.parameter_count; i++)
		network.parameters[i] += 0.05F * (random_unit(&numbers) - 0.5F); /* biases too */
	for (int i = 0; i < ROWS * INPUTS; i++)
		input[i] = 2 * random_unit(&numbers) - 1;
}

static void drop(void)
{
	workspace_done(&workspace);
	network_done(&network);
}

TestSuite(network, .init = make, .fini = drop);

Test(network, dense_and_relu_give_what_one_computes_by_hand)
{
	static const struct layer two[] = {{.kind = &layer_dense, .inputs = 2, .outputs = 2},
					   {.kind = &layer_relu, .inputs = 2, .outputs = 2}};
	static const float parameters[] = {1, -3, 2, 4, 0.5F, -10};
	static const float examples[] = {1, 1, 2, 5};
	struct network small;
	struct workspace room;
	network_init(&small, two, 2);
	workspace_init(&room, two, 2, 2, matrix_own());
	memcpy(small.parameters, parameters, sizeof(parameters));
	const float *output = network_forward(&small, &room, examples, 2);
	cr_assert_eq(output[0], 3.5F); /* 1 + 2 + 0.5 */
	cr_assert_eq(output[1], 0);    /* -3 + 4 - 10 < 0 */
	cr_assert_eq(output[2], 12.5F);
	cr_assert_eq(output[3], 4); /* -6 + 20 - 10 */
	workspace_done(&room);
	network_done(&small);
}

Test(network, one_row_gives_what_it_gives_in_a_batch)
{
	float batch[ROWS * OUTPUTS];
	memcpy(batch, network_forward(&network, &workspace, input, ROWS), sizeof(batch));
	for (int row = 0; row < ROWS; row++) {
		const float *one = network_forward(&network, &workspace, &input[row * INPUTS], 1);
		for (int i = 0; i < OUTPUTS; i++)
			cr_assert_eq(one[i], batch[row * OUTPUTS + i]);
	}
	cr_assert_eq(workspace.forward_passes, 1 + ROWS);
}

/* Some loss that depends on every output differently. */
static double loss(void)
{
	const float *output = network_forward(&network, &workspace, input, ROWS);
	double total = 0;
	for (int i = 0; i < ROWS * OUTPUTS; i++)
		total += (i + 1) * (double)output[i];
	return total;
}

Test(network, gradient_is_the_slope_of_the_loss_in_every_parameter)
{
	struct gradient gradient;
	gradient_init(&gradient, &network, ROWS);
	loss();
	for (int i = 0; i < ROWS * OUTPUTS; i++)
		gradient.outputs[4][i] = (float)(i + 1);
	network_backward(&network, &workspace, input, ROWS, &gradient);

	/* Between the kinks of ReLU the loss is linear in one parameter: both sides agree. */
	const double step = 1.0 / 256;
	size_t used = HIDDEN * (INPUTS + 1) + HIDDEN * (HIDDEN + 1) + OUTPUTS * (HIDDEN + 1);
	size_t compared = 0, different_from_zero = 0;
	double here = loss();
	for (size_t i = 0; i < used; i++) {
		float before = network.parameters[i];
		network.parameters[i] = before + (float)step;
		double above = (loss() - here) / step;
		network.parameters[i] = before - (float)step;
		double below = (here - loss()) / step;
		network.parameters[i] = before;
		if (fabs(above - below) > 0.05)
			continue;
		compared++;
		different_from_zero += gradient.parameters[i] != 0;
		cr_assert_float_eq(gradient.parameters[i], (above + below) / 2, 0.05);
	}
	cr_assert(compared > used * 3 / 4, "%zu of %zu", compared, used);
	cr_assert(different_from_zero > used / 2, "%zu of %zu", different_from_zero, used);
	gradient_done(&gradient);
}

Test(network, starts_within_glorot_s_limits_and_without_bias)
{
	struct network fresh;
	network_init(&fresh, layers, 1);
	network_initialize(&fresh, &numbers);
	float limit = sqrtf(6.0F / (INPUTS + HIDDEN)), largest = 0, lowest = 0;
	for (int i = 0; i < INPUTS * HIDDEN; i++) {
		largest = fmaxf(largest, fresh.parameters[i]);
		lowest = fminf(lowest, fresh.parameters[i]);
	}
	cr_assert(largest <= limit && largest > 0.8F * limit);
	cr_assert(lowest >= -limit && lowest < -0.8F * limit);
	for (int i = INPUTS * HIDDEN; i < HIDDEN * (INPUTS + 1); i++)
		cr_assert_eq(fresh.parameters[i], 0);
	network_done(&fresh);
}
