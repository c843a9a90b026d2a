/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/profile/prefix_tree.h"

#include <criterion/criterion.h>

static struct prefix_tree tree;

static void tear_down(void)
{
	prefix_tree_done(&tree);
}

TestSuite(prefix_tree, .fini = tear_down);

Test(prefix_tree, a_child_keeps_its_number)
{
	uint32_t first = prefix_tree_child(&tree, 0, 7),
		 second = prefix_tree_child(&tree, first, 7);

	cr_assert_eq(first, 1);
	cr_assert_eq(second, 2);
	cr_assert_eq(prefix_tree_child(&tree, 0, 7), first);
	cr_assert_eq(prefix_tree_child(&tree, first, 7), second);
	cr_assert_eq(tree.count, 3);
}

Test(prefix_tree, thousands_of_children_of_two_nodes_are_told_apart)
{
	uint32_t other = prefix_tree_child(&tree, 0, 0);

	for (uint32_t key = 1; key <= 5000; key++) {
		cr_assert_eq(prefix_tree_child(&tree, 0, key), 2 * key);
		cr_assert_eq(prefix_tree_child(&tree, other, key), 2 * key + 1);
	}
	for (uint32_t key = 1; key <= 5000; key++) {
		cr_assert_eq(prefix_tree_child(&tree, 0, key), 2 * key);
		cr_assert_eq(prefix_tree_child(&tree, other, key), 2 * key + 1);
		cr_assert_eq(tree.nodes[2 * key].parent, 0);
		cr_assert_eq(tree.nodes[2 * key + 1].key, key);
	}
}

/* Rows of a file that says one thing twice keep their numbers. */
Test(prefix_tree, what_is_appended_twice_is_there_twice)
{
	for (uint32_t i = 0; i < 100; i++)
		prefix_tree_append(&tree, 0, i / 2);
	cr_assert_eq(tree.count, 101);
	cr_assert_eq(prefix_tree_child(&tree, 0, 100), 101);
	for (uint32_t key = 0; key < 50; key++) {
		uint32_t found = prefix_tree_child(&tree, 0, key);

		cr_assert(found == 2 * key + 1 || found == 2 * key + 2, "%u is %u", key, found);
	}
}
