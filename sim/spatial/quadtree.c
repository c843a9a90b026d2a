/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The quadtree: nodes in groups of four, buckets in chains, queries by an explicit stack. */
#include "sim/spatial/quadtree.h"

#include "sim/allocate.h"

#include <math.h>
#include <stdlib.h>

enum {
	BUCKET_ITEMS = 8,
	MAXIMUM_DEPTH = 16,
	STACK_NODES = 3 * MAXIMUM_DEPTH + 4,
	WEAR_MINIMUM = 64,
	GROWTH = 4, /* entities, as a multiple of those built from, that need a new box */
};

/* A chain's first bucket has the free places. */
struct bucket {
	float x[BUCKET_ITEMS];
	float y[BUCKET_ITEMS];
	uint32_t ids[BUCKET_ITEMS];
	uint32_t count;
	uint32_t next; /* 0 for none */
};

/* Children are in the order: left and above, right and above, left and below, right and below. */
struct node {
	float middle_x;
	float middle_y;
	uint32_t children; /* the first of four; 0 for a leaf */
	uint32_t bucket;   /* of a leaf; 0 for none */
};

struct quadtree {
	struct node *nodes;
	uint32_t node_count;
	uint32_t node_capacity;
	uint32_t nodes_built;
	struct bucket *buckets; /* 0 is nobody's */
	uint32_t bucket_count;
	uint32_t bucket_capacity;
	uint32_t spare; /* chain of buckets that nobody uses */
	uint32_t count;
	uint32_t built; /* entities it was built from */
	float width;
	float height;
};

static uint32_t take_bucket(struct quadtree *tree)
{
	uint32_t taken = tree->spare;
	if (taken) {
		tree->spare = tree->buckets[taken].next;
	} else {
		if (tree->bucket_count == tree->bucket_capacity) {
			tree->bucket_capacity += tree->bucket_capacity / 2 + 16;
			tree->buckets = reallocate(tree->buckets, tree->bucket_capacity,
						   sizeof(*tree->buckets));
		}
		taken = tree->bucket_count++;
	}
	tree->buckets[taken].count = 0;
	tree->buckets[taken].next = 0;
	return taken;
}

static void give_back(struct quadtree *tree, uint32_t bucket)
{
	tree->buckets[bucket].next = tree->spare;
	tree->spare = bucket;
}

static void reserve_nodes(struct quadtree *tree, uint32_t count)
{
	if (tree->node_count + count <= tree->node_capacity)
		return;
	tree->node_capacity += tree->node_capacity / 2 + 16;
	tree->nodes = reallocate(tree->nodes, tree->node_capacity, sizeof(*tree->nodes));
}

static void *quadtree_create(void)
{
	struct quadtree *tree = allocate(1, sizeof(*tree));
	reserve_nodes(tree, 1);
	tree->nodes[0] = (struct node){0};
	tree->node_count = tree->nodes_built = 1;
	tree->bucket_count = tree->bucket_capacity = 1;
	tree->buckets = allocate(1, sizeof(*tree->buckets));
	return tree;
}

static void quadtree_free(void *pointer)
{
	struct quadtree *tree = pointer;
	free(tree->nodes);
	free(tree->buckets);
	free(tree);
}

static uint32_t child_of(const struct node *node, float x, float y)
{
	return node->children + (x >= node->middle_x) + 2 * (y >= node->middle_y);
}

/* The leaf of a place; its depth goes to *depth. */
static uint32_t find_leaf(const struct quadtree *tree, float x, float y, int *depth)
{
	uint32_t i = 0;
	*depth = 0;
	while (tree->nodes[i].children) {
		i = child_of(&tree->nodes[i], x, y);
		++*depth;
	}
	return i;
}

