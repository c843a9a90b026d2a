/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim-spatial: keeps a spatial index busy, and those that follow it.
 *
 * Each round builds it, asks it, and moves entities in it, or does one of these only. Questions are
 * about the places of entities taken at random; a move goes up to 8 by each coordinate.
 */
#include "sim/allocate.h"
#include "sim/drivers/driver.h"
#include "sim/random.h"
#include "sim/spatial/spatial_service.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum operation {
	OPERATION_ALL,
	OPERATION_BUILD,
	OPERATION_NEARBY,
	OPERATION_NEAREST,
	OPERATION_RANGE,
	OPERATION_UPDATE,
};

enum spread {
	SPREAD_UNIFORM,
	SPREAD_CLUSTERED,
};

struct choices {
	struct options engine;
	uint32_t entities;
	uint32_t spread;
	uint32_t operation;
	uint32_t rounds;
	uint32_t queries;
	uint32_t batch;
	float radius;
	float moved;
	float urgent;
};

struct field {
	const struct choices *choices;
	struct spatial_index index;
	struct spatial_service indices; /* it, and its followers; each is asked */
	struct random random;
	struct random urgency; /* of its own, so that the moves are the same */
	struct spatial_found found;
	uint64_t builds, nearby, nearby_found, nearest, nearest_asked, range, range_found, moves;
};

static const char *const engine_options[] = {"seed",	     "width",	    "height",	    "index",
					     "index-update", "index-flush", "more-indices", NULL};
static const char *const spreads[] = {"uniform", "clustered", NULL};
static const char *const operations[] = {"all",	  "build",  "nearby", "nearest",
					 "range", "update", NULL};

static const struct setting settings[] = {
	{NULL, "entities", "N", SETTING_WHOLE, offsetof(struct choices, entities), 1, 1e7, NULL,
	 "Entities in the index"},
	{NULL, "spread", "KIND", SETTING_CHOICE, offsetof(struct choices, spread), 0, 0, spreads,
	 "Places: uniform, or clustered around a tenth as many centres"},
	{NULL, "operation", "NAME", SETTING_CHOICE, offsetof(struct choices, operation), 0, 0,
	 operations, "What is done: build, nearby, nearest, range, update or all"},
	{NULL, "rounds", "N", SETTING_WHOLE, offsetof(struct choices, rounds), 1, 1e9, NULL,
	 "How often it is done"},
	{NULL, "queries", "N", SETTING_WHOLE, offsetof(struct choices, queries), 1, 1e9, NULL,
	 "Questions of each kind in a round"},
	{NULL, "radius", "X", SETTING_REAL, offsetof(struct choices, radius), 0, 1e6, NULL,
	 "How far nearby and nearest reach; ranges are twice as wide and high"},
	{NULL, "moved", "X", SETTING_REAL, offsetof(struct choices, moved), 0, 1, NULL,
	 "Share of the entities that move in an update"},
	{NULL, "urgent", "X", SETTING_REAL, offsetof(struct choices, urgent), 0, 1, NULL,
	 "Share of the moves that are urgent: with batched updates their regions go first"},
	{NULL, "batch", "N", SETTING_WHOLE, offsetof(struct choices, batch), 1, SPATIAL_BATCH, NULL,
	 "Moves between two flushes, with batched updates"},
};

/* About normal, of variance 1: twelve uniform numbers, added. */
static float bell(struct random *random)
{
	float sum = -6;
	for (int i = 0; i < 12; i++)
		sum += random_unit(random);
	return sum;
}

static float inside(float coordinate, uint32_t side)
{
	return fminf(fmaxf(coordinate, 0), (float)side);
}

static void build(struct field *field)
{
	const struct parameters *world = &field->choices->engine.parameters;
	const float width = (float)world->width, height = (float)world->height;
	uint32_t count = field->choices->entities, centres = count / 10 ? count / 10 : 1;
	float *centre_x = allocate(centres, sizeof(float));
	float *centre_y = allocate(centres, sizeof(float));
	for (uint32_t i = 0; i < centres; i++) {
		centre_x[i] = random_unit(&field->random) * width;
		centre_y[i] = random_unit(&field->random) * height;
	}
	spatial_index_clear(&field->index);
	for (uint32_t i = 0; i < count; i++) {
		float x = random_unit(&field->random) * width;
		float y = random_unit(&field->random) * height;
		if (field->choices->spread == SPREAD_CLUSTERED) {
			uint32_t centre = random_below(&field->random, centres);
			x = inside(centre_x[centre] + bell(&field->random) * width / 100,
				   world->width);
			y = inside(centre_y[centre] + bell(&field->random) * height / 100,
				   world->height);
		}
		spatial_index_add(&field->index, x, y);
	}
	spatial_index_update(&field->index);
	field->builds++;
	free(centre_x);
	free(centre_y);
}

static uint32_t somebody(struct field *field)
{
	return random_below(&field->random, field->index.count);
}

static void ask_nearby(struct field *field)
{
	for (uint32_t i = 0; i < field->choices->queries; i++) {
		uint32_t id = somebody(field);
		for (uint32_t j = 0; j < field->indices.count; j++) {
			spatial_index_get_nearby(field->indices.named[j].index, field->index.x[id],
						 field->index.y[id], field->choices->radius,
						 &field->found);
			field->nearby++;
			field->nearby_found += field->found.count;
		}
	}
}

static bool is_another(const void *context, uint32_t id)
{
	return id != *(const uint32_t *)context;
}

