/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step of Adam, and clipping. */
#include "sim/decision/adam.h"

#include "sim/allocate.h"

#include <math.h>
#include <stdlib.h>

static const float BETA_MEAN = 0.9F;
static const float BETA_VARIANCE = 0.999F;
static const float EPSILON = 1e-8F;

void adam_init(struct adam *adam, size_t count, float learning_rate)
{
	*adam = (struct adam){
		.learning_rate = learning_rate,
		.count = count,
		.mean = allocate(count, sizeof(float)),
		.variance = allocate(count, sizeof(float)),
		.mean_correction = 1,
		.variance_correction = 1,
	};
}

void adam_done(struct adam *adam)
{
	free(adam->mean);
	free(adam->variance);
}

/* What the corrections of the moments make of the learning rate. */
struct pace {
	float rate;
	float scale;
};

/* The fixed length of a block lets the compiler use vector instructions at -O2. */
static void step_block(float *restrict parameters, float *restrict mean, float *restrict variance,
		       const float *restrict gradient, struct pace pace)
{
	for (size_t i = 0; i < PARAMETER_BLOCK; i++) {
		mean[i] = BETA_MEAN * mean[i] + (1 - BETA_MEAN) * gradient[i];
		variance[i] = BETA_VARIANCE * variance[i] +
			      (1 - BETA_VARIANCE) * gradient[i] * gradient[i];
		parameters[i] -= pace.rate * mean[i] / (sqrtf(variance[i] * pace.scale) + EPSILON);
	}
}

void adam_step(struct adam *adam, float *parameters, const float *gradient)
{
	adam->mean_correction *= BETA_MEAN;
	adam->variance_correction *= BETA_VARIANCE;
	struct pace pace = {
		.rate = (float)(adam->learning_rate / (1 - adam->mean_correction)),
		.scale = (float)(1 / (1 - adam->variance_correction)),
	};
	for (size_t i = 0; i < adam->count; i += PARAMETER_BLOCK)
		step_block(&parameters[i], &adam->mean[i], &adam->variance[i], &gradient[i], pace);
}

float gradient_clip(float *gradient, size_t count, float limit)
{
	/* Sums side by side, always the same ones, that vector instructions may take together. */
	double sums[PARAMETER_BLOCK] = {0}, sum = 0;
	for (size_t i = 0; i < count; i++)
		sums[i % PARAMETER_BLOCK] += (double)gradient[i] * (double)gradient[i];
	for (size_t i = 0; i < PARAMETER_BLOCK; i++)
		sum += sums[i];
	float norm = (float)sqrt(sum);
	if (norm > limit)
		for (size_t i = 0; i < count; i++)
			gradient[i] *= limit / norm;
	return norm;
}
