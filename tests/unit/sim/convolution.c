/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Convolutions against their definition and against finite differences. */
#include "sim/decision/network.h"

#include <criterion/criterion.h>
#include <math.h>

enum {
	SIDE = 5,
	CELLS = SIDE * SIDE,
	CHANNELS = 2,
	FILTERS = 3,
	SECOND = 4,
	ROWS = 2,
	OUTPUTS = CELLS * SECOND
};

/* The first reads maps one after the other, the second cells one after the other. */
static const struct layer layers[] = {
	{.kind = &layer_convolution,
	 .inputs = CELLS * CHANNELS,
	 .outputs = CELLS * FILTERS,
	 .window = {.side = SIDE,
		    .channels = CHANNELS,
		    .filters = FILTERS,
		    .cell_stride = 1,
		    .channel_stride = CELLS}},
	{.kind = &layer_convolution,
	 .inputs = CELLS * FILTERS,
	 .outputs = OUTPUTS,
	 .window = {.side = SIDE,
		    .channels = FILTERS,
		    .filters = SECOND,
		    .cell_stride = FILTERS,
		    .channel_stride = 1}},
};

static struct network network;
static struct workspace workspace;
static float input[ROWS * CELLS * CHANNELS];

static void make(void)
{
	struct random numbers;
	random_seed(&numbers, 31, 1);
	network_init(&network, layers, 2);
	workspace_init(&workspace, layers, 2, ROWS, matrix_own());
	network_initialize(&network, &numbers);
	for (size_t i = 0; i < network.parameter_count; i++)
		network.parameters[i] += 0.1F * (random_unit(&numbers) - 0.5F); /* biases too */
	for (size_t i = 0; i < sizeof(input) / sizeof(input[0]); i++)
		input[i] = 2 * random_unit(&numbers) - 1;
}

static void drop(void)
{
	workspace_done(&workspace);
	network_done(&network);
}

TestSuite(convolution, .init = make, .fini = drop);

Test(convolution, is_the_sum_over_the_neighbours_and_zero_outside)
{
	network_forward(&network, &workspace, input, ROWS);
	const float *bias = &network.parameters[9 * CHANNELS * FILTERS];
	for (int row = 0; row < ROWS; row++)
		for (int y = 0; y < SIDE; y++)
			for (int x = 0; x < SIDE; x++)
				for (int filter = 0; filter < FILTERS; filter++) {
					double sum = bias[filter];
					for (int k = 0; k < 9 * CHANNELS; k++) {
						int channel = k % CHANNELS, place = k / CHANNELS;
						int ny = y + place / 3 - 1, nx = x + place % 3 - 1;
						if (ny < 0 || nx < 0 || ny >= SIDE || nx >= SIDE)
							continue;
						sum += (double)network
							       .parameters[k * FILTERS + filter] *
						       (double)input[(row * CHANNELS + channel) *
									     CELLS +
								     ny * SIDE + nx];
					}
					cr_assert_float_eq(
						workspace.activations[0][(row * CELLS + y * SIDE +
									  x) * FILTERS +
									 filter],
						sum, 1e-5);
				}
}

static double loss(void)
{
	const float *output = network_forward(&network, &workspace, input, ROWS);
	double total = 0;
	for (int i = 0; i < ROWS * OUTPUTS; i++)
		total += (i % 7 - 3) * (double)output[i];
	return total;
}

Test(convolution, gradient_is_the_slope_of_the_loss_in_every_parameter)
{
	struct gradient gradient;
	gradient_init(&gradient, &network, ROWS);
	loss();
	for (int i = 0; i < ROWS * OUTPUTS; i++)
		gradient.outputs[1][i] = (float)(i % 7 - 3);
	network_backward(&network, &workspace, input, ROWS, &gradient);
	size_t different_from_zero = 0;
	const double step = 1.0 / 64; /* linear in one parameter */
	size_t used = FILTERS * (9 * CHANNELS + 1) + SECOND * (9 * FILTERS + 1);
	for (size_t i = 0; i < used; i++) {
		float before = network.parameters[i];
		network.parameters[i] = before + (float)step;
		double above = loss();
		network.parameters[i] = before - (float)step;
		double below = loss();
		network.parameters[i] = before;
		cr_assert_float_eq(gradient.parameters[i], (above - below) / (2 * step), 0.02,
				   "%zu: %f", i, (double)gradient.parameters[i]);
		different_from_zero += gradient.parameters[i] != 0;
	}
	cr_assert(different_from_zero > used * 9 / 10);
	gradient_done(&gradient);
}
