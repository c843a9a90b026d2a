/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resource_layer: how resources come into an observation. Two rows of functions.
 *
 *   bilinear  asks the index for what is around the window and spreads each amount over the four
 *             cells nearest to it
 *   memmap    reads the window from a grid of the world in a memory-mapped file: the amounts of a
 *             cell added up, in the cell that the resource lies in
 *
 * Both divide by the maximum of one resource. A cell of memmap ends at 1, as in the original, so
 * the two are different observations and a run's trace depends on the choice. The grid is exact at
 * every moment: taking from a resource is seen at once, growth rebuilds it.
 *
 * The file lies in $TMPDIR, else /tmp, 4 bytes a cell. Its space is reserved and its name removed
 * when it is opened, so a full disk is told then and nothing is left behind however the run ends.
 */
#pragma once

#include "sim/error.h"
#include "sim/observation.h"
#include "sim/parameters.h"
#include "sim/spatial/spatial_index.h"

struct resources;

struct resource_layer {
	const struct resource_layer_kind *kind;
	float *grid; /* memmap: sums of amounts by cell, row by row */
	uint32_t width;
	uint32_t height;
};

struct resource_layer_kind {
	const char *name;
	/* Returns 0 or a negative errno with the sentence. */
	int (*open)(struct resource_layer *layer, struct error *error);
	void (*close)(struct resource_layer *layer);
	/* All amounts may have changed. */
	void (*rebuild)(struct resource_layer *layer, const struct resources *resources);
	/* One resource has lost @taken. */
	void (*take)(struct resource_layer *layer, const struct resources *resources, uint32_t id,
		     float taken);
	/*
	 * Fills the RESOURCES channel of a view that observation_begin() has cleared. Returns how
	 * many cells that took: four for each resource, or those of the grid.
	 */
	uint32_t (*read)(const struct resource_layer *layer, const struct resources *resources,
			 struct spatial_found *found, struct observation_view *view);
};

/* By enum resource_layer_variant. */
extern const struct resource_layer_kind *const resource_layer_kinds[RESOURCE_LAYER_COUNT];

/*
 * Opens the layer of a world. Returns 0, or a negative errno with the sentence: no room for the
 * file, or no place where it may be written.
 */
int resource_layer_open(struct resource_layer *layer, enum resource_layer_variant variant,
			uint32_t width, uint32_t height, struct error *error);

void resource_layer_close(struct resource_layer *layer);
