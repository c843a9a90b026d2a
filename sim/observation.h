/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * observation: what one agent sees, 13 channels of the cells around it.
 *
 * A window reaches as many cells in each direction as the radius says: 13 x 13 cells with the usual
 * radius of 6. The tensor is values[channel][row y][column x], row-major, the agent's own cell in
 * the middle. An agent's cell is the floor of its position. Four kinds of channels:
 *
 *   instant     made new at each observation from what is there
 *   remembered  the agent's own: KNOWN_EMPTY, multiplied by its factor once per step however often
 *               one looks, and forgotten after 254 steps (0.0059)
 *   field       read from the world's fields (sim/field.h), where it fades once per step
 *   constant    never changes
 *
 * What is remembered keeps its place in the world: when the agent has moved by whole cells, the
 * channel is shifted against the movement and what enters the window is unknown (0).
 *
 * What an agent keeps between two observations is its storage, one of two rows of functions. Both
 * give the same tensor, bit by bit:
 *
 *   dense   the whole tensor; 8788 bytes an agent with the usual radius, nothing to unpack
 *   sparse  the age of what is remembered, one byte a cell; 169 bytes an agent then, the tensor is
 *           made in a buffer that all agents of a thread share
 *
 * This file knows no agents and no index: what is seen is handed in, one entity at a time, between
 * observation_begin() and observation_end(). No allocation; about 4,000 instructions an observation
 * (callgrind), without those of the entities in it.
 */
#pragma once

#include "sim/parameters.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With the usual radius, and the most there may be. */
enum {
	OBSERVATION_RADIUS = PARAMETERS_RADIUS,
	OBSERVATION_SIDE = 2 * OBSERVATION_RADIUS + 1,
	OBSERVATION_CELLS = OBSERVATION_SIDE * OBSERVATION_SIDE,
	OBSERVATION_SIDE_MAXIMUM = 2 * PARAMETERS_RADIUS_MAXIMUM + 1,
	OBSERVATION_CELLS_MAXIMUM = OBSERVATION_SIDE_MAXIMUM * OBSERVATION_SIDE_MAXIMUM,
};

enum observation_channel {
	CHANNEL_SELF_HP,      /* instant: own health ratio at the centre */
	CHANNEL_ALLIES_HP,    /* instant: health ratio of the healthiest agent of the own type */
	CHANNEL_ENEMIES_HP,   /* instant: the same of another type */
	CHANNEL_RESOURCES,    /* instant: amount / maximum, by the resource layer's rule */
	CHANNEL_OBSTACLES,    /* constant: this world has none */
	CHANNEL_TERRAIN_COST, /* constant: this world is flat */
	CHANNEL_VISIBILITY,   /* constant: 1 inside the disk of the radius */
	CHANNEL_KNOWN_EMPTY,  /* remembered, 0.98: 1 where nothing is, fading since it was last seen
			       */
	CHANNEL_DAMAGE_HEAT,  /* field, 0.85 */
	CHANNEL_TRAILS,	      /* field, 0.90 */
	CHANNEL_ALLY_SIGNAL,  /* field, 0.92 */
	CHANNEL_GOAL,	      /* instant: 1 at the nearest resource that is not empty */
	CHANNEL_LANDMARKS,    /* field, 1 */
	CHANNEL_COUNT,
};

#define OBSERVATION_LENGTH ((size_t)CHANNEL_COUNT * OBSERVATION_CELLS)

/* Cells of a channel. */
static inline size_t observation_cells(uint32_t radius)
{
	return (size_t)(2 * radius + 1) * (2 * radius + 1);
}

/* Floats of a tensor. */
static inline size_t observation_length(uint32_t radius)
{
	return CHANNEL_COUNT * observation_cells(radius);
}

/* What one agent keeps. Made by observation_storage's bytes; the memory's layout is the storage's.
 */
