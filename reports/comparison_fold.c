/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_fold: see comparison_fold.h. */
#include "reports/comparison_fold.h"

#include "collector/base/xalloc.h"

#include <math.h>

#define GONE   0.1  /* of the cost that is left of a function that is gone */
#define TRIFLE 0.25 /* of the program's margin, below which callers are tested together */

/* ---- what changed ------------------------------------------------------------------------- */

static void measure_states(const struct fold *fold)
{
	const struct comparison *comparison = fold->comparison;
	struct fold_state *states = fold->states;

	for (size_t i = 0; i < fold->runs; i++) {
		const struct comparison_run *run = comparison_run_at(comparison, i);
		bool is_base = i < comparison->base_count;
		double parts = (comparison->per_step ? run->steps : 1) *
			       (double)(is_base ? comparison->base_count : comparison->fresh_count);

		for (uint32_t f = 0; f < run->costs_count; f++)
			*(is_base ? &states[f].base : &states[f].fresh) +=
				run->costs[f].self / parts;
	}
	for (size_t i = 0; i < comparison->rows_count; i++)
		if (comparison->rows[i].function)
			states[comparison->rows[i].function->id].row = &comparison->rows[i];
	for (uint32_t f = 0; f < fold->functions; f++) {
		const struct comparison_row *row = states[f].row;

		states[f].is_gone = states[f].fresh < states[f].base * GONE ||
				    (row && row->presence == COMPARISON_REMOVED);
		states[f].is_new = states[f].base < states[f].fresh * GONE ||
				   (row && row->presence == COMPARISON_NEW);
	}
}

bool comparison_fold_says(const struct comparison_row *row, bool is_more)
{
	if (!row)
		return false;
	if (row->verdict == COMPARISON_CHANGED)
		return (row->change.estimate > 0) == is_more;
	return row->verdict == (is_more ? COMPARISON_REGRESSED : COMPARISON_IMPROVED);
}

void comparison_fold_begin(struct fold *fold, struct comparison *comparison)
{
	*fold = (struct fold){
		.comparison = comparison,
		.functions = comparison->names->rows_count,
		.runs = comparison->base_count + comparison->fresh_count,
	};
	fold->states = xcalloc(fold->functions, sizeof(*fold->states));
	measure_states(fold);
}

void comparison_fold_done(struct fold *fold)
{
	free(fold->states);
}

/* ---- folding ------------------------------------------------------------------------------ */

struct fold_caller *comparison_fold_caller(struct fold *fold, uint32_t function)
{
	struct fold_caller *caller;

	HASH_FIND(hh, fold->callers, &function, sizeof(function), caller);
	if (caller)
		return caller;
	caller = xcalloc(1, sizeof(*caller));
	caller->function = function;
	caller->sums = xcalloc(fold->runs, sizeof(*caller->sums));
	for (size_t i = 0; i < fold->runs; i++)
		caller->sums[i] =
			comparison_run_cost(comparison_run_at(fold->comparison, i), function).self;
	HASH_ADD(hh, fold->callers, function, sizeof(function), caller);
	return caller;
}

static struct fold_flow *flow_get(struct fold *fold, uint32_t from, uint32_t to)
{
	struct fold_flow *flow, sought = {.key = {from, to}};

	HASH_FIND(hh, fold->flows, &sought.key, sizeof(sought.key), flow);
	if (flow)
		return flow;
	flow = xcalloc(1, sizeof(*flow));
	flow->key = sought.key;
	flow->costs = xcalloc(fold->runs, sizeof(*flow->costs));
	HASH_ADD(hh, fold->flows, key, sizeof(flow->key), flow);
	return flow;
}

/* Charges the folded functions of one run to their callers. */
static void fold_run(struct fold *fold, size_t number)
{
	const struct comparison *comparison = fold->comparison;
	const struct comparison_run *run = comparison_run_at(comparison, number);
	bool is_base = number < comparison->base_count;
	double parts = (comparison->per_step ? run->steps : 1) *
		       (double)(is_base ? comparison->base_count : comparison->fresh_count);
	uint32_t *owners = xcalloc(run->nodes_count, sizeof(*owners));

	owners[0] = UINT32_MAX;
	for (size_t i = 1; i < run->nodes_count; i++) {
		const struct comparison_node *node = &run->nodes[i];
		struct fold_flow *flow;

		if (node->function == UINT32_MAX || !fold->states[node->function].is_folded) {
			owners[i] = node->function;
			continue;
		}
		owners[i] = owners[node->parent];
		if (owners[i] == UINT32_MAX || !(node->self > 0))
			continue;
		flow = flow_get(fold, node->function, owners[i]);
		*(is_base ? &flow->base : &flow->fresh) += node->self / parts;
		flow->costs[number] += node->self;
		comparison_fold_caller(fold, owners[i])->sums[number] += node->self;
	}
	free(owners);
}

void comparison_fold_forget(struct fold *fold)
{
	struct fold_caller *caller, *next_caller;
	struct fold_flow *flow, *next_flow;

	HASH_ITER (hh, fold->callers, caller, next_caller) {
		HASH_DEL(fold->callers, caller);
		free(caller->sums);
		free(caller);
	}
	HASH_ITER (hh, fold->flows, flow, next_flow) {
		HASH_DEL(fold->flows, flow);
		free(flow->costs);
		free(flow);
	}
	free(fold->trifles.sums);
}

static void charge(struct fold *fold)
{
	struct fold_flow *flow;

	for (flow = fold->flows; flow; flow = flow->hh.next) {
		struct fold_caller *caller = comparison_fold_caller(fold, flow->key.to);

		caller->change += flow->fresh - flow->base;
		caller->amount += fabs(flow->fresh - flow->base);
		if (fold->states[flow->key.from].is_gone)
			caller->gone += flow->fresh - flow->base;
	}
}

void comparison_fold_test(const struct fold *fold, struct fold_caller *caller)
{
	const struct comparison_options *options = &fold->comparison->options;
	double more_or_less = (caller->amount + fabs(caller->change)) / 2;

	comparison_test_costs(fold->comparison, &caller->sum, caller->sums,
			      fmax(options->function_margin * more_or_less,
				   options->program_margin * fold->comparison->total.base));
}

void comparison_fold_charge(struct fold *fold)
{
	const struct comparison *comparison = fold->comparison;
	double least = TRIFLE * comparison->options.program_margin * comparison->total.base;
	struct fold_caller *caller, *trifles = &fold->trifles;

	*trifles = (struct fold_caller){.sums = xcalloc(fold->runs, sizeof(*trifles->sums))};
	for (size_t i = 0; i < fold->runs; i++)
		fold_run(fold, i);
	charge(fold);
	for (caller = fold->callers; caller; caller = caller->hh.next) {
		bool is_trifle = caller->amount < least;

		caller->tested = is_trifle ? trifles : caller;
		for (size_t i = 0; i < fold->runs && is_trifle; i++)
			trifles->sums[i] += caller->sums[i];
		trifles->change += is_trifle ? caller->change : 0;
		trifles->amount += is_trifle ? caller->amount : 0;
		if (!is_trifle)
			comparison_fold_test(fold, caller);
	}
	comparison_fold_test(fold, trifles);
}
