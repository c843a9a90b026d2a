/* SPDX-License-Identifier: GPL-3.0-or-later */
/* call_tree: see call_tree.h. */
#include "reports/call_tree.h"

#include "collector/base/xalloc.h"

/*
 * Finds a node by (parent, symbol, inlined). Millions of nodes pass through here, so it holds
 * nothing but node ids, four bytes a slot, at most half full; the keys are in the nodes.
 */
struct node_index {
	uint32_t *slots; /* 0 is empty: the root is never looked up */
	uint32_t mask;
};

static uint32_t hash(uint32_t parent, uint32_t symbol, bool inlined)
{
	uint64_t key = ((uint64_t)parent << 32 | symbol << 1 | inlined) * 0x9e3779b97f4a7c15;

	return (key ^ key >> 32) * 0x9e3779b97f4a7c15 >> 32;
}

static void index_grow(struct node_index *index, const struct call_tree *tree)
{
	uint32_t size = index->slots ? 2 * (index->mask + 1) : 1024;

	free(index->slots);
	index->slots = xcalloc(size, sizeof(*index->slots));
	index->mask = size - 1;
	for (uint32_t i = 1; i < tree->count; i++) {
		const struct call_node *node = &tree->nodes[i];
		uint32_t slot = hash(node->parent, node->symbol, node->inlined) & index->mask;

		while (index->slots[slot])
			slot = (slot + 1) & index->mask;
		index->slots[slot] = i;
	}
}

static uint32_t find_or_add(struct call_tree *tree, struct node_index *index, uint32_t parent,
			    uint32_t symbol, bool inlined)
{
	uint32_t slot = hash(parent, symbol, inlined) & index->mask;

	for (; index->slots[slot]; slot = (slot + 1) & index->mask) {
		const struct call_node *node = &tree->nodes[index->slots[slot]];

		if (node->parent == parent && node->symbol == symbol && node->inlined == inlined)
			return index->slots[slot];
	}
	xgrow(tree->nodes, tree->count, tree->capacity);
	tree->nodes[tree->count] =
		(struct call_node){.parent = parent, .symbol = symbol, .inlined = inlined};
	index->slots[slot] = tree->count++;
	if (tree->count > index->mask / 2)
		index_grow(index, tree);
	return tree->count - 1;
}

/* Returns the innermost node of each stack. Parents come first in the profile's table. */
static uint32_t *add_stacks(struct call_tree *tree, const struct profile *profile,
			    const struct call_tree_options *options)
{
	uint32_t *node_of_stack = xcalloc(profile->stacks_count, sizeof(*node_of_stack));
	struct node_index index = {0};

	index_grow(&index, tree);
	for (uint32_t stack = 1; stack < profile->stacks_count; stack++) {
		uint32_t frame = profile->stacks[stack].frame;
		uint32_t node = node_of_stack[profile->stacks[stack].parent];

		for (uint32_t depth = symbol_depth(profile, frame); depth--;) {
			struct symbol_walk walk = symbol_at(profile, frame, depth);
			uint32_t symbol = options->same ? options->same[walk.symbol] : walk.symbol;

			node = find_or_add(tree, &index, node, symbol,
					   walk.inlined && options->separate_inlined);
		}
		node_of_stack[stack] = node;
	}
	free(index.slots);
	return node_of_stack;
}

uint64_t call_tree_value(const struct profile *profile, const struct profile_sample *sample)
{
	uint64_t limit = INT64_MAX / profile->samples_count;

	return sample->value < limit ? sample->value : limit;
}

