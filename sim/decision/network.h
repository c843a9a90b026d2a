/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * network: layers in a row, all their parameters in one vector.
 *
 *     input -> layer 0 -> activations[0] -> layer 1 -> activations[1] -> ... -> output
 *
 * A network is its layers and parameters and nothing else; what an evaluation computes lies in a
 * workspace, so that threads evaluate one network at the same time and many networks of the same
 * layers share one workspace.
 */
#pragma once

#include "sim/decision/layer.h"

enum {
	NETWORK_LAYERS_MAXIMUM = 16,
};

struct network {
	struct layer layers[NETWORK_LAYERS_MAXIMUM];
	size_t layer_count;
	size_t parameter_count; /* a multiple of PARAMETER_BLOCK; the last ones may be unused */
	float *parameters;
};

/* Room for evaluations of networks of certain layers. */
struct workspace {
	struct layer_tools tools;
	size_t maximum_rows;
	uint64_t forward_passes; /* evaluations so far, whatever their number of rows */
	float *activations[NETWORK_LAYERS_MAXIMUM]; /* of each layer, maximum_rows x outputs */
};

/* Derivatives of a loss, as network_backward() leaves them. */
struct gradient {
	float *parameters;			/* like the network's */
	float *outputs[NETWORK_LAYERS_MAXIMUM]; /* like the activations */
};

/*
 * Makes a network of the given layers, at most NETWORK_LAYERS_MAXIMUM, each with as many inputs as
 * the one before has outputs. Parameters are zero until network_initialize() or network_copy().
 */
void network_init(struct network *network, const struct layer *layers, size_t layer_count);

void network_done(struct network *network);

/* Sets random parameters as each kind of layer wants them. */
void network_initialize(struct network *network, struct random *random);

/* Takes over the parameters of a network of the same layers. */
void network_copy(struct network *network, const struct network *from);

/*
 * Makes room for networks of the given layers.
 *
 * @matrix        the kernels to compute with
 * @maximum_rows  most examples that are evaluated at once
 */
void workspace_init(struct workspace *workspace, const struct layer *layers, size_t layer_count,
		    size_t maximum_rows, const struct matrix_kernels *matrix);

void workspace_done(struct workspace *workspace);

/*
 * Evaluates the network.
 *
 * @input  rows x inputs of the first layer; borrowed
 * Returns rows x outputs of the last layer; valid until the workspace is used again.
 */
const float *network_forward(const struct network *network, struct workspace *workspace,
			     const float *input, size_t rows);

/* @maximum_rows as in workspace_init(). */
void gradient_init(struct gradient *gradient, const struct network *network, size_t maximum_rows);

void gradient_done(struct gradient *gradient);

/*
 * Derivatives by all parameters, after network_forward() of the same input and rows with the same
 * workspace.
 *
 * @gradient  outputs[] of the last layer holds the derivatives by the network's outputs;
 *            everything else is filled in
 */
void network_backward(const struct network *network, const struct workspace *workspace,
		      const float *input, size_t rows, struct gradient *gradient);
