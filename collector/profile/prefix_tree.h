/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * prefix_tree: paths from a root, so that one number is a whole path: node and the key of the last
 * step. Stacks of a profile are one, call trees are made with one.
 *
 * Tens of millions of nodes pass through here, most of them the only child of their parent and
 * added right after it. So the first children of a node are a chain through the nodes themselves,
 * which costs no look-up elsewhere; only where they are many a hash index holds the others. It is
 * at most half full and holds node numbers and a part of their hash, which tells without a look
 * into the nodes that one is another; the keys are in the nodes.
 *
 * Cost: 16 bytes a node, and 16 to 32 for each child after the fourth.
 */
#pragma once

#include <stdint.h>

struct prefix_tree_node {
	uint32_t parent; /* smaller than the node's own number */
	uint32_t key;
	uint32_t first_child; /* 0: none */
	uint32_t next;	      /* in the chain of the parent's children; 0: none */
};

struct prefix_tree_slot {
	uint32_t node; /* 0 is empty */
	uint32_t hash;
};

struct prefix_tree {
	struct prefix_tree_node *nodes; /* 0 is the root, once there is any other */
	uint32_t count, capacity;
	struct prefix_tree_slot *slots; /* of children that are in no chain */
	uint32_t mask, in_slots;
};

/* All zeros is an empty tree. */
void prefix_tree_done(struct prefix_tree *tree);

/* Returns the child of @parent with @key, adding it, under the number tree->count, when it is new.
 */
uint32_t prefix_tree_child(struct prefix_tree *tree, uint32_t parent, uint32_t key);

/* Adds a child without asking whether there is one like it. */
void prefix_tree_append(struct prefix_tree *tree, uint32_t parent, uint32_t key);
