/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison: see comparison.h. */
#include "reports/comparison.h"

#include "collector/base/xalloc.h"
#include "reports/comparison_setting.h"

#include <errno.h>
#include <math.h>

enum {
	MOVES = 64, /* callers that are followed for inlined code */
};

/* Room for the interval of a change as large as the margin, which no number of runs settles. */
static const double least_room = 1e-9;

const char *const comparison_verdict_names[COMPARISON_VERDICTS] = {
	"regressed", "improved", "changed, not tested", "inconclusive", "unchanged",
};
const char *const comparison_verdict_marks[COMPARISON_VERDICTS] = {"▲", "▼", "△", "◆", "="};

const struct comparison_options comparison_defaults = {
	.alpha = 0.05,
	.function_margin = 0.03,
	.program_margin = 0.005,
};

static int check_samples(const struct comparison_run *run, const struct comparison_run *first,
			 struct error *error)
{
	if (!run->samples)
		return fail(error, -EINVAL, "%s has no samples: nothing to compare", run->path);
	if (strcmp(run->metric, first->metric) || strcmp(run->unit, first->unit))
		return fail(error, -EINVAL, "%s measures %s in %s, %s %s in %s", first->path,
			    first->metric, first->unit, run->path, run->metric, run->unit);
	return 0;
}

int comparison_check_whole(const struct comparison_run *const *runs, size_t count, bool forced,
			   struct error *error)
{
	int result = 0;
	char *twins;

	for (size_t i = 0; i < count && !forced; i++) {
		char *difference = comparison_setting_difference(runs[0], runs[i]);

		if (difference)
			result = fail(error, -EINVAL, "%s; --force does it anyway", difference);
		else if (runs[i]->state)
			result = fail(error, -EINVAL,
				      "%s is no whole run: %s; --force takes it anyway",
				      runs[i]->path, runs[i]->state);
		free(difference);
		if (result)
			return result;
	}
	twins = forced ? NULL : comparison_setting_twins(runs, count);
	if (twins)
		result = fail(error, -EINVAL, "%s, not two runs; --force takes them anyway", twins);
	free(twins);
	return result;
}

int comparison_check(const struct comparison_run *const *runs, size_t count, bool forced,
		     struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		int result = check_samples(runs[i], runs[0], error);

		if (result)
			return result;
	}
	return comparison_check_whole(runs, count, forced, error);
}

/* What a row is the cost of: one function by self or total, the program, or all other functions. */
enum measure_kind {
	MEASURE_SELF,
	MEASURE_TOTAL,
	MEASURE_PROGRAM,
	MEASURE_OTHERS
};

struct measure {
	enum measure_kind kind;
	uint32_t function;
	const bool *in_family; /* for MEASURE_OTHERS */
};

static double cost_of_others(const struct comparison_run *run, const bool *in_family)
{
	double sum = 0;

	for (uint32_t i = 0; i < run->costs_count; i++)
		if (!in_family[i])
			sum += run->costs[i].self;
	return sum;
}

static double measure_cost(const struct comparison_run *run, const struct measure *measure)
{
	switch (measure->kind) {
	case MEASURE_SELF:
		return comparison_run_cost(run, measure->function).self;
	case MEASURE_TOTAL:
		return comparison_run_cost(run, measure->function).total;
	case MEASURE_OTHERS:
		return cost_of_others(run, measure->in_family);
	default:
		return run->total;
	}
}

/* Standard error of the logarithm from within one run. */
static double measure_error(const struct comparison_run *run, const struct measure *measure)
{
	struct comparison_cost cost = comparison_run_cost(run, measure->function);
	double samples = measure_cost(run, measure) / run->sample;

	if (measure->kind == MEASURE_SELF && cost.self_samples)
		return cost.self_error;
	if (measure->kind == MEASURE_TOTAL && cost.total_samples)
		return cost.total_error;
	return 1 / sqrt(samples + 0.5);
}

