/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dirty tracking, batches and their order, the lists of found ids. */
#include "sim/spatial/spatial_index.h"

#include "sim/spatial/kd_tree.h"

#include <criterion/criterion.h>

static struct spatial_index index_of_three;

static void make(void)
{
	spatial_index_init(&index_of_three, &kd_tree_structure, SPATIAL_REBUILD);
	spatial_index_add(&index_of_three, 1, 1);
	spatial_index_add(&index_of_three, 2, 2);
	spatial_index_add(&index_of_three, 3, 3);
	spatial_index_update(&index_of_three);
}

static void drop(void)
{
	spatial_index_done(&index_of_three);
}

TestSuite(spatial_index, .init = make, .fini = drop);

Test(spatial_index, is_rebuilt_only_when_something_changed)
{
	cr_assert_eq(index_of_three.rebuilds, 1);
	spatial_index_update(&index_of_three);
	spatial_index_update(&index_of_three);
	cr_assert_eq(index_of_three.rebuilds, 1);
	cr_assert_eq(index_of_three.clean_updates, 2);
	spatial_index_move(&index_of_three, 0, 5, 5);
	spatial_index_update(&index_of_three);
	cr_assert_eq(index_of_three.rebuilds, 2);
	spatial_index_remove(&index_of_three, 0);
	spatial_index_update(&index_of_three);
	cr_assert_eq(index_of_three.rebuilds, 3);
	spatial_index_add(&index_of_three, 7, 7);
	spatial_index_update(&index_of_three);
	cr_assert_eq(index_of_three.rebuilds, 4);
}

Test(spatial_index, knows_of_changes_before_it_is_rebuilt)
{
	spatial_index_move(&index_of_three, 0, 50, 50);
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 50, 50, 1, NULL), 0);
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 1, 1, 0.5F, NULL), SPATIAL_NONE);
	spatial_index_remove(&index_of_three, 1);
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 2, 2, 0.5F, NULL), SPATIAL_NONE);
	cr_assert_eq(spatial_index_add(&index_of_three, 80, 80), 3);
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 80, 80, 1, NULL), 3);
	cr_assert_eq(index_of_three.rebuilds, 1);
}

Test(spatial_index, radius_is_inclusive_and_range_is_half_open)
{
	struct spatial_found found = {0};
	spatial_index_get_nearby(&index_of_three, 1, 2, 1, &found);
	spatial_found_sort(&found);
	cr_assert_eq(found.count, 2);
	cr_assert_eq(found.ids[0], 0);
	cr_assert_eq(found.ids[1], 1);
	spatial_index_get_range(&index_of_three, 1, 1, 1, 1, &found);
	cr_assert_eq(found.count, 1);
	cr_assert_eq(found.ids[0], 0);
	spatial_found_done(&found);
}

Test(spatial_index, nearest_of_equals_is_the_lowest_id)
{
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 2, 1, 10, NULL), 0);
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 2, 3, 10, NULL), 1);
}

Test(spatial_index, cleared_holds_nothing_and_counts_anew)
{
	spatial_index_clear(&index_of_three);
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 1, 1, 100, NULL), SPATIAL_NONE);
	cr_assert_eq(spatial_index_add(&index_of_three, 9, 9), 0);
	cr_assert_eq(spatial_index_get_nearest(&index_of_three, 1, 1, 100, NULL), 0);
}

Test(spatial_index, sorts_short_and_long_lists)
{
	struct spatial_found found = {0};
	for (uint32_t length = 0; length <= 3000; length += 1 + length / 5) {
		found.count = 0;
		for (uint32_t i = 0; i < length; i++)
			spatial_found_append(&found, (uint32_t)((uint64_t)i * 7919 % length));
		spatial_found_sort(&found);
		for (uint32_t i = 0; i < length; i++)
			cr_assert_eq(found.ids[i], i);
	}
	spatial_found_done(&found);
}

/* A structure that only writes down what it is told, in front of a real one. */
static uint32_t told[200];
static uint32_t told_count;

static void write_down(void *tree, uint32_t id, const struct spatial_move *move)
{
	told[told_count++] = id;
	kd_tree_structure.move(tree, id, move);
}

static struct spatial_structure listening;
static struct spatial_index batched;

/* Eight entities in as many regions, 100 apart. */
static void make_batched(void)
{
	listening = kd_tree_structure;
	listening.move = write_down;
	told_count = 0;
	spatial_index_init(&batched, &listening, SPATIAL_BATCHED);
	for (uint32_t i = 0; i < 100; i++)
		spatial_index_add(&batched, (float)(i % 8) * 100 + 10, 10);
	spatial_index_update(&batched);
}

static void drop_batched(void)
{
	spatial_index_done(&batched);
}

TestSuite(spatial_index_batched, .init = make_batched, .fini = drop_batched);

