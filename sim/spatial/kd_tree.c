/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kd-tree: build by quickselect, queries by an explicit stack. */
#include "sim/spatial/kd_tree.h"

#include "sim/allocate.h"

#include <math.h>
#include <stdlib.h>

enum {
	BUCKET_ITEMS = 8,
	STACK_NODES = 64,     /* two per level; 2^32 entities need 30 levels */
	WEAR = 1,	      /* changes per entity that make a new tree worth its price */
	WAITING_MINIMUM = 32, /* entities that may wait behind even the smallest tree */
};

struct item {
	float x;
	float y;
	uint32_t id;
	uint32_t leaf; /* node that holds it; unused while waiting */
};

struct node {
	float left;
	float top;
	float right;
	float bottom;
	uint32_t begin; /* range of items */
	uint32_t end;
};

struct kd_tree {
	struct item *items;
	uint32_t built;	   /* items in the tree */
	uint32_t used;	   /* the same and those waiting behind it */
	uint32_t capacity; /* of items and slots */
	uint32_t *slots;   /* by id: where in items */
	uint32_t slot_capacity;
	struct node *nodes;
	uint32_t node_capacity;
	uint32_t first_leaf; /* nodes from here on are buckets */
	uint32_t changes;    /* since it was built */
};

static void *kd_tree_create(void)
{
	return allocate(1, sizeof(struct kd_tree));
}

static void kd_tree_free(void *pointer)
{
	struct kd_tree *tree = pointer;
	free(tree->items);
	free(tree->slots);
	free(tree->nodes);
	free(tree);
}

static void reserve_items(struct kd_tree *tree, uint32_t count)
{
	if (count <= tree->capacity)
		return;
	tree->capacity = count > 2 * tree->capacity ? count : 2 * tree->capacity;
	tree->items = reallocate(tree->items, tree->capacity, sizeof(*tree->items));
}

static void reserve_slots(struct kd_tree *tree, uint32_t count)
{
	if (count <= tree->slot_capacity)
		return;
	tree->slot_capacity = count > 2 * tree->slot_capacity ? count : 2 * tree->slot_capacity;
	tree->slots = reallocate(tree->slots, tree->slot_capacity, sizeof(*tree->slots));
}

static float coordinate(const struct item *item, bool vertical)
{
	return vertical ? item->y : item->x;
}

/* Hoare's selection: afterwards nothing before @middle is greater than it, nothing behind less. */
static void select_median(struct item *items, uint32_t begin, uint32_t end, uint32_t middle,
			  bool vertical)
{
	int64_t low = begin, high = (int64_t)end - 1;
	while (low < high) {
		float pivot = coordinate(&items[low + (high - low) / 2], vertical);
		int64_t i = low, j = high;
		while (i <= j) {
			while (coordinate(&items[i], vertical) < pivot)
				i++;
			while (pivot < coordinate(&items[j], vertical))
				j--;
			if (i > j)
				break;
			struct item swapped = items[i];
			items[i++] = items[j];
			items[j--] = swapped;
		}
		if (j < middle)
			low = i;
		if (middle < i)
			high = j;
	}
}

static void measure(struct node *node, const struct item *items)
{
	node->left = node->top = INFINITY;
	node->right = node->bottom = -INFINITY;
	for (uint32_t i = node->begin; i < node->end; i++) {
		const struct item *item = &items[i];
		node->left = item->x < node->left ? item->x : node->left;
		node->right = item->x > node->right ? item->x : node->right;
		node->top = item->y < node->top ? item->y : node->top;
		node->bottom = item->y > node->bottom ? item->y : node->bottom;
	}
}

/* Nodes are numbered by level, so a plain loop meets every node after its parent. */
static void build_nodes(struct kd_tree *tree, uint32_t node_count)
{
	tree->nodes[0].begin = 0;
	tree->nodes[0].end = tree->built;
	for (uint32_t i = 0; i < node_count; i++) {
		struct node *node = &tree->nodes[i];
		measure(node, tree->items);
		if (i >= tree->first_leaf) {
			for (uint32_t slot = node->begin; slot < node->end; slot++) {
				tree->items[slot].leaf = i;
				tree->slots[tree->items[slot].id] = slot;
			}
			continue;
		}
		uint32_t middle = node->begin + (node->end - node->begin) / 2;
		bool vertical = node->bottom - node->top > node->right - node->left;
		select_median(tree->items, node->begin, node->end, middle, vertical);
		tree->nodes[2 * i + 1].begin = node->begin;
		tree->nodes[2 * i + 1].end = tree->nodes[2 * i + 2].begin = middle;
		tree->nodes[2 * i + 2].end = node->end;
	}
}

