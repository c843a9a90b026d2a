/* SPDX-License-Identifier: GPL-3.0-or-later */
/* functions: see functions.h. */
#include "reports/functions.h"

#include "collector/base/xalloc.h"
#include "reports/metric.h"

/*
 * Returns for each node whether its symbol is on the path above it already. A walk in preorder
 * over sibling lists, with a count of every symbol on the present path; no recursion, because a
 * stack may be as deep as it likes.
 */
static bool *find_repeated(const struct call_tree *tree, uint32_t symbols_count)
{
	uint32_t *child = xcalloc(tree->count, sizeof(*child));
	uint32_t *sibling = xcalloc(tree->count, sizeof(*sibling));
	uint32_t *on_path = xcalloc(symbols_count, sizeof(*on_path));
	bool *repeated = xcalloc(tree->count, sizeof(*repeated));
	uint32_t node = 0;

	for (uint32_t i = tree->count - 1; i > 0; i--) {
		sibling[i] = child[tree->nodes[i].parent];
		child[tree->nodes[i].parent] = i;
	}
	for (;;) {
		repeated[node] = on_path[tree->nodes[node].symbol]++ > 0;
		if (child[node]) {
			node = child[node];
			continue;
		}
		while (node && !sibling[node]) {
			on_path[tree->nodes[node].symbol]--;
			node = tree->nodes[node].parent;
		}
		if (!node)
			break;
		on_path[tree->nodes[node].symbol]--;
		node = sibling[node];
	}
	free(child);
	free(sibling);
	free(on_path);
	return repeated;
}

struct order_context {
	const struct symbol_table *symbols;
	enum functions_order order;
};

static int compare_costs(const struct function_cost *a, const struct function_cost *b)
{
	return (a->value < b->value) - (a->value > b->value);
}

static int compare_rows(const void *left, const void *right, void *user)
{
	const struct function_row *a = left, *b = right;
	const struct order_context *context = user;
	int self = compare_costs(&a->self, &b->self), total = compare_costs(&a->total, &b->total);
	int first = context->order == FUNCTIONS_BY_SELF ? self : total;
	int second = context->order == FUNCTIONS_BY_SELF ? total : self;
	int label;

	if (first || second)
		return first ? first : second;
	label = strcmp(context->symbols->symbols[a->symbol].label,
		       context->symbols->symbols[b->symbol].label);
	return label ? label : (a->symbol > b->symbol) - (a->symbol < b->symbol);
}

void functions_sort(struct functions *functions, const struct symbol_table *symbols,
		    enum functions_order order)
{
	struct order_context context = {symbols, order};

	qsort_r(functions->rows, functions->count, sizeof(*functions->rows), compare_rows,
		&context);
}

/* Sums up the nodes of each symbol. */
static void sum_rows(struct functions *functions, const struct call_tree *tree,
		     const bool *repeated, uint32_t symbols_count)
{
	struct function_row *rows = xcalloc(symbols_count, sizeof(*rows));
	struct call_self *self = call_tree_self(tree);

	for (uint32_t i = 1; i < tree->count; i++) {
		struct function_row *row = &rows[tree->nodes[i].symbol];

		row->symbol = tree->nodes[i].symbol;
		row->self.value += self[i].total;
		row->self.samples += self[i].samples;
		if (!repeated[i]) {
			row->total.value += tree->nodes[i].total;
			row->total.samples += tree->nodes[i].samples;
		}
	}
	for (uint32_t i = 0; i < symbols_count; i++)
		if (rows[i].total.samples)
			rows[functions->count++] = rows[i];
	free(self);
	functions->rows = rows;
}

/* Samples per block of the rows that want an interval. */
struct block_counts {
	const struct call_tree *tree;
	const bool *repeated;
	uint32_t *row_of_symbol; /* 1 + row, 0 when the symbol wants none */
	uint32_t (*self)[DISPERSION_BLOCKS];
	uint32_t (*total)[DISPERSION_BLOCKS];
};

static void count_block(void *user, int block, const uint32_t *samples_of_node)
{
	struct block_counts *counts = user;
	const struct call_node *nodes = counts->tree->nodes;

	for (uint32_t i = 1; i < counts->tree->count; i++) {
		uint32_t row = counts->row_of_symbol[nodes[i].symbol];
		uint32_t caller = counts->row_of_symbol[nodes[nodes[i].parent].symbol];

		if (row && !counts->repeated[i])
			counts->total[row - 1][block] += samples_of_node[i];
		if (row)
			counts->self[row - 1][block] += samples_of_node[i];
		if (caller)
			counts->self[caller - 1][block] -= samples_of_node[i];
	}
}

/* @counts  NULL: the amounts are exact */
static void set_interval(struct function_cost *cost, const struct functions *functions,
			 const struct dispersion_blocks *blocks, const uint32_t *counts)
{
	double share = (double)cost->value / functions->value;

	if (counts)
		cost->share = dispersion_interval(share, blocks->equal_samples /
								 dispersion_phi(blocks, counts));
	else
		cost->share = (struct interval){share, share};
}

static void measure_intervals(struct functions *functions, const struct profile *profile,
			      const struct call_tree *tree, const bool *repeated, uint16_t metric,
			      uint32_t symbols_count, uint32_t limit)
{
	struct dispersion_blocks blocks;
	bool is_exact = metric_is_exact(profile, metric);
	uint32_t rows = limit < functions->count ? limit : functions->count;
	struct block_counts counts = {
		.tree = tree,
		.repeated = repeated,
		.row_of_symbol = xcalloc(symbols_count, sizeof(*counts.row_of_symbol)),
		.self = xcalloc(rows, sizeof(*counts.self)),
		.total = xcalloc(rows, sizeof(*counts.total)),
	};

	for (uint32_t i = 0; i < rows; i++)
		counts.row_of_symbol[functions->rows[i].symbol] = i + 1;
	dispersion_blocks_init(&blocks, profile, metric);
	dispersion_each_block(&blocks, profile, tree, count_block, &counts);
	for (uint32_t i = 0; i < functions->count; i++)
		functions->rows[i].self.share = functions->rows[i].total.share =
			(struct interval){0, 1};
	for (uint32_t i = 0; i < rows && functions->value; i++) {
		set_interval(&functions->rows[i].self, functions, &blocks,
			     is_exact ? NULL : counts.self[i]);
		set_interval(&functions->rows[i].total, functions, &blocks,
			     is_exact ? NULL : counts.total[i]);
	}
	free(counts.row_of_symbol);
	free(counts.self);
	free(counts.total);
}

void functions_measure(struct functions *functions, const struct profile *profile,
		       const struct call_tree *tree, uint16_t metric,
		       const struct symbol_table *symbols, enum functions_order order,
		       uint32_t limit)
{
	bool *repeated = find_repeated(tree, symbols->count);

	*functions = (struct functions){
		.value = tree->nodes[0].total,
		.samples = tree->nodes[0].samples,
	};
	sum_rows(functions, tree, repeated, symbols->count);
	functions_sort(functions, symbols, order);
	measure_intervals(functions, profile, tree, repeated, metric, symbols->count, limit);
	free(repeated);
}

void functions_done(struct functions *functions)
{
	free(functions->rows);
}
