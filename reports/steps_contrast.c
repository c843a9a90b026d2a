/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steps_contrast: see steps_contrast.h. */
#include "reports/steps_contrast.h"

#include "collector/base/xalloc.h"

#include <math.h>

/* A step as the search for a sample's step needs it. */
struct place {
	int32_t pid;
	uint32_t step;
	uint64_t start_ns;
};

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

static struct place *sorted_places(const struct profile *profile)
{
	struct place *places = xcalloc(profile->steps_count, sizeof(*places));

	for (uint32_t i = 0; i < profile->steps_count; i++)
		places[i] = (struct place){profile->threads[profile->steps[i].thread].pid, i,
					   profile->steps[i].start_ns};
	qsort(places, profile->steps_count, sizeof(*places), compare_places);
	return places;
}

/* Finds the step that runs at a sample's time in its process; returns false when none does. */
static bool find_step(const struct profile *profile, const struct place *places,
		      const struct profile_sample *sample, uint32_t *step)
{
	struct place wanted = {profile->threads[sample->thread].pid, 0, sample->time_ns};
	size_t low = 0, high = profile->steps_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_places(&places[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || places[low - 1].pid != wanted.pid)
		return false;
	*step = places[low - 1].step;
	return sample->time_ns <= profile->steps[*step].end_ns;
}

/* Says whether a metric is a part of a thread's time: CPU time, and where it was recorded waiting.
 */
static bool is_time(const struct report *report, uint16_t metric)
{
	const struct profile_metric *row = &report->profile->metrics[metric];

	if (metric == report->metric)
		return true;
	return !strcmp(report->unit, "ns") && !strcmp(row->unit, "ns") &&
	       (!strcmp(row->name, "off-cpu") || !strcmp(row->name, "run-queue"));
}

static void add_samples(struct steps_contrast *contrast, const struct report *report,
			const struct steps *steps)
{
	const struct profile *profile = report->profile;
	struct place *places = sorted_places(profile);

	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		double amount =
			(double)sample->value * report->profile->metrics[sample->metric].period;
		uint32_t step;

		contrast->step_of_sample[i] = STEPS_OUTSIDE;
		if (!is_time(report, sample->metric))
			continue;
		if (!find_step(profile, places, sample, &step)) {
			contrast->outside++;
			continue;
		}
		contrast->samples++;
		contrast->has_waits |= sample->metric != report->metric;
		contrast->step_of_sample[i] = step;
		if (step < steps->warm_up)
			continue;
		if (steps->is_compared[step])
			contrast->slow_of_stack[sample->stack] += amount;
		else if (!steps->is_apart[step])
			contrast->typical_of_stack[sample->stack] += amount;
	}
	free(places);
}

/* ---- functions ----------------------------------------------------------------------------- */

/* Adds a stack's own amounts to all functions on it, to each once. */
static void add_stack(const struct report *report, struct steps_cost *costs, uint32_t *seen,
		      uint32_t stack, double slow, double typical)
{
	const struct profile *profile = report->profile;
	bool is_innermost = true;

	for (uint32_t at = stack; at; at = profile->stacks[at].parent) {
		uint32_t frame = profile->stacks[at].frame;

		for (uint32_t depth = 0; depth < symbol_depth(profile, frame); depth++) {
			struct steps_cost *cost = &costs[symbol_at(profile, frame, depth).symbol];

			if (is_innermost) {
				cost->slow_self += slow;
				cost->typical_self += typical;
			}
			is_innermost = false;
			if (seen[cost - costs] == stack)
				continue;
			seen[cost - costs] = stack;
			cost->slow += slow;
			cost->typical += typical;
		}
	}
}

static int compare_costs(const void *left, const void *right)
{
	const struct steps_cost *a = left, *b = right;
	double a_excess = a->slow - a->typical, b_excess = b->slow - b->typical;

	if (a_excess != b_excess)
		return a_excess < b_excess ? 1 : -1;
	if (a->slow_self != b->slow_self)
		return a->slow_self < b->slow_self ? 1 : -1;
	return (a->symbol > b->symbol) - (a->symbol < b->symbol);
}

