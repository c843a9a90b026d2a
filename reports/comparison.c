/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison: see comparison.h. */
#include "reports/comparison.h"

#include "collector/base/xalloc.h"
#include "reports/comparison_moved.h"
#include "reports/comparison_setting.h"

#include <errno.h>
#include <math.h>

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

/* Standard error of the logarithm from within one run; 0: by the number of its samples. */
static double measure_error(const struct comparison_run *run, const struct measure *measure)
{
	struct comparison_cost cost = comparison_run_cost(run, measure->function);

	if (measure->kind == MEASURE_SELF && cost.self_samples)
		return cost.self_error;
	if (measure->kind == MEASURE_TOTAL && cost.total_samples)
		return cost.total_error;
	return 0;
}

const struct comparison_run *comparison_run_at(const struct comparison *comparison, size_t i)
{
	return i < comparison->base_count ? comparison->base[i]
					  : comparison->fresh[i - comparison->base_count];
}

/* What the costs of a run are divided by. */
static double parts_of(const struct comparison *comparison, const struct comparison_run *run)
{
	return comparison->per_step ? run->steps : 1;
}

/* One cost in all runs, the base first. */
struct costs {
	double *values;	  /* in units, of the whole run */
	double errors[2]; /* of the logarithm, from within the first run of each side; 0 unknown */
};

static struct costs measure_costs(const struct comparison *comparison,
				  const struct measure *measure)
{
	size_t count = comparison->base_count + comparison->fresh_count;
	struct costs costs = {.values = xcalloc(count, sizeof(*costs.values))};

	for (size_t i = 0; i < count; i++)
		costs.values[i] = measure_cost(comparison_run_at(comparison, i), measure);
	costs.errors[0] = measure_error(comparison->base[0], measure);
	costs.errors[1] = measure_error(comparison->fresh[0], measure);
	return costs;
}

/*
 * How far a side's cost may be off although all its runs agree: half a sample, in logarithms. A
 * program that always begins at the same point of the sampling clock always gets the same number of
 * samples; equal readings then do not show equal costs. Where runs differ by more than one sample
 * that blurs the grid, and their spread says it all: 0.
 */
static double grid(const struct comparison_run *const *runs, size_t count, const double *costs)
{
	double least = INFINITY, most = 0, sum = 0;

	for (size_t i = 0; i < count; i++) {
		double samples = round(costs[i] / runs[i]->sample);

		least = fmin(least, samples);
		most = fmax(most, samples);
		sum += samples;
	}
	return sum <= 0 || most - least > 1 ? 0 : log1p(0.5 * (double)count / sum);
}

static double within_error(const struct comparison_run *run, double cost, double known)
{
	return known > 0 ? known : 1 / sqrt(cost / run->sample + 0.5);
}

/* The change between the sides; @grid_width gets by how much its interval is wider, because samples
 * are whole. */
static struct statistics_change measure_change(const struct comparison *comparison,
					       const struct costs *costs, double *grid_width)
{
	size_t base_count = comparison->base_count, fresh_count = comparison->fresh_count;
	size_t count = base_count + fresh_count;
	double level = 1 - comparison->options.alpha, *logs = xcalloc(count, sizeof(*logs));
	double *fresh = logs + base_count;
	struct statistics_change change;

	for (size_t i = 0; i < count; i++) {
		const struct comparison_run *run = comparison_run_at(comparison, i);

		logs[i] = log((costs->values[i] + run->sample / 2) / parts_of(comparison, run));
	}
	*grid_width = 0;
	if (!comparison->replicated) {
		change = statistics_single(
			logs[0],
			within_error(comparison->base[0], costs->values[0], costs->errors[0]),
			fresh[0],
			within_error(comparison->fresh[0], costs->values[base_count],
				     costs->errors[1]),
			level);
	} else if (comparison->options.paired) {
		for (size_t i = 0; i < base_count; i++)
			fresh[i] -= logs[i];
		change = statistics_pairs(fresh, base_count, level);
	} else {
		change = statistics_groups(logs, base_count, fresh, fresh_count, level);
	}
	if (comparison->replicated)
		*grid_width = grid(comparison->base, base_count, costs->values) +
			      grid(comparison->fresh, fresh_count, costs->values + base_count);
	change.low -= *grid_width;
	change.high += *grid_width;
	free(logs);
	return change;
}

/* Mean cost per run or step of @count runs from @first on; @samples gets the mean number of them in
 * a run. */
static double mean_cost(const struct comparison *comparison, const double *costs, size_t first,
			size_t count, double *samples)
{
	double sum = 0;

	*samples = 0;
	for (size_t i = first; i < first + count; i++) {
		const struct comparison_run *run = comparison_run_at(comparison, i);

		sum += costs[i] / parts_of(comparison, run);
		*samples += costs[i] / run->sample / (double)count;
	}
	return sum / (double)count;
}

static void test_costs(const struct comparison *comparison, struct comparison_row *row,
		       const struct costs *costs)
{
	double base_samples, fresh_samples;

	row->base = mean_cost(comparison, costs->values, 0, comparison->base_count, &base_samples);
	row->fresh = mean_cost(comparison, costs->values, comparison->base_count,
			       comparison->fresh_count, &fresh_samples);
	row->samples = fmin(base_samples, fresh_samples);
	row->change = measure_change(comparison, costs, &row->grid);
	row->p_adjusted = row->change.p;
}

/* The logarithm of a margin in units. */
static double margin_of(const struct comparison_row *row, double units)
{
	return log1p(units / fmax(row->base, row->fresh));
}

static void measure_row(struct comparison *comparison, struct comparison_row *row,
			const struct measure *measure)
{
	const struct comparison_options *options = &comparison->options;
	struct costs costs = measure_costs(comparison, measure);
	double units;

	test_costs(comparison, row, &costs);
	free(costs.values);
	units = options->function_margin * fmax(row->base, row->fresh);
	if (measure->kind != MEASURE_PROGRAM)
		units = fmax(units, options->program_margin * comparison->total.base);
	row->margin = margin_of(row, units);
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
		const struct comparison_run *run = comparison_run_at(comparison, i);

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

bool comparison_occurs(const struct comparison_run *const *runs, size_t count, uint32_t function)
{
	for (size_t i = 0; i < count; i++)
		if (comparison_run_cost(runs[i], function).total_samples)
			return true;
	return false;
}

static enum comparison_presence presence_of(const struct comparison *comparison, uint32_t function)
{
	if (!comparison_occurs(comparison->base, comparison->base_count, function))
		return COMPARISON_NEW;
	if (!comparison_occurs(comparison->fresh, comparison->fresh_count, function))
		return COMPARISON_REMOVED;
	return COMPARISON_BOTH;
}

void comparison_test_costs(const struct comparison *comparison, struct comparison_row *row,
			   double *costs, double margin)
{
	*row = (struct comparison_row){0};
	test_costs(comparison, row, &(struct costs){.values = costs});
	row->margin = margin_of(row, margin);
	judge(comparison, row, 1);
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
	if (row->base == 0 || row->fresh == 0)
		row->presence = row->base > 0 ? COMPARISON_REMOVED : COMPARISON_NEW;
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
		struct costs other_costs;
		double grid_width;

		if (!in_family[i])
			continue;
		row->function = names->rows[i];
		measure_row(comparison, row, &(struct measure){tested, i, NULL});
		row->presence = presence_of(comparison, i);
		other_costs = measure_costs(comparison, &(struct measure){other, i, NULL});
		row->other = measure_change(comparison, &other_costs, &grid_width);
		free(other_costs.values);
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
	comparison_moved_settle(comparison);
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
