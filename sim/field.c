/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiles: found, filled, faded, read. */
#include "sim/field.h"

#include "sim/allocate.h"

#include <stdlib.h>
#include <string.h>

enum {
	R = OBSERVATION_RADIUS,
	SIDE = OBSERVATION_SIDE,
	TILE = FIELD_TILE_SIDE,
};

static const float GONE = 1e-6F;

static const float fading[FIELD_COUNT] = {
	[FIELD_DAMAGE_HEAT] = 0.85F,
	[FIELD_TRAILS] = 0.90F,
	[FIELD_LANDMARKS] = 1,
	[FIELD_ALLY_SIGNAL... FIELD_COUNT - 1] = 0.92F,
};

static const struct field_tile nothing;

void fields_init(struct fields *fields, uint32_t width, uint32_t height)
{
	*fields = (struct fields){
		.width = width,
		.height = height,
		.columns = (width + TILE - 1) / TILE,
		.rows = (height + TILE - 1) / TILE,
	};
	fields->tiles =
		allocate((size_t)fields->columns * fields->rows, sizeof(struct field_tile *));
}

void fields_done(struct fields *fields)
{
	for (uint32_t i = 0; i < fields->present_count; i++)
		free(fields->present[i]);
	free(fields->present);
	free(fields->tiles);
}

static struct field_tile *add_tile(struct fields *fields, uint32_t place)
{
	if (fields->present_count == fields->present_capacity) {
		fields->present_capacity =
			fields->present_capacity ? 2 * fields->present_capacity : 16;
		fields->present = reallocate(fields->present, fields->present_capacity,
					     sizeof(struct field_tile *));
	}
	struct field_tile *tile = allocate(1, sizeof(*tile));
	tile->place = place;
	fields->tiles[place] = tile;
	fields->present[fields->present_count++] = tile;
	return tile;
}

static uint32_t cell_of(float coordinate, uint32_t side)
{
	return coordinate >= (float)side ? side - 1 : (uint32_t)coordinate;
}

static float *cell_for_writing(struct fields *fields, unsigned layer, float x, float y)
{
	uint32_t column = cell_of(x, fields->width), row = cell_of(y, fields->height);
	uint32_t place = row / TILE * fields->columns + column / TILE;
	struct field_tile *tile = fields->tiles[place];
	if (!tile)
		tile = add_tile(fields, place);
	tile->filled |= 1U << layer;
	return &tile->values[layer * FIELD_TILE_CELLS + row % TILE * TILE + column % TILE];
}

void fields_raise(struct fields *fields, unsigned layer, float x, float y, float value)
{
	float *cell = cell_for_writing(fields, layer, x, y);
	if (*cell < value)
		*cell = value;
}

void fields_add(struct fields *fields, unsigned layer, float x, float y, float value)
{
	float *cell = cell_for_writing(fields, layer, x, y);
	*cell = *cell + value > 1 ? 1 : *cell + value;
}

/* Returns false if nothing is left. */
static bool fade_cells(float *values, float factor)
{
	float most = 0;
	for (int i = 0; i < FIELD_TILE_CELLS; i++) {
		float faded = values[i] * factor;
		faded = faded < GONE ? 0 : faded;
		values[i] = faded;
		most = faded > most ? faded : most;
	}
	return most > 0;
}

static bool fade_tile(struct field_tile *tile)
{
	for (unsigned layer = 0; layer < FIELD_COUNT; layer++)
		if (fading[layer] < 1 && tile->filled & 1U << layer &&
		    !fade_cells(&tile->values[layer * FIELD_TILE_CELLS], fading[layer]))
			tile->filled &= ~(1U << layer);
	return tile->filled != 0;
}

void fields_fade(struct fields *fields)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < fields->present_count; i++) {
		struct field_tile *tile = fields->present[i];
		if (fade_tile(tile)) {
			fields->present[kept++] = tile;
		} else {
			fields->tiles[tile->place] = NULL;
			free(tile);
		}
	}
	fields->present_count = kept;
}