static void add_samples(struct call_tree *tree, const struct profile *profile, uint16_t metric,
			const uint32_t *node_of_stack)
{
	tree->leaf_of_sample = xcalloc(profile->samples_count, sizeof(*tree->leaf_of_sample));
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		struct call_node *node = &tree->nodes[node_of_stack[sample->stack]];

		if (sample->metric != metric) {
			tree->leaf_of_sample[i] = CALL_TREE_OTHER;
			continue;
		}
		tree->leaf_of_sample[i] = node_of_stack[sample->stack];
		node->total += call_tree_value(profile, sample);
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
	uint32_t *node_of_stack;

	xgrow(tree->nodes, tree->count, tree->capacity);
	tree->nodes[tree->count++] = (struct call_node){0};
	node_of_stack = add_stacks(tree, profile, options);
	add_samples(tree, profile, options->metric, node_of_stack);
	free(node_of_stack);
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

/* Returns the @rank-th largest of @values (0 is the largest), reordering them. Quickselect. */
static uint64_t nth_largest(uint64_t *values, size_t count, size_t rank)
{
	size_t low = 0, high = count - 1;

	while (low < high) {
		uint64_t pivot = values[low + (high - low) / 2];
		size_t i = low, j = high;

		while (i <= j) {
			while (values[i] > pivot)
				i++;
			while (values[j] < pivot)
				j--;
			if (i <= j) {
				uint64_t swap = values[i];

				values[i++] = values[j];
				values[j] = swap;
				if (j-- == 0)
					break;
			}
		}
		if (rank <= j && j < count)
			high = j;
		else if (rank >= i)
			low = i;
		else
			break;
	}
	return values[rank];
}

/*
 * Says which total a node needs to be among the @limit heaviest, and how many of those with
 * exactly that total there is room for.
 */
static uint64_t prune_threshold(const struct call_tree *tree, uint32_t limit, uint32_t *equals)
{
	uint64_t *totals = xcalloc(tree->count, sizeof(*totals));
	uint64_t threshold = 1;

	for (uint32_t i = 1; i < tree->count; i++)
		totals[i - 1] = tree->nodes[i].total;
	if (limit < tree->count - 1)
		threshold = nth_largest(totals, tree->count - 1, limit - 1);
	free(totals);
	if (threshold < 1)
		threshold = 1;
	*equals = limit;
	for (uint32_t i = 1; i < tree->count; i++)
		*equals -= tree->nodes[i].total > threshold && *equals > 0;
	return threshold;
}

/* Copies the kept nodes; @kept_as says what became of each, or of its nearest kept ancestor. */
static void prune_copy(struct call_tree *pruned, const struct call_tree *tree, uint32_t limit,
		       uint32_t *kept_as, bool *kept)
{
	uint32_t equals;
	uint64_t threshold = prune_threshold(tree, limit, &equals);

	kept[0] = true;
	pruned->nodes =
		xcalloc(limit < tree->count ? limit + 1 : tree->count, sizeof(*pruned->nodes));
	pruned->nodes[pruned->count++] = tree->nodes[0];
	for (uint32_t i = 1; i < tree->count; i++) {
		const struct call_node *node = &tree->nodes[i];
		bool heavy = node->total > threshold || (node->total == threshold && equals > 0);

		kept_as[i] = kept_as[node->parent];
		kept[i] = heavy && kept[node->parent];
		if (!kept[i])
			continue;
		equals -= node->total == threshold;
		pruned->nodes[pruned->count] = *node;
		pruned->nodes[pruned->count].parent = kept_as[node->parent];
		kept_as[i] = pruned->count++;
	}
}

static void hide(struct call_hidden *hidden, const struct call_node *node)
{
	hidden->total += node->total;
	hidden->samples += node->samples;
	hidden->children++;
	hidden->nodes += node->nodes;
}

struct call_tree *call_tree_prune(const struct call_tree *tree, size_t samples_count,
				  uint32_t limit)
{
	struct call_tree *pruned = xcalloc(1, sizeof(*pruned));
	uint32_t *kept_as = xcalloc(tree->count, sizeof(*kept_as));
	bool *kept = xcalloc(tree->count, sizeof(*kept));

	prune_copy(pruned, tree, limit, kept_as, kept);
	pruned->hidden = xcalloc(pruned->count, sizeof(*pruned->hidden));
	for (uint32_t i = 0; i < tree->count; i++) {
		if (kept[i] && tree->hidden)
			pruned->hidden[kept_as[i]] = tree->hidden[i];
		else if (!kept[i] && kept[tree->nodes[i].parent] && tree->nodes[i].total)
			hide(&pruned->hidden[kept_as[i]], &tree->nodes[i]);
	}
	pruned->leaf_of_sample = xcalloc(samples_count, sizeof(*pruned->leaf_of_sample));
	for (size_t i = 0; i < samples_count; i++) {
		uint32_t leaf = tree->leaf_of_sample[i];

		pruned->leaf_of_sample[i] = leaf == CALL_TREE_OTHER ? leaf : kept_as[leaf];
	}
	free(kept_as);
	free(kept);
	return pruned;
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