static void kd_tree_build(void *pointer, const struct spatial_items *items)
{
	struct kd_tree *tree = pointer;
	reserve_items(tree, items->count);
	reserve_slots(tree, items->count);
	tree->built = 0;
	tree->changes = 0;
	for (uint32_t id = 0; id < items->count; id++)
		if (!isnan(items->x[id]))
			tree->items[tree->built++] =
				(struct item){.x = items->x[id], .y = items->y[id], .id = id};
	tree->used = tree->built;
	if (tree->built == 0)
		return;

	uint32_t leaves = 1;
	while ((uint64_t)leaves * BUCKET_ITEMS < tree->built)
		leaves *= 2;
	uint32_t node_count = 2 * leaves - 1;
	if (node_count > tree->node_capacity) {
		tree->node_capacity = node_count;
		tree->nodes = reallocate(tree->nodes, node_count, sizeof(*tree->nodes));
	}
	tree->first_leaf = leaves - 1;
	build_nodes(tree, node_count);
}

static bool kd_tree_insert(void *pointer, uint32_t id, float x, float y)
{
	struct kd_tree *tree = pointer;
	reserve_items(tree, tree->used + 1);
	reserve_slots(tree, id + 1);
	tree->slots[id] = tree->used;
	tree->items[tree->used++] = (struct item){.x = x, .y = y, .id = id};
	/* A tree that is still empty is being filled; one build at the end is the cheapest. */
	uint64_t waiting = tree->used - tree->built;
	return tree->built == 0 || waiting <= WAITING_MINIMUM || waiting * waiting <= tree->built;
}

static void kd_tree_move(void *pointer, uint32_t id, const struct spatial_move *move)
{
	struct kd_tree *tree = pointer;
	float x = move->to_x, y = move->to_y;
	uint32_t slot = tree->slots[id];
	struct item *item = &tree->items[slot];
	item->x = x;
	item->y = y;
	tree->changes++;
	if (slot >= tree->built)
		return;
	for (uint32_t i = item->leaf;; i = (i - 1) / 2) {
		struct node *node = &tree->nodes[i];
		if (x >= node->left && x <= node->right && y >= node->top && y <= node->bottom)
			return; /* a parent's box contains its children's */
		node->left = x < node->left ? x : node->left;
		node->right = x > node->right ? x : node->right;
		node->top = y < node->top ? y : node->top;
		node->bottom = y > node->bottom ? y : node->bottom;
		if (i == 0)
			return;
	}
}

static void kd_tree_remove(void *pointer, uint32_t id, float x, float y)
{
	struct kd_tree *tree = pointer;
	(void)x;
	(void)y;
	tree->items[tree->slots[id]].x = NAN;
	tree->changes++;
}

/* Ids only ever become lower, so that a slot is read before it is written. */
static void kd_tree_renumber(void *pointer, const uint32_t *numbers)
{
	struct kd_tree *tree = pointer;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < tree->used; i++)
		if (isnan(tree->items[i].x))
			tree->items[i].id = SPATIAL_NONE;
		else
			tree->items[i].id = numbers[tree->items[i].id];
	for (uint32_t i = tree->built; i < tree->used; i++)
		if (tree->items[i].id != SPATIAL_NONE)
			tree->items[tree->built + kept++] = tree->items[i];
	tree->used = tree->built + kept;
	for (uint32_t i = 0; i < tree->used; i++)
		if (tree->items[i].id != SPATIAL_NONE)
			tree->slots[tree->items[i].id] = i;
}

/* Grown boxes overlap and gone entities are still read: after a while a new tree pays. */
static bool kd_tree_worn(const void *pointer)
{
	const struct kd_tree *tree = pointer;
	return tree->changes / WEAR >= tree->built;
}

/* Rounding is monotonic, so this is never more than the computed distance of any item inside. */
static float box_distance_squared(const struct node *node, float x, float y)
{
	float before = node->left - x, behind = x - node->right;
	float dx = before > 0 ? before : behind > 0 ? behind : 0;
	float above = node->top - y, below = y - node->bottom;
	float dy = above > 0 ? above : below > 0 ? below : 0;
	return dx * dx + dy * dy;
}

static float distance_squared(const struct item *item, float x, float y)
{
	float dx = item->x - x, dy = item->y - y;
	return dx * dx + dy * dy;
}

static void collect_nearby(const struct kd_tree *tree, uint32_t begin, uint32_t end, float x,
			   float y, float radius_squared, struct spatial_found *found)
{
	uint32_t *ids = spatial_found_reserve(found, end - begin);
	for (uint32_t i = begin; i < end; i++) {
		*ids = tree->items[i].id;
		ids += distance_squared(&tree->items[i], x, y) <= radius_squared;
	}
	found->count = (size_t)(ids - found->ids);
}

