/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kd-tree against brute force; when it wants to be built anew. */
#include "sim/spatial/kd_tree.h"

#include "sim/random.h"
#include "tests/unit/sim/spatial_check.h"

#include <criterion/criterion.h>

Test(kd_tree, finds_the_same_as_brute_force)
{
	spatial_check(&kd_tree_structure);
}

Test(kd_tree, is_exact_after_many_changes)
{
	spatial_check_many_changes(&kd_tree_structure);
}

Test(kd_tree, asks_for_a_rebuild_when_too_many_wait)
{
	struct spatial_index index;
	struct random random;
	random_seed(&random, 5, 1);
	spatial_index_init(&index, &kd_tree_structure, SPATIAL_REBUILD);
	for (int i = 0; i < 100; i++)
		spatial_index_add(&index, random_unit(&random), random_unit(&random));
	spatial_index_update(&index);
	cr_assert_eq(index.rebuilds, 1);
	for (int i = 0; i < 32; i++)
		spatial_index_add(&index, random_unit(&random), random_unit(&random));
	cr_assert_eq(index.rebuilds, 1);
	spatial_index_add(&index, 1, 1);
	cr_assert_eq(index.rebuilds, 2);
	spatial_index_done(&index);
}

Test(kd_tree, is_worn_when_all_have_moved)
{
	struct spatial_index index;
	struct random random;
	random_seed(&random, 5, 1);
	spatial_index_init(&index, &kd_tree_structure, SPATIAL_INCREMENTAL);
	for (int i = 0; i < 100; i++)
		spatial_index_add(&index, random_unit(&random), random_unit(&random));
	spatial_index_update(&index);
	cr_assert_eq(index.rebuilds, 1);
	for (uint32_t i = 0; i < 99; i++)
		spatial_index_move(&index, i, random_unit(&random), random_unit(&random));
	spatial_index_update(&index);
	cr_assert_eq(index.rebuilds, 1);
	spatial_index_move(&index, 99, 0.5F, 0.5F);
	spatial_index_update(&index);
	cr_assert_eq(index.rebuilds, 2);
	spatial_index_done(&index);
}