static void put(struct quadtree *tree, uint32_t leaf, uint32_t id, float x, float y)
{
	uint32_t first = tree->nodes[leaf].bucket;
	if (!first || tree->buckets[first].count == BUCKET_ITEMS) {
		uint32_t added = take_bucket(tree);
		tree->buckets[added].next = first;
		tree->nodes[leaf].bucket = first = added;
	}
	struct bucket *bucket = &tree->buckets[first];
	bucket->x[bucket->count] = x;
	bucket->y[bucket->count] = y;
	bucket->ids[bucket->count++] = id;
}

/* A leaf with one full bucket becomes a node with four leaves. */
static void divide(struct quadtree *tree, uint32_t leaf, int depth)
{
	reserve_nodes(tree, 4);
	uint32_t full = tree->nodes[leaf].bucket;
	struct node *node = &tree->nodes[leaf];
	float quarter_x = ldexpf(tree->width, -depth - 2);
	float quarter_y = ldexpf(tree->height, -depth - 2);
	node->children = tree->node_count;
	node->bucket = 0;
	for (uint32_t i = 0; i < 4; i++)
		tree->nodes[tree->node_count++] = (struct node){
			.middle_x = node->middle_x + (i & 1 ? quarter_x : -quarter_x),
			.middle_y = node->middle_y + (i & 2 ? quarter_y : -quarter_y),
		};
	struct bucket items = tree->buckets[full];
	give_back(tree, full);
	for (uint32_t i = 0; i < items.count; i++)
		put(tree, child_of(node, items.x[i], items.y[i]), items.ids[i], items.x[i],
		    items.y[i]);
}

static void insert(struct quadtree *tree, uint32_t id, float x, float y)
{
	int depth;
	uint32_t leaf = find_leaf(tree, x, y, &depth);
	for (; depth < MAXIMUM_DEPTH; depth++) {
		uint32_t bucket = tree->nodes[leaf].bucket;
		if (!bucket || tree->buckets[bucket].count < BUCKET_ITEMS)
			break;
		divide(tree, leaf, depth);
		leaf = child_of(&tree->nodes[leaf], x, y);
	}
	put(tree, leaf, id, x, y);
}

static void take_out(struct quadtree *tree, uint32_t id, float x, float y)
{
	int depth;
	struct node *leaf = &tree->nodes[find_leaf(tree, x, y, &depth)];
	struct bucket *first = &tree->buckets[leaf->bucket], *bucket = first;
	for (;; bucket = &tree->buckets[bucket->next]) {
		uint32_t i = 0;
		while (i < bucket->count && bucket->ids[i] != id)
			i++;
		if (i == bucket->count)
			continue;
		uint32_t last = --first->count;
		bucket->x[i] = first->x[last];
		bucket->y[i] = first->y[last];
		bucket->ids[i] = first->ids[last];
		break;
	}
	if (first->count == 0) {
		uint32_t emptied = leaf->bucket;
		leaf->bucket = first->next;
		give_back(tree, emptied);
	}
}

static void quadtree_build(void *pointer, const struct spatial_items *items)
{
	struct quadtree *tree = pointer;
	float left = INFINITY, top = INFINITY, right = -INFINITY, bottom = -INFINITY;
	for (uint32_t id = 0; id < items->count; id++) {
		float x = items->x[id], y = items->y[id];
		if (isnan(x))
			continue;
		left = x < left ? x : left;
		right = x > right ? x : right;
		top = y < top ? y : top;
		bottom = y > bottom ? y : bottom;
	}
	bool any = right >= left;
	tree->width = any ? right - left : 0;
	tree->height = any ? bottom - top : 0;
	tree->nodes[0] = (struct node){
		.middle_x = any ? left + tree->width / 2 : 0,
		.middle_y = any ? top + tree->height / 2 : 0,
	};
	tree->node_count = tree->bucket_count = 1;
	tree->spare = 0;
	tree->count = 0;
	for (uint32_t id = 0; id < items->count; id++) {
		if (isnan(items->x[id]))
			continue;
		insert(tree, id, items->x[id], items->y[id]);
		tree->count++;
	}
	tree->built = tree->count;
	tree->nodes_built = tree->node_count;
}

