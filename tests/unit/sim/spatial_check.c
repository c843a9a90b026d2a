/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Brute force beside an index, on places that are hard for it, while everything moves. */
#include "tests/unit/sim/spatial_check.h"

#include "sim/random.h"

#include <criterion/criterion.h>
#include <math.h>

enum {
	MOST = 700,
	SIDE = 100
};

struct reference {
	float x[MOST * 2];
	float y[MOST * 2];
	bool present[MOST * 2];
	uint32_t count;
};

static float uniform(struct random *random)
{
	return random_unit(random) * SIDE;
}

static void place_uniform(struct random *random, float *x, float *y)
{
	*x = uniform(random);
	*y = uniform(random);
}

static void place_clustered(struct random *random, float *x, float *y)
{
	float centre = (float)(random_below(random, 3) * 40);
	*x = centre + random_unit(random);
	*y = centre + random_unit(random);
}

static void place_duplicate(struct random *random, float *x, float *y)
{
	*x = (float)random_below(random, 3);
	*y = (float)random_below(random, 2);
}

static void place_border(struct random *random, float *x, float *y)
{
	/* Each of the four borders, and sometimes a corner. */
	float border = random_below(random, 2) ? 0 : SIDE, along = uniform(random);
	if (random_below(random, 4) == 0)
		along = random_below(random, 2) ? 0 : SIDE;
	bool upright = random_below(random, 2);
	*x = upright ? border : along;
	*y = upright ? along : border;
}

static void place_same(struct random *random, float *x, float *y)
{
	(void)random;
	*x = *y = 50;
}

static void (*const places[])(struct random *, float *, float *) = {
	place_uniform, place_clustered, place_duplicate, place_border, place_same,
};

static float squared(const struct reference *all, uint32_t id, float x, float y)
{
	float dx = all->x[id] - x, dy = all->y[id] - y;
	return dx * dx + dy * dy;
}

static void check_found(struct spatial_found *found, const bool *expected, uint32_t count)
{
	/* The order is part of the answer: ascending. */
	size_t place = 0;
	for (uint32_t id = 0; id < count; id++) {
		if (!expected[id])
			continue;
		cr_assert(place < found->count && found->ids[place] == id, "%u is missing", id);
		place++;
	}
	cr_assert_eq(place, found->count, "found too much");
}

static bool odd(const void *context, uint32_t id)
{
	(void)context;
	return id % 2 == 1;
}

static void check_nearest(const struct spatial_index *index, const struct reference *all, float x,
			  float y, float radius)
{
	static const struct spatial_filter only_odd = {.accept = odd};
	for (int filtered = 0; filtered < 2; filtered++) {
		uint32_t expected = SPATIAL_NONE;
		float best = radius * radius;
		for (uint32_t id = 0; id < all->count; id++) {
			if (!all->present[id] || (filtered && !odd(NULL, id)))
				continue;
			float away = squared(all, id, x, y);
			if (away < best || (away == best && expected == SPATIAL_NONE)) {
				best = away;
				expected = id;
			}
		}
		cr_assert_eq(
			spatial_index_get_nearest(index, x, y, radius, filtered ? &only_odd : NULL),
			expected);
	}
}

static void check(const struct spatial_index *index, const struct reference *all,
		  struct random *random, struct spatial_found *found)
{
	static const float radii[] = {0, 0.5F, 3, 20, 200};
	bool expected[MOST * 2];
	for (int i = 0; i < 5; i++) {
		float x = uniform(random), y = uniform(random), radius = radii[i];
		if (all->count > 0 && random_chance(random, 0.5F)) {
			uint32_t id = random_below(random, all->count);
			x = all->x[id];
			y = all->y[id];
		}
		for (uint32_t id = 0; id < all->count; id++)
			expected[id] =
				all->present[id] && squared(all, id, x, y) <= radius * radius;
		spatial_index_get_nearby(index, x, y, radius, found);
		check_found(found, expected, all->count);

		for (uint32_t id = 0; id < all->count; id++)
			expected[id] = all->present[id] && all->x[id] >= x &&
				       all->x[id] < x + radius && all->y[id] >= y &&
				       all->y[id] < y + 10;
		spatial_index_get_range(index, x, y, radius, 10, found);
		check_found(found, expected, all->count);

		check_nearest(index, all, x, y, radius);
		check_nearest(index, all, x, y, INFINITY);
	}
}

