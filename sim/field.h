/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * field: what happened where; the part of an observation that outlives the moment.
 *
 * One value per cell of the world and layer. Producers are the actions; whoever looks reads the
 * window around its cell. All layers fade once per step, in fields_fade(), however often they are
 * read; what falls below 1e-6 is gone.
 *
 *   damage heat  0.85  where somebody was hit: damage as a share of the starting health, added up
 *                      to at most 1
 *   trails       0.90  cells that somebody moved into: 1
 *   landmarks    1     where somebody gathered: the largest amount as a share of the most one can
 *   ally signal  0.92  one layer per agent type: 1 where one of the type was hit, its call for help
 *
 * Cells are kept in tiles of 16 x 16 that exist only while something is in them. Memory: 6 KB per
 * tile with something in it and 8 bytes per tile of the world. fields_fade() costs about 1 us per
 * tile, fields_read() 70 ns per layer (of the usual radius). Reading from several threads is safe,
 * writing is not.
 */
#pragma once

#include "sim/agent.h"
#include "sim/observation.h"

#include <stdint.h>

enum field_layer {
	FIELD_DAMAGE_HEAT,
	FIELD_TRAILS,
	FIELD_LANDMARKS,
	FIELD_ALLY_SIGNAL, /* + enum agent_type */
	FIELD_COUNT = FIELD_ALLY_SIGNAL + TYPE_COUNT,
};

enum {
	FIELD_TILE_SIDE = 16,
	FIELD_TILE_CELLS = FIELD_TILE_SIDE * FIELD_TILE_SIDE,
};

/* Rows may be read 12 floats beyond their end, so that every copy has one constant length. */
struct field_tile {
	float values[FIELD_COUNT * FIELD_TILE_CELLS + FIELD_TILE_SIDE];
	uint32_t filled; /* bit per layer that is not all zero */
	uint32_t place;	 /* in the array of the world's tiles */
};

struct fields {
	uint32_t width; /* cells */
	uint32_t height;
	uint32_t columns; /* tiles */
	uint32_t rows;
	struct field_tile **tiles; /* NULL where nothing is */
	struct field_tile **present;
	uint32_t present_count;
	uint32_t present_capacity;
};

/* Fields of a world of whole cells, all 0. */
void fields_init(struct fields *fields, uint32_t width, uint32_t height);

void fields_done(struct fields *fields);

/* Raises a place's value to @value if it is lower. A place on the far border is in the last cell.
 */
void fields_raise(struct fields *fields, unsigned layer, float x, float y, float value);

/* Adds to a place's value, up to 1. */
void fields_add(struct fields *fields, unsigned layer, float x, float y, float value);

/* One step's fading. */
void fields_fade(struct fields *fields);

/* A place's value; 0 outside of the world. */
float fields_at(const struct fields *fields, unsigned layer, int32_t cell_x, int32_t cell_y);

/* fields_read() of some layers, a bit for each, around this cell will follow soon. */
void fields_prefetch(const struct fields *fields, unsigned layers, int32_t cell_x, int32_t cell_y,
		     uint32_t radius);

/* The window around a cell, observation_cells() floats, row by row; 0 outside of the world. */
void fields_read(const struct fields *fields, unsigned layer, int32_t cell_x, int32_t cell_y,
		 uint32_t radius, float *window);
