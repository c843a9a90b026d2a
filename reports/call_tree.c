/* SPDX-License-Identifier: GPL-3.0-or-later */
/* call_tree: see call_tree.h. */
#include "reports/call_tree.h"

#include "collector/base/xalloc.h"
#include "collector/profile/prefix_tree.h"

enum {
	DIGIT_BITS = 16 /* of a total */
};

/* A node is found by its parent, its symbol, and whether it is inlined. */
static uint32_t key_of(uint32_t symbol, bool inlined)
{
	return symbol << 1 | inlined;
}

/* Returns the innermost node of each stack. Parents come first in the profile's table. */
static uint32_t *add_stacks(struct prefix_tree *growing, const struct profile *profile,
			    const struct call_tree_options *options)
{
	uint32_t *node_of_stack = xcalloc(profile->stacks_count, sizeof(*node_of_stack));

	for (uint32_t stack = 1; stack < profile->stacks_count; stack++) {
		uint32_t frame = profile->stacks[stack].frame;
		uint32_t node = node_of_stack[profile->stacks[stack].parent];

		for (uint32_t depth = symbol_depth(profile, frame); depth--;) {
			struct symbol_walk walk = symbol_at(profile, frame, depth);
			uint32_t symbol = options->same ? options->same[walk.symbol] : walk.symbol;

			node = prefix_tree_child(
				growing, node,
				key_of(symbol, walk.inlined && options->separate_inlined));
		}
		node_of_stack[stack] = node;
	}
	return node_of_stack;
}

uint64_t call_tree_value(const struct profile *profile, const struct profile_sample *sample)
{
	uint64_t limit = INT64_MAX / profile->samples_count;

	return sample->value < limit ? sample->value : limit;
}

static uint32_t *find_leaves(const struct profile *profile, uint16_t metric,
			     const uint32_t *node_of_stack)
{
	uint32_t *leaf_of_sample = xcalloc(profile->samples_count, sizeof(*leaf_of_sample));

	for (size_t i = 0; i < profile->samples_count; i++)
		leaf_of_sample[i] = profile->samples[i].metric == metric
					    ? node_of_stack[profile->samples[i].stack]
					    : CALL_TREE_OTHER;
	return leaf_of_sample;
}

/* Makes nodes of grown ones, in the same memory: larger ones, so from the last to the first. */
static void take_nodes(struct call_tree *tree, struct prefix_tree *growing)
{
	const struct prefix_tree_node *grown;

	free(growing->slots);
	tree->count = growing->count ? growing->count : 1;
	tree->nodes = xreallocarray(growing->nodes, tree->count, sizeof(*tree->nodes));
	grown = (const struct prefix_tree_node *)tree->nodes;
	for (uint32_t i = tree->count; i-- > 1;) {
		struct prefix_tree_node node = grown[i];

		tree->nodes[i] = (struct call_node){
			.parent = node.parent, .symbol = node.key >> 1, .inlined = node.key & 1};
	}
	tree->nodes[0] = (struct call_node){0};
}

static void add_samples(struct call_tree *tree, const struct profile *profile)
{
	for (size_t i = 0; i < profile->samples_count; i++) {
		struct call_node *node;

		if (tree->leaf_of_sample[i] == CALL_TREE_OTHER)
			continue;
		node = &tree->nodes[tree->leaf_of_sample[i]];
		node->total += call_tree_value(profile, &profile->samples[i]);
		node->samples++;
	}
	for (uint32_t i = tree->count - 1; i > 0; i--) {
		struct call_node *node = &tree->nodes[i];
		struct call_node *parent = &tree->nodes[node->parent];

		node->nodes += node->total > 0;
		parent->total += node->total;
		parent->samples += node->samples;
		parent->nodes += node->nodes;
	}
	tree->nodes[0].nodes++;
}

struct call_tree *call_tree_build(const struct profile *profile,
				  const struct call_tree_options *options)
{
	struct call_tree *tree = xcalloc(1, sizeof(*tree));
	struct prefix_tree growing = {0};
	uint32_t *node_of_stack = add_stacks(&growing, profile, options);

	tree->leaf_of_sample = find_leaves(profile, options->metric, node_of_stack);
	free(node_of_stack);
	take_nodes(tree, &growing);
	add_samples(tree, profile);
	return tree;
}

void call_tree_free(struct call_tree *tree)
{
	if (!tree)
		return;
	free(tree->nodes);
	free(tree->hidden);
	free(tree->leaf_of_sample);
	free(tree);
}

