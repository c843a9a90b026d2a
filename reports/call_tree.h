/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * call_tree: the samples of one metric merged into one tree of calls, roots at the top.
 *
 * A stack of the profile is a path of addresses; a node of this tree is a path of functions, so
 * the calls of one function from many lines fall together, and a frame with inlined functions
 * becomes several nodes. Node 0 is the whole profile. A node's id is larger than its parent's, so
 * every walk over the tree is a loop over the array, however deep the stacks are.
 *
 * Cost: a walk over the callees of one node for each (stack, function), with a hash look-up where
 * they are many; 16 bytes for each node and 4 for each stack while it is built, then 24 a node.
 */
#pragma once

#include "reports/symbol.h"

struct call_node {
	uint32_t parent;
	uint32_t symbol : 31;
	uint32_t inlined : 1; /* its code is part of the parent's */
	uint64_t total;	      /* sum of the sample values here and below, in periods */
	uint32_t samples;     /* number of samples here and below */
	uint32_t nodes;	      /* nodes with weight in the subtree, itself included */
};

/* What was cut off directly below a node. */
struct call_hidden {
	uint64_t total;
	uint32_t samples;
	uint32_t children; /* direct callees */
	uint32_t nodes;	   /* callees of callees included */
};

struct call_tree {
	struct call_node *nodes;
	uint32_t count;
	struct call_hidden *hidden; /* one for each node; NULL when nothing was ever cut off */
	uint32_t *leaf_of_sample;   /* node of each sample; CALL_TREE_OTHER: of another metric */
};

#define CALL_TREE_OTHER UINT32_MAX

struct call_tree_options {
	uint16_t metric;
	const uint32_t *same; /* symbols to be taken for one another (symbol_same_label), or NULL */
	bool separate_inlined; /* keep the inlined and the called form of a function apart */
};

/* Builds the tree of @profile, whose samples are loaded. Released by call_tree_free. */
struct call_tree *call_tree_build(const struct profile *profile,
				  const struct call_tree_options *options);
void call_tree_free(struct call_tree *tree);

/*
 * Keeps at most @limit (> 0) nodes beside the root, the heaviest ones (of equals the earlier), and
 * says for each of them what is hidden below it. Nodes without weight are never kept. Samples of
 * hidden nodes belong to the nearest kept one. A tree may be pruned several times.
 *
 * @samples_count  of the profile that the tree was built of
 */
void call_tree_prune(struct call_tree *tree, size_t samples_count, uint32_t limit);

/* Cost of a node itself, without its callees. */
struct call_self {
	uint64_t total;
	uint32_t samples;
};

/* Returns the self cost of every node; owned by the caller. */
struct call_self *call_tree_self(const struct call_tree *tree);

/* Largest share of a sample's value that is believed, so that no sum can overflow. */
uint64_t call_tree_value(const struct profile *profile, const struct profile_sample *sample);
