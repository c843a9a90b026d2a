/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_moved: see comparison_moved.h. */
#include "reports/comparison_moved.h"

#include "collector/base/xalloc.h"

#include <math.h>

#define GONE	0.1  /* of the cost that is left of a function that is gone */
#define PARTY	0.5  /* of a caller's change that its callees' must make */
#define SETTLED 0.9  /* of a function's change */
#define TRIFLE	0.25 /* of the program's margin, below which callers are tested together */

/* What a function became, by its own cost. */
struct state {
	struct comparison_row *row; /* or NULL */
	double base, fresh;	    /* mean self cost per run or step */
	bool is_gone, is_new;
	bool is_folded; /* in this pass its code is charged to its callers */
};

/* What a folded function's code costs below one caller, and all callers' sums. */
struct flow {
	UT_hash_handle hh;
	struct {
		uint32_t from, to;
	} key;
	double base, fresh; /* per run or step */
	double *costs;	    /* in units, by run */
};

/* A caller that folded code is charged to. */
struct caller {
	UT_hash_handle hh;
	uint32_t function;
	double *sums;		     /* its own code and theirs, by run */
	double change;		     /* of theirs, */
	double amount;		     /* and without the signs of each */
	double gone;		     /* of that, by functions that are gone */
	const struct caller *tested; /* itself, or all of which little was charged to each */
	struct comparison_row sum;
};

/* What is known of a folded function's change. */
struct account {
	double moved, open;	      /* parts of its change, without sign */
	double most_moved, most_open; /* the largest, and with whom */
	const struct caller *moved_to, *open_to;
};

struct settling {
	struct comparison *comparison;
	struct state *states; /* by function */
	struct flow *flows;
	struct caller *callers;
	struct caller trifles;	  /* of which little was charged to each */
	struct account *accounts; /* by function */
	size_t functions, runs;
};

static double change_of(const struct state *state)
{
	return state->fresh - state->base;
}

/* ---- what changed ------------------------------------------------------------------------- */

