/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both storages on one life: the same tensors, bit by bit. */
#include "sim/observation.h"
#include "sim/random.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct life {
	struct observation_storage storage;
	struct observation *memory;
	struct observation_view view;
	float buffer[CHANNEL_COUNT * OBSERVATION_CELLS_MAXIMUM];
};

static const struct observation_world world = {.width = 60, .height = 50};

static void look(struct life *life, struct random random, float x, float y, uint32_t step)
{
	observation_begin(life->memory, &life->storage, x, y, step, 0.5F, life->buffer,
			  &life->view);
	for (int i = 0; i < 6; i++) {
		float other_x = x - 8 + random_unit(&random) * 16;
		float other_y = y - 8 + random_unit(&random) * 16;
		observation_add_agent(&life->view, other_x, other_y, i % 2, random_unit(&random));
		observation_add_resource(&life->view, other_y, other_x, random_unit(&random));
	}
	observation_add_goal(&life->view, x + 1, y);
	static const enum observation_channel fields[] = {CHANNEL_DAMAGE_HEAT, CHANNEL_TRAILS,
							  CHANNEL_ALLY_SIGNAL, CHANNEL_LANDMARKS};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		memset(life->view.values[fields[i]], 0,
		       observation_cells(life->storage.radius) * sizeof(float));
	observation_end(life->memory, &life->storage, &world, &life->view);
}

static void start(struct life *life, enum observation_variant variant, uint32_t radius)
{
	life->storage = observation_storage_of(variant, radius);
	life->memory = malloc(life->storage.bytes);
	observation_init(life->memory, &life->storage, 30, 25, 0);
}

/* Returns how many remembered cells were half faded or more. */
static int expect_same_tensors(uint32_t radius, int looks)
{
	static struct life dense, sparse;
	static float dense_known[OBSERVATION_CELLS_MAXIMUM];
	static float sparse_known[OBSERVATION_CELLS_MAXIMUM];
	const size_t cells = observation_cells(radius);
	struct random random;
	float x = 30, y = 25;
	uint32_t step = 0;
	int partly_faded = 0;
	random_seed(&random, 9, 1);
	start(&dense, OBSERVATION_DENSE, radius);
	start(&sparse, OBSERVATION_SPARSE, radius);
	for (int i = 0; i < looks; i++) {
		x = random_below(&random, 4) ? x : random_unit(&random) * 12 + 24;
		y = random_below(&random, 4) ? y : random_unit(&random) * 12 + 19;
		step += random_below(&random, 50) ? random_below(&random, 3)
						  : 240U + (uint32_t)i % 20;
		look(&dense, random, x, y, step);
		look(&sparse, random, x, y, step);
		random_next(&random);
		cr_assert_eq(memcmp(dense.view.values[0], sparse.view.values[0],
				    observation_length(radius) * sizeof(float)),
			     0, "radius %u, look %d", radius, i);
		dense.storage.remembered(dense.memory, radius, dense_known);
		sparse.storage.remembered(sparse.memory, radius, sparse_known);
		cr_assert_eq(memcmp(dense_known, sparse_known, cells * sizeof(float)), 0);
		for (size_t j = 0; j < cells; j++)
			partly_faded += dense_known[j] > 0 && dense_known[j] < 0.5F;
	}
	free(dense.memory);
	free(sparse.memory);
	return partly_faded;
}

Test(observation_storage, dense_and_sparse_give_the_same_tensor)
{
	cr_assert_gt(expect_same_tensors(OBSERVATION_RADIUS, 3000), 100);
}

Test(observation_storage, dense_and_sparse_give_the_same_tensor_with_every_radius)
{
	for (uint32_t radius = 1; radius <= PARAMETERS_RADIUS_MAXIMUM; radius++)
		expect_same_tensors(radius, 200);
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
	observation_rotate(values, OBSERVATION_RADIUS, turns, turned);
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

Test(observation_storage, four_quarter_turns_are_none_and_one_takes_the_east_to_the_top)
{
	static float before[CHANNEL_COUNT * OBSERVATION_CELLS_MAXIMUM];
	static float after[CHANNEL_COUNT * OBSERVATION_CELLS_MAXIMUM], again[sizeof(after)];
	for (uint32_t radius = 1; radius <= PARAMETERS_RADIUS_MAXIMUM; radius++) {
		const uint32_t side = 2 * radius + 1;
		const size_t bytes = observation_length(radius) * sizeof(float);
		float *allies = after + CHANNEL_ALLIES_HP * observation_cells(radius);
		for (size_t i = 0; i < observation_length(radius); i++)
			before[i] = (float)i;
		observation_rotate(before, radius, 1, after);
		for (uint32_t i = 0; i < side; i++)
			cr_assert_eq(allies[i], (float)(CHANNEL_ALLIES_HP * side * side + i * side +
							side - 1));
		observation_rotate(after, radius, 2, again);
		observation_rotate(again, radius, 1, after);
		cr_assert_eq(memcmp(before, after, bytes), 0, "radius %u", radius);
	}
}
