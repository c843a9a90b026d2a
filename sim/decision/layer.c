/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of layers. */
#include "sim/decision/layer.h"

#include <math.h>
#include <string.h>

static size_t dense_parameter_count(const struct layer *layer)
{
	return layer->outputs * (layer->inputs + 1);
}

static void dense_initialize(const struct layer *layer, float *parameters, struct random *random)
{
	float limit = sqrtf(6.0F / (float)(layer->inputs + layer->outputs));
	size_t weights = layer->inputs * layer->outputs;
	for (size_t i = 0; i < weights; i++)
		parameters[i] = limit * (2 * random_unit(random) - 1);
	memset(&parameters[weights], 0, layer->outputs * sizeof(*parameters));
}

static void dense_forward(const struct layer *layer, const struct layer_tools *tools,
			  const float *parameters, const float *input, float *output, size_t rows)
{
	const float *bias = &parameters[layer->inputs * layer->outputs];
	for (size_t row = 0; row < rows; row++)
		memcpy(&output[row * layer->outputs], bias, layer->outputs * sizeof(*bias));
	tools->matrix->multiply(output, input, parameters, rows, layer->inputs, layer->outputs);
}

static void dense_backward(const struct layer *layer, const struct layer_tools *tools,
			   const float *parameters, const float *input,
			   const float *output_gradient, float *parameter_gradient,
			   float *input_gradient, size_t rows)
{
	size_t inputs = layer->inputs, outputs = layer->outputs;
	float *bias_gradient = &parameter_gradient[inputs * outputs];
	memset(parameter_gradient, 0, dense_parameter_count(layer) * sizeof(*parameter_gradient));
	tools->matrix->multiply_first_transposed(parameter_gradient, input, output_gradient, rows,
						 inputs, outputs);
	for (size_t row = 0; row < rows; row++)
		for (size_t i = 0; i < outputs; i++)
			bias_gradient[i] += output_gradient[row * outputs + i];
	if (!input_gradient)
		return;
	memset(input_gradient, 0, rows * inputs * sizeof(*input_gradient));
	tools->matrix->multiply_second_transposed(input_gradient, output_gradient, parameters, rows,
						  inputs, outputs);
}

const struct layer_kind layer_dense = {
	.name = "dense",
	.parameter_count = dense_parameter_count,
	.initialize = dense_initialize,
	.forward = dense_forward,
	.backward = dense_backward,
};

static size_t relu_parameter_count(const struct layer *layer)
{
	(void)layer;
	return 0;
}

static void relu_forward(const struct layer *layer, const struct layer_tools *tools,
			 const float *parameters, const float *input, float *output, size_t rows)
{
	(void)tools;
	(void)parameters;
	for (size_t i = 0; i < rows * layer->outputs; i++)
		output[i] = input[i] > 0 ? input[i] : 0;
}

static void relu_backward(const struct layer *layer, const struct layer_tools *tools,
			  const float *parameters, const float *input, const float *output_gradient,
			  float *parameter_gradient, float *input_gradient, size_t rows)
{
	(void)tools;
	(void)parameters;
	(void)parameter_gradient;
	if (!input_gradient)
		return;
	for (size_t i = 0; i < rows * layer->outputs; i++)
		input_gradient[i] = input[i] > 0 ? output_gradient[i] : 0;
}

const struct layer_kind layer_relu = {
	.name = "relu",
	.parameter_count = relu_parameter_count,
	.forward = relu_forward,
	.backward = relu_backward,
};