/*
 * Says which total a node needs to be among the @limit heaviest, and how many of those with
 * exactly that total there is room for. Digit by digit, the highest first: each pass counts the
 * nodes whose total begins with the digits that are known.
 */
static uint64_t prune_threshold(const struct call_tree *tree, uint32_t limit, uint32_t *equals)
{
	uint32_t *counts = xcalloc(1 << DIGIT_BITS, sizeof(*counts));
	uint64_t known = 0, most = tree->nodes[0].total;
	int shift = 0;

	*equals = limit;
	while (shift + DIGIT_BITS < 64 && most >> (shift + DIGIT_BITS))
		shift += DIGIT_BITS;
	for (; shift >= 0 && limit < tree->count - 1; shift -= DIGIT_BITS) {
		uint32_t digit = (1 << DIGIT_BITS) - 1;

		memset(counts, 0, sizeof(*counts) << DIGIT_BITS);
		for (uint32_t i = 1; i < tree->count; i++)
			if (shift + DIGIT_BITS >= 64 ||
			    tree->nodes[i].total >> (shift + DIGIT_BITS) == known)
				counts[tree->nodes[i].total >> shift & ((1 << DIGIT_BITS) - 1)]++;
		for (; digit && counts[digit] < *equals; digit--)
			*equals -= counts[digit];
		known = known << DIGIT_BITS | digit;
	}
	free(counts);
	if (known)
		return known;
	/* All that have weight are kept. */
	*equals = limit;
	return 1;
}

static void hide(struct call_hidden *hidden, const struct call_node *node)
{
	hidden->total += node->total;
	hidden->samples += node->samples;
	hidden->children++;
	hidden->nodes += node->nodes;
}

/*
 * Copies the kept nodes into @pruned and counts what is hidden below them. Afterwards the field
 * `nodes` of each old node says what became of it, or of its nearest kept ancestor: a table beside
 * the tree would be what makes the largest profiles too large. A node was kept when that is another
 * than its parent's.
 */
static void prune_copy(struct call_tree *pruned, struct call_tree *tree, uint32_t limit)
{
	uint32_t equals, room = limit < tree->count ? limit + 1 : tree->count;
	uint64_t threshold = prune_threshold(tree, limit, &equals);

	pruned->nodes = xcalloc(room, sizeof(*pruned->nodes));
	pruned->hidden = xcalloc(room, sizeof(*pruned->hidden));
	pruned->nodes[pruned->count++] = tree->nodes[0];
	if (tree->hidden)
		pruned->hidden[0] = tree->hidden[0];
	tree->nodes[0].nodes = 0;
	for (uint32_t i = 1; i < tree->count; i++) {
		struct call_node *node = &tree->nodes[i];
		const struct call_node *above = &tree->nodes[node->parent];
		uint32_t parent = above->nodes;
		bool is_below_kept = !node->parent || parent != tree->nodes[above->parent].nodes;
		bool is_heavy = node->total > threshold || (node->total == threshold && equals > 0);

		if (is_below_kept && is_heavy) {
			equals -= node->total == threshold;
			pruned->nodes[pruned->count] = *node;
			pruned->nodes[pruned->count].parent = parent;
			if (tree->hidden)
				pruned->hidden[pruned->count] = tree->hidden[i];
			parent = pruned->count++;
		} else if (is_below_kept && node->total) {
			hide(&pruned->hidden[parent], node);
		}
		node->nodes = parent;
	}
}

void call_tree_prune(struct call_tree *tree, size_t samples_count, uint32_t limit)
{
	struct call_tree pruned = {.leaf_of_sample = tree->leaf_of_sample};

	prune_copy(&pruned, tree, limit);
	for (size_t i = 0; i < samples_count; i++)
		if (tree->leaf_of_sample[i] != CALL_TREE_OTHER)
			tree->leaf_of_sample[i] = tree->nodes[tree->leaf_of_sample[i]].nodes;
	free(tree->nodes);
	free(tree->hidden);
	*tree = pruned;
}

struct call_self *call_tree_self(const struct call_tree *tree)
{
	struct call_self *self = xcalloc(tree->count, sizeof(*self));

	for (uint32_t i = 0; i < tree->count; i++) {
		const struct call_node *node = &tree->nodes[i];

		self[i].total += node->total - (tree->hidden ? tree->hidden[i].total : 0);
		self[i].samples += node->samples - (tree->hidden ? tree->hidden[i].samples : 0);
		if (i) {
			self[node->parent].total -= node->total;
			self[node->parent].samples -= node->samples;
		}
	}
	return self;
}
