/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_moved: see comparison_moved.h. */
#include "reports/comparison_moved.h"

#include "collector/base/xalloc.h"
#include "reports/comparison_fold.h"

#include <math.h>

#define PARTY	0.5 /* of a caller's change that its callees' must make */
#define SETTLED 0.9 /* of a function's change */

/* What is known of a folded function's change. */
struct account {
	double moved, open;	      /* parts of its change, without sign */
	double most_moved, most_open; /* the largest, and with whom */
	const struct fold_caller *moved_to, *open_to;
};

static double change_of(const struct fold_state *state)
{
	return state->fresh - state->base;
}

/* Whether a row tells of a change in either direction, for certain. */
static bool has_changed(const struct comparison_row *row)
{
	return comparison_fold_says(row, true) || comparison_fold_says(row, false);
}

/* Notes whose code a row's cost went to, came from, or may have. */
static void set_partner(struct comparison_row *row, const struct comparison_function *with,
			const struct fold_caller *caller, bool is_moved)
{
	row->verdict = is_moved ? COMPARISON_UNCHANGED : COMPARISON_INCONCLUSIVE;
	row->runs_needed = 0;
	row->moved = is_moved ? with : NULL;
	row->maybe = is_moved ? NULL : with;
	row->together_base = caller->tested->sum.base;
	row->together_fresh = caller->tested->sum.fresh;
	row->together_more = comparison_fold_says(&caller->tested->sum, true);
}

/* Whether a function that is there on one side only has it that way by its very calls. */
static bool is_one_sided(const struct fold_state *state)
{
	return state->row && state->row->presence != COMPARISON_BOTH;
}

/* Whether it cannot be told that a folded function changed, and not the code of its caller. */
static bool is_open(const struct fold *fold, const struct fold_flow *flow,
		    const struct fold_caller *caller)
{
	const struct comparison_row *sum = &caller->tested->sum;
	const struct fold_state *from = &fold->states[flow->key.from];
	double change = flow->fresh - flow->base;

	/* A function that is on both sides changed, unless its caller did for certain. */
	if (!is_one_sided(from) &&
	    !comparison_fold_says(fold->states[caller->function].row, change < 0))
		return false;
	return sum->verdict == COMPARISON_INCONCLUSIVE ||
	       (comparison_fold_says(sum, false) && change > 0 && from->is_new) ||
	       (comparison_fold_says(sum, true) && change < 0 &&
		comparison_fold_says(from->row, false));
}

/* Enters one flow in its function's account. */
static void enter(struct fold *fold, struct account *accounts, const struct fold_flow *flow)
{
	struct account *account = &accounts[flow->key.from];
	const struct fold_caller *caller = comparison_fold_caller(fold, flow->key.to);
	double amount = fabs(flow->fresh - flow->base);

	if (caller->tested->sum.verdict == COMPARISON_UNCHANGED) {
		account->moved += amount;
		if (amount > account->most_moved) {
			account->most_moved = amount;
			account->moved_to = caller;
		}
	} else if (is_open(fold, flow, caller)) {
		account->open += amount;
		if (amount > account->most_open) {
			account->most_open = amount;
			account->open_to = caller;
		}
	}
}

/* Settles a folded function that has changed. */
static void settle_function(const struct fold *fold, const struct account *accounts,
			    uint32_t function)
{
	const struct account *account = &accounts[function];
	struct comparison_function *const *names = fold->comparison->names->rows;
	struct comparison_row *row = fold->states[function].row;
	double change = fabs(change_of(&fold->states[function]));

	if (!has_changed(row))
		return;
	if (account->moved_to && account->moved >= SETTLED * change)
		set_partner(row, names[account->moved_to->function], account->moved_to, true);
	else if (account->open_to && account->moved + account->open >= PARTY * change)
		set_partner(row, names[account->open_to->function], account->open_to, false);
}

/* The folded function of which most was charged to @caller; NULL: none was. */
static const struct comparison_function *largest_callee(const struct fold *fold,
							const struct fold_caller *caller)
{
	const struct fold_flow *flow, *largest = NULL;

	for (flow = fold->flows; flow; flow = flow->hh.next)
		if (flow->key.to == caller->function &&
		    (!largest ||
		     fabs(flow->fresh - flow->base) > fabs(largest->fresh - largest->base)))
			largest = flow;
	return largest ? fold->comparison->names->rows[largest->key.from] : NULL;
}

