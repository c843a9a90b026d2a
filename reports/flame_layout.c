/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flame_layout: where each box is, and what of its name fits; see flame.h. */
#include "reports/flame.h"

#include "collector/base/xalloc.h"

struct child {
	uint64_t total;
	const char *label;
	uint32_t parent, node;
};

static int compare_children(const void *left, const void *right)
{
	const struct child *a = left, *b = right;
	int label;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	if (a->total != b->total)
		return a->total < b->total ? 1 : -1;
	label = strcmp(a->label, b->label);
	return label ? label : (a->node > b->node) - (a->node < b->node);
}

/* Returns all nodes but the root; children of one parent together, heaviest first. */
static struct child *order_children(const struct call_tree *tree,
				    const struct symbol_table *symbols)
{
	struct child *children = xcalloc(tree->count, sizeof(*children));

	for (uint32_t i = 1; i < tree->count; i++)
		children[i - 1] = (struct child){tree->nodes[i].total,
						 symbols->symbols[tree->nodes[i].symbol].label,
						 tree->nodes[i].parent, i};
	qsort(children, tree->count - 1, sizeof(*children), compare_children);
	return children;
}

static struct flame_box make_box(const struct call_tree *tree, const struct call_self *self,
				 uint32_t id, uint64_t start, uint32_t depth)
{
	const struct call_node *node = &tree->nodes[id];

	return (struct flame_box){
		.start = start,
		.total = node->total,
		.self = self[id].total,
		.samples = node->samples,
		.self_samples = self[id].samples,
		.node = id,
		.symbol = node->symbol,
		.depth = depth,
		.inlined = node->inlined,
		.hidden = tree->hidden ? tree->hidden[id] : (struct call_hidden){0},
	};
}

struct flame_box *flame_layout(const struct call_tree *tree, const struct symbol_table *symbols)
{
	struct flame_box *boxes = xcalloc(tree->count, sizeof(*boxes));
	struct child *children = order_children(tree, symbols);
	struct call_self *self = call_tree_self(tree);
	uint32_t *next = xcalloc(tree->count, sizeof(*next)); /* 1 + child to place next */
	uint32_t *box_of_node = xcalloc(tree->count, sizeof(*box_of_node));
	uint64_t right = 0;
	uint32_t node = 0, count = 0;

	for (uint32_t i = tree->count - 1; i-- > 0;)
		next[children[i].parent] = i + 1;
	boxes[count++] = make_box(tree, self, 0, 0, 0);
	for (;;) {
		uint32_t i = next[node], box = box_of_node[node];

		if (i && i < tree->count && children[i - 1].parent == node) {
			next[node]++;
			node = children[i - 1].node;
			box_of_node[node] = count;
			boxes[count++] = make_box(tree, self, node, right, boxes[box].depth + 1);
			continue;
		}
		right = boxes[box].start + boxes[box].total;
		boxes[box].end = count;
		if (!node)
			break;
		node = tree->nodes[node].parent;
	}
	free(children);
	free(self);
	free(next);
	free(box_of_node);
	return boxes;
}

static bool starts_character(char byte)
{
	return (byte & 0xc0) != 0x80;
}

static int characters_of(const char *text, size_t bytes)
{
	int count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += starts_character(text[i]);
	return count;
}

/* Length without the parameters: up to the first "(" that opens them. */
static size_t without_parameters(const char *label)
{
	int depth = 0;

	for (size_t i = 0; label[i]; i++) {
		if (label[i] == '<')
			depth++;
		else if (label[i] == '>' && depth)
			depth--;
		else if (label[i] == '(' && i && !depth &&
			 strncmp(label + i, "(anonymous namespace)", 21) &&
			 strncmp(label + (i >= 8 ? i - 8 : 0), "operator", 8))
			return i;
	}
	return strlen(label);
}

/* Start of the last part of a qualified name. */
static size_t after_namespaces(const char *label, size_t bytes)
{
	size_t begin = 0;
	int depth = 0;

	for (size_t i = 0; i + 2 < bytes; i++) {
		if (label[i] == '<')
			depth++;
		else if (label[i] == '>' && depth)
			depth--;
		else if (!depth && label[i] == ':' && label[i + 1] == ':')
			begin = i + 2;
	}
	return begin;
}

/* Number of bytes of the first @characters characters. */
static size_t head_bytes(const char *text, size_t bytes, int characters)
{
	size_t length = 0;

	for (; length < bytes; length++)
		if (starts_character(text[length]) && characters-- == 0)
			break;
	return length;
}

struct flame_label flame_label(const char *label, int characters)
{
	size_t bytes = strlen(label), begin;

	if (characters_of(label, bytes) <= characters)
		return (struct flame_label){label, bytes, false};
	bytes = without_parameters(label);
	if (characters_of(label, bytes) <= characters)
		return (struct flame_label){label, bytes, false};
	begin = after_namespaces(label, bytes);
	label += begin;
	bytes -= begin;
	if (characters_of(label, bytes) <= characters)
		return (struct flame_label){label, bytes, false};
	return (struct flame_label){label, head_bytes(label, bytes, characters - 1), true};
}
