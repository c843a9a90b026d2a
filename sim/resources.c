/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placing, growing and eating resources. */
#include "sim/resources.h"

#include "sim/allocate.h"

#include <stdlib.h>

int resources_init(struct resources *resources, const struct parameters *parameters,
		   struct error *error)
{
	uint32_t count = parameters->resources;
	struct resource_layer layer;
	int failed = resource_layer_open(&layer, parameters->world.resource_layer,
					 parameters->width, parameters->height, error);
	if (failed)
		return failed;
	*resources = (struct resources){
		.count = count,
		.x = allocate(count, sizeof(float)),
		.y = allocate(count, sizeof(float)),
		.amount = allocate(count, sizeof(float)),
		.parameters = parameters->resource,
		.layer = layer,
	};
	random_seed(&resources->random, parameters->seed, STREAM_RESOURCES);
	enum spatial_variant kind = parameters->world.resource_index == SPATIAL_SAME
					    ? parameters->world.index
					    : parameters->world.resource_index;
	spatial_index_init(&resources->index, spatial_structures[kind],
			   parameters->world.index_update);
	for (uint32_t i = 0; i < count; i++) {
		resources->x[i] = random_unit(&resources->random) * (float)parameters->width;
		resources->y[i] = random_unit(&resources->random) * (float)parameters->height;
		resources->amount[i] = resources->parameters.maximum;
		spatial_index_add(&resources->index, resources->x[i], resources->y[i]);
	}
	spatial_index_update(&resources->index);
	resources->layer.kind->rebuild(&resources->layer, resources);
	return 0;
}

void resources_done(struct resources *resources)
{
	resource_layer_close(&resources->layer);
	spatial_index_done(&resources->index);
	free(resources->x);
	free(resources->y);
	free(resources->amount);
}

double resources_regenerate(struct resources *resources)
{
	const struct resource_parameters *rule = &resources->parameters;
	double gained = 0;
	for (uint32_t i = 0; i < resources->count; i++) {
		if (!random_chance(&resources->random, rule->regeneration_chance))
			continue;
		float room = rule->maximum - resources->amount[i];
		float gain = room < rule->regeneration_amount ? room : rule->regeneration_amount;
		resources->amount[i] += gain;
		gained += gain;
	}
	resources->layer.kind->rebuild(&resources->layer, resources);
	return gained;
}

float resources_take(struct resources *resources, uint32_t id, float wanted)
{
	float taken = resources->amount[id] < wanted ? resources->amount[id] : wanted;
	resources->amount[id] -= taken;
	resources->layer.kind->take(&resources->layer, resources, id, taken);
	return taken;
}

struct holding {
	const struct resources *resources;
	float least;
};

static bool holds(const void *context, uint32_t id)
{
	const struct holding *holding = context;
	float amount = holding->resources->amount[id];
	return amount > 0 && amount >= holding->least;
}

uint32_t resources_nearest_holding(const struct resources *resources, float x, float y,
				   float radius, float least)
{
	struct holding holding = {.resources = resources, .least = least};
	struct spatial_filter filter = {.accept = holds, .context = &holding};
	return spatial_index_get_nearest(&resources->index, x, y, radius, &filter);
}

uint32_t resources_nearest(const struct resources *resources, float x, float y, float radius)
{
	return resources_nearest_holding(resources, x, y, radius, 0);
}

double resources_total(const struct resources *resources)
{
	double total = 0;
	for (uint32_t i = 0; i < resources->count; i++)
		total += resources->amount[i];
	return total;
}