/* Settles a caller whose own change is about that of its folded callees, the other way. */
static void settle_caller(struct fold *fold, const struct fold_caller *caller)
{
	const struct fold_state *state = &fold->states[caller->function];
	double change = change_of(state);
	const struct comparison_function *callee;

	if (caller->tested != caller || !comparison_fold_says(state->row, change > 0) ||
	    change * caller->change >= 0 || fabs(caller->change) < PARTY * fabs(change))
		return;
	callee = largest_callee(fold, caller);
	if (caller->sum.verdict == COMPARISON_UNCHANGED)
		set_partner(state->row, callee, caller, true);
	else if (caller->sum.verdict == COMPARISON_INCONCLUSIVE ||
		 (comparison_fold_says(&caller->sum, false) && change > 0 &&
		  fabs(caller->gone) >= PARTY * fabs(caller->change)))
		set_partner(state->row, callee, caller, false);
}

/* Looks for code that went from callees to callers, or the other way. */
static void settle_inlined(struct fold *fold, bool is_more)
{
	struct account *accounts = xcalloc(fold->functions, sizeof(*accounts)); /* by function */
	const struct fold_caller *caller;
	const struct fold_flow *flow;
	bool by_self = fold->comparison->options.order == FUNCTIONS_BY_SELF;

	for (uint32_t f = 0; f < fold->functions; f++) {
		struct fold_state *state = &fold->states[f];

		state->is_folded = (by_self && comparison_fold_says(state->row, is_more)) ||
				   (is_more ? state->is_new : state->is_gone);
	}
	comparison_fold_charge(fold);
	for (flow = fold->flows; flow; flow = flow->hh.next)
		enter(fold, accounts, flow);
	/* The total cost of a caller stays when its callees are inlined. */
	for (caller = fold->callers; caller && by_self; caller = caller->hh.next)
		settle_caller(fold, caller);
	for (uint32_t f = 0; f < fold->functions; f++)
		if (fold->states[f].is_folded)
			settle_function(fold, accounts, f);
	comparison_fold_forget(fold);
	free(accounts);
}

/* The row of all functions that have none, or NULL. */
static struct comparison_row *row_of_others(const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->rows_count; i++)
		if (!comparison->rows[i].function)
			return &comparison->rows[i];
	return NULL;
}

/* What functions without rows cost in a run. */
static double cost_of_others(const struct fold *fold, const struct comparison_run *run)
{
	double sum = 0;

	for (uint32_t f = 0; f < run->costs_count; f++)
		sum += fold->states[f].row ? 0 : run->costs[f].self;
	return sum;
}

/* Whether small callees may have the code that @caller lost. */
static bool may_have_lost(const struct fold *fold, const struct fold_caller *caller)
{
	return caller->tested == caller && caller->change > 0 &&
	       !comparison_fold_says(&caller->sum, true) &&
	       comparison_fold_says(fold->states[caller->function].row, false);
}

/* Settles the row of all others, when it costs more: not for what their callers may have lost. */
static void settle_others_row(struct fold *fold, struct comparison_row *row)
{
	double *left = xcalloc(fold->runs, sizeof(*left));
	const struct fold_caller *caller, *largest = NULL;
	struct fold_caller others = {.sums = left};
	const struct fold_flow *flow;

	for (size_t i = 0; i < fold->runs; i++)
		left[i] = cost_of_others(fold, comparison_run_at(fold->comparison, i));
	for (flow = fold->flows; flow; flow = flow->hh.next) {
		caller = comparison_fold_caller(fold, flow->key.to);
		if (!may_have_lost(fold, caller))
			continue;
		largest = !largest || caller->change > largest->change ? caller : largest;
		for (size_t i = 0; i < fold->runs; i++)
			left[i] -= flow->costs[i];
	}
	others.amount = row->fresh;
	comparison_fold_test(fold, &others);
	if (largest && !comparison_fold_says(&others.sum, true))
		set_partner(row, fold->comparison->names->rows[largest->function], largest, false);
	free(left);
}

/* Looks for code that went between callers and their callees without rows, which are small. */
static void settle_small(struct fold *fold)
{
	struct comparison_row *others = row_of_others(fold->comparison);
	const struct fold_caller *caller;

	for (uint32_t f = 0; f < fold->functions; f++)
		fold->states[f].is_folded = !fold->states[f].row;
	comparison_fold_charge(fold);
	if (others && comparison_fold_says(others, true))
		settle_others_row(fold, others);
	for (caller = fold->callers; caller; caller = caller->hh.next)
		settle_caller(fold, caller);
	comparison_fold_forget(fold);
}

/* The largest folded function below a caller that is gone, or is new; NULL: none. */
static const struct fold_flow *largest_of(const struct fold *fold, uint32_t caller, bool is_new)
{
	const struct fold_flow *flow, *largest = NULL;

	for (flow = fold->flows; flow; flow = flow->hh.next) {
		const struct fold_state *state = &fold->states[flow->key.from];

		if (flow->key.to == caller && (is_new ? state->is_new : state->is_gone) &&
		    (!largest ||
		     fmax(flow->base, flow->fresh) > fmax(largest->base, largest->fresh)))
			largest = flow;
	}
	return largest;
}