struct observation {
	int32_t cell_x; /* cell of the window's centre */
	int32_t cell_y;
	uint32_t step; /* of the last observation */
	alignas(float) unsigned char memory[];
};

/* The tensor being filled. Valid until the buffer is used again or the agent looks again. */
struct observation_view {
	float *values[CHANNEL_COUNT]; /* each channel's cells; the first has the others behind it */
	int32_t cell_x;		      /* of the window's centre */
	int32_t cell_y;
	int32_t radius;
};

struct observation_storage {
	const char *name;
	uint32_t radius;
	size_t bytes; /* of an agent's struct observation with its memory */
	void (*init)(struct observation *observation, uint32_t radius);
	/*
	 * Fades what is remembered by @steps, moves it by a cell offset, and gives the tensor that
	 * holds it in KNOWN_EMPTY, with VISIBILITY filled. @buffer has room for one.
	 */
	float *(*open)(struct observation *observation, uint32_t radius, int32_t dx, int32_t dy,
		       uint32_t steps, float *buffer);
	/* Takes what is to be remembered back from the tensor. */
	void (*close)(struct observation *observation, const struct observation_view *view);
	/* Writes what is remembered, a float a cell, for those who compare states. */
	void (*remembered)(const struct observation *observation, uint32_t radius,
			   float *known_empty);
};

/* Of the usual radius. */
extern const struct observation_storage observation_dense;
extern const struct observation_storage observation_sparse;

/* By enum observation_variant. */
extern const struct observation_storage *const observation_storages[OBSERVATION_VARIANT_COUNT];

/* The same of another radius, 1 to PARAMETERS_RADIUS_MAXIMUM. */
struct observation_storage observation_storage_of(enum observation_variant variant,
						  uint32_t radius);

/* What surrounds the window. */
struct observation_world {
	uint32_t width;
	uint32_t height;
};

/* Makes a view of a tensor, observation_length() floats, around a cell. */
void observation_lay(struct observation_view *view, uint32_t radius, float *tensor, int32_t cell_x,
		     int32_t cell_y);

/* Nothing seen and nothing remembered, at a position and a step. */
void observation_init(struct observation *observation, const struct observation_storage *storage,
		      float x, float y, uint32_t step);

/*
 * Starts an observation from a position: what is remembered fades (if the step is a new one) and
 * shifts (if the cell is another one), instant channels are cleared. Field channels are left to
 * the caller, who fills each of them completely.
 *
 * @buffer  observation_length() floats with any content; must live as long as @view is used
 */
void observation_begin(struct observation *observation, const struct observation_storage *storage,
		       float x, float y, uint32_t step, float own_health_ratio, float *buffer,
		       struct observation_view *view);

/* Another agent; outside the window it is not seen. Of several in a cell the healthiest shows. */
void observation_add_agent(struct observation_view *view, float x, float y, bool ally,
			   float health_ratio);

/*
 * A resource: its value is spread over the four cells around it, by distance. What falls outside of
 * the window is dropped, so that the layer's sum is the mass inside of the window, no more. Sums
 * are floating point: the order of the calls is part of the result.
 */
void observation_add_resource(struct observation_view *view, float x, float y, float value);

/* The place the agent heads for; outside the window it does not show. */
void observation_add_goal(struct observation_view *view, float x, float y);

/*
 * Completes KNOWN_EMPTY: in the visible cells inside of the world it becomes 1 where no agent, no
 * resource and no obstacle shows (sum <= 1e-6), and 0 where one does.
 */
void observation_end(struct observation *observation, const struct observation_storage *storage,
		     const struct observation_world *world, struct observation_view *view);

/*
 * Turns a tensor so that what lies ahead is above the centre.
 *
 * @quarter_turns  clockwise from north, which is towards row 0: 0 to 3
 * @turned         receives as many floats as @values has; not @values
 */
void observation_rotate(const float *values, uint32_t radius, unsigned quarter_turns,
			float *turned);

/* The cell of a coordinate. */
int32_t observation_cell(float coordinate);
