/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The grid: cells, chains of blocks, queries by rectangles and rings of cells. */
#include "sim/spatial/spatial_hash.h"

#include "sim/allocate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_ITEMS = 4,
	ITEMS_PER_CELL = 2,
	GROWTH = 4, /* entities, as a multiple of those built from, that make a new grid */
	GROWTH_MINIMUM = 64,
};

/*
 * Only the last block of a chain has free places, and it is the first one: the cell's own block
 * holds the newest, full ones follow. Free places have x NAN.
 */
struct block {
	float x[BLOCK_ITEMS];
	float y[BLOCK_ITEMS];
	uint32_t ids[BLOCK_ITEMS];
	uint32_t count;
	uint32_t next; /* block, 0 for none: block 0 is a cell's own and follows nobody */
	uint32_t unused[2];
};

struct spatial_hash {
	struct block *blocks; /* the cells' own ones first, then those that follow */
	uint32_t block_count;
	uint32_t block_capacity;
	uint32_t spare; /* chain of blocks that nobody uses */
	uint32_t columns;
	uint32_t rows;
	float left;
	float top;
	float side;
	float per_side; /* 1 / side */
	uint32_t count;
	uint32_t built;
};

static void *spatial_hash_create(void)
{
	struct spatial_hash *hash = allocate(1, sizeof(*hash));
	hash->blocks = allocate(1, sizeof(*hash->blocks));
	hash->block_count = hash->block_capacity = 1;
	hash->columns = hash->rows = 1;
	hash->side = hash->per_side = 1;
	return hash;
}

static void spatial_hash_free(void *pointer)
{
	struct spatial_hash *hash = pointer;
	free(hash->blocks);
	free(hash);
}

/* Monotonic: of two coordinates the greater one is never in the lower cell. */
static uint32_t cell_of(float coordinate, float start, float per_side, uint32_t count)
{
	float cell = (coordinate - start) * per_side;
	if (!(cell > 0))
		return 0;
	return cell >= (float)count ? count - 1 : (uint32_t)cell;
}

static uint32_t column_of(const struct spatial_hash *hash, float x)
{
	return cell_of(x, hash->left, hash->per_side, hash->columns);
}

static uint32_t row_of(const struct spatial_hash *hash, float y)
{
	return cell_of(y, hash->top, hash->per_side, hash->rows);
}

static uint32_t cell_at(const struct spatial_hash *hash, float x, float y)
{
	return row_of(hash, y) * hash->columns + column_of(hash, x);
}

static uint32_t take_block(struct spatial_hash *hash)
{
	uint32_t taken = hash->spare;
	if (taken) {
		hash->spare = hash->blocks[taken].next;
		return taken;
	}
	if (hash->block_count == hash->block_capacity) {
		hash->block_capacity += hash->block_capacity / 2 + 16;
		hash->blocks =
			reallocate(hash->blocks, hash->block_capacity, sizeof(*hash->blocks));
	}
	return hash->block_count++;
}

static void put(struct spatial_hash *hash, uint32_t cell, uint32_t id, float x, float y)
{
	if (hash->blocks[cell].count == BLOCK_ITEMS) {
		uint32_t full = take_block(hash);
		hash->blocks[full] = hash->blocks[cell];
		hash->blocks[cell].count = 0;
		hash->blocks[cell].next = full;
	}
	struct block *block = &hash->blocks[cell];
	block->x[block->count] = x;
	block->y[block->count] = y;
	block->ids[block->count++] = id;
}

/* The gap is filled with the newest of the cell, which is in its own block. */
static void take_out(struct spatial_hash *hash, uint32_t cell, uint32_t id)
{
	struct block *own = &hash->blocks[cell], *block = own;
	for (;;) {
		uint32_t i = 0;
		while (i < block->count && block->ids[i] != id)
			i++;
		if (i < block->count) {
			uint32_t last = own->count - 1;
			block->x[i] = own->x[last];
			block->y[i] = own->y[last];
			block->ids[i] = own->ids[last];
			break;
		}
		block = &hash->blocks[block->next];
	}
	if (--own->count == 0 && own->next) {
		uint32_t emptied = own->next;
		*own = hash->blocks[emptied];
		hash->blocks[emptied].next = hash->spare;
		hash->spare = emptied;
	}
}

