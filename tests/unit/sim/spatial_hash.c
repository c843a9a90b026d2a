/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The spatial hash against brute force; growth. */
#include "sim/spatial/spatial_hash.h"

#include "tests/unit/sim/spatial_check.h"

#include <criterion/criterion.h>

Test(spatial_hash, finds_the_same_as_brute_force)
{
	spatial_check(&spatial_hash_structure);
}

Test(spatial_hash, is_exact_after_many_changes)
{
	spatial_check_many_changes(&spatial_hash_structure);
}

Test(spatial_hash, makes_a_new_grid_when_there_are_four_times_as_many)
{
	struct spatial_index index;
	spatial_index_init(&index, &spatial_hash_structure, SPATIAL_INCREMENTAL);
	for (uint32_t i = 0; i < 64; i++)
		spatial_index_add(&index, (float)i, (float)i);
	cr_assert_eq(index.rebuilds, 0);
	spatial_index_add(&index, 5, 5);
	cr_assert_eq(index.rebuilds, 1);
	for (uint32_t i = 65; i < 4 * 65 + 3; i++)
		spatial_index_add(&index, (float)i, (float)i);
	cr_assert_eq(index.rebuilds, 1);
	spatial_index_add(&index, 5, 5);
	cr_assert_eq(index.rebuilds, 2);
	for (uint32_t i = 0; i < 60; i++)
		spatial_index_move(&index, i, 1, 1);
	spatial_index_update(&index);
	cr_assert_eq(index.rebuilds, 2);
	spatial_index_done(&index);
}
