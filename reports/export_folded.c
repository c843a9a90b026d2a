/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export_folded: see export_folded in export.h. */
#include "reports/export.h"

#include "collector/base/xalloc.h"
#include "reports/call_tree.h"
#include "reports/export_rows.h"
#include "reports/metric.h"

#include <inttypes.h>

/* The last word of a line is its count, and readers take two numbers for a count before and one
 * after: the blank before a number at the end of a name gives way. */
static void join_number(char *label)
{
	size_t bytes = strlen(label), digits = bytes;

	while (digits && strchr("0123456789.", label[digits - 1]))
		digits--;
	if (digits && digits < bytes && label[digits - 1] == ' ')
		label[digits - 1] = '_';
}

/* The labels with what the format cannot carry replaced, in one symbol table of its own. */
static void fold_labels(struct symbol_table *symbols)
{
	for (uint32_t i = 0; i < symbols->count; i++) {
		const char *label = symbols->symbols[i].label;
		char *copy = (char *)text_plain(&symbols->labels, label, 0);

		for (char *at = copy; (at = strchr(at, ';'));)
			*at = ':';
		join_number(copy);
		symbols->symbols[i].label = copy;
	}
}

struct child {
	uint32_t parent, node;
	const char *label;
};

static int compare_children(const void *left, const void *right)
{
	const struct child *a = left, *b = right;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	return strcmp(a->label, b->label);
}

/* Returns all nodes but the root, the children of one parent together and ordered by name. */
static struct child *order_children(const struct call_tree *tree,
				    const struct symbol_table *symbols)
{
	struct child *children = xcalloc(tree->count, sizeof(*children));

	for (uint32_t i = 1; i < tree->count; i++)
		children[i - 1] = (struct child){tree->nodes[i].parent, i,
						 symbols->symbols[tree->nodes[i].symbol].label};
	qsort(children, tree->count - 1, sizeof(*children), compare_children);
	return children;
}

/* The path from the root to the present node, as text and as a list of where each frame begins. */
struct path {
	char *text;
	size_t bytes, capacity;
};

static size_t path_push(struct path *path, const char *label)
{
	size_t before = path->bytes, length = strlen(label);

	while (path->capacity < before + length + 2)
		xgrow(path->text, path->capacity, path->capacity);
	if (before)
		path->text[path->bytes++] = ';';
	memcpy(path->text + path->bytes, label, length + 1);
	path->bytes += length;
	return before;
}

/* Walks the tree in the order of names, without recursion. */
static void write_lines(const struct call_tree *tree, const struct child *children, bool by_amount,
			FILE *stream)
{
	struct call_self *self = call_tree_self(tree);
	uint32_t *next = xcalloc(tree->count, sizeof(*next)); /* child to visit next */
	size_t *begins = xcalloc(tree->count, sizeof(*begins));
	struct path path = {0};
	uint32_t node = 0;

	if (self[0].samples)
		fprintf(stream, "%s %u\n", EXPORT_NO_STACK, self[0].samples);
	for (uint32_t i = tree->count - 1; i-- > 0;)
		next[children[i].parent] = i + 1;
	for (;;) {
		uint32_t i = next[node];

		if (i && i < tree->count && children[i - 1].parent == node) {
			next[node]++;
			node = children[i - 1].node;
			begins[node] = path_push(&path, children[i - 1].label);
			if (self[node].samples)
				fprintf(stream, "%s %" PRIu64 "\n", path.text,
					by_amount ? self[node].total : self[node].samples);
		} else if (node) {
			path.bytes = begins[node];
			node = tree->nodes[node].parent;
		} else {
			break;
		}
	}
	free(self);
	free(next);
	free(begins);
	free(path.text);
}

/* A line of an imported text may have become one sample, with its count as value (import.h). */
static bool is_by_amount(const struct profile *profile, uint16_t metric)
{
	return metric_has_amounts(profile, metric) ||
	       !strcmp(profile_text(profile, "engine", ""), "imported from folded stacks");
}

void export_folded(const struct profile *profile, uint16_t metric, FILE *stream)
{
	struct symbol_table symbols;
	struct call_tree *tree;
	struct child *children;
	uint32_t *same;

	symbol_table_init(&symbols, profile);
	fold_labels(&symbols);
	same = symbol_same_label(&symbols);
	tree = call_tree_build(profile,
			       &(struct call_tree_options){.metric = metric, .same = same});
	children = order_children(tree, &symbols);
	write_lines(tree, children, is_by_amount(profile, metric), stream);
	free(children);
	call_tree_free(tree);
	free(same);
	symbol_table_done(&symbols);
}
