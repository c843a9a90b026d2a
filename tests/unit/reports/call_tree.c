/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/call_tree.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

/* Returns the node of a path like "main;step", 0 when there is none. */
static uint32_t node_of(const struct profile *profile, const struct call_tree *tree,
			const char *folded)
{
	char *copy = xstrdup(folded), *rest = copy, *name;
	uint32_t node = 0;

	while ((name = strsep(&rest, ";"))) {
		uint32_t child = 1;

		while (child < tree->count &&
		       !(tree->nodes[child].parent == node &&
			 !strcmp(profile->functions[tree->nodes[child].symbol].name, name)))
			child++;
		node = child < tree->count ? child : 0;
		if (!node)
			break;
	}
	free(copy);
	return node;
}

static struct profile *simulation(void)
{
	struct profile *profile = new_profile();

	add_stack(profile, "main;step;observe", 5);
	add_stack(profile, "main;step", 2);
	add_stack(profile, "main;log", 3);
	add_stack(profile, "worker", 1);
	return profile;
}

Test(call_tree, totals_are_the_samples_at_and_below_a_node)
{
	struct profile *profile = simulation();
	struct call_tree *tree = call_tree_build(profile, &(struct call_tree_options){0});
	struct call_self *self = call_tree_self(tree);
	uint32_t step = node_of(profile, tree, "main;step");

	cr_assert_eq(tree->count, 6);
	cr_assert_eq(tree->nodes[0].total, 11);
	cr_assert_eq(tree->nodes[node_of(profile, tree, "main")].total, 10);
	cr_assert_eq(tree->nodes[step].total, 7);
	cr_assert_eq(tree->nodes[step].samples, 7);
	cr_assert_eq(tree->nodes[step].nodes, 2);
	cr_assert_eq(self[step].total, 2);
	cr_assert_eq(self[node_of(profile, tree, "worker")].samples, 1);
	free(self);
	call_tree_free(tree);
	profile_free(profile);
}

Test(call_tree, calls_from_several_lines_of_a_function_fall_together)
{
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, "main", 1);
	uint32_t function = profile->lines[0].function;
	uint32_t other_line = profile_frame(profile, 1, 0x9999);
	struct call_tree *tree;

	(void)stack;
	profile_frame_set_lines(profile, other_line, &(struct profile_line){.function = function},
				1);
	profile_sample_add(
		profile, &(struct profile_sample){.time_ns = 9000000,
						  .value = 1,
						  .stack = profile_stack(profile, 0, other_line)});
	tree = call_tree_build(profile, &(struct call_tree_options){0});
	cr_assert_eq(tree->count, 2);
	cr_assert_eq(tree->nodes[1].total, 2);
	call_tree_free(tree);
	profile_free(profile);
}

Test(call_tree, inlined_functions_become_nodes_below_the_function_that_holds_them)
{
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	uint32_t frame = profile_frame(profile, module, 0x1000);
	struct profile_line lines[] = {
		{profile_function(profile, "inner", NULL, module, 0, 0, true), 3},
		{profile_function(profile, "outer", NULL, module, 0, 0, true), 9},
	};
	struct call_tree *tree;

	profile_frame_set_lines(profile, frame, lines, 2);
	profile_sample_add(profile, &(struct profile_sample){
					    .value = 1, .stack = profile_stack(profile, 0, frame)});
	tree = call_tree_build(profile, &(struct call_tree_options){.separate_inlined = true});
	cr_assert_eq(tree->count, 3);
	cr_assert_str_eq(profile->functions[tree->nodes[1].symbol].name, "outer");
	cr_assert_not(tree->nodes[1].inlined);
	cr_assert_str_eq(profile->functions[tree->nodes[2].symbol].name, "inner");
	cr_assert(tree->nodes[2].inlined);
	call_tree_free(tree);
	profile_free(profile);
}