/* The tile that holds a cell, numbered from the world's corner; an empty one outside. */
static const struct field_tile *tile_at(const struct fields *fields, int32_t column, int32_t row)
{
	if (column < 0 || row < 0 || column >= (int32_t)fields->columns ||
	    row >= (int32_t)fields->rows)
		return &nothing;
	const struct field_tile *tile =
		fields->tiles[(size_t)row * fields->columns + (uint32_t)column];
	return tile ? tile : &nothing;
}

/* Rounds down, for negative cells too. */
static int32_t tile_of(int32_t cell)
{
	return cell >= 0 ? cell / TILE : -((TILE - 1 - cell) / TILE);
}

float fields_at(const struct fields *fields, unsigned layer, int32_t cell_x, int32_t cell_y)
{
	const struct field_tile *tile = tile_at(fields, tile_of(cell_x), tile_of(cell_y));
	int32_t column = cell_x - tile_of(cell_x) * TILE, row = cell_y - tile_of(cell_y) * TILE;
	return tile->values[(int32_t)layer * FIELD_TILE_CELLS + row * TILE + column];
}

/* A row of a layer in a tile is one line of the cache. */
void fields_prefetch(const struct fields *fields, unsigned layers, int32_t cell_x, int32_t cell_y,
		     uint32_t radius)
{
	const int32_t reach = (int32_t)radius, last = tile_of(cell_x + reach);
	for (int32_t row = cell_y - reach; row <= cell_y + reach; row++)
		for (int32_t column = tile_of(cell_x - reach); column <= last; column++) {
			const struct field_tile *tile = tile_at(fields, column, tile_of(row));
			const float *values = &tile->values[(row - tile_of(row) * TILE) * TILE];
			for (unsigned left = layers; left; left &= left - 1)
				__builtin_prefetch(&values[__builtin_ctz(left) * FIELD_TILE_CELLS]);
		}
}

/* Piece by piece of what lies in one row of a tile. */
static void read_any(const struct fields *fields, unsigned layer, int32_t left, int32_t top,
		     int32_t side, float *window)
{
	for (int32_t y = top; y < top + side; y++) {
		int32_t row = tile_of(y), count;
		for (int32_t x = left; x < left + side; x += count, window += count) {
			int32_t column = tile_of(x), first = x - column * TILE;
			const struct field_tile *tile = tile_at(fields, column, row);
			count = TILE - first < left + side - x ? TILE - first : left + side - x;
			memcpy(window,
			       &tile->values[(int32_t)layer * FIELD_TILE_CELLS +
					     (y - row * TILE) * TILE + first],
			       (size_t)count * sizeof(float));
		}
	}
}

/*
 * With the usual radius, a row of the window lies in one tile or in two. Always a whole row is
 * copied from the left one and then, where that one ends, a whole row from the right one; the next
 * row overwrites what went too far.
 */
static void read_usual(const struct fields *fields, unsigned layer, int32_t cell_x, int32_t cell_y,
		       float *window)
{
	const size_t row_bytes = SIDE * sizeof(float);
	float rows[OBSERVATION_CELLS + SIDE];
	int32_t left = cell_x - R, column = tile_of(left), first = left - column * TILE;
	int32_t split = TILE - first;
	for (int row = 0; row < SIDE;) {
		int32_t y = cell_y - R + row, tile_row = tile_of(y);
		const struct field_tile *before = tile_at(fields, column, tile_row);
		const struct field_tile *behind =
			split < SIDE ? tile_at(fields, column + 1, tile_row) : &nothing;
		for (y -= tile_row * TILE; y < TILE && row < SIDE; y++, row++) {
			int32_t offset = (int32_t)layer * FIELD_TILE_CELLS + y * TILE;
			memcpy(rows + row * SIDE, before->values + offset + first, row_bytes);
			if (split < SIDE)
				memcpy(rows + row * SIDE + split, behind->values + offset,
				       row_bytes);
		}
	}
	memcpy(window, rows, OBSERVATION_CELLS * sizeof(float));
}

void fields_read(const struct fields *fields, unsigned layer, int32_t cell_x, int32_t cell_y,
		 uint32_t radius, float *window)
{
	int32_t reach = (int32_t)radius;
	if (radius == OBSERVATION_RADIUS)
		read_usual(fields, layer, cell_x, cell_y, window);
	else
		read_any(fields, layer, cell_x - reach, cell_y - reach, 2 * reach + 1, window);
}
