/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both storages on one life: the same tensors, bit by bit. */
#include "sim/observation.h"
#include "sim/random.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct life {
	const struct observation_storage *storage;
	struct observation *memory;
	struct observation_view view;
	float buffer[OBSERVATION_LENGTH];
};

static const struct observation_world world = {.width = 60, .height = 50};

static void look(struct life *life, struct random random, float x, float y, uint32_t step)
{
	observation_begin(life->memory, life->storage, x, y, step, 0.5F, life->buffer, &life->view);
	for (int i = 0; i < 6; i++) {
		float other_x = x - 8 + random_unit(&random) * 16;
		float other_y = y - 8 + random_unit(&random) * 16;
		observation_add_agent(&life->view, other_x, other_y, i % 2, random_unit(&random));
		observation_add_resource(&life->view, other_y, other_x, random_unit(&random));
	}
	observation_add_goal(&life->view, x + 1, y);
	memset(life->view.values[CHANNEL_DAMAGE_HEAT], 0, sizeof(life->view.values[0]));
	memset(life->view.values[CHANNEL_TRAILS], 0, sizeof(life->view.values[0]));
	memset(life->view.values[CHANNEL_ALLY_SIGNAL], 0, sizeof(life->view.values[0]));
	memset(life->view.values[CHANNEL_LANDMARKS], 0, sizeof(life->view.values[0]));
	observation_end(life->memory, life->storage, &world, &life->view);
}

static void start(struct life *life, const struct observation_storage *storage)
{
	life->storage = storage;
	life->memory = malloc(storage->bytes);
	observation_init(life->memory, storage, 30, 25, 0);
}

Test(observation_storage, dense_and_sparse_give_the_same_tensor)
{
	static struct life dense, sparse;
	float dense_known[OBSERVATION_CELLS], sparse_known[OBSERVATION_CELLS];
	struct random random;
	float x = 30, y = 25;
	uint32_t step = 0;
	int partly_faded = 0;
	random_seed(&random, 9, 1);
	start(&dense, &observation_dense);
	start(&sparse, &observation_sparse);
	for (int i = 0; i < 3000; i++) {
		x = random_below(&random, 4) ? x : random_unit(&random) * 12 + 24;
		y = random_below(&random, 4) ? y : random_unit(&random) * 12 + 19;
		step += random_below(&random, 50) ? random_below(&random, 3)
						  : 240U + (uint32_t)i % 20;
		look(&dense, random, x, y, step);
		look(&sparse, random, x, y, step);
		random_next(&random);
		cr_assert_eq(memcmp(dense.view.values, sparse.view.values,
				    OBSERVATION_LENGTH * sizeof(float)),
			     0, "look %d", i);
		dense.storage->remembered(dense.memory, dense_known);
		sparse.storage->remembered(sparse.memory, sparse_known);
		cr_assert_eq(memcmp(dense_known, sparse_known, sizeof(dense_known)), 0);
		for (int j = 0; j < OBSERVATION_CELLS; j++)
			partly_faded += dense_known[j] > 0 && dense_known[j] < 0.5F;
	}
	cr_assert_gt(partly_faded, 100);
	free(dense.memory);
	free(sparse.memory);
}

Test(observation_storage, sparse_is_a_fiftieth_of_dense)
{
	cr_assert_leq(observation_sparse.bytes, 184);
	cr_assert_geq(observation_dense.bytes, OBSERVATION_LENGTH * sizeof(float));
}

/* The cell of a turned tensor that shows what lies (dx, dy) from the agent. */
static float turned_cell(int dx, int dy, unsigned turns, int column, int row)
{
	static float values[OBSERVATION_LENGTH], turned[OBSERVATION_LENGTH];
	int centre = OBSERVATION_RADIUS;
	memset(values, 0, sizeof(values));
	for (int channel = 0; channel < CHANNEL_COUNT; channel++)
		values[channel * OBSERVATION_CELLS + (centre + dy) * OBSERVATION_SIDE + centre +
		       dx] = (float)channel + 1;
	observation_rotate(values, turns, turned);
	/* Channels that are symmetric in every observation are copied. */
	for (int channel = 0; channel < CHANNEL_COUNT; channel++)
		if (channel != CHANNEL_SELF_HP && channel != CHANNEL_OBSTACLES &&
		    channel != CHANNEL_TERRAIN_COST && channel != CHANNEL_VISIBILITY)
			cr_assert_eq(turned[channel * OBSERVATION_CELLS + row * OBSERVATION_SIDE +
					    column],
				     (float)channel + 1);
	return turned[CHANNEL_ALLIES_HP * OBSERVATION_CELLS + row * OBSERVATION_SIDE + column] - 1;
}

Test(observation_storage, what_lies_ahead_is_above_the_centre)
{
	int centre = OBSERVATION_RADIUS;
	cr_assert_eq(turned_cell(0, -4, 0, centre, centre - 4), 1); /* north, facing north */
	cr_assert_eq(turned_cell(4, 0, 1, centre, centre - 4), 1);  /* east, facing east */
	cr_assert_eq(turned_cell(0, 4, 2, centre, centre - 4), 1);
	cr_assert_eq(turned_cell(-4, 0, 3, centre, centre - 4), 1);
	/* South lies to the right of who faces east, and north to the right of who faces west. */
	cr_assert_eq(turned_cell(0, 2, 1, centre + 2, centre), 1);
	cr_assert_eq(turned_cell(0, -2, 3, centre + 2, centre), 1);
	cr_assert_eq(turned_cell(1, 3, 2, centre - 1, centre - 3), 1);
}
