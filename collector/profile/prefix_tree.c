/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prefix_tree: see prefix_tree.h. */
#include "collector/profile/prefix_tree.h"

#include "collector/base/xalloc.h"

enum {
	CHAIN = 4, /* children of a node that are found by walking */
	FIRST_SLOTS = 1024
};

void prefix_tree_done(struct prefix_tree *tree)
{
	free(tree->nodes);
	free(tree->slots);
	*tree = (struct prefix_tree){0};
}

static uint32_t hash_of(uint32_t parent, uint32_t key)
{
	uint64_t both = ((uint64_t)parent << 32 | key) * 0x9e3779b97f4a7c15;

	return (both ^ both >> 32) * 0x9e3779b97f4a7c15 >> 32;
}

/* The slot of a child or, when it is not there, the empty one where it belongs. */
static struct prefix_tree_slot *find_slot(const struct prefix_tree *tree, uint32_t hash,
					  uint32_t parent, uint32_t key)
{
	uint32_t at = hash & tree->mask;

	for (; tree->slots[at].node; at = (at + 1) & tree->mask) {
		const struct prefix_tree_slot *slot = &tree->slots[at];

		if (slot->hash == hash && tree->nodes[slot->node].parent == parent &&
		    tree->nodes[slot->node].key == key)
			break;
	}
	return &tree->slots[at];
}

static void grow_slots(struct prefix_tree *tree)
{
	uint32_t size = tree->slots ? 2 * (tree->mask + 1) : FIRST_SLOTS;
	uint32_t old_size = tree->slots ? tree->mask + 1 : 0;
	struct prefix_tree_slot *old = tree->slots;

	tree->slots = xcalloc(size, sizeof(*tree->slots));
	tree->mask = size - 1;
	for (uint32_t i = 0; i < old_size; i++) {
		uint32_t at = old[i].hash & tree->mask;

		if (!old[i].node)
			continue;
		while (tree->slots[at].node)
			at = (at + 1) & tree->mask;
		tree->slots[at] = old[i];
	}
	free(old);
}

static void add_node(struct prefix_tree *tree, uint32_t parent, uint32_t key, uint32_t next)
{
	xgrow(tree->nodes, tree->count, tree->capacity);
	tree->nodes[tree->count++] =
		(struct prefix_tree_node){.parent = parent, .key = key, .next = next};
}

static void add_to_chain(struct prefix_tree *tree, uint32_t parent, uint32_t key)
{
	add_node(tree, parent, key, tree->nodes[parent].first_child);
	tree->nodes[parent].first_child = tree->count - 1;
}

/* The same of those that are in no chain. */
static uint32_t child_in_slots(struct prefix_tree *tree, uint32_t parent, uint32_t key)
{
	uint32_t hash = hash_of(parent, key);
	struct prefix_tree_slot *slot;

	if (2 * tree->in_slots >= tree->mask)
		grow_slots(tree);
	slot = find_slot(tree, hash, parent, key);
	if (!slot->node) {
		*slot = (struct prefix_tree_slot){tree->count, hash};
		tree->in_slots++;
		add_node(tree, parent, key, 0);
	}
	return slot->node;
}

static void begin(struct prefix_tree *tree)
{
	if (!tree->count)
		add_node(tree, 0, 0, 0);
}

uint32_t prefix_tree_child(struct prefix_tree *tree, uint32_t parent, uint32_t key)
{
	uint32_t length = 0;

	begin(tree);
	for (uint32_t at = tree->nodes[parent].first_child; at; at = tree->nodes[at].next) {
		if (tree->nodes[at].key == key)
			return at;
		length++;
	}
	if (length == CHAIN)
		return child_in_slots(tree, parent, key);
	add_to_chain(tree, parent, key);
	return tree->count - 1;
}

void prefix_tree_append(struct prefix_tree *tree, uint32_t parent, uint32_t key)
{
	uint32_t length = 0, number;

	begin(tree);
	number = tree->count;
	for (uint32_t at = tree->nodes[parent].first_child; at; at = tree->nodes[at].next)
		length++;
	if (length < CHAIN)
		add_to_chain(tree, parent, key);
	else if (child_in_slots(tree, parent, key) != number)
		add_node(tree, parent, key, 0); /* a second one, which nobody will ask for */
}
