/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an agent keeps between two observations: the whole tensor, or a byte a cell.
 *
 * What is remembered is 1 when it is seen and multiplied by 0.98 in each step, so its value is its
 * age; a table of the powers, made by the same multiplications that the dense storage does, gives
 * the same floats.
 */
#include "sim/observation.h"

#include <string.h>

enum {
	R = OBSERVATION_RADIUS,
	SIDE = OBSERVATION_SIDE,
	FORGOTTEN = 255, /* age of what is not known */
};

static const float FADING = 0.98F;

static float powers[FORGOTTEN + 1]; /* by age; what is forgotten is 0 */
static float disk[OBSERVATION_CELLS];

/* Made before main, so that threads find them there. */
__attribute__((constructor)) static void make_tables(void)
{
	powers[0] = 1;
	for (int age = 1; age < FORGOTTEN; age++)
		powers[age] = powers[age - 1] * FADING;
	for (int dy = -R; dy <= R; dy++)
		for (int dx = -R; dx <= R; dx++)
			disk[(dy + R) * SIDE + dx + R] = dx * dx + dy * dy <= R * R ? 1 : 0;
}

/* The part of a row that stays in a window moved by dx, and where it comes from. */
static int kept_columns(int32_t dx, int *first)
{
	int end = dx > 0 ? SIDE - dx : SIDE;
	*first = dx < 0 ? -dx : 0;
	return end > *first ? end - *first : 0;
}

/* The cell that was at (column + dx, row + dy) is at (column, row) now; others become @unknown. */
static void shift(unsigned char *cells, size_t bytes, int32_t dx, int32_t dy, int unknown)
{
	unsigned char before[OBSERVATION_CELLS * sizeof(float)];
	memcpy(before, cells, OBSERVATION_CELLS * bytes);
	memset(cells, unknown, OBSERVATION_CELLS * bytes);
	int first, count = kept_columns(dx, &first);
	for (int row = 0; row < SIDE; row++) {
		int from = row + dy;
		if (from >= 0 && from < SIDE && count > 0)
			memcpy(cells + (size_t)(row * SIDE + first) * bytes,
			       before + (size_t)(from * SIDE + first + dx) * bytes,
			       (size_t)count * bytes);
	}
}

static float *dense_values(struct observation *observation)
{
	return (float *)(void *)observation->memory;
}

static void dense_init(struct observation *observation)
{
	float *values = dense_values(observation);
	memset(values, 0, OBSERVATION_LENGTH * sizeof(*values));
	memcpy(values + CHANNEL_VISIBILITY * OBSERVATION_CELLS, disk, sizeof(disk));
}

static float *dense_open(struct observation *observation, int32_t dx, int32_t dy, uint32_t steps,
			 float *buffer)
{
	(void)buffer;
	float *values = dense_values(observation);
	float *known_empty = values + CHANNEL_KNOWN_EMPTY * OBSERVATION_CELLS;
	if (dx != 0 || dy != 0)
		shift((unsigned char *)known_empty, sizeof(float), dx, dy, 0);
	for (; steps > 0; steps--)
		for (int i = 0; i < OBSERVATION_CELLS; i++) {
			float faded = known_empty[i] * FADING;
			known_empty[i] = faded < powers[FORGOTTEN - 1] ? 0 : faded;
		}
	return values;
}

static void dense_close(struct observation *observation, const struct observation_view *view)
{
	(void)observation;
	(void)view;
}

static void dense_remembered(const struct observation *observation, float *known_empty)
{
	memcpy(known_empty,
	       observation->memory + CHANNEL_KNOWN_EMPTY * OBSERVATION_CELLS * sizeof(float),
	       OBSERVATION_CELLS * sizeof(float));
}

const struct observation_storage observation_dense = {
	.name = "dense",
	.bytes = sizeof(struct observation) + OBSERVATION_LENGTH * sizeof(float),
	.init = dense_init,
	.open = dense_open,
	.close = dense_close,
	.remembered = dense_remembered,
};

static void sparse_init(struct observation *observation)
{
	memset(observation->memory, FORGOTTEN, OBSERVATION_CELLS);
}

static void sparse_remembered(const struct observation *observation, float *known_empty)
{
	for (int i = 0; i < OBSERVATION_CELLS; i++)
		known_empty[i] = powers[observation->memory[i]];
}

static float *sparse_open(struct observation *observation, int32_t dx, int32_t dy, uint32_t steps,
			  float *buffer)
{
	uint8_t *ages = observation->memory;
	if (dx != 0 || dy != 0)
		shift(ages, sizeof(*ages), dx, dy, FORGOTTEN);
	uint8_t older = steps < FORGOTTEN ? (uint8_t)steps : FORGOTTEN;
	for (int i = 0; older > 0 && i < OBSERVATION_CELLS; i++)
		ages[i] = ages[i] > FORGOTTEN - older ? FORGOTTEN : (uint8_t)(ages[i] + older);
	memset(buffer + CHANNEL_SELF_HP * OBSERVATION_CELLS, 0, sizeof(disk));
	memset(buffer + CHANNEL_OBSTACLES * OBSERVATION_CELLS, 0, sizeof(disk));
	memset(buffer + CHANNEL_TERRAIN_COST * OBSERVATION_CELLS, 0, sizeof(disk));
	memcpy(buffer + CHANNEL_VISIBILITY * OBSERVATION_CELLS, disk, sizeof(disk));
	sparse_remembered(observation, buffer + CHANNEL_KNOWN_EMPTY * OBSERVATION_CELLS);
	return buffer;
}

/* Only what is visible can have changed, and only to what is there now or to nothing. */
static void sparse_close(struct observation *observation, const struct observation_view *view)
{
	const float *known_empty = view->values[CHANNEL_KNOWN_EMPTY];
	uint8_t *ages = observation->memory;
	for (int i = 0; i < OBSERVATION_CELLS; i++) {
		uint8_t age = known_empty[i] < 1 ? ages[i] : 0;
		ages[i] = known_empty[i] > 0 ? age : FORGOTTEN;
	}
}

const struct observation_storage observation_sparse = {
	.name = "sparse",
	.bytes = sizeof(struct observation) + OBSERVATION_CELLS,
	.init = sparse_init,
	.open = sparse_open,
	.close = sparse_close,
	.remembered = sparse_remembered,
};

const struct observation_storage *const observation_storages[OBSERVATION_VARIANT_COUNT] = {
	[OBSERVATION_DENSE] = &observation_dense,
	[OBSERVATION_SPARSE] = &observation_sparse,
};