Test(call_tree, leaves_samples_of_other_metrics_out)
{
	struct profile *profile = simulation();
	struct call_tree *tree;

	profile->samples[0].metric = 1;
	tree = call_tree_build(profile, &(struct call_tree_options){0});
	cr_assert_eq(tree->nodes[0].total, 10);
	cr_assert_eq(tree->leaf_of_sample[0], CALL_TREE_OTHER);
	cr_assert_neq(tree->leaf_of_sample[1], CALL_TREE_OTHER);
	call_tree_free(tree);
	profile_free(profile);
}

Test(call_tree, no_value_overflows_the_sum)
{
	struct profile *profile = simulation();
	struct call_tree *tree;

	for (size_t i = 0; i < profile->samples_count; i++)
		profile->samples[i].value = UINT64_MAX;
	tree = call_tree_build(profile, &(struct call_tree_options){0});
	for (uint32_t i = 1; i < tree->count; i++)
		cr_assert_leq(tree->nodes[i].total, tree->nodes[tree->nodes[i].parent].total);
	cr_assert_leq(tree->nodes[0].total, INT64_MAX);
	call_tree_free(tree);
	profile_free(profile);
}

Test(call_tree, pruning_keeps_the_heaviest_and_says_what_is_hidden)
{
	struct profile *profile = simulation();
	struct call_tree *tree = call_tree_build(profile, &(struct call_tree_options){0});
	uint32_t main_node;

	call_tree_prune(tree, profile->samples_count, 3);
	main_node = node_of(profile, tree, "main");
	cr_assert_eq(tree->count, 4);
	cr_assert(node_of(profile, tree, "main;step;observe"));
	cr_assert_eq(tree->hidden[main_node].total, 3);
	cr_assert_eq(tree->hidden[main_node].children, 1);
	cr_assert_eq(tree->hidden[0].total, 1);
	cr_assert_eq(tree->nodes[0].total, 11);
	cr_assert_eq(tree->leaf_of_sample[8], main_node); /* a sample of main;log */
	call_tree_free(tree);
	profile_free(profile);
}

/* Asserts that the weights and nodes of a pruned tree, with those hidden, are those of the whole.
 */
static void assert_account(const struct call_tree *pruned, uint64_t total, uint64_t nodes)
{
	struct call_self *self = call_tree_self(pruned);

	for (uint32_t i = 0; i < pruned->count; i++) {
		total -= self[i].total + pruned->hidden[i].total;
		nodes -= 1 + pruned->hidden[i].nodes;
		cr_assert(i == 0 || pruned->nodes[i].parent < i);
	}
	cr_assert_eq(total, 0);
	cr_assert_eq(nodes, 0);
	free(self);
}

/* Whatever the limits, in one step or two: no weight and no node gets lost. */
Test(call_tree, pruning_loses_nothing_of_the_account)
{
	struct profile *profile = new_profile();
	uint32_t count = 1; /* of the whole tree */
	char folded[64];

	for (int i = 0; i < 200; i++) {
		snprintf(folded, sizeof(folded), "f%d;g%d;h%d;k%d", i % 3, i % 7, i % 31, i);
		add_stack(profile, folded, 1 + i % 5);
	}
	for (uint32_t limit = 1; limit < count + 2; limit += 7) {
		struct call_tree *tree = call_tree_build(profile, &(struct call_tree_options){0});
		uint64_t total = tree->nodes[0].total;

		count = tree->count;
		call_tree_prune(tree, profile->samples_count, limit);
		cr_assert_leq(tree->count, limit + 1);
		assert_account(tree, total, count);
		call_tree_prune(tree, profile->samples_count, limit / 2 + 1);
		cr_assert_leq(tree->count, limit / 2 + 2);
		assert_account(tree, total, count);
		call_tree_free(tree);
	}
	profile_free(profile);
}

Test(call_tree, an_empty_profile_is_one_node_without_weight)
{
	struct profile *profile = new_profile();
	struct call_tree *tree = call_tree_build(profile, &(struct call_tree_options){0});

	cr_assert_eq(tree->count, 1);
	call_tree_prune(tree, 0, 100);
	cr_assert_eq(tree->count, 1);
	cr_assert_eq(tree->nodes[0].total, 0);
	call_tree_free(tree);
	profile_free(profile);
}
