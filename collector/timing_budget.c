/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_budget: see timing_budget.h. */
#include "collector/timing_budget.h"

#include "collector/base/xalloc.h"

#define ROUND_NS 20000000u

static const double least_used =
	0.02; /* of a processor: what counts as the CPU time of an idle target */

struct watched {
	struct uprobe_function function;
	uint64_t calls; /* as of the last round */
	double load;	/* nanoseconds that its probe costs in a nanosecond */
	uint64_t only_counted_ns, taken_off_ns;
};

struct timing_budget {
	double share;
	struct watched *functions;
	size_t count, capacity;
	uint64_t round_ns, cpu_ns; /* of the last round */
};

struct timing_budget *timing_budget_new(double share)
{
	struct timing_budget *budget = xcalloc(1, sizeof(*budget));

	budget->share = share;
	return budget;
}

void timing_budget_add(struct timing_budget *budget, const struct uprobe_function *function)
{
	xgrow(budget->functions, budget->count, budget->capacity);
	budget->functions[budget->count++] = (struct watched){.function = *function};
}

void timing_budget_free(struct timing_budget *budget)
{
	if (!budget)
		return;
	free(budget->functions);
	free(budget);
}

static uint64_t calls_of(const struct uprobe *uprobe, size_t function)
{
	uint64_t calls = 0;

	for (size_t slot = 0; slot < uprobe_slots(uprobe); slot++)
		calls += uprobe_slot_cell(uprobe, slot, function)->calls;
	return calls;
}

static bool is_counted(const struct watched *watched)
{
	return watched->only_counted_ns || watched->function.mode == UPROBE_COUNT;
}

/* Measures what each probe costs; returns the sum. */
static double measure(struct timing_budget *budget, const struct uprobe *uprobe, double elapsed_ns)
{
	double sum = 0;

	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];
		const struct uprobe_cost *cost = &uprobe_costs(uprobe)[watched->function.kind];
		uint64_t calls = calls_of(uprobe, i);

		watched->load = (double)(calls - watched->calls) *
				(is_counted(watched) ? cost->count_ns : cost->time_ns) / elapsed_ns;
		watched->calls = calls;
		if (!watched->taken_off_ns)
			sum += watched->load;
	}
	return sum;
}

/* Returns the function whose probe costs most and may cost less, or the number of functions. */
static size_t dearest(const struct timing_budget *budget)
{
	size_t found = budget->count;

	for (size_t i = 0; i < budget->count; i++) {
		const struct watched *watched = &budget->functions[i];

		if (watched->taken_off_ns || watched->function.mode == UPROBE_STEP ||
		    watched->load <= 0)
			continue;
		if (found == budget->count || watched->load > budget->functions[found].load)
			found = i;
	}
	return found;
}

/* Lets a function fall back by one degree; returns what that saves. */
static double fall_back(struct timing_budget *budget, struct uprobe *uprobe, size_t function,
			uint64_t now_ns)
{
	struct watched *watched = &budget->functions[function];
	const struct uprobe_cost *cost = &uprobe_costs(uprobe)[watched->function.kind];
	double before = watched->load;

	if (is_counted(watched)) {
		watched->taken_off_ns = now_ns;
		uprobe_detach_from(uprobe, function);
		watched->load = 0;
	} else {
		watched->only_counted_ns = now_ns;
		uprobe_set_mode(uprobe, function, UPROBE_COUNT);
		watched->load *= (double)cost->count_ns / cost->time_ns;
	}
	return before - watched->load;
}

void timing_budget_round(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns,
			 uint64_t cpu_ns)
{
	double elapsed_ns = (double)(now_ns - budget->round_ns), spent, used;
	bool is_first = !budget->round_ns;
	size_t function;

	if (elapsed_ns < ROUND_NS)
		return;
	spent = measure(budget, uprobe, elapsed_ns);
	used = (double)(cpu_ns - budget->cpu_ns) / elapsed_ns - spent;
	if (used < least_used)
		used = least_used;
	budget->cpu_ns = cpu_ns;
	budget->round_ns = now_ns;
	while (!is_first && spent > budget->share * used &&
	       (function = dearest(budget)) < budget->count)
		spent -= fall_back(budget, uprobe, function, now_ns);
}

void timing_budget_since(const struct timing_budget *budget, size_t function,
			 uint64_t *only_counted_ns, uint64_t *taken_off_ns)
{
	*only_counted_ns = budget->functions[function].only_counted_ns;
	*taken_off_ns = budget->functions[function].taken_off_ns;
}