/* Logarithms of one cost in all runs of a side; owned by the caller. */
static double *logarithms(const struct comparison *comparison,
			  const struct comparison_run *const *runs, size_t count,
			  const struct measure *measure)
{
	double *values = xcalloc(count, sizeof(*values));

	for (size_t i = 0; i < count; i++)
		values[i] = log((measure_cost(runs[i], measure) + runs[i]->sample / 2) /
				(comparison->per_step ? runs[i]->steps : 1));
	return values;
}

static struct statistics_change measure_change(const struct comparison *comparison,
					       const struct measure *measure)
{
	size_t base_count = comparison->base_count, fresh_count = comparison->fresh_count;
	double *base = logarithms(comparison, comparison->base, base_count, measure);
	double *fresh = logarithms(comparison, comparison->fresh, fresh_count, measure);
	double level = 1 - comparison->options.alpha;
	struct statistics_change change;

	if (!comparison->replicated) {
		change = statistics_single(base[0], measure_error(comparison->base[0], measure),
					   fresh[0], measure_error(comparison->fresh[0], measure),
					   level);
	} else if (comparison->options.paired) {
		for (size_t i = 0; i < base_count; i++)
			fresh[i] -= base[i];
		change = statistics_pairs(fresh, base_count, level);
	} else {
		change = statistics_groups(base, base_count, fresh, fresh_count, level);
	}
	free(base);
	free(fresh);
	return change;
}

/*
 * How far a side's cost may be off although all its runs agree: half a sample, in logarithms. A
 * program that always begins at the same point of the sampling clock always gets the same number of
 * samples; equal readings then do not show equal costs. Where runs differ by more than one sample
 * that blurs the grid, and their spread says it all: 0.
 */
static double grid(const struct comparison_run *const *runs, size_t count,
		   const struct measure *measure)
{
	double least = INFINITY, most = 0, sum = 0;

	for (size_t i = 0; i < count; i++) {
		double samples = round(measure_cost(runs[i], measure) / runs[i]->sample);

		least = fmin(least, samples);
		most = fmax(most, samples);
		sum += samples;
	}
	return sum <= 0 || most - least > 1 ? 0 : log1p(0.5 * (double)count / sum);
}

static double mean_cost(const struct comparison *comparison,
			const struct comparison_run *const *runs, size_t count,
			const struct measure *measure)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += measure_cost(runs[i], measure) / (comparison->per_step ? runs[i]->steps : 1);
	return sum / count;
}

static void measure_row(struct comparison *comparison, struct comparison_row *row,
			const struct measure *measure)
{
	const struct comparison_options *options = &comparison->options;
	double larger;

	row->base = mean_cost(comparison, comparison->base, comparison->base_count, measure);
	row->fresh = mean_cost(comparison, comparison->fresh, comparison->fresh_count, measure);
	row->change = measure_change(comparison, measure);
	if (comparison->replicated)
		row->grid = grid(comparison->base, comparison->base_count, measure) +
			    grid(comparison->fresh, comparison->fresh_count, measure);
	row->change.low -= row->grid;
	row->change.high += row->grid;
	row->p_adjusted = row->change.p;
	if (row->base == 0 || row->fresh == 0)
		row->presence = row->base ? COMPARISON_REMOVED : COMPARISON_NEW;
	row->margin = options->function_margin;
	if (measure->kind != MEASURE_PROGRAM) {
		larger = fmax(row->base, row->fresh);
		row->margin = fmax(row->margin,
				   options->program_margin * comparison->total.base / larger);
	}
	row->margin = log1p(row->margin);
}

/*
 * How many times narrower the interval must be to decide, if the change is what it seems: all of it
 * beyond the margin when the change is, else all of it within. At most 1 when it decides already.
 * @room is what lies between the change and the nearer margin.
 */