static bool quadtree_insert(void *pointer, uint32_t id, float x, float y)
{
	struct quadtree *tree = pointer;
	insert(tree, id, x, y);
	tree->count++;
	return tree->count <= WEAR_MINIMUM || tree->count / GROWTH <= tree->built;
}

static void quadtree_move(void *pointer, uint32_t id, const struct spatial_move *move)
{
	take_out(pointer, id, move->from_x, move->from_y);
	insert(pointer, id, move->to_x, move->to_y);
}

static void quadtree_remove(void *pointer, uint32_t id, float x, float y)
{
	struct quadtree *tree = pointer;
	take_out(tree, id, x, y);
	tree->count--;
}

static void quadtree_renumber(void *pointer, const uint32_t *numbers)
{
	struct quadtree *tree = pointer;
	for (uint32_t i = 0; i < tree->node_count; i++)
		for (uint32_t next = tree->nodes[i].bucket; next; next = tree->buckets[next].next)
			for (uint32_t item = 0; item < tree->buckets[next].count; item++)
				tree->buckets[next].ids[item] =
					numbers[tree->buckets[next].ids[item]];
}

static bool quadtree_worn(const void *pointer)
{
	const struct quadtree *tree = pointer;
	return tree->node_count > WEAR_MINIMUM && tree->node_count / 2 > tree->nodes_built;
}

/* Pushes those children of a node that a rectangle touches. */
static uint32_t push_touched(const struct node *node, float left, float right, float top,
			     float bottom, uint32_t *stack, uint32_t depth)
{
	bool is_left = left < node->middle_x, is_right = right >= node->middle_x;
	bool is_above = top < node->middle_y, is_below = bottom >= node->middle_y;
	if (is_right && is_below)
		stack[depth++] = node->children + 3;
	if (is_left && is_below)
		stack[depth++] = node->children + 2;
	if (is_right && is_above)
		stack[depth++] = node->children + 1;
	if (is_left && is_above)
		stack[depth++] = node->children;
	return depth;
}

/* A little more than the radius: what the rounded comparison accepts must not be cut off. */
static float reach_of(float x, float radius)
{
	return radius + (fabsf(x) + radius) * 1e-6F;
}

static void quadtree_nearby(const void *pointer, float x, float y, float radius,
			    struct spatial_found *found)
{
	const struct quadtree *tree = pointer;
	const float limit = radius * radius;
	float reach_x = reach_of(x, radius), reach_y = reach_of(y, radius);
	uint32_t stack[STACK_NODES] = {0}, depth = 1;
	while (depth > 0) {
		const struct node *node = &tree->nodes[stack[--depth]];
		if (node->children) {
			depth = push_touched(node, x - reach_x, x + reach_x, y - reach_y,
					     y + reach_y, stack, depth);
			continue;
		}
		for (uint32_t i = node->bucket; i; i = tree->buckets[i].next) {
			const struct bucket *bucket = &tree->buckets[i];
			uint32_t *ids = spatial_found_reserve(found, BUCKET_ITEMS);
			for (uint32_t item = 0; item < bucket->count; item++) {
				float dx = bucket->x[item] - x, dy = bucket->y[item] - y;
				*ids = bucket->ids[item];
				ids += dx * dx + dy * dy <= limit;
			}
			found->count = (size_t)(ids - found->ids);
		}
	}
}

