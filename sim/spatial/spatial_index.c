/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all structures share: positions by id, what changed, what waits, queries. */
#include "sim/spatial/spatial_index.h"

#include "sim/allocate.h"
#include "sim/spatial/kd_tree.h"
#include "sim/spatial/quadtree.h"
#include "sim/spatial/spatial_hash.h"

#include <math.h>
#include <stdlib.h>

const struct spatial_structure *const spatial_structures[SPATIAL_COUNT] = {
	[SPATIAL_KDTREE] = &kd_tree_structure,
	[SPATIAL_QUADTREE] = &quadtree_structure,
	[SPATIAL_HASH] = &spatial_hash_structure,
};

void spatial_index_init(struct spatial_index *index, const struct spatial_structure *structure,
			enum spatial_update updates)
{
	*index = (struct spatial_index){
		.structure = structure,
		.updates = updates,
		.tree = structure->create(),
		.dirty = true,
		.flush_moves = SPATIAL_BATCH,
	};
}

void spatial_index_limit_flushes(struct spatial_index *index, uint32_t moves)
{
	index->flush_moves = moves;
}

void spatial_index_done(struct spatial_index *index)
{
	index->structure->free(index->tree);
	free(index->x);
	free(index->y);
	free(index->waits);
}

void spatial_index_follow(struct spatial_index *index, struct spatial_index *follower)
{
	for (uint32_t id = 0; id < index->count; id++) {
		/* The places of removed ids are not numbers; nobody is ever found there. */
		bool present = !isnan(index->x[id]);
		spatial_index_add(follower, present ? index->x[id] : 0, index->y[id]);
		if (!present)
			spatial_index_remove(follower, id);
	}
	spatial_index_update(follower);
	follower->follower = index->follower;
	index->follower = follower;
}

/* The structure is told everything, so nothing waits any more. */
static void rebuild(struct spatial_index *index)
{
	struct spatial_items items = {.x = index->x, .y = index->y, .count = index->count};
	for (uint32_t i = 0; index->waits && i < index->waiting_count; i++)
		index->waits[index->waiting[i].id] = SPATIAL_NONE;
	index->waiting_count = index->region_count = 0;
	index->structure->build(index->tree, &items);
	index->rebuilds++;
	index->dirty = false;
}

void spatial_index_clear(struct spatial_index *index)
{
	struct spatial_items none = {.count = 0};
	if (index->follower)
		spatial_index_clear(index->follower);
	index->count = index->removed = 0;
	index->waiting_count = index->region_count = 0;
	index->structure->build(index->tree, &none);
	index->dirty = true;
}

static void grow(struct spatial_index *index)
{
	index->capacity = index->capacity ? 2 * index->capacity : 64;
	index->x = reallocate(index->x, index->capacity, sizeof(*index->x));
	index->y = reallocate(index->y, index->capacity, sizeof(*index->y));
	if (index->updates == SPATIAL_BATCHED)
		index->waits = reallocate(index->waits, index->capacity, sizeof(*index->waits));
}

uint32_t spatial_index_add(struct spatial_index *index, float x, float y)
{
	if (index->count == index->capacity)
		grow(index);
	uint32_t id = index->count++;
	index->x[id] = x;
	index->y[id] = y;
	if (index->waits)
		index->waits[id] = SPATIAL_NONE;
	index->dirty = true;
	if (!index->structure->insert(index->tree, id, x, y))
		rebuild(index);
	if (index->follower)
		spatial_index_add(index->follower, x, y);
	return id;
}

static uint32_t mark_dirty(struct spatial_index *index, float x, float y,
			   enum spatial_priority priority)
{
	int32_t column = (int32_t)floorf(x / SPATIAL_REGION);
	int32_t row = (int32_t)floorf(y / SPATIAL_REGION);
	uint32_t i = 0;
	while (i < index->region_count &&
	       (index->regions[i].column != column || index->regions[i].row != row))
		i++;
	if (i == index->region_count) {
		index->regions[index->region_count++] =
			(struct spatial_region){column, row, priority};
		index->dirtied_regions++;
	} else if (index->regions[i].priority < priority) {
		index->regions[i].priority = priority;
	}
	return i;
}

