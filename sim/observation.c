/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channels of one look: beginning, filling, completing, turning. */
#include "sim/observation.h"

#include <math.h>
#include <string.h>

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
	storage->init(observation, storage->radius);
}

static int32_t clamp(int64_t value, int32_t limit)
{
	return value > limit ? limit : value < -limit ? -limit : (int32_t)value;
}

void observation_lay(struct observation_view *view, uint32_t radius, float *tensor, int32_t cell_x,
		     int32_t cell_y)
{
	size_t cells = observation_cells(radius);
	*view = (struct observation_view){
		.cell_x = cell_x, .cell_y = cell_y, .radius = (int32_t)radius};
	for (size_t i = 0; i < CHANNEL_COUNT; i++)
		view->values[i] = tensor + i * cells;
}

void observation_begin(struct observation *observation, const struct observation_storage *storage,
		       float x, float y, uint32_t step, float own_health_ratio, float *buffer,
		       struct observation_view *view)
{
	static const enum observation_channel cleared[] = {CHANNEL_ALLIES_HP, CHANNEL_ENEMIES_HP,
							   CHANNEL_RESOURCES, CHANNEL_GOAL};
	int32_t cell_x = observation_cell(x), cell_y = observation_cell(y);
	int32_t side = 2 * (int32_t)storage->radius + 1;
	int32_t dx = clamp((int64_t)cell_x - observation->cell_x, side);
	int32_t dy = clamp((int64_t)cell_y - observation->cell_y, side);
	float *values = storage->open(observation, storage->radius, dx, dy,
				      step - observation->step, buffer);
	observation->cell_x = cell_x;
	observation->cell_y = cell_y;
	observation->step = step;
	observation_lay(view, storage->radius, values, cell_x, cell_y);
	size_t cells = observation_cells(storage->radius);
	for (size_t i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
		memset(view->values[cleared[i]], 0, cells * sizeof(float));
	view->values[CHANNEL_SELF_HP][cells / 2] = own_health_ratio;
}

/* The cell of a place inside of the window, or NULL. */
static float *window_cell(struct observation_view *view, enum observation_channel channel, float x,
			  float y)
{
	int64_t side = 2 * view->radius + 1;
	int64_t column = (int64_t)observation_cell(x) - view->cell_x + view->radius;
	int64_t row = (int64_t)observation_cell(y) - view->cell_y + view->radius;
	if (column < 0 || column >= side || row < 0 || row >= side)
		return NULL;
	return &view->values[channel][row * side + column];
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

static void deposit(float *layer, int32_t side, int32_t column, int32_t row, float value)
{
	if (column >= 0 && column < side && row >= 0 && row < side)
		layer[row * side + column] += value;
}

void observation_add_resource(struct observation_view *view, float x, float y, float value)
{
	float floor_x = floorf(x), floor_y = floorf(y);
	int32_t column = (int32_t)floor_x - view->cell_x + view->radius;
	int32_t row = (int32_t)floor_y - view->cell_y + view->radius;
	float fx = x - floor_x, fy = y - floor_y;
	float *layer = view->values[CHANNEL_RESOURCES];
	int32_t side = 2 * view->radius + 1;
	deposit(layer, side, column, row, value * (1 - fx) * (1 - fy));
	deposit(layer, side, column + 1, row, value * fx * (1 - fy));
	deposit(layer, side, column, row + 1, value * (1 - fx) * fy);
	deposit(layer, side, column + 1, row + 1, value * fx * fy);
}

/* The part of a window's side that lies inside of the world: cells 0 .. side - 1. */
static void inside(int32_t centre, int32_t radius, uint32_t side, int *first, int *end)
{
	int64_t before = (int64_t)radius - centre, behind = (int64_t)side - centre + radius;
	*first = before > 0 ? (int)before : 0;
	*end = behind < 2 * radius + 1 ? (int)behind : 2 * radius + 1;
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
	const int side = 2 * view->radius + 1;
	inside(view->cell_x, view->radius, world->width, &first_column, &end_column);
	inside(view->cell_y, view->radius, world->height, &first_row, &end_row);
	bool whole = end_column - first_column == side && end_row - first_row == side;
	if (whole && side == OBSERVATION_SIDE) {
		complete(view, 0, OBSERVATION_CELLS - 1);
		complete(view, OBSERVATION_CELLS - 1, 1);
	} else if (whole) {
		complete(view, 0, side * side);
	} else {
		for (int row = first_row; row < end_row; row++)
			complete(view, row * side + first_column, end_column - first_column);
	}
	storage->close(observation, view);
}

/*
 * Facing east (one quarter turn), what lies east is to be above: the turned tensor's cell (row,
 * column) shows the world's cell (column, SIDE - 1 - row); the other turns follow by repetition.
 * So a cell's source begins somewhere and goes on by constant steps per row and per column.
 */
static inline __attribute__((always_inline)) void rotate(const float *values, int side,
							 unsigned quarter_turns, float *turned)
{
	const int cells = side * side;
	const struct {
		int begin;
		int per_row;
		int per_column;
	} turns[4] = {
		{0, side, 1},
		{side - 1, -1, side},
		{cells - 1, -side, -1},
		{cells - side, 1, -side},
	};
	/* These look the same from all sides. */
	const unsigned symmetric = 1U << CHANNEL_SELF_HP | 1U << CHANNEL_OBSTACLES |
				   1U << CHANNEL_TERRAIN_COST | 1U << CHANNEL_VISIBILITY;
	const int begin = turns[quarter_turns].begin, per_row = turns[quarter_turns].per_row;
	const int per_column = turns[quarter_turns].per_column;
	for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
		const float *from = values + (ptrdiff_t)channel * cells;
		float *to = turned + (ptrdiff_t)channel * cells;
		if (symmetric & 1U << channel) {
			memcpy(to, from, (size_t)cells * sizeof(*to));
			continue;
		}
		for (int row = 0; row < side; row++) {
			const float *cell = from + begin + row * per_row;
#pragma GCC unroll 13
			for (int column = 0; column < side; column++)
				to[row * side + column] = cell[column * per_column];
		}
	}
}

/* With a constant side the inner loops are straight code. */
void observation_rotate(const float *values, uint32_t radius, unsigned quarter_turns, float *turned)
{
	if (radius == OBSERVATION_RADIUS)
		rotate(values, OBSERVATION_SIDE, quarter_turns, turned);
	else
		rotate(values, 2 * (int)radius + 1, quarter_turns, turned);
}
