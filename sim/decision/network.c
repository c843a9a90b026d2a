/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forward and backward through the layers. */
#include "sim/decision/network.h"

#include "sim/allocate.h"

#include <stdlib.h>
#include <string.h>

void network_init(struct network *network, const struct layer *layers, size_t layer_count)
{
	*network = (struct network){.layer_count = layer_count};
	for (size_t i = 0; i < layer_count; i++) {
		network->layers[i] = layers[i];
		network->parameter_count += layers[i].kind->parameter_count(&layers[i]);
	}
	network->parameter_count = (network->parameter_count + PARAMETER_BLOCK - 1) /
				   PARAMETER_BLOCK * PARAMETER_BLOCK;
	network->parameters = allocate(network->parameter_count, sizeof(float));
}

void network_done(struct network *network)
{
	free(network->parameters);
}

void network_initialize(struct network *network, struct random *random)
{
	float *parameters = network->parameters;
	for (size_t i = 0; i < network->layer_count; i++) {
		const struct layer *layer = &network->layers[i];
		if (layer->kind->initialize)
			layer->kind->initialize(layer, parameters, random);
		parameters += layer->kind->parameter_count(layer);
	}
}

void network_copy(struct network *network, const struct network *from)
{
	memcpy(network->parameters, from->parameters, from->parameter_count * sizeof(float));
}

void workspace_init(struct workspace *workspace, const struct layer *layers, size_t layer_count,
		    size_t maximum_rows, const struct matrix_kernels *matrix)
{
	*workspace = (struct workspace){.tools.matrix = matrix, .maximum_rows = maximum_rows};
	size_t scratch = 0;
	for (size_t i = 0; i < layer_count; i++) {
		const struct layer *layer = &layers[i];
		size_t needed = layer->kind->scratch_count ? layer->kind->scratch_count(layer) : 0;
		scratch = needed > scratch ? needed : scratch;
		workspace->activations[i] = allocate(maximum_rows * layer->outputs, sizeof(float));
	}
	if (scratch > 0)
		workspace->tools.scratch = allocate(scratch, sizeof(float));
}

void workspace_done(struct workspace *workspace)
{
	for (size_t i = 0; i < NETWORK_LAYERS_MAXIMUM; i++)
		free(workspace->activations[i]);
	free(workspace->tools.scratch);
}

const float *network_forward(const struct network *network, struct workspace *workspace,
			     const float *input, size_t rows)
{
	const float *parameters = network->parameters;
	for (size_t i = 0; i < network->layer_count; i++) {
		const struct layer *layer = &network->layers[i];
		layer->kind->forward(layer, &workspace->tools, parameters, input,
				     workspace->activations[i], rows);
		parameters += layer->kind->parameter_count(layer);
		input = workspace->activations[i];
	}
	workspace->forward_passes++;
	return input;
}

void gradient_init(struct gradient *gradient, const struct network *network, size_t maximum_rows)
{
	*gradient = (struct gradient){0};
	gradient->parameters = allocate(network->parameter_count, sizeof(float));
	for (size_t i = 0; i < network->layer_count; i++)
		gradient->outputs[i] =
			allocate(maximum_rows * network->layers[i].outputs, sizeof(float));
}

void gradient_done(struct gradient *gradient)
{
	free(gradient->parameters);
	for (size_t i = 0; i < NETWORK_LAYERS_MAXIMUM; i++)
		free(gradient->outputs[i]);
}

void network_backward(const struct network *network, const struct workspace *workspace,
		      const float *input, size_t rows, struct gradient *gradient)
{
	size_t end = 0;
	for (size_t i = 0; i < network->layer_count; i++)
		end += network->layers[i].kind->parameter_count(&network->layers[i]);
	for (size_t i = network->layer_count; i-- > 0;) {
		const struct layer *layer = &network->layers[i];
		size_t begin = end - layer->kind->parameter_count(layer);
		layer->kind->backward(layer, &workspace->tools, &network->parameters[begin],
				      i > 0 ? workspace->activations[i - 1] : input,
				      gradient->outputs[i], &gradient->parameters[begin],
				      i > 0 ? gradient->outputs[i - 1] : NULL, rows);
		end = begin;
	}
}
