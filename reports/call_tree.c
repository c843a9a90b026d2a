/* SPDX-License-Identifier: GPL-3.0-or-later */
/* call_tree: see call_tree.h. */
#include "reports/call_tree.h"

#include "collector/base/xalloc.h"

enum {
	CHAIN = 4,	/* callees of a node that are found by walking */
	DIGIT_BITS = 16 /* of a total */
};

/*
 * Finds a node by (parent, symbol, inlined). Millions of nodes pass through here, most of them the
 * only callee of their parent, so the first CHAIN callees of a node are a chain through the nodes
 * themselves. This holds the others: nothing but node ids, at most half full; the keys are in the
 * nodes.
 */
struct node_index {
	uint32_t *slots; /* 0 is empty: the root is never looked up */
	uint32_t mask;
	uint32_t count;
};

static uint32_t hash(uint32_t parent, uint32_t symbol, bool inlined)
{
	uint64_t key = ((uint64_t)parent << 32 | symbol << 1 | inlined) * 0x9e3779b97f4a7c15;

	return (key ^ key >> 32) * 0x9e3779b97f4a7c15 >> 32;
}

/* The slot of a node's own or, when it is not there, the empty one where it belongs. */
static uint32_t *find_slot(const struct node_index *index, const struct call_tree *tree,
			   const struct call_node *wanted)
{
	uint32_t slot = hash(wanted->parent, wanted->symbol, wanted->inlined) & index->mask;

	for (; index->slots[slot]; slot = (slot + 1) & index->mask) {
		const struct call_node *node = &tree->nodes[index->slots[slot]];

		if (node->parent == wanted->parent && node->symbol == wanted->symbol &&
		    node->inlined == wanted->inlined)
			break;
	}
	return &index->slots[slot];
}

static void index_grow(struct node_index *index, const struct call_tree *tree)
{
	uint32_t size = index->slots ? 2 * (index->mask + 1) : 1024;
	struct node_index grown = {xcalloc(size, sizeof(*grown.slots)), size - 1, index->count};

	for (uint32_t i = 0; index->slots && i <= index->mask; i++)
		if (index->slots[i])
			*find_slot(&grown, tree, &tree->nodes[index->slots[i]]) = index->slots[i];
	free(index->slots);
	*index = grown;
}

static uint32_t append(struct call_tree *tree, const struct call_node *node)
{
	xgrow(tree->nodes, tree->count, tree->capacity);
	tree->nodes[tree->count] = *node;
	return tree->count++;
}

/* The same among those that are in no chain. */
static uint32_t find_or_add_other(struct call_tree *tree, struct node_index *index,
				  const struct call_node *wanted)
{
	uint32_t *slot;

	if (2 * index->count >= index->mask)
		index_grow(index, tree);
	slot = find_slot(index, tree, wanted);
	if (!*slot) {
		*slot = append(tree, wanted);
		index->count++;
	}
	return *slot;
}

static uint32_t find_or_add(struct call_tree *tree, struct node_index *index, uint32_t parent,
			    uint32_t symbol, bool inlined)
{
	struct call_node wanted = {.parent = parent, .symbol = symbol, .inlined = inlined};
	uint32_t at = tree->nodes[parent].first_callee, length = 0;

	for (; at; at = tree->nodes[at].next_callee, length++)
		if (tree->nodes[at].symbol == symbol && tree->nodes[at].inlined == inlined)
			return at;
	if (length == CHAIN)
		return find_or_add_other(tree, index, &wanted);
	wanted.next_callee = tree->nodes[parent].first_callee;
	at = append(tree, &wanted);
	tree->nodes[parent].first_callee = at;
	return at;
}

/* Returns the innermost node of each stack. Parents come first in the profile's table. */
static uint32_t *add_stacks(struct call_tree *tree, const struct profile *profile,
			    const struct call_tree_options *options)
{
	uint32_t *node_of_stack = xcalloc(profile->stacks_count, sizeof(*node_of_stack));
	struct node_index index = {0};

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
	for (uint32_t i = 0; i < tree->count; i++)
		tree->nodes[i].samples = tree->nodes[i].nodes = 0;
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
 * Copies the kept nodes and counts what is hidden below them; @kept_as says what became of each, or
 * of its nearest kept ancestor. A node was kept when that is another than its parent's.
 */
static void prune_copy(struct call_tree *pruned, const struct call_tree *tree, uint32_t limit,
		       uint32_t *kept_as)
{
	uint32_t equals, room = limit < tree->count ? limit + 1 : tree->count;
	uint64_t threshold = prune_threshold(tree, limit, &equals);

	pruned->nodes = xcalloc(room, sizeof(*pruned->nodes));
	pruned->hidden = xcalloc(room, sizeof(*pruned->hidden));
	pruned->nodes[pruned->count++] = tree->nodes[0];
	if (tree->hidden)
		pruned->hidden[0] = tree->hidden[0];
	for (uint32_t i = 1; i < tree->count; i++) {
		const struct call_node *node = &tree->nodes[i];
		uint32_t parent = kept_as[node->parent];
		bool is_below_kept =
			!node->parent || parent != kept_as[tree->nodes[node->parent].parent];
		bool is_heavy = node->total > threshold || (node->total == threshold && equals > 0);

		kept_as[i] = parent;
		if (is_below_kept && is_heavy) {
			equals -= node->total == threshold;
			pruned->nodes[pruned->count] = *node;
			pruned->nodes[pruned->count].parent = parent;
			if (tree->hidden)
				pruned->hidden[pruned->count] = tree->hidden[i];
			kept_as[i] = pruned->count++;
		} else if (is_below_kept && node->total) {
			hide(&pruned->hidden[parent], node);
		}
	}
}

struct call_tree *call_tree_prune(const struct call_tree *tree, size_t samples_count,
				  uint32_t limit)
{
	struct call_tree *pruned = xcalloc(1, sizeof(*pruned));
	uint32_t *kept_as = xcalloc(tree->count, sizeof(*kept_as));

	prune_copy(pruned, tree, limit, kept_as);
	pruned->leaf_of_sample = xcalloc(samples_count, sizeof(*pruned->leaf_of_sample));
	for (size_t i = 0; i < samples_count; i++) {
		uint32_t leaf = tree->leaf_of_sample[i];

		pruned->leaf_of_sample[i] = leaf == CALL_TREE_OTHER ? leaf : kept_as[leaf];
	}
	free(kept_as);
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