static void measure_states(struct settling *settling)
{
	const struct comparison *comparison = settling->comparison;
	struct state *states = settling->states;

	for (size_t i = 0; i < settling->runs; i++) {
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
	for (uint32_t f = 0; f < settling->functions; f++) {
		const struct comparison_row *row = states[f].row;

		states[f].is_gone = states[f].fresh < states[f].base * GONE ||
				    (row && row->presence == COMPARISON_REMOVED);
		states[f].is_new = states[f].base < states[f].fresh * GONE ||
				   (row && row->presence == COMPARISON_NEW);
	}
}

/* Whether a row says that there is a change in that direction, for certain. */
static bool says(const struct comparison_row *row, bool is_more)
{
	if (!row)
		return false;
	if (row->verdict == COMPARISON_CHANGED)
		return (row->change.estimate > 0) == is_more;
	return row->verdict == (is_more ? COMPARISON_REGRESSED : COMPARISON_IMPROVED);
}

/* ---- folding ------------------------------------------------------------------------------ */

static struct caller *caller_get(struct settling *settling, uint32_t function)
{
	struct caller *caller;

	HASH_FIND(hh, settling->callers, &function, sizeof(function), caller);
	if (caller)
		return caller;
	caller = xcalloc(1, sizeof(*caller));
	caller->function = function;
	caller->sums = xcalloc(settling->runs, sizeof(*caller->sums));
	for (size_t i = 0; i < settling->runs; i++)
		caller->sums[i] =
			comparison_run_cost(comparison_run_at(settling->comparison, i), function)
				.self;
	HASH_ADD(hh, settling->callers, function, sizeof(function), caller);
	return caller;
}

static struct flow *flow_get(struct settling *settling, uint32_t from, uint32_t to)
{
	struct flow *flow, sought = {.key = {from, to}};

	HASH_FIND(hh, settling->flows, &sought.key, sizeof(sought.key), flow);
	if (flow)
		return flow;
	flow = xcalloc(1, sizeof(*flow));
	flow->key = sought.key;
	flow->costs = xcalloc(settling->runs, sizeof(*flow->costs));
	HASH_ADD(hh, settling->flows, key, sizeof(flow->key), flow);
	return flow;
}

/* Charges the folded functions of one run to their callers. */
static void fold_run(struct settling *settling, size_t number)
{
	const struct comparison *comparison = settling->comparison;
	const struct comparison_run *run = comparison_run_at(comparison, number);
	bool is_base = number < comparison->base_count;
	double parts = (comparison->per_step ? run->steps : 1) *
		       (double)(is_base ? comparison->base_count : comparison->fresh_count);
	uint32_t *owners = xcalloc(run->nodes_count, sizeof(*owners));

	owners[0] = UINT32_MAX;
	for (size_t i = 1; i < run->nodes_count; i++) {
		const struct comparison_node *node = &run->nodes[i];
		struct flow *flow;

		if (node->function == UINT32_MAX || !settling->states[node->function].is_folded) {
			owners[i] = node->function;
			continue;
		}
		owners[i] = owners[node->parent];
		if (owners[i] == UINT32_MAX || !(node->self > 0))
			continue;
		flow = flow_get(settling, node->function, owners[i]);
		*(is_base ? &flow->base : &flow->fresh) += node->self / parts;
		flow->costs[number] += node->self;
		caller_get(settling, owners[i])->sums[number] += node->self;
	}
	free(owners);
}

static void forget(struct settling *settling)
{
	struct caller *caller, *next_caller;
	struct flow *flow, *next_flow;

	HASH_ITER (hh, settling->callers, caller, next_caller) {
		HASH_DEL(settling->callers, caller);
		free(caller->sums);
		free(caller);
	}
	HASH_ITER (hh, settling->flows, flow, next_flow) {
		HASH_DEL(settling->flows, flow);
		free(flow->costs);
		free(flow);
	}
	free(settling->trifles.sums);
	memset(settling->accounts, 0, settling->functions * sizeof(*settling->accounts));
}

static void charge(struct settling *settling)
{
	struct flow *flow;

	for (flow = settling->flows; flow; flow = flow->hh.next) {
		struct caller *caller = caller_get(settling, flow->key.to);

		caller->change += flow->fresh - flow->base;
		caller->amount += fabs(flow->fresh - flow->base);
		if (settling->states[flow->key.from].is_gone)
			caller->gone += flow->fresh - flow->base;
	}
}

static void test(const struct settling *settling, struct caller *caller)
{
	const struct comparison_options *options = &settling->comparison->options;
	double more_or_less = (caller->amount + fabs(caller->change)) / 2;

	comparison_test_costs(settling->comparison, &caller->sum, caller->sums,
			      fmax(options->function_margin * more_or_less,
				   options->program_margin * settling->comparison->total.base));
}

/* Folds, and tests what each caller and its folded callees cost together. */
static void fold(struct settling *settling)
{
	const struct comparison *comparison = settling->comparison;
	double least = TRIFLE * comparison->options.program_margin * comparison->total.base;
	struct caller *caller, *trifles = &settling->trifles;

	*trifles = (struct caller){.sums = xcalloc(settling->runs, sizeof(*trifles->sums))};
	for (size_t i = 0; i < settling->runs; i++)
		fold_run(settling, i);
	charge(settling);
	for (caller = settling->callers; caller; caller = caller->hh.next) {
		bool is_trifle = caller->amount < least;

		caller->tested = is_trifle ? trifles : caller;
		for (size_t i = 0; i < settling->runs && is_trifle; i++)
			trifles->sums[i] += caller->sums[i];
		trifles->change += is_trifle ? caller->change : 0;
		trifles->amount += is_trifle ? caller->amount : 0;
		if (!is_trifle)
			test(settling, caller);
	}
	test(settling, trifles);
}

/* ---- verdicts ----------------------------------------------------------------------------- */

/* Notes whose code a row's cost went to, came from, or may have. */
static void set_partner(struct comparison_row *row, const struct comparison_function *with,
			const struct caller *caller, bool is_moved)
{
	row->verdict = is_moved ? COMPARISON_UNCHANGED : COMPARISON_INCONCLUSIVE;
	row->runs_needed = 0;
	row->moved = is_moved ? with : NULL;
	row->maybe = is_moved ? NULL : with;
	row->together_base = caller->tested->sum.base;
	row->together_fresh = caller->tested->sum.fresh;
	row->together_more = says(&caller->tested->sum, true);
}

/* Whether a function that is there on one side only has it that way by its very calls. */
static bool is_one_sided(const struct state *state)
{
	return state->row && state->row->presence != COMPARISON_BOTH;
}

/* Whether it cannot be told that a folded function changed, and not the code of its caller. */
static bool is_open(const struct settling *settling, const struct flow *flow,
		    const struct caller *caller)
{
	const struct comparison_row *sum = &caller->tested->sum;
	const struct state *from = &settling->states[flow->key.from];
	double change = flow->fresh - flow->base;

	/* A function that is on both sides changed, unless its caller did for certain. */
	if (!is_one_sided(from) && !says(settling->states[caller->function].row, change < 0))
		return false;
	return sum->verdict == COMPARISON_INCONCLUSIVE ||
	       (says(sum, false) && change > 0 && from->is_new) ||
	       (says(sum, true) && change < 0 && says(from->row, false));
}

/* Enters one flow in its function's account. */
static void enter(struct settling *settling, const struct flow *flow)
{
	struct account *account = &settling->accounts[flow->key.from];
	const struct caller *caller = caller_get(settling, flow->key.to);
	double amount = fabs(flow->fresh - flow->base);

	if (caller->tested->sum.verdict == COMPARISON_UNCHANGED) {
		account->moved += amount;
		if (amount > account->most_moved) {
			account->most_moved = amount;
			account->moved_to = caller;
		}
	} else if (is_open(settling, flow, caller)) {
		account->open += amount;
		if (amount > account->most_open) {
			account->most_open = amount;
			account->open_to = caller;
		}
	}
}

/* Settles a folded function that has changed. */
static void settle_function(struct settling *settling, uint32_t function)
{
	const struct account *account = &settling->accounts[function];
	struct comparison_function *const *names = settling->comparison->names->rows;
	struct comparison_row *row = settling->states[function].row;
	double change = fabs(change_of(&settling->states[function]));

	if (!says(row, true) && !says(row, false))
		return;
	if (account->moved_to && account->moved >= SETTLED * change)
		set_partner(row, names[account->moved_to->function], account->moved_to, true);
	else if (account->open_to && account->moved + account->open >= PARTY * change)
		set_partner(row, names[account->open_to->function], account->open_to, false);
}

/* The folded function of which most was charged to @caller; NULL: none was. */
static const struct comparison_function *largest_callee(const struct settling *settling,
							const struct caller *caller)
{
	const struct flow *flow, *largest = NULL;

	for (flow = settling->flows; flow; flow = flow->hh.next)
		if (flow->key.to == caller->function &&
		    (!largest ||
		     fabs(flow->fresh - flow->base) > fabs(largest->fresh - largest->base)))
			largest = flow;
	return largest ? settling->comparison->names->rows[largest->key.from] : NULL;
}

/* Settles a caller whose own change is about that of its folded callees, the other way. */
static void settle_caller(struct settling *settling, const struct caller *caller)
{
	const struct state *state = &settling->states[caller->function];
	double change = change_of(state);
	const struct comparison_function *callee;

	if (caller->tested != caller || !says(state->row, change > 0) ||
	    change * caller->change >= 0 || fabs(caller->change) < PARTY * fabs(change))
		return;
	callee = largest_callee(settling, caller);
	if (caller->sum.verdict == COMPARISON_UNCHANGED)
		set_partner(state->row, callee, caller, true);
	else if (caller->sum.verdict == COMPARISON_INCONCLUSIVE ||
		 (says(&caller->sum, false) && change > 0 &&
		  fabs(caller->gone) >= PARTY * fabs(caller->change)))
		set_partner(state->row, callee, caller, false);
}

/* Looks for code that went from callees to callers, or the other way. */
static void settle_inlined(struct settling *settling, bool is_more)
{
	const struct caller *caller;
	const struct flow *flow;
	bool by_self = settling->comparison->options.order == FUNCTIONS_BY_SELF;

	for (uint32_t f = 0; f < settling->functions; f++) {
		struct state *state = &settling->states[f];

		state->is_folded = (by_self && says(state->row, is_more)) ||
				   (is_more ? state->is_new : state->is_gone);
	}
	fold(settling);
	for (flow = settling->flows; flow; flow = flow->hh.next)
		enter(settling, flow);
	/* The total cost of a caller stays when its callees are inlined. */
	for (caller = settling->callers; caller && by_self; caller = caller->hh.next)
		settle_caller(settling, caller);
	for (uint32_t f = 0; f < settling->functions; f++)
		if (settling->states[f].is_folded)
			settle_function(settling, f);
	forget(settling);
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
static double cost_of_others(const struct settling *settling, const struct comparison_run *run)
{
	double sum = 0;

	for (uint32_t f = 0; f < run->costs_count; f++)
		sum += settling->states[f].row ? 0 : run->costs[f].self;
	return sum;
}

/* Whether small callees may have the code that @caller lost. */
static bool may_have_lost(const struct settling *settling, const struct caller *caller)
{
	return caller->tested == caller && caller->change > 0 && !says(&caller->sum, true) &&
	       says(settling->states[caller->function].row, false);
}

/* Settles the row of all others, when it costs more: not for what their callers may have lost. */
static void settle_others_row(struct settling *settling, struct comparison_row *row)
{
	double *left = xcalloc(settling->runs, sizeof(*left));
	const struct caller *caller, *largest = NULL;
	struct caller others = {.sums = left};
	const struct flow *flow;

	for (size_t i = 0; i < settling->runs; i++)
		left[i] = cost_of_others(settling, comparison_run_at(settling->comparison, i));
	for (flow = settling->flows; flow; flow = flow->hh.next) {
		caller = caller_get(settling, flow->key.to);
		if (!may_have_lost(settling, caller))
			continue;
		largest = !largest || caller->change > largest->change ? caller : largest;
		for (size_t i = 0; i < settling->runs; i++)
			left[i] -= flow->costs[i];
	}
	others.amount = row->fresh;
	test(settling, &others);
	if (largest && !says(&others.sum, true))
		set_partner(row, settling->comparison->names->rows[largest->function], largest,
			    false);
	free(left);
}

/* Looks for code that went between callers and their callees without rows, which are small. */
static void settle_small(struct settling *settling)
{
	struct comparison_row *others = row_of_others(settling->comparison);
	const struct caller *caller;

	for (uint32_t f = 0; f < settling->functions; f++)
		settling->states[f].is_folded = !settling->states[f].row;
	fold(settling);
	if (others && says(others, true))
		settle_others_row(settling, others);
	for (caller = settling->callers; caller; caller = caller->hh.next)
		settle_caller(settling, caller);
	forget(settling);
}

/* The largest folded function below a caller that is gone, or is new; NULL: none. */
static const struct flow *largest_of(const struct settling *settling, uint32_t caller, bool is_new)
{
	const struct flow *flow, *largest = NULL;

	for (flow = settling->flows; flow; flow = flow->hh.next) {
		const struct state *state = &settling->states[flow->key.from];

		if (flow->key.to == caller && (is_new ? state->is_new : state->is_gone) &&
		    (!largest ||
		     fmax(flow->base, flow->fresh) > fmax(largest->base, largest->fresh)))
			largest = flow;
	}
	return largest;
}

/* A function that is new below a caller that lost one may be that one. */
static void settle_renamed(struct settling *settling, const struct flow *flow)
{
	struct comparison_function *const *names = settling->comparison->names->rows;
	const struct flow *gone = largest_of(settling, flow->key.to, false);
	struct caller *caller = caller_get(settling, flow->key.to);
	struct state *state = &settling->states[flow->key.from];

	if (!gone || !state->is_new || !says(state->row, true) || caller->tested != caller ||
	    -caller->gone < PARTY * change_of(state) || says(&caller->sum, true))
		return;
	set_partner(state->row, names[gone->key.from], caller, false);
	if (says(settling->states[gone->key.from].row, false) && !says(&caller->sum, false))
		set_partner(settling->states[gone->key.from].row, names[flow->key.from], caller,
			    false);
}

/* A function that is gone below a caller may be what is new there, and costs more. */
static void settle_replaced(struct settling *settling, const struct flow *flow)
{
	const struct flow *new = largest_of(settling, flow->key.to, true);
	struct caller *caller = caller_get(settling, flow->key.to);
	const struct state *state = &settling->states[flow->key.from];

	if (!new || !state->is_gone || !says(state->row, false) || caller->tested != caller ||
	    caller->change - caller->gone < PARTY * -caller->gone || !says(&caller->sum, true))
		return;
	set_partner(state->row, settling->comparison->names->rows[new->key.from], caller, false);
}

static void settle_all_renamed(struct settling *settling)
{
	const struct flow *flow;

	for (uint32_t f = 0; f < settling->functions; f++)
		settling->states[f].is_folded =
			settling->states[f].is_gone || settling->states[f].is_new;
	fold(settling);
	for (flow = settling->flows; flow; flow = flow->hh.next)
		settle_renamed(settling, flow);
	for (flow = settling->flows; flow; flow = flow->hh.next)
		settle_replaced(settling, flow);
	forget(settling);
}

/* The nearest caller of @function that is on both sides. */
static uint32_t caller_of(const struct settling *settling, uint32_t function)
{
	for (size_t i = 0; i < settling->runs; i++) {
		const struct comparison_run *run = comparison_run_at(settling->comparison, i);

		for (size_t k = 1; k < run->nodes_count; k++) {
			size_t at = k;

			if (run->nodes[k].function != function)
				continue;
			while (at && run->nodes[at].function != UINT32_MAX &&
			       (run->nodes[at].function == function ||
				is_one_sided(&settling->states[run->nodes[at].function])))
				at = run->nodes[at].parent;
			if (run->nodes[at].function != UINT32_MAX)
				return run->nodes[at].function;
		}
	}
	return UINT32_MAX;
}

/* A function whose total is that of what it calls, which may have been called without it. */
static void settle_wrapper(struct settling *settling, struct comparison_row *row)
{
	const struct state *state = &settling->states[row->function->id];
	struct caller caller = {.tested = &caller};
	uint32_t function;

	if (fabs(change_of(state)) >= PARTY * fabs(row->fresh - row->base))
		return;
	function = caller_of(settling, row->function->id);
	if (function == UINT32_MAX)
		return;
	caller.sums = xcalloc(settling->runs, sizeof(*caller.sums));
	for (size_t i = 0; i < settling->runs; i++)
		caller.sums[i] =
			comparison_run_cost(comparison_run_at(settling->comparison, i), function)
				.total;
	caller.amount = fabs(row->fresh - row->base);
	test(settling, &caller);
	set_partner(row, settling->comparison->names->rows[function], &caller, false);
	free(caller.sums);
}

void comparison_moved_settle(struct comparison *comparison)
{
	struct settling settling = {
		.comparison = comparison,
		.functions = comparison->names->rows_count,
		.runs = comparison->base_count + comparison->fresh_count,
	};
	bool any = false;

	for (size_t i = 0; i < comparison->rows_count; i++)
		any |= says(&comparison->rows[i], true) || says(&comparison->rows[i], false);
	if (!any)
		return;
	settling.states = xcalloc(settling.functions, sizeof(*settling.states));
	settling.accounts = xcalloc(settling.functions, sizeof(*settling.accounts));
	measure_states(&settling);
	settle_inlined(&settling, false);
	settle_inlined(&settling, true);
	settle_all_renamed(&settling);
	if (comparison->options.order == FUNCTIONS_BY_SELF)
		settle_small(&settling);
	for (size_t i = 0; i < comparison->rows_count; i++)
		if (comparison->options.order == FUNCTIONS_BY_TOTAL &&
		    comparison->rows[i].presence != COMPARISON_BOTH &&
		    (says(&comparison->rows[i], true) || says(&comparison->rows[i], false)))
			settle_wrapper(&settling, &comparison->rows[i]);
	free(settling.states);
	free(settling.accounts);
}
