/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adam: the optimizer.
 *
 * Source: D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, Algorithm 1
 * with its defaults (beta 0.9 and 0.999, epsilon 1e-8).
 */
#pragma once

#include "sim/decision/layer.h"

#include <stddef.h>

struct adam {
	float learning_rate;
	size_t count;
	float *mean;		/* first moment */
	float *variance;	/* second moment, not centred */
	double mean_correction; /* beta1^t */
	double variance_correction;
};

/* @count  parameters, a multiple of PARAMETER_BLOCK */
void adam_init(struct adam *adam, size_t count, float learning_rate);

void adam_done(struct adam *adam);

/* Moves the parameters one step against the gradient, both @count long. */
void adam_step(struct adam *adam, float *parameters, const float *gradient);

/*
 * Scales a gradient so that its Euclidean norm is at most @limit; returns the norm it had.
 * Source: R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
 * networks", ICML 2013.
 */
float gradient_clip(float *gradient, size_t count, float limit);
