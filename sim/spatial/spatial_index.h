/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spatial_index: where things are; who is near a point.
 *
 * An index holds entities by id (dense numbers from 0: positions in the owner's array) and answers
 * three questions about them. It is exact at every moment: an entity that moved, was born or died
 * is found, or not found, from that moment on.
 *
 * Two choices, neither of which changes an answer. Which structure is behind it: a row of
 * functions, struct spatial_structure (kd-tree, quadtree, spatial hash). And when moves reach that
 * structure:
 *
 *   rebuild      at once, and spatial_index_update() builds a new structure if anything changed
 *   incremental  at once, and spatial_index_update() builds a new one only when this one is worn
 *   batched      together: moves wait, and each query looks at the waiting ones besides; with 50 of
 *                them, at spatial_index_update() or on demand they go to the structure in the order
 *                of their priorities. Several moves of one entity become one
 *
 * Waiting moves are collected by dirty regions, squares of 50 x 50. A region has the priority of
 * its most urgent move. A batch goes region by region: the more urgent first, of equally urgent
 * ones the one that became dirty first; inside a region by arrival. A batch that is limited thus
 * leaves the least urgent regions waiting; so does a full one where only a part of it is handed
 * over (spatial_index_limit_flushes()).
 *
 * The order of answers is fixed: lists of found ids are ascending, and the nearest of several at
 * equal distance is the lowest id. Queries only read, so several threads may ask at a time.
 */
#pragma once

#include "sim/parameters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPATIAL_NONE UINT32_MAX

enum {
	SPATIAL_BATCH = PARAMETERS_INDEX_BATCH, /* waiting moves that make a batch */
	SPATIAL_REGION = 50,			/* side of a dirty region */
};

enum spatial_priority {
	SPATIAL_LOW,
	SPATIAL_NORMAL,
	SPATIAL_HIGH,
	SPATIAL_CRITICAL,
};

/* Ids found by a query. Owned by the asker, zeroed at first, reused by query after query. */
struct spatial_found {
	uint32_t *ids;
	size_t count;
	size_t capacity;
};

/* Which ids count for a nearest query; called only for candidates nearer than the best so far. */
struct spatial_filter {
	bool (*accept)(const void *context, uint32_t id);
	const void *context;
};

/* All entities, as a structure is built from them: x is NAN for ids that are not present. */
struct spatial_items {
	const float *x;
	const float *y;
	uint32_t count;
};

struct spatial_move {
	float from_x;
	float from_y;
	float to_x;
	float to_y;
};

/* One kind of structure. @tree is what create() returned; places are those it was last told. */
struct spatial_structure {
	const char *name;
	void *(*create)(void);
	void (*free)(void *tree);
	void (*build)(void *tree, const struct spatial_items *items);
	/* Returns false if the structure wants to be rebuilt, with the entity in it. */
	bool (*insert)(void *tree, uint32_t id, float x, float y);
	void (*move)(void *tree, uint32_t id, const struct spatial_move *move);
	void (*remove)(void *tree, uint32_t id, float x, float y);
	/* Every present id becomes numbers[id], which is never higher; the order stays. */
	void (*renumber)(void *tree, const uint32_t *numbers);
	/* True if changes have made queries slower than a build would be worth. */
	bool (*worn)(const void *tree);
	void (*nearby)(const void *tree, float x, float y, float radius,
		       struct spatial_found *found);
	uint32_t (*nearest)(const void *tree, float x, float y, float radius,
			    const struct spatial_filter *filter);
	void (*range)(const void *tree, float x, float y, float width, float height,
		      struct spatial_found *found);
};

/* By enum spatial_variant. */
extern const struct spatial_structure *const spatial_structures[SPATIAL_COUNT];

/* A move that the structure does not know of yet. */
struct spatial_waiting {
	uint32_t id;
	uint32_t region; /* place in the table of dirty regions */
	float from_x;	 /* where the structure has it */
	float from_y;
};

/* A square in which moves wait. */
struct spatial_region {
	int32_t column;
	int32_t row;
	enum spatial_priority priority;
};

struct spatial_index {
	struct spatial_index *follower; /* holds the same, is told the same; or NULL */
	const struct spatial_structure *structure;
	enum spatial_update updates;
	void *tree;
	float *x; /* by id; NAN when not present */
	float *y;
	uint32_t *waits; /* by id: place among the waiting or SPATIAL_NONE; batched only */
	uint32_t count;	 /* ids in use: one more than the highest */
	uint32_t capacity;
	uint32_t removed; /* ids in use that are not present */
	bool dirty;
	struct spatial_waiting waiting[SPATIAL_BATCH]; /* by arrival */
	uint32_t waiting_count;
	struct spatial_region regions[SPATIAL_BATCH]; /* by the time they became dirty */
	uint32_t region_count;
	uint32_t flush_moves; /* that a full batch hands over at least */
	uint64_t rebuilds;
	uint64_t clean_updates; /* updates that had nothing to build */
	uint64_t moves;		/* that went to the structure at once */
	uint64_t batches;
	uint64_t batched_moves; /* that went to the structure in a batch */
	uint64_t batched_regions;
	uint64_t dirtied_regions;   /* that became dirty */
	uint64_t preferred_regions; /* that went before one which became dirty earlier */
};

/* An empty index on the given structure. */
void spatial_index_init(struct spatial_index *index, const struct spatial_structure *structure,
			enum spatial_update updates);

void spatial_index_done(struct spatial_index *index);

/*
 * Batched: from now on a full batch hands over its most urgent regions, until at least @moves moves
 * (from 1 to SPATIAL_BATCH) are done; the others wait on. spatial_index_update() leaves none
 * waiting all the same.
 */
void spatial_index_limit_flushes(struct spatial_index *index, uint32_t moves);

/*
 * From now on @follower, an empty index, holds what @index holds, under the same ids: it gets the
 * entities that are there, and hears of every change. It is not to be told anything by others.
 * Borrowed; several may follow, each with a structure and a way of updating of its own.
 */
void spatial_index_follow(struct spatial_index *index, struct spatial_index *follower);

/* Forgets all entities. Until they are added again, nothing is found. */
void spatial_index_clear(struct spatial_index *index);

/* Adds an entity under the next free id, which is returned. */
uint32_t spatial_index_add(struct spatial_index *index, float x, float y);

/* The entity is at a new place; of normal priority, or of the given one if moves wait at all. */
void spatial_index_move(struct spatial_index *index, uint32_t id, float x, float y);
void spatial_index_move_urgently(struct spatial_index *index, uint32_t id, float x, float y,
				 enum spatial_priority priority);

/*
 * The entity is found no longer; its id is not used again before spatial_index_compact() or
 * spatial_index_clear().
 */
void spatial_index_remove(struct spatial_index *index, uint32_t id);

/* Closes the ranks: ids of removed entities vanish, the order of the others stays. O(n). */
void spatial_index_compact(struct spatial_index *index);

/*
 * Batched, and not of followers: hands the most urgent dirty regions to the structure, whole ones,
 * until at least
 * @moves moves (or all) are done. Returns how many were.
 */
uint32_t spatial_index_flush(struct spatial_index *index, uint32_t moves);

/*
 * To be called once per step. Flushes all that waits; rebuilds the structure, O(n log n), if
 * anything changed (rebuild) or if it is worn (incremental, batched).
 */
void spatial_index_update(struct spatial_index *index);

/* Finds all entities at a distance <= @radius. O(log n + found). */
void spatial_index_get_nearby(const struct spatial_index *index, float x, float y, float radius,
			      struct spatial_found *found);

/*
 * The nearest entity at a distance <= @radius (INFINITY: anywhere) that the filter accepts.
 *
 * @filter  NULL accepts all
 * Returns the id, the lowest of those at equal distance, or SPATIAL_NONE.
 */
uint32_t spatial_index_get_nearest(const struct spatial_index *index, float x, float y,
				   float radius, const struct spatial_filter *filter);

/* Finds all entities with x <= their x < x + width, and y alike. */
void spatial_index_get_range(const struct spatial_index *index, float x, float y, float width,
			     float height, struct spatial_found *found);

/*
 * Room for more ids behind those in the list; for structures, which write there and then count
 * what they keep.
 */
uint32_t *spatial_found_reserve(struct spatial_found *found, size_t more);

/* Appends one id to the list. */
void spatial_found_append(struct spatial_found *found, uint32_t id);

/* Puts the ids in ascending order. */
void spatial_found_sort(struct spatial_found *found);

void spatial_found_done(struct spatial_found *found);
