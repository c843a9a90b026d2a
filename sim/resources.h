/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resources: what agents live on. They stand still, are eaten and grow again.
 *
 * One array per property; the id of a resource is its place in them and in the spatial index.
 */
#pragma once

#include "sim/parameters.h"
#include "sim/random.h"
#include "sim/resource_layer.h"
#include "sim/spatial/spatial_index.h"

struct resources {
	uint32_t count;
	float *x;
	float *y;
	float *amount;
	struct resource_parameters parameters;
	struct random random;
	struct spatial_index index;
	struct resource_layer layer;
};

/*
 * Makes full resources at uniformly random places of the parameters' world.
 * Returns 0, or what the layer's file reported with the sentence; then nothing is to be freed.
 */
int resources_init(struct resources *resources, const struct parameters *parameters,
		   struct error *error);

void resources_done(struct resources *resources);

/*
 * One step of growth: each resource gains, with the configured chance, the configured amount, up to
 * the maximum. Every resource draws one number in every step, full or not, so that what one of them
 * draws does not depend on who has eaten where.
 * Returns what was gained in total.
 */
double resources_regenerate(struct resources *resources);

/* Takes up to @wanted from a resource; returns what was there to take. */
float resources_take(struct resources *resources, uint32_t id, float wanted);

/* The nearest one that is not empty, at a distance <= @radius, or SPATIAL_NONE. */
uint32_t resources_nearest(const struct resources *resources, float x, float y, float radius);

/* The same among those that hold at least @least. */
uint32_t resources_nearest_holding(const struct resources *resources, float x, float y,
				   float radius, float least);

/* The sum of all amounts. */
double resources_total(const struct resources *resources);
