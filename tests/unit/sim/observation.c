/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each channel; the bilinear layer against tent functions; what is remembered. */
#include "sim/observation.h"

#include "sim/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum {
	SIDE = OBSERVATION_SIDE,
	R = OBSERVATION_RADIUS
};

static const struct observation_world wide = {.width = 1000, .height = 1000};
/* Every test runs with both storages: the second half of its name. */
static const struct observation_storage *storage;
static struct observation *memory;
static struct observation_view seen;
static float buffer[OBSERVATION_LENGTH];

/* The cell at an offset from the centre. */
static float cell(enum observation_channel channel, int dx, int dy)
{
	return seen.values[channel][(R + dy) * SIDE + R + dx];
}

static double sum(enum observation_channel channel)
{
	double total = 0;
	for (int i = 0; i < OBSERVATION_CELLS; i++)
		total += seen.values[channel][i];
	return total;
}

static void begin(float x, float y, uint32_t step)
{
	/* Whatever the buffer holds, it must not be seen. */
	for (size_t i = 0; i < OBSERVATION_LENGTH; i++)
		buffer[i] = -1;
	observation_begin(memory, storage, x, y, step, 0.75F, buffer, &seen);
}

static void end(const struct observation_world *world)
{
	observation_end(memory, storage, world, &seen);
}

static void look(float x, float y, uint32_t step)
{
	begin(x, y, step);
	end(&wide);
}

static void start_at(float x, float y)
{
	free(memory);
	memory = malloc(storage->bytes);
	observation_init(memory, storage, x, y, 0);
}

static void start_dense(void)
{
	storage = &observation_dense;
	start_at(100.5F, 100.5F);
}

static void start_sparse(void)
{
	storage = &observation_sparse;
	start_at(100.5F, 100.5F);
}

static void drop(void)
{
	free(memory);
}

TestSuite(observation_dense, .init = start_dense, .fini = drop);
TestSuite(observation_sparse, .init = start_sparse, .fini = drop);

#define ObservationTest(name)                                                                      \
	static void name(void);                                                                    \
	Test(observation_dense, name)                                                              \
	{                                                                                          \
		name();                                                                            \
	}                                                                                          \
	Test(observation_sparse, name)                                                             \
	{                                                                                          \
		name();                                                                            \
	}                                                                                          \
	static void name(void)

ObservationTest(self_hp_is_at_the_centre_alone)
{
	look(100.5F, 100.5F, 0);
	cr_assert_eq(cell(CHANNEL_SELF_HP, 0, 0), 0.75F);
	cr_assert_eq(sum(CHANNEL_SELF_HP), 0.75);
}

ObservationTest(visibility_is_a_disk_of_113_cells)
{
	look(100.5F, 100.5F, 0);
	cr_assert_eq(sum(CHANNEL_VISIBILITY), 113);
	cr_assert_eq(cell(CHANNEL_VISIBILITY, 6, 0), 1);
	cr_assert_eq(cell(CHANNEL_VISIBILITY, 4, 4), 1);
	cr_assert_eq(cell(CHANNEL_VISIBILITY, 5, 4), 0);
	cr_assert_eq(cell(CHANNEL_VISIBILITY, -6, -1), 0);
}

ObservationTest(allies_and_enemies_are_in_their_cells_and_the_healthiest_shows)
{
	begin(100.5F, 100.5F, 0);
	observation_add_agent(&seen, 102.9F, 99.1F, true, 0.25F);
	observation_add_agent(&seen, 102.1F, 99.9F, true, 0.5F);
	observation_add_agent(&seen, 102.2F, 99.5F, true, 0.125F);
	observation_add_agent(&seen, 94, 106.9F, false, 1);
	observation_add_agent(&seen, 93.9F, 100, false, 1); /* one cell beyond the window */
	observation_add_agent(&seen, 100, 107, true, 1);
	cr_assert_eq(cell(CHANNEL_ALLIES_HP, 2, -1), 0.5F);
	cr_assert_eq(sum(CHANNEL_ALLIES_HP), 0.5);
	cr_assert_eq(cell(CHANNEL_ENEMIES_HP, -6, 6), 1);
	cr_assert_eq(sum(CHANNEL_ENEMIES_HP), 1);
}

ObservationTest(instant_channels_forget)
{
	begin(100.5F, 100.5F, 0);
	observation_add_agent(&seen, 101, 101, true, 1);
	observation_add_agent(&seen, 101, 101, false, 1);
	observation_add_resource(&seen, 101, 101, 1);
	look(100.5F, 100.5F, 0);
	cr_assert_eq(sum(CHANNEL_ALLIES_HP), 0);
	cr_assert_eq(sum(CHANNEL_ENEMIES_HP), 0);
	cr_assert_eq(sum(CHANNEL_RESOURCES), 0);
}

ObservationTest(channels_without_a_producer_are_zero)
{
	static const enum observation_channel silent[] = {
		CHANNEL_OBSTACLES,
		CHANNEL_TERRAIN_COST,
		CHANNEL_GOAL,
	};
	look(100.5F, 100.5F, 0);
	look(103.5F, 100.5F, 1);
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		cr_assert_eq(sum(silent[i]), 0);
}

/* How much of a unit mass at @place falls on the lattice point @point: a tent of width 2. */
static double tent(double place, double point)
{
	double away = fabs(place - point);
	return away < 1 ? 1 - away : 0;
}

