/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The quadtree against brute force; when it is worn. */
#include "sim/spatial/quadtree.h"

#include "tests/unit/sim/spatial_check.h"

#include <criterion/criterion.h>

Test(quadtree, finds_the_same_as_brute_force)
{
	spatial_check(&quadtree_structure);
}

Test(quadtree, is_exact_after_many_changes)
{
	spatial_check_many_changes(&quadtree_structure);
}

Test(quadtree, is_worn_when_it_has_twice_the_nodes)
{
	struct spatial_index index;
	spatial_index_init(&index, &quadtree_structure, SPATIAL_INCREMENTAL);
	for (uint32_t i = 0; i < 1024; i++)
		spatial_index_add(&index, (float)(i & 31), (float)(i >> 5));
	spatial_index_update(&index);
	for (uint32_t i = 0; i < 1024; i++)
		spatial_index_move(&index, i, (float)(i >> 5), (float)(i & 31));
	spatial_index_update(&index);
	uint64_t rebuilds = index.rebuilds;
	for (uint32_t i = 0; i < 1024; i += 64)
		spatial_index_move(&index, i, 31 - (float)(i & 31), (float)(i >> 5));
	spatial_index_update(&index);
	cr_assert_eq(index.rebuilds, rebuilds);
	/* The nodes where they were stay; where they go now, new ones are made. */
	for (uint32_t place = 0; place < 8; place++)
		for (uint32_t i = 0; i < 1024; i++)
			spatial_index_move(&index, i, (float)(4 * place) + (float)(i & 31) * 0.01F,
					   (float)(i >> 5) * 0.01F);
	spatial_index_update(&index);
	cr_assert_eq(index.rebuilds, rebuilds + 1);
	spatial_index_done(&index);
}