static void quadtree_range(const void *pointer, float x, float y, float width, float height,
			   struct spatial_found *found)
{
	const struct quadtree *tree = pointer;
	const float right = x + width, bottom = y + height;
	uint32_t stack[STACK_NODES] = {0}, depth = 1;
	while (depth > 0) {
		const struct node *node = &tree->nodes[stack[--depth]];
		if (node->children) {
			depth = push_touched(node, x, right, y, bottom, stack, depth);
			continue;
		}
		for (uint32_t i = node->bucket; i; i = tree->buckets[i].next) {
			const struct bucket *bucket = &tree->buckets[i];
			uint32_t *ids = spatial_found_reserve(found, BUCKET_ITEMS);
			for (uint32_t item = 0; item < bucket->count; item++) {
				float item_x = bucket->x[item], item_y = bucket->y[item];
				*ids = bucket->ids[item];
				ids += (item_x >= x) & (item_x < right) & (item_y >= y) &
				       (item_y < bottom);
			}
			found->count = (size_t)(ids - found->ids);
		}
	}
}

struct search {
	float x;
	float y;
	const struct spatial_filter *filter;
	float distance_squared;
	uint32_t id;
};

static void search_leaf(const struct quadtree *tree, const struct node *leaf, struct search *search)
{
	for (uint32_t next = leaf->bucket; next; next = tree->buckets[next].next) {
		const struct bucket *bucket = &tree->buckets[next];
		for (uint32_t i = 0; i < bucket->count; i++) {
			float dx = bucket->x[i] - search->x, dy = bucket->y[i] - search->y;
			float distance = dx * dx + dy * dy;
			uint32_t id = bucket->ids[i];
			if ((distance < search->distance_squared ||
			     (distance == search->distance_squared && id < search->id)) &&
			    (!search->filter ||
			     search->filter->accept(search->filter->context, id))) {
				search->distance_squared = distance;
				search->id = id;
			}
		}
	}
}

/* A node to be looked into, with what its entities are at least away by each coordinate. */
struct step {
	uint32_t node;
	float dx;
	float dy;
};

/* The quadrant with the place in it is pushed last, the opposite one first. */
static uint32_t push_by_distance(const struct node *node, const struct search *search,
				 struct step from, struct step *stack, uint32_t depth)
{
	uint32_t own = child_of(node, search->x, search->y) - node->children;
	float dx = fmaxf(fabsf(node->middle_x - search->x), from.dx);
	float dy = fmaxf(fabsf(node->middle_y - search->y), from.dy);
	stack[depth++] = (struct step){node->children + (own ^ 3), dx, dy};
	if (dx > dy) {
		stack[depth++] = (struct step){node->children + (own ^ 1), dx, from.dy};
		stack[depth++] = (struct step){node->children + (own ^ 2), from.dx, dy};
	} else {
		stack[depth++] = (struct step){node->children + (own ^ 2), from.dx, dy};
		stack[depth++] = (struct step){node->children + (own ^ 1), dx, from.dy};
	}
	stack[depth++] = (struct step){node->children + own, from.dx, from.dy};
	return depth;
}

static uint32_t quadtree_nearest(const void *pointer, float x, float y, float radius,
				 const struct spatial_filter *filter)
{
	const struct quadtree *tree = pointer;
	struct search search = {x, y, filter, radius * radius, SPATIAL_NONE};
	struct step stack[STACK_NODES] = {{0}};
	uint32_t depth = 1;
	while (depth > 0) {
		struct step step = stack[--depth];
		/* Rounding is monotonic: no entity's computed distance is less than this. */
		if (step.dx * step.dx + step.dy * step.dy > search.distance_squared)
			continue;
		const struct node *node = &tree->nodes[step.node];
		if (node->children)
			depth = push_by_distance(node, &search, step, stack, depth);
		else
			search_leaf(tree, node, &search);
	}
	return search.id;
}

const struct spatial_structure quadtree_structure = {
	.name = "quadtree",
	.create = quadtree_create,
	.free = quadtree_free,
	.build = quadtree_build,
	.insert = quadtree_insert,
	.move = quadtree_move,
	.remove = quadtree_remove,
	.renumber = quadtree_renumber,
	.worn = quadtree_worn,
	.nearby = quadtree_nearby,
	.nearest = quadtree_nearest,
	.range = quadtree_range,
};