static double narrowing(const struct comparison_row *row, double room)
{
	const struct statistics_change *change = &row->change;
	double size = fabs(change->estimate);
	double less = change->estimate - change->low - row->grid;
	double more = change->high - change->estimate - row->grid;
	double inward = change->estimate < 0 ? more : less;
	double outward = change->estimate < 0 ? less : more;

	if (size > row->margin)
		return inward / room;
	return fmax(outward / room, inward / (room + 2 * size));
}

/*
 * Runs a side that would settle a row, if its change is what it seems; more than there are. @alpha
 * is what its p must not exceed in the worst case of the adjustment.
 */
static double needed(const struct comparison *comparison, const struct comparison_row *row,
		     double alpha)
{
	const struct statistics_change *change = &row->change;
	double base = (double)comparison->base_count, fresh = (double)comparison->fresh_count;
	double made = 2 / (1 / base + 1 / fresh), level = 1 - comparison->options.alpha;
	double size = fabs(change->estimate), room = fabs(size - row->margin) - row->grid;
	double spread, runs, times = 1;
	bool paired = comparison->options.paired;

	/* More runs do not help where the sampling clock's grid is too coarse; longer ones do. */
	if (!comparison->replicated || !isfinite(change->error) || (room <= 0 && row->grid > 0))
		return 0;
	spread = change->error * sqrt(paired ? made : made / 2);
	if (isfinite(change->low))
		times = narrowing(row, fmax(room, least_room));
	if (!isfinite(change->low))
		runs = statistics_runs_needed(spread, paired, fmax(room, least_room), level);
	else
		runs = times > 1 ? statistics_runs_narrower(made, paired, times, level) : made;
	if (paired)
		runs = fmax(runs, statistics_runs_of_floor(paired, comparison->options.alpha));
	/* Only a change must be told from none; "unchanged" is the interval's word alone. */
	if (size > row->margin) {
		runs = fmax(runs, statistics_runs_needed(spread, paired, size, 1 - alpha));
		runs = fmax(runs, statistics_runs_of_floor(paired, alpha));
	}
	return fmax(runs, fmin(base, fresh) + 1);
}

static void judge(const struct comparison *comparison, struct comparison_row *row, size_t family)
{
	const struct statistics_change *change = &row->change;
	double alpha = comparison->options.alpha;
	bool certain = row->p_adjusted <= alpha;

	row->detectable = statistics_detectable(change, row->margin + row->grid, 1 - alpha,
						alpha / (family ? family : 1));
	row->verdict = COMPARISON_INCONCLUSIVE;
	if (!comparison->replicated && certain &&
	    (change->low > row->margin || change->high < -row->margin))
		row->verdict = COMPARISON_CHANGED;
	else if (change->low > row->margin && certain)
		row->verdict = COMPARISON_REGRESSED;
	else if (change->high < -row->margin && certain)
		row->verdict = COMPARISON_IMPROVED;
	else if (change->low >= -row->margin && change->high <= row->margin)
		row->verdict = COMPARISON_UNCHANGED;
	else
		row->runs_needed = needed(comparison, row, alpha / (family ? family : 1));
}

/* Marks the functions that are worth a row, by the cost of all runs together, and counts them and
 * the others. */
static bool *choose_family(struct comparison *comparison, size_t *count)
{
	size_t functions = comparison->names->rows_count;
	bool *in_family = xcalloc(functions, sizeof(*in_family));
	bool by_self = comparison->options.order == FUNCTIONS_BY_SELF;
	double *cost = xcalloc(functions, sizeof(*cost)), all = 0;
	uint64_t *samples = xcalloc(functions, sizeof(*samples));

	for (size_t i = 0; i < comparison->base_count + comparison->fresh_count; i++) {
		const struct comparison_run *run =
			i < comparison->base_count ? comparison->base[i]
						   : comparison->fresh[i - comparison->base_count];

		all += run->total;
		for (uint32_t f = 0; f < run->costs_count; f++) {
			cost[f] += by_self ? run->costs[f].self : run->costs[f].total;
			samples[f] +=
				by_self ? run->costs[f].self_samples : run->costs[f].total_samples;
		}
	}
	*count = 0;
	for (size_t i = 0; i < functions; i++) {
		in_family[i] =
			cost[i] >= COMPARISON_SHARE * all && samples[i] >= COMPARISON_SAMPLES;
		*count += in_family[i];
		comparison->others_count += !in_family[i] && samples[i];
	}
	free(cost);
	free(samples);
	return in_family;
}