/* Turns sums over all steps into amounts per step. */
static void per_step(struct steps_cost *cost, const struct steps_contrast *contrast, double period)
{
	double slow_steps = contrast->slow_steps ? contrast->slow_steps : 1;
	double typical_steps = contrast->typical_steps ? contrast->typical_steps : 1;

	cost->error = sqrt(cost->slow * period / (slow_steps * slow_steps) +
			   cost->typical * period / (typical_steps * typical_steps));
	cost->slow /= slow_steps;
	cost->slow_self /= slow_steps;
	cost->typical /= typical_steps;
	cost->typical_self /= typical_steps;
}

static void measure_functions(struct steps_contrast *contrast, const struct report *report)
{
	const struct profile *profile = report->profile;
	uint32_t symbols = report->symbols.count;
	uint32_t *seen = xcalloc(symbols, sizeof(*seen));

	contrast->rows = xcalloc(symbols, sizeof(*contrast->rows));
	for (uint32_t stack = 1; stack < profile->stacks_count; stack++)
		if (contrast->slow_of_stack[stack] > 0 || contrast->typical_of_stack[stack] > 0)
			add_stack(report, contrast->rows, seen, stack,
				  contrast->slow_of_stack[stack],
				  contrast->typical_of_stack[stack]);
	for (uint32_t i = 0; i < symbols; i++)
		if (contrast->rows[i].slow > 0 || contrast->rows[i].typical > 0) {
			struct steps_cost cost = contrast->rows[i];

			cost.symbol = i;
			per_step(&cost, contrast, report->period);
			contrast->rows[contrast->count++] = cost;
		}
	qsort(contrast->rows, contrast->count, sizeof(*contrast->rows), compare_costs);
	free(seen);
}

/* ---- the path of the excess ---------------------------------------------------------------- */

/* How much more slow steps have of something, and the variance of that. */
struct excess {
	double amount, variance;
};

/* For every stack the excess at and below it, and whether the path leads to it. */
struct excess_tree {
	struct excess *excess;
	bool *is_on_path;
};

static void add_excess(struct excess *sum, const struct excess *part)
{
	sum->amount += part->amount;
	sum->variance += part->variance;
}

static bool is_certain(const struct excess *excess)
{
	return excess->amount > NORMAL_95 * sqrt(excess->variance);
}

static uint32_t outermost_symbol(const struct profile *profile, uint32_t stack)
{
	uint32_t frame = profile->stacks[stack].frame;

	return symbol_at(profile, frame, symbol_depth(profile, frame) - 1).symbol;
}

static void sum_excess(struct excess_tree *tree, const struct report *report,
		       const struct steps_contrast *contrast)
{
	const struct profile *profile = report->profile;
	double slow_steps = contrast->slow_steps ? contrast->slow_steps : 1;
	double typical_steps = contrast->typical_steps ? contrast->typical_steps : 1;

	for (uint32_t i = 0; i < profile->stacks_count; i++) {
		double slow = contrast->slow_of_stack[i] / slow_steps,
		       typical = contrast->typical_of_stack[i] / typical_steps;

		tree->excess[i] =
			(struct excess){slow - typical, report->period * (slow / slow_steps +
									  typical / typical_steps)};
	}
	for (uint32_t i = (uint32_t)profile->stacks_count; i-- > 1;)
		add_excess(&tree->excess[profile->stacks[i].parent], &tree->excess[i]);
}

/* Goes one call further: to the callee with most of the excess. Returns false when none has half of
 * all of it, or it is not certain that it has any. @by_symbol is zero, and is left so. */
