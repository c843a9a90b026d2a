/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * layer: one step of a network, a row of functions.
 *
 * A layer owns no memory: parameters, inputs and outputs are handed in, so that the network can
 * keep all parameters in one vector (which optimizer, target network and state hash walk) and the
 * same layer serves the online and the target network. Matrices are row-major, one example per row.
 */
#pragma once

#include "sim/decision/matrix.h"
#include "sim/random.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	PARAMETER_BLOCK = 16, /* vectors of all parameters are a multiple of this long */
};

/* What a convolution slides over: square maps, and how they lie in the input. */
struct layer_window {
	size_t side;
	size_t channels;
	size_t filters;
	size_t cell_stride;    /* numbers from one cell of a map to the next */
	size_t channel_stride; /* numbers from one map to the next */
};

struct layer {
	const struct layer_kind *kind;
	size_t inputs;		    /* per example */
	size_t outputs;		    /* per example */
	struct layer_window window; /* of a convolution */
};

/* What layers compute with. */
struct layer_tools {
	const struct matrix_kernels *matrix;
	float *scratch; /* as long as the most that any of the layers asks for */
};

struct layer_kind {
	const char *name;

	/* How many parameters such a layer has. */
	size_t (*parameter_count)(const struct layer *layer);

	/* How many numbers of scratch it needs. NULL when none. */
	size_t (*scratch_count)(const struct layer *layer);

	/* Sets the parameters before training. NULL when there are none. */
	void (*initialize)(const struct layer *layer, float *parameters, struct random *random);

	/* @input: rows x inputs; @output: rows x outputs, overwritten. */
	void (*forward)(const struct layer *layer, const struct layer_tools *tools,
			const float *parameters, const float *input, float *output, size_t rows);

	/*
	 * Derivatives of a loss, given those by the outputs.
	 *
	 * @output_gradient     rows x outputs
	 * @parameter_gradient  parameter_count, overwritten
	 * @input_gradient      rows x inputs, overwritten; NULL when nobody needs them
	 */
	void (*backward)(const struct layer *layer, const struct layer_tools *tools,
			 const float *parameters, const float *input, const float *output_gradient,
			 float *parameter_gradient, float *input_gradient, size_t rows);
};

/*
 * y = x W + b. Parameters: W (inputs x outputs), then b. Initialised uniformly within
 * sqrt(6 / (inputs + outputs)), b = 0 (X. Glorot, Y. Bengio, "Understanding the difficulty of
 * training deep feedforward neural networks", AISTATS 2010).
 */
extern const struct layer_kind layer_dense;

/* y = max(x, 0); as many outputs as inputs. */
extern const struct layer_kind layer_relu;

/*
 * Square maps, each filter 3 x 3 over all channels, zeros around, as many cells as before. Output:
 * cell by cell, the filters side by side. Parameters: W (9 places x channels, x filters), then b,
 * initialised like those of a dense layer. Source of the method: K. Chellapilla et al., "High
 * Performance Convolutional Neural Networks for Document Processing", IWFHR 2006.
 */
extern const struct layer_kind layer_convolution;
