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
	FORGOTTEN = 255, /* age of what is not known */
};

static const float FADING = 0.98F;

static float powers[FORGOTTEN + 1]; /* by age; what is forgotten is 0 */
static float disks[PARAMETERS_RADIUS_MAXIMUM + 1][OBSERVATION_CELLS_MAXIMUM]; /* by radius */

static void make_disk(float *disk, int radius)
{
	for (int dy = -radius; dy <= radius; dy++)
		for (int dx = -radius; dx <= radius; dx++)
			*disk++ = dx * dx + dy * dy <= radius * radius ? 1 : 0;
}

/* Made before main, so that threads find them there. */
__attribute__((constructor)) static void make_tables(void)
{
	powers[0] = 1;
	for (int age = 1; age < FORGOTTEN; age++)
		powers[age] = powers[age - 1] * FADING;
	for (int radius = 1; radius <= PARAMETERS_RADIUS_MAXIMUM; radius++)
		make_disk(disks[radius], radius);
}

/* The part of a row that stays in a window moved by dx, and where it comes from. */
static int kept_columns(int side, int32_t dx, int *first)
{
	int end = dx > 0 ? side - dx : side;
	*first = dx < 0 ? -dx : 0;
	return end > *first ? end - *first : 0;
}

/* The cell that was at (column + dx, row + dy) is at (column, row) now; others become @unknown. */
static void shift(unsigned char *cells, uint32_t radius, size_t bytes, int32_t dx, int32_t dy,
		  int unknown)
{
	unsigned char before[OBSERVATION_CELLS_MAXIMUM * sizeof(float)];
	const size_t all = observation_cells(radius) * bytes;
	const int side = 2 * (int)radius + 1;
	memcpy(before, cells, all);
	memset(cells, unknown, all);
	int first, count = kept_columns(side, dx, &first);
	for (int row = 0; row < side; row++) {
		int from = row + dy;
		if (from >= 0 && from < side && count > 0)
			memcpy(cells + (size_t)(row * side + first) * bytes,
			       before + (size_t)(from * side + first + dx) * bytes,
			       (size_t)count * bytes);
	}
}

static float *dense_values(struct observation *observation)
{
	return (float *)(void *)observation->memory;
}

static void dense_init(struct observation *observation, uint32_t radius)
{
	const size_t cells = observation_cells(radius);
	float *values = dense_values(observation);
	memset(values, 0, CHANNEL_COUNT * cells * sizeof(*values));
	memcpy(values + CHANNEL_VISIBILITY * cells, disks[radius], cells * sizeof(*values));
}

static float *dense_open(struct observation *observation, uint32_t radius, int32_t dx, int32_t dy,
			 uint32_t steps, float *buffer)
{
	(void)buffer;
	const size_t cells = observation_cells(radius);
	float *values = dense_values(observation);
	float *known_empty = values + CHANNEL_KNOWN_EMPTY * cells;
	if (dx != 0 || dy != 0)
		shift((unsigned char *)known_empty, radius, sizeof(float), dx, dy, 0);
	for (; steps > 0; steps--)
		for (size_t i = 0; i < cells; i++) {
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

static void dense_remembered(const struct observation *observation, uint32_t radius,
			     float *known_empty)
{
	const size_t bytes = observation_cells(radius) * sizeof(float);
	memcpy(known_empty, observation->memory + CHANNEL_KNOWN_EMPTY * bytes, bytes);
}

const struct observation_storage observation_dense = {
	.name = "dense",
	.radius = OBSERVATION_RADIUS,
	.bytes = sizeof(struct observation) + OBSERVATION_LENGTH * sizeof(float),
	.init = dense_init,
	.open = dense_open,
	.close = dense_close,
	.remembered = dense_remembered,
};

static void sparse_init(struct observation *observation, uint32_t radius)
{
	memset(observation->memory, FORGOTTEN, observation_cells(radius));
}

static void sparse_remembered(const struct observation *observation, uint32_t radius,
			      float *known_empty)
{
	for (size_t i = 0; i < observation_cells(radius); i++)
		known_empty[i] = powers[observation->memory[i]];
}

/* These two are straight code where the radius is a constant. */
static inline __attribute__((always_inline)) float *
unpack(struct observation *observation, uint32_t radius, uint32_t steps, float *buffer)
{
	const size_t cells = observation_cells(radius), bytes = cells * sizeof(float);
	uint8_t *ages = observation->memory;
	uint8_t older = steps < FORGOTTEN ? (uint8_t)steps : FORGOTTEN;
	for (size_t i = 0; older > 0 && i < cells; i++)
		ages[i] = ages[i] > FORGOTTEN - older ? FORGOTTEN : (uint8_t)(ages[i] + older);
	memset(buffer + CHANNEL_SELF_HP * cells, 0, bytes);
	memset(buffer + CHANNEL_OBSTACLES * cells, 0, bytes);
	memset(buffer + CHANNEL_TERRAIN_COST * cells, 0, bytes);
	memcpy(buffer + CHANNEL_VISIBILITY * cells, disks[radius], bytes);
	float *known_empty = buffer + CHANNEL_KNOWN_EMPTY * cells;
	for (size_t i = 0; i < cells; i++)
		known_empty[i] = powers[ages[i]];
	return buffer;
}

static inline __attribute__((always_inline)) void pack(uint8_t *ages, const float *known_empty,
						       size_t cells)
{
	for (size_t i = 0; i < cells; i++) {
		uint8_t age = known_empty[i] < 1 ? ages[i] : 0;
		ages[i] = known_empty[i] > 0 ? age : FORGOTTEN;
	}
}

static float *sparse_open(struct observation *observation, uint32_t radius, int32_t dx, int32_t dy,
			  uint32_t steps, float *buffer)
{
	if (dx != 0 || dy != 0)
		shift(observation->memory, radius, 1, dx, dy, FORGOTTEN);
	if (radius == OBSERVATION_RADIUS)
		return unpack(observation, OBSERVATION_RADIUS, steps, buffer);
	return unpack(observation, radius, steps, buffer);
}

/* Only what is visible can have changed, and only to what is there now or to nothing. */
static void sparse_close(struct observation *observation, const struct observation_view *view)
{
	const float *known_empty = view->values[CHANNEL_KNOWN_EMPTY];
	if (view->radius == OBSERVATION_RADIUS)
		pack(observation->memory, known_empty, OBSERVATION_CELLS);
	else
		pack(observation->memory, known_empty, observation_cells((uint32_t)view->radius));
}

const struct observation_storage observation_sparse = {
	.name = "sparse",
	.radius = OBSERVATION_RADIUS,
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

struct observation_storage observation_storage_of(enum observation_variant variant, uint32_t radius)
{
	struct observation_storage storage = *observation_storages[variant];
	bool dense = variant == OBSERVATION_DENSE;
	storage.radius = radius;
	storage.bytes =
		sizeof(struct observation) +
		(dense ? observation_length(radius) * sizeof(float) : observation_cells(radius));
	return storage;
}