static void expect_told(const uint32_t *ids, uint32_t count)
{
	cr_assert_eq(told_count, count, "%u", told_count);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(told[i], ids[i], "place %u: %u", i, told[i]);
}

Test(spatial_index_batched, urgent_regions_go_first_and_equals_by_age)
{
	static const enum spatial_priority priorities[] = {
		SPATIAL_LOW, SPATIAL_HIGH, SPATIAL_NORMAL, SPATIAL_CRITICAL, SPATIAL_HIGH};
	for (uint32_t id = 0; id < 5; id++)
		spatial_index_move_urgently(&batched, id, batched.x[id] + 1, 11, priorities[id]);
	cr_assert_eq(told_count, 0);
	spatial_index_update(&batched);
	expect_told((uint32_t[]){3, 1, 4, 2, 0}, 5);
}

Test(spatial_index_batched, a_region_is_as_urgent_as_its_most_urgent_move)
{
	spatial_index_move(&batched, 0, 11, 10);
	spatial_index_move_urgently(&batched, 1, 111, 10, SPATIAL_HIGH);
	spatial_index_move_urgently(&batched, 8, 12, 10, SPATIAL_CRITICAL); /* the region of 0 */
	spatial_index_move_urgently(&batched, 2, 211, 10, SPATIAL_LOW);
	spatial_index_move_urgently(&batched, 2, 212, 10, SPATIAL_HIGH); /* the same move, later */
	cr_assert_eq(spatial_index_flush(&batched, 1), 2);
	expect_told((uint32_t[]){0, 8}, 2);
	cr_assert_eq(spatial_index_flush(&batched, 2), 2);
	expect_told((uint32_t[]){0, 8, 1, 2}, 4);
	cr_assert_eq(spatial_index_flush(&batched, 9), 0);
	cr_assert_eq(batched.batches, 2);
	cr_assert_eq(batched.batched_regions, 3);
	cr_assert_eq(batched.batched_moves, 4);
}

Test(spatial_index_batched, what_is_less_urgent_waits_and_is_found_all_the_same)
{
	struct spatial_found found = {0};
	spatial_index_move_urgently(&batched, 0, 350, 50, SPATIAL_LOW);
	spatial_index_move_urgently(&batched, 1, 352, 50, SPATIAL_HIGH);
	spatial_index_flush(&batched, 1);
	expect_told((uint32_t[]){1}, 1);
	spatial_index_get_nearby(&batched, 351, 50, 1, &found);
	cr_assert_eq(found.count, 2);
	cr_assert_eq(found.ids[0], 0);
	cr_assert_eq(found.ids[1], 1);
	cr_assert_eq(spatial_index_get_nearest(&batched, 351, 50, 9, NULL), 0);
	spatial_index_get_range(&batched, 0, 0, 50, 50, &found);
	for (size_t i = 0; i < found.count; i++)
		cr_assert_neq(found.ids[i], 0);
	spatial_index_remove(&batched, 0);
	spatial_index_get_nearby(&batched, 351, 50, 1, &found);
	cr_assert_eq(found.count, 1);
	cr_assert_eq(spatial_index_flush(&batched, 9), 0);
	spatial_found_done(&found);
}

Test(spatial_index_batched, fifty_waiting_moves_are_a_batch)
{
	for (uint32_t id = 0; id < 49; id++)
		spatial_index_move(&batched, id, batched.x[id] + 1, 10);
	spatial_index_move(&batched, 48, batched.x[48] + 1, 10);
	cr_assert_eq(told_count, 0);
	spatial_index_move(&batched, 49, batched.x[49] + 1, 10);
	cr_assert_eq(told_count, 50);
	cr_assert_eq(batched.waiting_count, 0);
	cr_assert_eq(batched.region_count, 0);
}

Test(spatial_index_batched, a_full_batch_hands_over_the_urgent_part_that_it_is_told)
{
	struct spatial_found found = {0};
	spatial_index_limit_flushes(&batched, 10);
	for (uint32_t id = 0; id < 50; id++)
		spatial_index_move_urgently(&batched, id, batched.x[id], 11,
					    id % 8 == 5 ? SPATIAL_CRITICAL : SPATIAL_NORMAL);
	/* The sixth region is the urgent one, with six; then the oldest, with seven. */
	cr_assert_eq(told_count, 13);
	for (uint32_t i = 0; i < told_count; i++)
		cr_assert_eq(told[i] % 8, i < 6 ? 5 : 0);
	cr_assert_eq(batched.waiting_count, 37);
	cr_assert_eq(batched.dirtied_regions, 8);
	cr_assert_eq(batched.preferred_regions, 1);
	spatial_index_get_range(&batched, 0, 10.5F, 1000, 1, &found);
	cr_assert_eq(found.count, 50);
	spatial_index_update(&batched);
	cr_assert_eq(told_count, 50);
	cr_assert_eq(batched.waiting_count, 0);
	spatial_found_done(&found);
}