/* A grid over the box of all entities with two of them in a cell on average. */
static void lay_out(struct spatial_hash *hash, const struct spatial_items *items)
{
	float left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
	uint32_t count = 0;
	for (uint32_t id = 0; id < items->count; id++) {
		float x = items->x[id], y = items->y[id];
		if (isnan(x))
			continue;
		count++;
		left = x < left ? x : left;
		right = x > right ? x : right;
		top = y < top ? y : top;
		bottom = y > bottom ? y : bottom;
	}
	hash->built = count;
	hash->left = count ? left : 0;
	hash->top = count ? top : 0;
	float width = count ? right - left : 0, height = count ? bottom - top : 0;
	float cells = (float)count / ITEMS_PER_CELL + 1;
	/* A line of entities has no area; then the longer side alone is divided. */
	float side = fmaxf(sqrtf(width * height / cells), fmaxf(width, height) / cells);
	hash->side = side > 0 ? side : 1;
	hash->per_side = 1 / hash->side;
	hash->columns = (uint32_t)(width * hash->per_side) + 1;
	hash->rows = (uint32_t)(height * hash->per_side) + 1;
}

static void spatial_hash_build(void *pointer, const struct spatial_items *items)
{
	struct spatial_hash *hash = pointer;
	lay_out(hash, items);
	uint32_t cells = hash->columns * hash->rows;
	if (cells > hash->block_capacity) {
		hash->block_capacity = cells + cells / 4 + 16;
		hash->blocks =
			reallocate(hash->blocks, hash->block_capacity, sizeof(*hash->blocks));
	}
	memset(hash->blocks, 0, cells * sizeof(*hash->blocks));
	hash->block_count = cells;
	hash->spare = 0;
	hash->count = hash->built;
	for (uint32_t id = 0; id < items->count; id++)
		if (!isnan(items->x[id]))
			put(hash, cell_at(hash, items->x[id], items->y[id]), id, items->x[id],
			    items->y[id]);
}

static bool spatial_hash_insert(void *pointer, uint32_t id, float x, float y)
{
	struct spatial_hash *hash = pointer;
	put(hash, cell_at(hash, x, y), id, x, y);
	hash->count++;
	return hash->count <= GROWTH_MINIMUM || hash->count / GROWTH <= hash->built;
}

static void spatial_hash_move(void *pointer, uint32_t id, const struct spatial_move *move)
{
	struct spatial_hash *hash = pointer;
	uint32_t from = cell_at(hash, move->from_x, move->from_y);
	take_out(hash, from, id);
	put(hash, cell_at(hash, move->to_x, move->to_y), id, move->to_x, move->to_y);
}

static void spatial_hash_remove(void *pointer, uint32_t id, float x, float y)
{
	struct spatial_hash *hash = pointer;
	take_out(hash, cell_at(hash, x, y), id);
	hash->count--;
}

static void spatial_hash_renumber(void *pointer, const uint32_t *numbers)
{
	struct spatial_hash *hash = pointer;
	uint32_t cells = hash->columns * hash->rows;
	for (uint32_t cell = 0; cell < cells; cell++) {
		uint32_t i = cell;
		do {
			struct block *block = &hash->blocks[i];
			for (uint32_t item = 0; item < block->count; item++)
				block->ids[item] = numbers[block->ids[item]];
			i = block->next;
		} while (i);
	}
}

static bool spatial_hash_worn(const void *pointer)
{
	(void)pointer;
	return false;
}

/*
 * Something more than the radius, because "distance <= radius" is decided by rounded numbers: what
 * it accepts may lie beyond the exact circle by a few units in the last place.
 */
static float reach_of(float x, float radius)
{
	return radius + (fabsf(x) + radius) * 1e-6F;
}

static void spatial_hash_nearby(const void *pointer, float x, float y, float radius,
				struct spatial_found *found)
{
	const struct spatial_hash *hash = pointer;
	const float limit = radius * radius;
	float reach_x = reach_of(x, radius), reach_y = reach_of(y, radius);
	uint32_t first = column_of(hash, x - reach_x), last = column_of(hash, x + reach_x);
	uint32_t last_row = row_of(hash, y + reach_y);
	for (uint32_t row = row_of(hash, y - reach_y); row <= last_row; row++) {
		for (uint32_t column = first; column <= last; column++) {
			uint32_t i = row * hash->columns + column;
			do {
				const struct block *block = &hash->blocks[i];
				uint32_t *ids = spatial_found_reserve(found, BLOCK_ITEMS);
				for (uint32_t item = 0; item < block->count; item++) {
					float dx = block->x[item] - x, dy = block->y[item] - y;
					*ids = block->ids[item];
					ids += dx * dx + dy * dy <= limit;
				}
				found->count = (size_t)(ids - found->ids);
				i = block->next;
			} while (i);
		}
	}
}