ObservationTest(resources_are_spread_like_tents_and_dropped_outside)
{
	struct random random;
	random_seed(&random, 3, 1);
	for (int run = 0; run < 20; run++) {
		double expected[OBSERVATION_CELLS] = {0};
		begin(100.5F, 100.5F, 0);
		for (int i = 0; i < 40; i++) {
			float x = 90 + 21 * random_unit(&random);
			float y = 90 + 21 * random_unit(&random);
			float value = random_unit(&random);
			observation_add_resource(&seen, x, y, value);
			for (int j = 0; j < OBSERVATION_CELLS; j++) {
				int column = j % SIDE, row = j / SIDE;
				expected[j] +=
					value * tent(x, 100 - R + column) * tent(y, 100 - R + row);
			}
		}
		for (int j = 0; j < OBSERVATION_CELLS; j++)
			cr_assert_float_eq(seen.values[CHANNEL_RESOURCES][j], expected[j], 1e-4);
	}
}

ObservationTest(mass_inside_of_the_window_is_conserved)
{
	struct random random;
	random_seed(&random, 4, 1);
	double mass = 0;
	begin(100.5F, 100.5F, 0);
	for (int i = 0; i < 100; i++) {
		float value = random_unit(&random);
		observation_add_resource(&seen, 94 + 12 * random_unit(&random),
					 94 + 12 * random_unit(&random), value);
		mass += value;
	}
	cr_assert_float_eq(sum(CHANNEL_RESOURCES), mass, 1e-3);
}

ObservationTest(mass_beyond_the_border_is_dropped_not_folded)
{
	begin(100.5F, 100.5F, 0);
	observation_add_resource(&seen, 106.25F, 100, 1);
	cr_assert_float_eq(cell(CHANNEL_RESOURCES, 6, 0), 0.75, 1e-6);
	cr_assert_float_eq(sum(CHANNEL_RESOURCES), 0.75, 1e-6);
	observation_add_resource(&seen, 93.5F, 94, 1);
	cr_assert_float_eq(cell(CHANNEL_RESOURCES, -6, -6), 0.5, 1e-6);
	observation_add_resource(&seen, 107, 100, 1);
	observation_add_resource(&seen, 50, 50, 1);
	cr_assert_float_eq(sum(CHANNEL_RESOURCES), 1.25, 1e-6);
}

ObservationTest(known_empty_is_the_disk_without_what_is_there)
{
	begin(100.5F, 100.5F, 0);
	observation_add_agent(&seen, 101, 100, false, 1);
	observation_add_resource(&seen, 98, 100, 0.5F);
	end(&wide);
	cr_assert_eq(sum(CHANNEL_KNOWN_EMPTY), 111);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 1, 0), 0);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, -2, 0), 0);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 0, 0), 1);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 6, 6), 0);
}

ObservationTest(known_empty_ends_at_the_world_s_border)
{
	struct observation_world small = {.width = 10, .height = 8};
	start_at(0.5F, 7.5F);
	begin(0.5F, 7.5F, 0);
	end(&small);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, -1, 0), 0);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 0, 1), 0);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 0, 0), 1);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 6, 0), 1);
}

ObservationTest(what_is_remembered_moves_with_the_world_and_fades_once_a_step)
{
	look(100.5F, 100.5F, 0);
	begin(103.5F, 100.5F, 1);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, -6, 0), 0.98F); /* was 3 west of the agent */
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 3, 0), 0.98F);  /* was 6 east: the disk's edge */
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, 4, 0), 0);      /* was beyond */
	begin(103.5F, 102.5F, 1);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, -6, -2), 0.98F); /* the same step: no fading */
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, -6, 2), 0.98F);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, -6, 5), 0);
	begin(103.5F, 102.5F, 3);
	cr_assert_float_eq(cell(CHANNEL_KNOWN_EMPTY, -6, -2), 0.98 * 0.98 * 0.98, 1e-6);
}

ObservationTest(three_looks_in_a_step_fade_once)
{
	look(100.5F, 100.5F, 0);
	for (int i = 0; i < 3; i++)
		look(100.5F + 8, 100.5F, 1);
	cr_assert_eq(cell(CHANNEL_KNOWN_EMPTY, -6, 2), 0.98F); /* visible before, not any more */
}

ObservationTest(a_long_way_leaves_nothing_remembered)
{
	look(100.5F, 100.5F, 0);
	begin(900, 5, 0);
	cr_assert_eq(sum(CHANNEL_KNOWN_EMPTY), 0);
}

Test(observation_dense, a_radius_says_how_far_one_sees)
{
	for (uint32_t radius = 1; radius <= PARAMETERS_RADIUS_MAXIMUM; radius++) {
		struct observation_storage far = observation_storage_of(OBSERVATION_DENSE, radius);
		struct observation *own = malloc(far.bytes);
		const int32_t reach = (int32_t)radius, side = 2 * reach + 1;
		observation_init(own, &far, 100.5F, 100.5F, 0);
		observation_begin(own, &far, 100.5F, 100.5F, 0, 1, NULL, &seen);
		observation_add_agent(&seen, 100.5F + (float)reach, 100.5F, true, 0.5F);
		observation_add_agent(&seen, 101.5F + (float)reach, 100.5F, true, 1);
		observation_end(own, &far, &wide, &seen);
		cr_assert_eq(seen.values[CHANNEL_SELF_HP][reach * side + reach], 1);
		cr_assert_eq(seen.values[CHANNEL_ALLIES_HP][reach * side + side - 1], 0.5F);
		cr_assert_eq(seen.values[CHANNEL_KNOWN_EMPTY][reach * side], 1);
		cr_assert_eq(seen.values[CHANNEL_KNOWN_EMPTY][reach * side + side - 1], 0);
		cr_assert_eq(seen.values[CHANNEL_VISIBILITY][0], 0);
		free(own);
	}
}
