/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A convolution as products of matrices: every cell's neighbourhood becomes a row (im2col). */
#include "sim/decision/layer.h"

#include <math.h>
#include <string.h>

enum {
	WINDOW = 9, /* 3 x 3 */
};

static size_t cells(const struct layer *layer)
{
	return layer->window.side * layer->window.side;
}

static size_t depth(const struct layer *layer)
{
	return layer->window.channels * WINDOW;
}

static size_t convolution_parameter_count(const struct layer *layer)
{
	return layer->window.filters * (depth(layer) + 1);
}

static size_t convolution_scratch_count(const struct layer *layer)
{
	return cells(layer) * depth(layer);
}

static void convolution_initialize(const struct layer *layer, float *parameters,
				   struct random *random)
{
	size_t filters = layer->window.filters, weights = depth(layer) * filters;
	float limit = sqrtf(6.0F / (float)(WINDOW * (layer->window.channels + filters)));
	for (size_t i = 0; i < weights; i++)
		parameters[i] = limit * (2 * random_unit(random) - 1);
	memset(&parameters[weights], 0, filters * sizeof(*parameters));
}

/* Where in an example a cell's neighbour lies; false outside of the map. */
static bool neighbour(const struct layer_window *window, size_t cell, size_t place, size_t *offset)
{
	size_t row = cell / window->side + place / 3, column = cell % window->side + place % 3;
	if (row == 0 || column == 0 || row > window->side || column > window->side)
		return false;
	*offset = ((row - 1) * window->side + column - 1) * window->cell_stride;
	return true;
}

/* Rows are cells, columns are channels of the first place, of the second ... */
static void unfold(const struct layer_window *window, const float *input, float *rows)
{
	size_t offset;
	for (size_t cell = 0; cell < window->side * window->side; cell++)
		for (size_t place = 0; place < WINDOW; place++, rows += window->channels) {
			if (!neighbour(window, cell, place, &offset)) {
				memset(rows, 0, window->channels * sizeof(*rows));
				continue;
			}
			for (size_t channel = 0; channel < window->channels; channel++)
				rows[channel] = input[offset + channel * window->channel_stride];
		}
}

static void fold(const struct layer_window *window, const float *rows, float *input_gradient)
{
	size_t offset;
	for (size_t cell = 0; cell < window->side * window->side; cell++)
		for (size_t place = 0; place < WINDOW; place++, rows += window->channels) {
			if (!neighbour(window, cell, place, &offset))
				continue;
			for (size_t channel = 0; channel < window->channels; channel++)
				input_gradient[offset + channel * window->channel_stride] +=
					rows[channel];
		}
}

static void convolution_forward(const struct layer *layer, const struct layer_tools *tools,
				const float *parameters, const float *input, float *output,
				size_t rows)
{
	size_t filters = layer->window.filters;
	const float *bias = &parameters[depth(layer) * filters];
	for (size_t row = 0; row < rows; row++) {
		float *maps = &output[row * layer->outputs];
		unfold(&layer->window, &input[row * layer->inputs], tools->scratch);
		for (size_t cell = 0; cell < cells(layer); cell++)
			memcpy(&maps[cell * filters], bias, filters * sizeof(*bias));
		tools->matrix->multiply(maps, tools->scratch, parameters, cells(layer),
					depth(layer), filters);
	}
}

static void convolution_backward(const struct layer *layer, const struct layer_tools *tools,
				 const float *parameters, const float *input,
				 const float *output_gradient, float *parameter_gradient,
				 float *input_gradient, size_t rows)
{
	size_t filters = layer->window.filters;
	float *bias_gradient = &parameter_gradient[depth(layer) * filters];
	memset(parameter_gradient, 0,
	       convolution_parameter_count(layer) * sizeof(*parameter_gradient));
	for (size_t row = 0; row < rows; row++) {
		const float *maps = &output_gradient[row * layer->outputs];
		unfold(&layer->window, &input[row * layer->inputs], tools->scratch);
		tools->matrix->multiply_first_transposed(parameter_gradient, tools->scratch, maps,
							 cells(layer), depth(layer), filters);
		for (size_t i = 0; i < layer->outputs; i++)
			bias_gradient[i % filters] += maps[i];
		if (!input_gradient)
			continue;
		memset(tools->scratch, 0, convolution_scratch_count(layer) * sizeof(float));
		tools->matrix->multiply_second_transposed(tools->scratch, maps, parameters,
							  cells(layer), depth(layer), filters);
		memset(&input_gradient[row * layer->inputs], 0, layer->inputs * sizeof(float));
		fold(&layer->window, tools->scratch, &input_gradient[row * layer->inputs]);
	}
}

const struct layer_kind layer_convolution = {
	.name = "convolution",
	.parameter_count = convolution_parameter_count,
	.scratch_count = convolution_scratch_count,
	.initialize = convolution_initialize,
	.forward = convolution_forward,
	.backward = convolution_backward,
};
