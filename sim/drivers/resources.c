/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim-resources: lets resources be found, eaten, shown in observations, and grow again.
 *
 * In each round, at places taken at random, the nearest resource is looked for and eaten from, and
 * a window of the resource layer is read; then all grow.
 */
#include "sim/drivers/driver.h"
#include "sim/random.h"
#include "sim/resources.h"

struct choices {
	struct options engine;
	uint32_t rounds;
	uint32_t queries;
};

static const char *const engine_options[] = {"seed",
					     "width",
					     "height",
					     "resources",
					     "max-resource",
					     "regeneration-chance",
					     "regeneration-amount",
					     "gathering-range",
					     "max-gather",
					     "resource-index",
					     "resource-layer",
					     "radius",
					     NULL};

static const struct setting settings[] = {
	{NULL, "rounds", "N", SETTING_WHOLE, offsetof(struct choices, rounds), 1, 1e9, NULL,
	 "How often it is done"},
	{NULL, "queries", "N", SETTING_WHOLE, offsetof(struct choices, queries), 1, 1e9, NULL,
	 "Places in a round"},
};

struct pantry {
	struct resources resources;
	struct random random;
	struct spatial_found found;
	uint64_t asked, nearest, points;
	double taken, grown;
};

/* Clears the channel that the layer fills, as observation_begin() does. */
static void read_window(struct pantry *pantry, uint32_t radius, float x, float y)
{
	static float values[CHANNEL_COUNT * OBSERVATION_CELLS_MAXIMUM];
	struct observation_view view;
	observation_lay(&view, radius, values, observation_cell(x), observation_cell(y));
	for (size_t i = 0; i < observation_cells(radius); i++)
		view.values[CHANNEL_RESOURCES][i] = 0;
	const struct resource_layer *layer = &pantry->resources.layer;
	pantry->points += layer->kind->read(layer, &pantry->resources, &pantry->found, &view);
}

static void run_round(struct pantry *pantry, const struct choices *choices)
{
	const struct parameters *parameters = &choices->engine.parameters;
	for (uint32_t i = 0; i < choices->queries; i++) {
		float x = random_unit(&pantry->random) * (float)parameters->width;
		float y = random_unit(&pantry->random) * (float)parameters->height;
		uint32_t id = resources_nearest(&pantry->resources, x, y,
						parameters->agent.gathering_range);
		pantry->asked++;
		if (id != SPATIAL_NONE) {
			pantry->nearest++;
			pantry->taken += resources_take(&pantry->resources, id,
							parameters->agent.maximum_gather);
		}
		read_window(pantry, parameters->world.radius, x, y);
	}
	pantry->grown += resources_regenerate(&pantry->resources);
}

int main(int argc, char **argv)
{
	static struct choices choices = {.rounds = 100, .queries = 100};
	static struct pantry pantry;
	const struct driver driver = {
		.summary = "Let resources be found, eaten, seen and grow.\v"
			   "Ends with counts of what was done.",
		.engine = engine_options,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
	};
	struct error error;
	options_default(&choices.engine);
	choices.engine.parameters.learning.network = NETWORK_NONE;
	choices.engine.parameters.resources = 100;
	driver_parse(&driver, &choices, argc, argv);
	const struct parameters *parameters = &choices.engine.parameters;
	if (resources_init(&pantry.resources, parameters, &error) < 0)
		driver_fail(&error);
	random_seed(&pantry.random, parameters->seed, STREAM_PLACEMENT);
	for (uint32_t round = 0; round < choices.rounds; round++)
		run_round(&pantry, &choices);
	driver_count("resources", pantry.resources.count);
	driver_count("searches", pantry.asked);
	driver_count("nearest found", pantry.nearest);
	driver_count("units taken", (uint64_t)pantry.taken);
	driver_count("units grown", (uint64_t)pantry.grown);
	driver_count("resource points", pantry.points);
	spatial_found_done(&pantry.found);
	resources_done(&pantry.resources);
	return driver_end();
}