/* The caller of @function in the first run that has one. */
static uint32_t caller_of(const struct comparison_run *const *runs, size_t count, uint32_t function)
{
	uint32_t caller = UINT32_MAX;

	for (size_t i = 0; i < count && caller == UINT32_MAX; i++)
		caller = comparison_run_cost(runs[i], function).caller;
	return caller;
}

static bool occurs(const struct comparison_run *const *runs, size_t count, uint32_t function)
{
	for (size_t i = 0; i < count; i++)
		if (comparison_run_cost(runs[i], function).total_samples)
			return true;
	return false;
}

/* The caller that @function's cost would be found in if its code had been inlined. */
static uint32_t heir(const struct comparison *comparison, uint32_t function,
		     enum comparison_presence presence)
{
	bool removed = presence == COMPARISON_REMOVED;
	const struct comparison_run *const *with = removed ? comparison->base : comparison->fresh;
	const struct comparison_run *const *without =
		removed ? comparison->fresh : comparison->base;
	size_t with_count = removed ? comparison->base_count : comparison->fresh_count;
	size_t without_count = removed ? comparison->fresh_count : comparison->base_count;

	for (int i = 0; i < MOVES && function != UINT32_MAX; i++) {
		function = caller_of(with, with_count, function);
		if (function != UINT32_MAX && occurs(without, without_count, function))
			return function;
	}
	return UINT32_MAX;
}

static struct comparison_row *row_of(struct comparison *comparison, uint32_t function)
{
	for (size_t i = 0; i < comparison->rows_count; i++)
		if (comparison->rows[i].function && comparison->rows[i].function->id == function)
			return &comparison->rows[i];
	return NULL;
}

/*
 * A function that is on one side only, while the total of its caller stayed the same, was inlined
 * (or is no longer): its code has moved, and neither it nor its caller has changed.
 */
static void find_moved(struct comparison *comparison, struct comparison_row *row)
{
	const struct comparison_names *names = comparison->names;
	uint32_t caller = heir(comparison, row->function->id, row->presence);
	struct comparison_row whole = {.verdict = COMPARISON_INCONCLUSIVE}, *other;

	if (caller == UINT32_MAX)
		return;
	measure_row(comparison, &whole, &(struct measure){MEASURE_TOTAL, caller, NULL});
	judge(comparison, &whole, 1);
	if (whole.verdict != COMPARISON_UNCHANGED)
		return;
	row->moved = names->rows[caller];
	row->verdict = COMPARISON_UNCHANGED;
	other = row_of(comparison, caller);
	if (!other)
		return;
	other->moved = row->function;
	other->verdict = COMPARISON_UNCHANGED;
}

static int compare_rows(const void *left, const void *right)
{
	const struct comparison_row *a = left, *b = right;
	double a_cost = fmax(a->base, a->fresh), b_cost = fmax(b->base, b->fresh);

	if (a->verdict < COMPARISON_INCONCLUSIVE && a->verdict == b->verdict) {
		a_cost = fabs(a->fresh - a->base);
		b_cost = fabs(b->fresh - b->base);
	}
	if (a->verdict != b->verdict)
		return (a->verdict > b->verdict) - (a->verdict < b->verdict);
	if (a_cost != b_cost)
		return (a_cost < b_cost) - (a_cost > b_cost);
	if (!a->function || !b->function)
		return !a->function - !b->function;
	return strcmp(a->function->key, b->function->key);
}