static void ask_nearest(struct field *field)
{
	for (uint32_t i = 0; i < field->choices->queries; i++) {
		uint32_t id = somebody(field);
		struct spatial_filter another = {.accept = is_another, .context = &id};
		for (uint32_t j = 0; j < field->indices.count; j++) {
			field->nearest_asked++;
			field->nearest += spatial_index_get_nearest(
						  field->indices.named[j].index, field->index.x[id],
						  field->index.y[id], field->choices->radius,
						  &another) != SPATIAL_NONE;
		}
	}
}

static void ask_range(struct field *field)
{
	const float radius = field->choices->radius;
	for (uint32_t i = 0; i < field->choices->queries; i++) {
		uint32_t id = somebody(field);
		float left = field->index.x[id] - radius, top = field->index.y[id] - radius;
		for (uint32_t j = 0; j < field->indices.count; j++) {
			spatial_index_get_range(field->indices.named[j].index, left, top,
						2 * radius, 2 * radius, &field->found);
			field->range++;
			field->range_found += field->found.count;
		}
	}
}

static void update(struct field *field)
{
	const struct parameters *world = &field->choices->engine.parameters;
	uint32_t moves = (uint32_t)((float)field->index.count * field->choices->moved);
	for (uint32_t i = 0; i < moves; i++) {
		uint32_t id = somebody(field);
		float dx = 16 * random_unit(&field->random) - 8;
		float dy = 16 * random_unit(&field->random) - 8;
		bool urgent = random_chance(&field->urgency, field->choices->urgent);
		spatial_index_move_urgently(&field->index, id,
					    inside(field->index.x[id] + dx, world->width),
					    inside(field->index.y[id] + dy, world->height),
					    urgent ? SPATIAL_CRITICAL : SPATIAL_NORMAL);
		field->moves++;
		if ((i + 1) % field->choices->batch == 0)
			spatial_index_flush(&field->index, field->index.flush_moves);
	}
	spatial_index_update(&field->index);
}

static void run(struct field *field)
{
	static void (*const all[])(struct field *) = {
		[OPERATION_BUILD] = build,	   [OPERATION_NEARBY] = ask_nearby,
		[OPERATION_NEAREST] = ask_nearest, [OPERATION_RANGE] = ask_range,
		[OPERATION_UPDATE] = update,
	};
	const struct choices *choices = field->choices;
	if (choices->operation > OPERATION_BUILD)
		build(field);
	for (uint32_t round = 0; round < choices->rounds; round++)
		for (uint32_t operation = OPERATION_BUILD; operation <= OPERATION_UPDATE;
		     operation++)
			if (choices->operation == OPERATION_ALL || choices->operation == operation)
				all[operation](field);
}

/* The rules of options_effect.c are about the engine's options; this one is the driver's own. */
static void refuse_urgency_without_batches(const struct choices *choices)
{
	struct error error;
	if (choices->urgent == 0 ||
	    choices->engine.parameters.world.index_update == SPATIAL_BATCHED)
		return;
	fail(&error, -EINVAL,
	     "--urgent does nothing where no move waits; leave it out, or take --index-update "
	     "batched");
	driver_fail(&error);
}

int main(int argc, char **argv)
{
	static struct choices choices = {
		.entities = 1000,
		.rounds = 10,
		.queries = 1000,
		.batch = SPATIAL_BATCH,
		.radius = 50,
		.moved = 0.5F,
	};
	const struct driver driver = {
		.summary = "Keep a spatial index busy.\vEnds with counts of what was done.",
		.engine = engine_options,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
	};
	options_default(&choices.engine);
	choices.engine.parameters.learning.network = NETWORK_NONE;
	choices.engine.parameters.width = choices.engine.parameters.height = 1000;
	driver_parse(&driver, &choices, argc, argv);
	const struct parameters *parameters = &choices.engine.parameters;
	refuse_urgency_without_batches(&choices);
	struct field field = {.choices = &choices};
	random_seed(&field.random, parameters->seed, STREAM_PLACEMENT);
	random_seed(&field.urgency, parameters->seed, STREAM_AGENTS);
	spatial_index_init(&field.index, spatial_structures[parameters->world.index],
			   parameters->world.index_update);
	spatial_index_limit_flushes(&field.index, parameters->world.index_flush);
	spatial_service_register(&field.indices, "entities", &field.index);
	spatial_service_follow(&field.indices, "entities", parameters->world.more_indices,
			       parameters->world.index_update);
	run(&field);
	driver_count("entities", field.index.count);
	driver_count("indices", field.indices.count);
	driver_count("builds", field.builds);
	driver_count("rebuilds", field.index.rebuilds);
	driver_count("nearby queries", field.nearby);
	driver_count("nearby found", field.nearby_found);
	driver_count("nearest queries", field.nearest_asked);
	driver_count("nearest found", field.nearest);
	driver_count("range queries", field.range);
	driver_count("range found", field.range_found);
	driver_count("moves", field.moves);
	driver_count("batches", field.index.batches);
	driver_count("batched moves", field.index.batched_moves);
	driver_count("dirty regions", field.index.dirtied_regions);
	driver_count("dirty regions processed", field.index.batched_regions);
	driver_count("dirty regions preferred", field.index.preferred_regions);
	spatial_service_done(&field.indices);
	spatial_index_done(&field.index);
	spatial_found_done(&field.found);
	return driver_end();
}
