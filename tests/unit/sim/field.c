/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields against a plain array; fading; borders. */
#include "sim/field.h"

#include "sim/random.h"

#include <criterion/criterion.h>

enum {
	WIDTH = 50,
	HEIGHT = 37,
};

static struct fields fields;

static void make(void)
{
	fields_init(&fields, WIDTH, HEIGHT);
}

static void drop(void)
{
	fields_done(&fields);
}

TestSuite(field, .init = make, .fini = drop);

static float plain[FIELD_COUNT][HEIGHT][WIDTH];

static void expect_window(unsigned layer, int32_t x, int32_t y, uint32_t radius)
{
	float window[OBSERVATION_CELLS_MAXIMUM];
	const int32_t reach = (int32_t)radius, side = 2 * reach + 1;
	fields_read(&fields, layer, x, y, radius, window);
	for (int32_t i = 0; i < side * side; i++) {
		int32_t column = x - reach + i % side, row = y - reach + i / side;
		bool in = column >= 0 && column < WIDTH && row >= 0 && row < HEIGHT;
		cr_assert_eq(window[i], in ? plain[layer][row][column] : 0, "radius %u at %d %d",
			     radius, x, y);
	}
}

Test(field, windows_show_what_a_plain_array_holds)
{
	struct random random;
	random_seed(&random, 11, 1);
	for (int i = 0; i < 300; i++) {
		uint32_t layer = random_below(&random, FIELD_COUNT);
		uint32_t x = random_below(&random, WIDTH), y = random_below(&random, HEIGHT);
		plain[layer][y][x] = random_unit(&random) + 0.5F;
		fields_raise(&fields, layer, (float)x + 0.25F, (float)y + 0.75F,
			     plain[layer][y][x]);
		plain[layer][y][x] = fields_at(&fields, layer, (int32_t)x, (int32_t)y);
		cr_assert_geq(plain[layer][y][x], 0.5F);
	}
	for (int32_t y = -10; y < HEIGHT + 10; y++)
		for (int32_t x = -10; x < WIDTH + 10; x++)
			for (unsigned layer = 0; layer < FIELD_COUNT; layer++)
				expect_window(layer, x, y, OBSERVATION_RADIUS);
	for (uint32_t radius = 1; radius <= PARAMETERS_RADIUS_MAXIMUM; radius++)
		for (int32_t y = -21; y < HEIGHT + 21; y += 3)
			for (int32_t x = -22; x < WIDTH + 22; x += 4)
				expect_window(FIELD_TRAILS, x, y, radius);
}

Test(field, layers_fade_by_their_factors_and_landmarks_stay)
{
	static const float factors[FIELD_COUNT] = {0.85F, 0.90F, 1, 0.92F, 0.92F, 0.92F};
	for (unsigned layer = 0; layer < FIELD_COUNT; layer++)
		fields_raise(&fields, layer, 20, 20, 1);
	fields_fade(&fields);
	fields_fade(&fields);
	for (unsigned layer = 0; layer < FIELD_COUNT; layer++)
		cr_assert_eq(fields_at(&fields, layer, 20, 20), factors[layer] * factors[layer]);
}

Test(field, what_has_faded_is_gone_with_its_tile)
{
	fields_raise(&fields, FIELD_TRAILS, 5, 5, 1);
	fields_raise(&fields, FIELD_LANDMARKS, 40, 30, 0.5F);
	cr_assert_eq(fields.present_count, 2);
	for (int step = 0; step < 131; step++)
		fields_fade(&fields);
	cr_assert_gt(fields_at(&fields, FIELD_TRAILS, 5, 5), 1e-6F);
	fields_fade(&fields);
	cr_assert_eq(fields_at(&fields, FIELD_TRAILS, 5, 5), 0);
	cr_assert_eq(fields.present_count, 1);
	cr_assert_eq(fields_at(&fields, FIELD_LANDMARKS, 40, 30), 0.5F);
	fields_raise(&fields, FIELD_TRAILS, 5, 5, 1);
	cr_assert_eq(fields_at(&fields, FIELD_TRAILS, 5, 5), 1);
}

Test(field, raising_keeps_the_higher_and_adding_ends_at_one)
{
	fields_raise(&fields, FIELD_LANDMARKS, 1, 1, 0.5F);
	fields_raise(&fields, FIELD_LANDMARKS, 1, 1, 0.25F);
	cr_assert_eq(fields_at(&fields, FIELD_LANDMARKS, 1, 1), 0.5F);
	fields_add(&fields, FIELD_DAMAGE_HEAT, 1, 1, 0.5F);
	fields_add(&fields, FIELD_DAMAGE_HEAT, 1, 1, 0.25F);
	cr_assert_eq(fields_at(&fields, FIELD_DAMAGE_HEAT, 1, 1), 0.75F);
	fields_add(&fields, FIELD_DAMAGE_HEAT, 1, 1, 0.5F);
	cr_assert_eq(fields_at(&fields, FIELD_DAMAGE_HEAT, 1, 1), 1);
}

Test(field, the_far_border_is_in_the_last_cell)
{
	fields_raise(&fields, FIELD_TRAILS, WIDTH, HEIGHT, 1);
	cr_assert_eq(fields_at(&fields, FIELD_TRAILS, WIDTH - 1, HEIGHT - 1), 1);
}