/* A second move of one that waits keeps its turn, but may make its region more urgent. */
static void let_wait(struct spatial_index *index, uint32_t id, enum spatial_priority priority)
{
	uint32_t place = index->waits[id];
	if (place == SPATIAL_NONE) {
		place = index->waits[id] = index->waiting_count++;
		index->waiting[place] = (struct spatial_waiting){
			.id = id,
			.region = mark_dirty(index, index->x[id], index->y[id], priority),
			.from_x = index->x[id],
			.from_y = index->y[id],
		};
		return;
	}
	struct spatial_region *region = &index->regions[index->waiting[place].region];
	if (region->priority < priority)
		region->priority = priority;
}

void spatial_index_move_urgently(struct spatial_index *index, uint32_t id, float x, float y,
				 enum spatial_priority priority)
{
	struct spatial_move move = {index->x[id], index->y[id], x, y};
	if (index->follower)
		spatial_index_move_urgently(index->follower, id, x, y, priority);
	index->dirty = true;
	if (index->updates == SPATIAL_BATCHED) {
		let_wait(index, id, priority);
	} else {
		index->structure->move(index->tree, id, &move);
		index->moves++;
	}
	index->x[id] = x;
	index->y[id] = y;
	if (index->waiting_count == SPATIAL_BATCH)
		spatial_index_flush(index, index->flush_moves);
}

void spatial_index_move(struct spatial_index *index, uint32_t id, float x, float y)
{
	spatial_index_move_urgently(index, id, x, y, SPATIAL_NORMAL);
}

/* Of those that wait with a region, the first stays the first. */
static void close_ranks(struct spatial_index *index, uint32_t region)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < index->waiting_count; i++) {
		struct spatial_waiting waiting = index->waiting[i];
		if (waiting.id == SPATIAL_NONE)
			continue;
		if (region != SPATIAL_NONE && waiting.region > region)
			waiting.region--;
		index->waits[waiting.id] = kept;
		index->waiting[kept++] = waiting;
	}
	index->waiting_count = kept;
}

static uint32_t most_urgent(const struct spatial_index *index)
{
	uint32_t best = 0;
	for (uint32_t i = 1; i < index->region_count; i++)
		if (index->regions[i].priority > index->regions[best].priority)
			best = i;
	return best;
}

static uint32_t flush_region(struct spatial_index *index, uint32_t region)
{
	uint32_t moved = 0;
	for (uint32_t i = 0; i < index->waiting_count; i++) {
		struct spatial_waiting *waiting = &index->waiting[i];
		uint32_t id = waiting->id;
		if (waiting->region != region)
			continue;
		struct spatial_move move = {waiting->from_x, waiting->from_y, index->x[id],
					    index->y[id]};
		index->structure->move(index->tree, id, &move);
		index->waits[id] = SPATIAL_NONE;
		waiting->id = SPATIAL_NONE;
		moved++;
	}
	close_ranks(index, region);
	index->region_count--;
	for (uint32_t i = region; i < index->region_count; i++)
		index->regions[i] = index->regions[i + 1];
	return moved;
}

uint32_t spatial_index_flush(struct spatial_index *index, uint32_t moves)
{
	uint32_t moved = 0;
	if (index->waiting_count == 0)
		return 0;
	index->batches++;
	while (index->region_count > 0 && moved < moves) {
		uint32_t region = most_urgent(index);
		moved += flush_region(index, region);
		index->batched_regions++;
		index->preferred_regions += region > 0;
	}
	index->batched_moves += moved;
	return moved;
}

void spatial_index_remove(struct spatial_index *index, uint32_t id)
{
	float x = index->x[id], y = index->y[id];
	uint32_t place = index->waits ? index->waits[id] : SPATIAL_NONE;
	if (index->follower)
		spatial_index_remove(index->follower, id);
	if (place != SPATIAL_NONE) {
		x = index->waiting[place].from_x;
		y = index->waiting[place].from_y;
		index->waiting[place].id = SPATIAL_NONE;
		index->waits[id] = SPATIAL_NONE;
		close_ranks(index, SPATIAL_NONE);
	}
	index->structure->remove(index->tree, id, x, y);
	index->x[id] = NAN;
	index->removed++;
	index->dirty = true;
}