static void change(struct spatial_index *index, struct reference *all, struct random *random,
		   void (*place)(struct random *, float *, float *))
{
	float x, y;
	place(random, &x, &y);
	uint32_t kind = random_below(random, 10), id = all->count;
	if (all->count > 0 && kind < 8) {
		id = random_below(random, all->count);
		if (!all->present[id])
			return;
		if (kind < 6) {
			spatial_index_move(index, id, x, y);
		} else {
			spatial_index_remove(index, id);
			all->present[id] = false;
		}
	} else if (all->count < 2 * MOST) {
		all->count++;
		all->present[id] = true;
		cr_assert_eq(spatial_index_add(index, x, y), id);
	}
	all->x[id] = x;
	all->y[id] = y;
}

static void fill(struct spatial_index *index, struct reference *all, struct random *random,
		 void (*place)(struct random *, float *, float *), uint32_t count)
{
	for (all->count = 0; all->count < count; all->count++) {
		uint32_t id = all->count;
		place(random, &all->x[id], &all->y[id]);
		all->present[id] = true;
		spatial_index_add(index, all->x[id], all->y[id]);
	}
}

static void compact(struct spatial_index *index, struct reference *all)
{
	uint32_t kept = 0;
	for (uint32_t id = 0; id < all->count; id++) {
		if (!all->present[id])
			continue;
		all->x[kept] = all->x[id];
		all->y[kept] = all->y[id];
		all->present[kept++] = true;
	}
	all->count = kept;
	spatial_index_compact(index);
	cr_assert_eq(index->count, kept);
}

static void check_size(const struct spatial_structure *structure, enum spatial_update updates,
		       void (*place)(struct random *, float *, float *), uint32_t size,
		       struct random *random)
{
	static struct reference all;
	struct spatial_index index;
	struct spatial_found found = {0};
	spatial_index_init(&index, structure, updates);
	fill(&index, &all, random, place, size);
	check(&index, &all, random, &found); /* before the first build */
	spatial_index_update(&index);
	check(&index, &all, random, &found);
	for (int i = 0; i < 60; i++) {
		change(&index, &all, random, place);
		check(&index, &all, random, &found);
		if (i % 20 == 10)
			compact(&index, &all);
	}
	check(&index, &all, random, &found);
	spatial_index_update(&index);
	check(&index, &all, random, &found);
	/* Far away from everything it was built from. */
	if (all.count > 0 && all.present[0]) {
		all.x[0] = 400;
		all.y[0] = 300;
		spatial_index_move(&index, 0, 400, 300);
		check(&index, &all, random, &found);
		cr_assert_eq(spatial_index_get_nearest(&index, 390, 290, 20, NULL), 0);
	}
	spatial_found_done(&found);
	spatial_index_done(&index);
}

void spatial_check(const struct spatial_structure *structure)
{
	static const uint32_t sizes[] = {0, 1, 2, 7, 8, 9, 64, MOST};
	struct random random;
	random_seed(&random, 42, 1);
	for (size_t kind = 0; kind < sizeof(places) / sizeof(places[0]); kind++)
		for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++)
			for (int updates = 0; updates < SPATIAL_UPDATE_COUNT; updates++)
				check_size(structure, updates, places[kind], sizes[size], &random);
}

void spatial_check_many_changes(const struct spatial_structure *structure)
{
	static struct reference all;
	struct random random;
	struct spatial_found found = {0};
	random_seed(&random, 7, 1);
	for (int updates = 0; updates < SPATIAL_UPDATE_COUNT; updates++) {
		struct spatial_index index;
		spatial_index_init(&index, structure, updates);
		fill(&index, &all, &random, place_uniform, 300);
		for (int step = 0; step < 40; step++) {
			void (*place)(struct random *, float *, float *) = places[step % 5];
			for (int i = 0; i < 200; i++)
				change(&index, &all, &random, place);
			compact(&index, &all);
			check(&index, &all, &random, &found);
			spatial_index_update(&index);
			check(&index, &all, &random, &found);
		}
		spatial_index_done(&index);
	}
	spatial_found_done(&found);
}