static void kd_tree_nearby(const void *pointer, float x, float y, float radius,
			   struct spatial_found *found)
{
	const struct kd_tree *tree = pointer;
	float radius_squared = radius * radius;
	uint32_t stack[STACK_NODES], depth = 0;
	if (tree->built > 0)
		stack[depth++] = 0;
	while (depth > 0) {
		uint32_t i = stack[--depth];
		const struct node *node = &tree->nodes[i];
		if (box_distance_squared(node, x, y) > radius_squared)
			continue;
		if (i >= tree->first_leaf) {
			collect_nearby(tree, node->begin, node->end, x, y, radius_squared, found);
		} else {
			stack[depth++] = 2 * i + 2;
			stack[depth++] = 2 * i + 1;
		}
	}
	collect_nearby(tree, tree->built, tree->used, x, y, radius_squared, found);
}

struct nearest {
	float distance_squared;
	uint32_t id;
};

static void improve_nearest(const struct kd_tree *tree, uint32_t begin, uint32_t end, float x,
			    float y, const struct spatial_filter *filter, struct nearest *best)
{
	for (uint32_t i = begin; i < end; i++) {
		const struct item *item = &tree->items[i];
		float distance = distance_squared(item, x, y);
		bool better = distance < best->distance_squared ||
			      (distance == best->distance_squared && item->id < best->id);
		if (better && (!filter || filter->accept(filter->context, item->id)))
			*best = (struct nearest){distance, item->id};
	}
}

static uint32_t kd_tree_nearest(const void *pointer, float x, float y, float radius,
				const struct spatial_filter *filter)
{
	const struct kd_tree *tree = pointer;
	struct nearest best = {.distance_squared = radius * radius, .id = SPATIAL_NONE};
	improve_nearest(tree, tree->built, tree->used, x, y, filter, &best);
	uint32_t stack[STACK_NODES], depth = 0;
	if (tree->built > 0)
		stack[depth++] = 0;
	while (depth > 0) {
		uint32_t i = stack[--depth];
		const struct node *node = &tree->nodes[i];
		if (box_distance_squared(node, x, y) > best.distance_squared)
			continue;
		if (i >= tree->first_leaf) {
			improve_nearest(tree, node->begin, node->end, x, y, filter, &best);
			continue;
		}
		uint32_t near = 2 * i + 1, far = 2 * i + 2;
		if (box_distance_squared(&tree->nodes[far], x, y) <
		    box_distance_squared(&tree->nodes[near], x, y)) {
			near = 2 * i + 2;
			far = 2 * i + 1;
		}
		stack[depth++] = far;
		stack[depth++] = near;
	}
	return best.id;
}

struct rectangle {
	float left;
	float top;
	float right;
	float bottom;
};

static void collect_range(const struct kd_tree *tree, uint32_t begin, uint32_t end,
			  const struct rectangle *area, struct spatial_found *found)
{
	uint32_t *ids = spatial_found_reserve(found, end - begin);
	for (uint32_t i = begin; i < end; i++) {
		const struct item *item = &tree->items[i];
		*ids = item->id;
		ids += (item->x >= area->left) & (item->x < area->right) & (item->y >= area->top) &
		       (item->y < area->bottom);
	}
	found->count = (size_t)(ids - found->ids);
}

static void kd_tree_range(const void *pointer, float x, float y, float width, float height,
			  struct spatial_found *found)
{
	const struct kd_tree *tree = pointer;
	struct rectangle area = {x, y, x + width, y + height};
	uint32_t stack[STACK_NODES], depth = 0;
	if (tree->built > 0)
		stack[depth++] = 0;
	while (depth > 0) {
		uint32_t i = stack[--depth];
		const struct node *node = &tree->nodes[i];
		if (node->right < area.left || node->left >= area.right ||
		    node->bottom < area.top || node->top >= area.bottom)
			continue;
		if (i >= tree->first_leaf) {
			collect_range(tree, node->begin, node->end, &area, found);
		} else {
			stack[depth++] = 2 * i + 2;
			stack[depth++] = 2 * i + 1;
		}
	}
	collect_range(tree, tree->built, tree->used, &area, found);
}

const struct spatial_structure kd_tree_structure = {
	.name = "kdtree",
	.create = kd_tree_create,
	.free = kd_tree_free,
	.build = kd_tree_build,
	.insert = kd_tree_insert,
	.move = kd_tree_move,
	.remove = kd_tree_remove,
	.renumber = kd_tree_renumber,
	.worn = kd_tree_worn,
	.nearby = kd_tree_nearby,
	.nearest = kd_tree_nearest,
	.range = kd_tree_range,
};