static bool go_further(struct excess_tree *tree, const struct profile *profile,
		       struct steps_contrast *contrast, struct excess *by_symbol)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < profile->stacks_count; i++) {
		uint32_t symbol = outermost_symbol(profile, i);

		if (!tree->is_on_path[profile->stacks[i].parent])
			continue;
		add_excess(&by_symbol[symbol], &tree->excess[i]);
		if (by_symbol[symbol].amount > by_symbol[best].amount)
			best = symbol;
	}
	if (best && by_symbol[best].amount >= contrast->excess / 2 &&
	    is_certain(&by_symbol[best])) {
		contrast->path[contrast->path_count++] = best;
		contrast->path_excess = by_symbol[best].amount;
	} else {
		best = 0;
	}
	/* From behind, because parents come first: what is on the path now is not next time. */
	for (uint32_t i = (uint32_t)profile->stacks_count; i-- > 1;) {
		bool is_next = tree->is_on_path[profile->stacks[i].parent];

		if (is_next)
			by_symbol[outermost_symbol(profile, i)] = (struct excess){0};
		tree->is_on_path[i] = is_next && outermost_symbol(profile, i) == best;
	}
	tree->is_on_path[0] = false;
	return best;
}

static void find_path(struct steps_contrast *contrast, const struct report *report)
{
	const struct profile *profile = report->profile;
	struct excess_tree tree = {
		.excess = xcalloc(profile->stacks_count, sizeof(*tree.excess)),
		.is_on_path = xcalloc(profile->stacks_count, sizeof(*tree.is_on_path)),
	};
	struct excess *by_symbol = xcalloc(report->symbols.count, sizeof(*by_symbol));

	sum_excess(&tree, report, contrast);
	contrast->excess = tree.excess[0].amount;
	contrast->excess_error = sqrt(tree.excess[0].variance);
	contrast->path = xcalloc(256, sizeof(*contrast->path));
	tree.is_on_path[0] = true;
	while (contrast->excess > 0 && contrast->path_count < 256 &&
	       go_further(&tree, profile, contrast, by_symbol))
		;
	free(tree.excess);
	free(tree.is_on_path);
	free(by_symbol);
}

/* ------------------------------------------------------------------------------------------- */

static double mean_of_steps(const struct steps *steps, bool is_compared)
{
	double sum_ns = 0;
	uint32_t count = 0;

	for (uint32_t i = steps->warm_up; i < steps->count; i++)
		if (steps->is_compared[i] == is_compared && !steps->is_apart[i]) {
			sum_ns += steps->duration_ns[i];
			count++;
		}
	return count ? sum_ns / count : 0;
}

bool steps_contrast_explains(const struct steps_contrast *contrast, const struct report *report)
{
	if (strcmp(report->unit, "ns") != 0)
		return true;
	return contrast->excess >= contrast->duration_excess_ns / 2 &&
	       contrast->excess > NORMAL_95 * contrast->excess_error;
}

void steps_contrast_measure(struct steps_contrast *contrast, const struct report *report,
			    const struct steps *steps)
{
	size_t stacks = report->profile->stacks_count;

	*contrast = (struct steps_contrast){
		.slow_steps = steps->compared_count,
		.typical_steps =
			steps->count - steps->warm_up - steps->compared_count - steps->apart_count,
		.slow_of_stack = xcalloc(stacks, sizeof(double)),
		.typical_of_stack = xcalloc(stacks, sizeof(double)),
		.step_of_sample = xcalloc(report->profile->samples_count, sizeof(uint32_t)),
	};
	add_samples(contrast, report, steps);
	measure_functions(contrast, report);
	find_path(contrast, report);
	if (contrast->slow_steps && contrast->typical_steps)
		contrast->duration_excess_ns =
			mean_of_steps(steps, true) - mean_of_steps(steps, false);
}

void steps_contrast_done(struct steps_contrast *contrast)
{
	free(contrast->rows);
	free(contrast->path);
	free(contrast->slow_of_stack);
	free(contrast->typical_of_stack);
	free(contrast->step_of_sample);
}