static void adjust(struct comparison *comparison)
{
	double *p = xcalloc(comparison->rows_count, sizeof(*p));

	for (size_t i = 0; i < comparison->rows_count; i++)
		p[i] = comparison->rows[i].change.p;
	if (comparison->options.holm)
		statistics_holm(p, comparison->rows_count);
	else
		statistics_benjamini_hochberg(p, comparison->rows_count);
	for (size_t i = 0; i < comparison->rows_count; i++)
		comparison->rows[i].p_adjusted = p[i];
	free(p);
}

/* Adds the row of all functions that have none, if they cost anything. */
static void measure_others(struct comparison *comparison, const bool *in_family)
{
	struct comparison_row *row = &comparison->rows[comparison->rows_count];

	measure_row(comparison, row, &(struct measure){MEASURE_OTHERS, 0, in_family});
	row->other = row->change;
	comparison->rows_count += row->base > 0 || row->fresh > 0;
}

static void measure_family(struct comparison *comparison, const bool *in_family)
{
	const struct comparison_names *names = comparison->names;
	bool by_self = comparison->options.order == FUNCTIONS_BY_SELF;
	enum measure_kind tested = by_self ? MEASURE_SELF : MEASURE_TOTAL;
	enum measure_kind other = by_self ? MEASURE_TOTAL : MEASURE_SELF;

	for (uint32_t i = 0; i < names->rows_count; i++) {
		struct comparison_row *row = &comparison->rows[comparison->rows_count];

		if (!in_family[i])
			continue;
		row->function = names->rows[i];
		measure_row(comparison, row, &(struct measure){tested, i, NULL});
		row->other = measure_change(comparison, &(struct measure){other, i, NULL});
		comparison->rows_count++;
	}
	/* Totals overlap: only self costs of the rest can be added up. */
	if (by_self)
		measure_others(comparison, in_family);
}

static bool all_have_steps(const struct comparison *comparison)
{
	bool all = true;

	for (size_t i = 0; i < comparison->base_count; i++)
		all = all && comparison->base[i]->steps;
	for (size_t i = 0; i < comparison->fresh_count; i++)
		all = all && comparison->fresh[i]->steps;
	return all;
}

void comparison_make(struct comparison *comparison, const struct comparison_options *options,
		     const struct comparison_names *names, const struct comparison_run *const *base,
		     size_t base_count, const struct comparison_run *const *fresh,
		     size_t fresh_count)
{
	size_t family;
	bool *in_family;

	*comparison = (struct comparison){
		.options = *options,
		.names = names,
		.base = base,
		.fresh = fresh,
		.base_count = base_count,
		.fresh_count = fresh_count,
		.replicated = base_count > 1 && fresh_count > 1,
	};
	comparison->per_step = all_have_steps(comparison);
	measure_row(comparison, &comparison->total, &(struct measure){.kind = MEASURE_PROGRAM});
	judge(comparison, &comparison->total, 1);
	in_family = choose_family(comparison, &family);
	comparison->rows = xcalloc(family + 1, sizeof(*comparison->rows));
	measure_family(comparison, in_family);
	free(in_family);
	adjust(comparison);
	for (size_t i = 0; i < comparison->rows_count; i++)
		judge(comparison, &comparison->rows[i], comparison->rows_count);
	for (size_t i = 0; i < comparison->rows_count; i++)
		if (comparison->rows[i].presence != COMPARISON_BOTH && comparison->rows[i].function)
			find_moved(comparison, &comparison->rows[i]);
	qsort(comparison->rows, comparison->rows_count, sizeof(*comparison->rows), compare_rows);
	for (size_t i = 0; i < comparison->rows_count; i++)
		comparison->verdicts[comparison->rows[i].verdict]++;
}

void comparison_done(struct comparison *comparison)
{
	free(comparison->rows);
}

bool comparison_is_worse(const struct comparison *comparison)
{
	return comparison->total.verdict == COMPARISON_REGRESSED ||
	       comparison->verdicts[COMPARISON_REGRESSED];
}