/* A function that is new below a caller that lost one may be that one. */
static void settle_renamed(struct fold *fold, const struct fold_flow *flow)
{
	struct comparison_function *const *names = fold->comparison->names->rows;
	const struct fold_flow *gone = largest_of(fold, flow->key.to, false);
	struct fold_caller *caller = comparison_fold_caller(fold, flow->key.to);
	struct fold_state *state = &fold->states[flow->key.from];

	if (!gone || !state->is_new || !comparison_fold_says(state->row, true) ||
	    caller->tested != caller || -caller->gone < PARTY * change_of(state) ||
	    comparison_fold_says(&caller->sum, true))
		return;
	set_partner(state->row, names[gone->key.from], caller, false);
	if (comparison_fold_says(fold->states[gone->key.from].row, false) &&
	    !comparison_fold_says(&caller->sum, false))
		set_partner(fold->states[gone->key.from].row, names[flow->key.from], caller, false);
}

/* A function that is gone below a caller may be what is new there, and costs more. */
static void settle_replaced(struct fold *fold, const struct fold_flow *flow)
{
	const struct fold_flow *new = largest_of(fold, flow->key.to, true);
	struct fold_caller *caller = comparison_fold_caller(fold, flow->key.to);
	const struct fold_state *state = &fold->states[flow->key.from];

	if (!new || !state->is_gone || !comparison_fold_says(state->row, false) ||
	    caller->tested != caller || caller->change - caller->gone < PARTY * -caller->gone ||
	    !comparison_fold_says(&caller->sum, true))
		return;
	set_partner(state->row, fold->comparison->names->rows[new->key.from], caller, false);
}

static void settle_all_renamed(struct fold *fold)
{
	const struct fold_flow *flow;

	for (uint32_t f = 0; f < fold->functions; f++)
		fold->states[f].is_folded = fold->states[f].is_gone || fold->states[f].is_new;
	comparison_fold_charge(fold);
	for (flow = fold->flows; flow; flow = flow->hh.next)
		settle_renamed(fold, flow);
	for (flow = fold->flows; flow; flow = flow->hh.next)
		settle_replaced(fold, flow);
	comparison_fold_forget(fold);
}

/* The nearest caller of @function that is on both sides. */
static uint32_t caller_of(const struct fold *fold, uint32_t function)
{
	for (size_t i = 0; i < fold->runs; i++) {
		const struct comparison_run *run = comparison_run_at(fold->comparison, i);

		for (size_t k = 1; k < run->nodes_count; k++) {
			size_t at = k;

			if (run->nodes[k].function != function)
				continue;
			while (at && run->nodes[at].function != UINT32_MAX &&
			       (run->nodes[at].function == function ||
				is_one_sided(&fold->states[run->nodes[at].function])))
				at = run->nodes[at].parent;
			if (run->nodes[at].function != UINT32_MAX)
				return run->nodes[at].function;
		}
	}
	return UINT32_MAX;
}

/* A function whose total is that of what it calls, which may have been called without it. */
static void settle_wrapper(struct fold *fold, struct comparison_row *row)
{
	const struct fold_state *state = &fold->states[row->function->id];
	struct fold_caller caller = {.tested = &caller};
	uint32_t function;

	if (fabs(change_of(state)) >= PARTY * fabs(row->fresh - row->base))
		return;
	function = caller_of(fold, row->function->id);
	if (function == UINT32_MAX)
		return;
	caller.sums = xcalloc(fold->runs, sizeof(*caller.sums));
	for (size_t i = 0; i < fold->runs; i++)
		caller.sums[i] =
			comparison_run_cost(comparison_run_at(fold->comparison, i), function).total;
	caller.amount = fabs(row->fresh - row->base);
	comparison_fold_test(fold, &caller);
	set_partner(row, fold->comparison->names->rows[function], &caller, false);
	free(caller.sums);
}

void comparison_moved_settle(struct comparison *comparison)
{
	struct fold fold;
	bool any = false;

	for (size_t i = 0; i < comparison->rows_count; i++)
		any |= has_changed(&comparison->rows[i]);
	if (!any)
		return;
	comparison_fold_begin(&fold, comparison);
	settle_inlined(&fold, false);
	settle_inlined(&fold, true);
	settle_all_renamed(&fold);
	if (comparison->options.order == FUNCTIONS_BY_SELF)
		settle_small(&fold);
	for (size_t i = 0; i < comparison->rows_count; i++)
		if (comparison->options.order == FUNCTIONS_BY_TOTAL &&
		    comparison->rows[i].presence != COMPARISON_BOTH &&
		    has_changed(&comparison->rows[i]))
			settle_wrapper(&fold, &comparison->rows[i]);
	comparison_fold_done(&fold);
}