static void spatial_hash_range(const void *pointer, float x, float y, float width, float height,
			       struct spatial_found *found)
{
	const struct spatial_hash *hash = pointer;
	const float right = x + width, bottom = y + height;
	uint32_t first = column_of(hash, x), last = column_of(hash, right);
	uint32_t last_row = row_of(hash, bottom);
	for (uint32_t row = row_of(hash, y); row <= last_row; row++) {
		for (uint32_t column = first; column <= last; column++) {
			uint32_t i = row * hash->columns + column;
			do {
				const struct block *block = &hash->blocks[i];
				uint32_t *ids = spatial_found_reserve(found, BLOCK_ITEMS);
				for (uint32_t item = 0; item < block->count; item++) {
					float item_x = block->x[item], item_y = block->y[item];
					*ids = block->ids[item];
					ids += (item_x >= x) & (item_x < right) & (item_y >= y) &
					       (item_y < bottom);
				}
				found->count = (size_t)(ids - found->ids);
				i = block->next;
			} while (i);
		}
	}
}

struct search {
	float x;
	float y;
	const struct spatial_filter *filter;
	float distance_squared;
	uint32_t id;
};

static void search_cell(const struct spatial_hash *hash, uint32_t column, uint32_t row,
			struct search *search)
{
	uint32_t i = row * hash->columns + column;
	do {
		const struct block *block = &hash->blocks[i];
		for (uint32_t item = 0; item < block->count; item++) {
			float dx = block->x[item] - search->x, dy = block->y[item] - search->y;
			float distance = dx * dx + dy * dy;
			uint32_t id = block->ids[item];
			if ((distance < search->distance_squared ||
			     (distance == search->distance_squared && id < search->id)) &&
			    (!search->filter ||
			     search->filter->accept(search->filter->context, id))) {
				search->distance_squared = distance;
				search->id = id;
			}
		}
		i = block->next;
	} while (i);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The cells of a square's border that lie inside of the grid. */
static void search_ring(const struct spatial_hash *hash, int64_t column, int64_t row, int64_t ring,
			struct search *search)
{
	int64_t left = column - ring, right = column + ring;
	int64_t end = least(row + ring, hash->rows - 1);
	for (int64_t line = most(row - ring, 0); line <= end; line++) {
		bool whole = line == row - ring || line == row + ring;
		if (whole) {
			for (int64_t i = most(left, 0); i <= least(right, hash->columns - 1); i++)
				search_cell(hash, (uint32_t)i, (uint32_t)line, search);
			continue;
		}
		if (left >= 0)
			search_cell(hash, (uint32_t)left, (uint32_t)line, search);
		if (right < hash->columns)
			search_cell(hash, (uint32_t)right, (uint32_t)line, search);
	}
}

/*
 * The least distance, by one coordinate, of what lies outside of the cells first to last; a little
 * less, because a place's cell is found by rounded numbers.
 */
static float distance_beyond(float place, float start, float side, int64_t first, int64_t last,
			     uint32_t count)
{
	float margin = (side + fabsf(place)) * 1e-5F, nearest = INFINITY;
	if (first > 0)
		nearest = place - (start + (float)first * side) - margin;
	if (last + 1 < count)
		nearest = fminf(nearest, start + (float)(last + 1) * side - place - margin);
	return nearest;
}

static uint32_t spatial_hash_nearest(const void *pointer, float x, float y, float radius,
				     const struct spatial_filter *filter)
{
	const struct spatial_hash *hash = pointer;
	struct search search = {x, y, filter, radius * radius, SPATIAL_NONE};
	int64_t column = column_of(hash, x), row = row_of(hash, y);
	for (int64_t ring = 0;; ring++) {
		search_ring(hash, column, row, ring, &search);
		float beyond = fminf(distance_beyond(x, hash->left, hash->side, column - ring,
						     column + ring, hash->columns),
				     distance_beyond(y, hash->top, hash->side, row - ring,
						     row + ring, hash->rows));
		if (beyond > 0 && (isinf(beyond) || beyond * beyond > search.distance_squared))
			return search.id;
	}
}

const struct spatial_structure spatial_hash_structure = {
	.name = "hash",
	.create = spatial_hash_create,
	.free = spatial_hash_free,
	.build = spatial_hash_build,
	.insert = spatial_hash_insert,
	.move = spatial_hash_move,
	.remove = spatial_hash_remove,
	.renumber = spatial_hash_renumber,
	.worn = spatial_hash_worn,
	.nearby = spatial_hash_nearby,
	.nearest = spatial_hash_nearest,
	.range = spatial_hash_range,
};
