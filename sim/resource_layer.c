/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two ways from resources to their channel. */
#include "sim/resource_layer.h"

#include "sim/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int bilinear_open(struct resource_layer *layer, struct error *error)
{
	(void)layer;
	(void)error;
	return 0;
}

static void bilinear_close(struct resource_layer *layer)
{
	(void)layer;
}

static void bilinear_rebuild(struct resource_layer *layer, const struct resources *resources)
{
	(void)layer;
	(void)resources;
}

static void bilinear_take(struct resource_layer *layer, const struct resources *resources,
			  uint32_t id, float taken)
{
	(void)layer;
	(void)resources;
	(void)id;
	(void)taken;
}

static uint32_t bilinear_read(const struct resource_layer *layer, const struct resources *resources,
			      struct spatial_found *found, struct observation_view *view)
{
	(void)layer;
	const float reach = (float)view->radius + 1;
	spatial_index_get_range(&resources->index, (float)view->cell_x - reach,
				(float)view->cell_y - reach, 2 * reach, 2 * reach, found);
	for (size_t i = 0; i < found->count; i++) {
		uint32_t id = found->ids[i];
		observation_add_resource(view, resources->x[id], resources->y[id],
					 resources->amount[id] / resources->parameters.maximum);
	}
	return 4 * (uint32_t)found->count;
}

static size_t grid_bytes(const struct resource_layer *layer)
{
	return (size_t)layer->width * layer->height * sizeof(float);
}

/* A file of the given size that has no name any more; its descriptor or a negative errno. */
static int temporary_file(size_t bytes, struct error *error)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];
	if (!folder || !*folder)
		folder = "/tmp";
	if (snprintf(path, sizeof(path), "%s/sim-resources-XXXXXX", folder) >= (int)sizeof(path))
		return fail(error, -ENAMETOOLONG, "the path in TMPDIR is too long; shorten it");
	int file = mkstemp(path);
	if (file < 0)
		return fail(error, -errno,
			    "cannot make the resource layer's file in %s (%s); set TMPDIR to a "
			    "folder you may write to, or take --resource-layer bilinear",
			    folder, strerror(errno));
	unlink(path);
	int failed = posix_fallocate(file, 0, (off_t)bytes);
	if (!failed)
		return file;
	close(file);
	return fail(error, -failed,
		    "cannot reserve %.1f MB for the resource layer's file in %s (%s); set TMPDIR "
		    "to a folder with room, or take --resource-layer bilinear",
		    (double)bytes / 1e6, folder, strerror(failed));
}

static int memmap_open(struct resource_layer *layer, struct error *error)
{
	size_t bytes = grid_bytes(layer);
	int file = temporary_file(bytes, error);
	if (file < 0)
		return file;
	void *grid = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	int failed = errno;
	close(file);
	if (grid == MAP_FAILED)
		return fail(error, -failed,
			    "cannot map %.1f MB for the resource layer (%s); take "
			    "--resource-layer bilinear",
			    (double)bytes / 1e6, strerror(failed));
	layer->grid = grid;
	return 0;
}

static void memmap_close(struct resource_layer *layer)
{
	munmap(layer->grid, grid_bytes(layer));
}

/* The cell of a place; the far borders belong to the last cells. */
static float *grid_cell(const struct resource_layer *layer, const struct resources *resources,
			uint32_t id)
{
	int32_t column = observation_cell(resources->x[id]);
	int32_t row = observation_cell(resources->y[id]);
	column = column >= (int32_t)layer->width ? (int32_t)layer->width - 1 : column;
	row = row >= (int32_t)layer->height ? (int32_t)layer->height - 1 : row;
	return &layer->grid[(size_t)row * layer->width + (size_t)column];
}

/* Cells without a resource are 0 from the beginning: resources never move. */
static void memmap_rebuild(struct resource_layer *layer, const struct resources *resources)
{
	for (uint32_t id = 0; id < resources->count; id++)
		*grid_cell(layer, resources, id) = 0;
	for (uint32_t id = 0; id < resources->count; id++)
		*grid_cell(layer, resources, id) += resources->amount[id];
}

static void memmap_take(struct resource_layer *layer, const struct resources *resources,
			uint32_t id, float taken)
{
	float *cell = grid_cell(layer, resources, id);
	*cell = *cell > taken ? *cell - taken : 0;
}

static uint32_t memmap_read(const struct resource_layer *layer, const struct resources *resources,
			    struct spatial_found *found, struct observation_view *view)
{
	(void)found;
	const float maximum = resources->parameters.maximum;
	const int32_t side = 2 * view->radius + 1;
	int32_t first = view->cell_x - view->radius, begin = first < 0 ? 0 : first;
	int32_t end = first + side;
	end = end > (int32_t)layer->width ? (int32_t)layer->width : end;
	uint32_t rows = 0;
	for (int32_t row = 0; row < side; row++) {
		int32_t y = view->cell_y - view->radius + row;
		if (y < 0 || y >= (int32_t)layer->height)
			continue;
		const float *cells = &layer->grid[(size_t)y * layer->width];
		float *channel = &view->values[CHANNEL_RESOURCES][row * side];
		for (int32_t x = begin; x < end; x++) {
			float value = cells[x] / maximum;
			channel[x - first] = value < 1 ? value : 1;
		}
		rows++;
	}
	return rows * (uint32_t)(end - begin);
}

static const struct resource_layer_kind bilinear = {
	.name = "bilinear",
	.open = bilinear_open,
	.close = bilinear_close,
	.rebuild = bilinear_rebuild,
	.take = bilinear_take,
	.read = bilinear_read,
};

static const struct resource_layer_kind memmap = {
	.name = "memmap",
	.open = memmap_open,
	.close = memmap_close,
	.rebuild = memmap_rebuild,
	.take = memmap_take,
	.read = memmap_read,
};

const struct resource_layer_kind *const resource_layer_kinds[RESOURCE_LAYER_COUNT] = {
	[RESOURCE_LAYER_BILINEAR] = &bilinear,
	[RESOURCE_LAYER_MEMMAP] = &memmap,
};

int resource_layer_open(struct resource_layer *layer, enum resource_layer_variant variant,
			uint32_t width, uint32_t height, struct error *error)
{
	*layer = (struct resource_layer){
		.kind = resource_layer_kinds[variant],
		.width = width,
		.height = height,
	};
	return layer->kind->open(layer, error);
}

void resource_layer_close(struct resource_layer *layer)
{
	layer->kind->close(layer);
}