void spatial_index_compact(struct spatial_index *index)
{
	if (index->follower)
		spatial_index_compact(index->follower);
	if (index->removed == 0)
		return;
	spatial_index_flush(index, SPATIAL_BATCH);
	uint32_t *numbers = allocate(index->count, sizeof(*numbers)), kept = 0;
	for (uint32_t id = 0; id < index->count; id++) {
		numbers[id] = kept;
		index->x[kept] = index->x[id];
		index->y[kept] = index->y[id];
		kept += !isnan(index->x[id]);
	}
	index->structure->renumber(index->tree, numbers);
	index->count = kept;
	index->removed = 0;
	free(numbers);
}

void spatial_index_update(struct spatial_index *index)
{
	if (index->follower)
		spatial_index_update(index->follower);
	spatial_index_flush(index, SPATIAL_BATCH);
	if (index->dirty &&
	    (index->updates == SPATIAL_REBUILD || index->structure->worn(index->tree)))
		rebuild(index);
	else
		index->clean_updates++;
}

/* What the structure found less those that wait: it has them where they were. */
static void drop_waiting(const struct spatial_index *index, struct spatial_found *found)
{
	size_t kept = 0;
	for (size_t i = 0; i < found->count; i++) {
		uint32_t id = found->ids[i];
		if (index->waits[id] == SPATIAL_NONE)
			found->ids[kept++] = id;
	}
	found->count = kept;
}

void spatial_index_get_nearby(const struct spatial_index *index, float x, float y, float radius,
			      struct spatial_found *found)
{
	found->count = 0;
	index->structure->nearby(index->tree, x, y, radius, found);
	if (index->waiting_count > 0) {
		drop_waiting(index, found);
		for (uint32_t i = 0; i < index->waiting_count; i++) {
			uint32_t id = index->waiting[i].id;
			float dx = index->x[id] - x, dy = index->y[id] - y;
			if (dx * dx + dy * dy <= radius * radius)
				spatial_found_append(found, id);
		}
	}
	spatial_found_sort(found);
}

void spatial_index_get_range(const struct spatial_index *index, float x, float y, float width,
			     float height, struct spatial_found *found)
{
	found->count = 0;
	index->structure->range(index->tree, x, y, width, height, found);
	if (index->waiting_count > 0) {
		drop_waiting(index, found);
		for (uint32_t i = 0; i < index->waiting_count; i++) {
			uint32_t id = index->waiting[i].id;
			if (index->x[id] >= x && index->x[id] < x + width && index->y[id] >= y &&
			    index->y[id] < y + height)
				spatial_found_append(found, id);
		}
	}
	spatial_found_sort(found);
}

struct waiting_filter {
	const struct spatial_index *index;
	const struct spatial_filter *filter;
};

static bool accepted(const struct spatial_filter *filter, uint32_t id)
{
	return !filter || filter->accept(filter->context, id);
}

static bool does_not_wait(const void *context, uint32_t id)
{
	const struct waiting_filter *waiting = context;
	return waiting->index->waits[id] == SPATIAL_NONE && accepted(waiting->filter, id);
}

/* The nearest of those that do not wait, by the structure, against each one that waits. */
static uint32_t nearest_with_waiting(const struct spatial_index *index, float x, float y,
				     float radius, const struct spatial_filter *filter)
{
	struct waiting_filter context = {.index = index, .filter = filter};
	struct spatial_filter settled = {.accept = does_not_wait, .context = &context};
	uint32_t best = index->structure->nearest(index->tree, x, y, radius, &settled);
	float limit = radius * radius;
	if (best != SPATIAL_NONE) {
		float dx = index->x[best] - x, dy = index->y[best] - y;
		limit = dx * dx + dy * dy;
	}
	for (uint32_t i = 0; i < index->waiting_count; i++) {
		uint32_t id = index->waiting[i].id;
		float dx = index->x[id] - x, dy = index->y[id] - y;
		float distance = dx * dx + dy * dy;
		if ((distance < limit || (distance == limit && id < best)) &&
		    accepted(filter, id)) {
			limit = distance;
			best = id;
		}
	}
	return best;
}

uint32_t spatial_index_get_nearest(const struct spatial_index *index, float x, float y,
				   float radius, const struct spatial_filter *filter)
{
	if (index->waiting_count > 0)
		return nearest_with_waiting(index, x, y, radius, filter);
	return index->structure->nearest(index->tree, x, y, radius, filter);
}
