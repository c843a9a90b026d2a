/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channels of one look: beginning, filling, completing, turning. */
#include "sim/observation.h"

#include <math.h>
#include <string.h>

enum {
	R = OBSERVATION_RADIUS,
	SIDE = OBSERVATION_SIDE,
	CENTRE = R * SIDE + R,
};

static const float NOTHING = 1e-6F;

int32_t observation_cell(float coordinate)
{
	return (int32_t)floorf(coordinate);
}

void observation_init(struct observation *observation, const struct observation_storage *storage,
		      float x, float y, uint32_t step)
{
	observation->cell_x = observation_cell(x);
	observation->cell_y = observation_cell(y);
	observation->step = step;
	storage->init(observation);
}

static int32_t clamp(int64_t value, int32_t limit)
{
	return value > limit ? limit : value < -limit ? -limit : (int32_t)value;
}

void observation_begin(struct observation *observation, const struct observation_storage *storage,
		       float x, float y, uint32_t step, float own_health_ratio, float *buffer,
		       struct observation_view *view)
{
	static const enum observation_channel cleared[] = {CHANNEL_ALLIES_HP, CHANNEL_ENEMIES_HP,
							   CHANNEL_RESOURCES, CHANNEL_GOAL};
	int32_t cell_x = observation_cell(x), cell_y = observation_cell(y);
	int32_t dx = clamp((int64_t)cell_x - observation->cell_x, SIDE);
	int32_t dy = clamp((int64_t)cell_y - observation->cell_y, SIDE);
	float *values = storage->open(observation, dx, dy, step - observation->step, buffer);
	observation->cell_x = cell_x;
	observation->cell_y = cell_y;
	observation->step = step;
	*view = (struct observation_view){
		.values = (float(*)[OBSERVATION_CELLS])values,
		.cell_x = cell_x,
		.cell_y = cell_y,
	};
	for (size_t i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
		memset(view->values[cleared[i]], 0, sizeof(view->values[0]));
	view->values[CHANNEL_SELF_HP][CENTRE] = own_health_ratio;
}

/* The cell of a place inside of the window, or NULL. */
static float *window_cell(struct observation_view *view, enum observation_channel channel, float x,
			  float y)
{
	int64_t column = (int64_t)observation_cell(x) - view->cell_x + R;
	int64_t row = (int64_t)observation_cell(y) - view->cell_y + R;
	if (column < 0 || column >= SIDE || row < 0 || row >= SIDE)
		return NULL;
	return &view->values[channel][row * SIDE + column];
}

void observation_add_agent(struct observation_view *view, float x, float y, bool ally,
			   float health_ratio)
{
	float *cell = window_cell(view, ally ? CHANNEL_ALLIES_HP : CHANNEL_ENEMIES_HP, x, y);
	if (cell && health_ratio > *cell)
		*cell = health_ratio;
}

void observation_add_goal(struct observation_view *view, float x, float y)
{
	float *cell = window_cell(view, CHANNEL_GOAL, x, y);
	if (cell)
		*cell = 1;
}

static void deposit(float *layer, int32_t column, int32_t row, float value)
{
	if (column >= 0 && column < SIDE && row >= 0 && row < SIDE)
		layer[row * SIDE + column] += value;
}

void observation_add_resource(struct observation_view *view, float x, float y, float value)
{
	float floor_x = floorf(x), floor_y = floorf(y);
	int32_t column = (int32_t)floor_x - view->cell_x + R;
	int32_t row = (int32_t)floor_y - view->cell_y + R;
	float fx = x - floor_x, fy = y - floor_y;
	float *layer = view->values[CHANNEL_RESOURCES];
	deposit(layer, column, row, value * (1 - fx) * (1 - fy));
	deposit(layer, column + 1, row, value * fx * (1 - fy));
	deposit(layer, column, row + 1, value * (1 - fx) * fy);
	deposit(layer, column + 1, row + 1, value * fx * fy);
}

/* The part of a window's side that lies inside of the world: cells 0 .. side - 1. */
static void inside(int32_t centre, uint32_t side, int *first, int *end)
{
	int64_t before = (int64_t)R - centre, behind = (int64_t)side - centre + R;
	*first = before > 0 ? (int)before : 0;
	*end = behind < SIDE ? (int)behind : SIDE;
}

/* KNOWN_EMPTY of cells side by side; with a constant count, by vector instructions. */
static inline __attribute__((always_inline)) void complete(struct observation_view *view, int first,
							   int count)
{
	const float *restrict allies = &view->values[CHANNEL_ALLIES_HP][first];
	const float *restrict enemies = &view->values[CHANNEL_ENEMIES_HP][first];
	const float *restrict resources = &view->values[CHANNEL_RESOURCES][first];
	const float *restrict obstacles = &view->values[CHANNEL_OBSTACLES][first];
	const float *restrict visibility = &view->values[CHANNEL_VISIBILITY][first];
	float *restrict known_empty = &view->values[CHANNEL_KNOWN_EMPTY][first];
	for (int i = 0; i < count; i++) {
		float content = allies[i] + enemies[i] + resources[i] + obstacles[i];
		float empty = content <= NOTHING ? 1 : 0;
		known_empty[i] = visibility[i] > 0 ? empty : known_empty[i];
	}
}

void observation_end(struct observation *observation, const struct observation_storage *storage,
		     const struct observation_world *world, struct observation_view *view)
{
	int first_column, end_column, first_row, end_row;
	inside(view->cell_x, world->width, &first_column, &end_column);
	inside(view->cell_y, world->height, &first_row, &end_row);
	if (end_column - first_column == SIDE && end_row - first_row == SIDE) {
		complete(view, 0, OBSERVATION_CELLS - 1);
		complete(view, OBSERVATION_CELLS - 1, 1);
	} else {
		for (int row = first_row; row < end_row; row++)
			complete(view, row * SIDE + first_column, end_column - first_column);
	}
	storage->close(observation, view);
}

/*
 * Facing east (one quarter turn), what lies east is to be above: the turned tensor's cell (row,
 * column) shows the world's cell (column, SIDE - 1 - row); the other turns follow by repetition.
 * So a cell's source begins somewhere and goes on by constant steps per row and per column.
 */
static const struct {
	int begin;
	int per_row;
	int per_column;
} turns[4] = {
	{0, SIDE, 1},
	{SIDE - 1, -1, SIDE},
	{OBSERVATION_CELLS - 1, -SIDE, -1},
	{OBSERVATION_CELLS - SIDE, 1, -SIDE},
};

void observation_rotate(const float *values, unsigned quarter_turns, float *turned)
{
	/* These look the same from all sides. */
	const unsigned symmetric = 1U << CHANNEL_SELF_HP | 1U << CHANNEL_OBSTACLES |
				   1U << CHANNEL_TERRAIN_COST | 1U << CHANNEL_VISIBILITY;
	const int begin = turns[quarter_turns].begin, per_row = turns[quarter_turns].per_row;
	const int per_column = turns[quarter_turns].per_column;
	for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
		const float *from = values + (ptrdiff_t)channel * OBSERVATION_CELLS;
		float *to = turned + (ptrdiff_t)channel * OBSERVATION_CELLS;
		if (symmetric & 1U << channel) {
			memcpy(to, from, OBSERVATION_CELLS * sizeof(*to));
			continue;
		}
		for (int row = 0; row < SIDE; row++) {
			const float *cell = from + begin + row * per_row;
#pragma GCC unroll 13
			for (int column = 0; column < SIDE; column++)
				to[row * SIDE + column] = cell[column * per_column];
		}
	}
}
