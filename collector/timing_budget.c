/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_budget: see timing_budget.h. */
#include "collector/timing_budget.h"

#include "collector/base/xalloc.h"
#include "collector/window_spread.h"

#include <math.h>

#define ROUND_NS 20000000u
#define MOST_DISTORTION                                                                            \
	3.0 /* what a probe may take of the time that is left, for a rate to be told */

#define COST_DOUBT 0.25 /* how well the probes' cost is known */

static const double least_used =
	0.02; /* of a processor: what counts as the CPU time of an idle target */

/* Of a function that is counted in windows. A window is the first whole round after the probe was
 * put in place, so that its calls and its CPU time are of the same time. */
enum window {
	OUTSIDE,
	COMING,
	INSIDE
};

struct watched {
	struct uprobe_function function;
	int fd;
	uint64_t calls; /* as of the last round */
	double load;	/* nanoseconds that its probe costs in a nanosecond, when it is in place */
	uint64_t only_counted_ns, sampled_ns;
	enum window window;
	struct window_sizes windows; /* CPU time of the target in them */
	struct window_spread spread; /* calls in them */
	uint64_t calls_before;	     /* until the windows began, */
	double used_before_ns;	     /* and the target's CPU time then */
	double window_spent_ns;	     /* what probes took in windows, of all functions */
};

struct timing_budget {
	double share;
	struct watched *functions;
	size_t count, capacity;
	uint64_t round_ns, cpu_ns; /* of the last round */
	double spent_ns, used_ns;  /* by probes, and by the target without them, so far */
};

struct timing_budget *timing_budget_new(double share)
{
	struct timing_budget *budget = xcalloc(1, sizeof(*budget));

	budget->share = share;
	return budget;
}

void timing_budget_free(struct timing_budget *budget)
{
	if (!budget)
		return;
	free(budget->functions);
	free(budget);
}

void timing_budget_add(struct timing_budget *budget, const struct uprobe_function *function, int fd)
{
	xgrow(budget->functions, budget->count, budget->capacity);
	budget->functions[budget->count++] = (struct watched){.function = *function, .fd = fd};
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

static bool is_in_place(const struct watched *watched)
{
	return !watched->sampled_ns || watched->window != OUTSIDE;
}

/* Returns what a call costs as the function is probed now. */
static double cost_ns(const struct watched *watched, const struct uprobe *uprobe)
{
	const struct uprobe_cost *cost = &uprobe_costs(uprobe)[watched->function.kind];

	return is_counted(watched) ? cost->count_ns
				   : uprobe_time_cost_ns(uprobe, &watched->function);
}

/* Adds up what probes cost that are in place all the time. */
static double steady_load(const struct timing_budget *budget)
{
	double sum = 0;

	for (size_t i = 0; i < budget->count; i++)
		if (!budget->functions[i].sampled_ns)
			sum += budget->functions[i].load;
	return sum;
}

/* Measures what each probe costs; returns the sum. */
static double measure(struct timing_budget *budget, const struct uprobe *uprobe, double elapsed_ns)
{
	double sum = 0;

	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];
		uint64_t calls = calls_of(uprobe, i);
		double spent_ns = (double)(calls - watched->calls) * cost_ns(watched, uprobe);

		if (is_in_place(watched))
			watched->load = spent_ns / elapsed_ns;
		watched->calls = calls;
		budget->spent_ns += spent_ns;
		sum += spent_ns / elapsed_ns;
	}
	return sum;
}

/* Returns the function whose probe costs most and may cost less, or the number of functions. */
static size_t dearest(const struct timing_budget *budget)
{
	size_t found = budget->count;

	for (size_t i = 0; i < budget->count; i++) {
		const struct watched *watched = &budget->functions[i];

		if (watched->sampled_ns || watched->function.mode == UPROBE_STEP ||
		    watched->load <= 0)
			continue;
		if (found == budget->count || watched->load > budget->functions[found].load)
			found = i;
	}
	return found;
}

/* Lets a function fall back by one degree. */
static void fall_back(struct timing_budget *budget, struct uprobe *uprobe, size_t function,
		      uint64_t now_ns)
{
	struct watched *watched = &budget->functions[function];
	double before = cost_ns(watched, uprobe);

	if (is_counted(watched)) {
		watched->sampled_ns = now_ns;
		watched->calls_before = watched->calls;
		watched->used_before_ns = budget->used_ns;
		uprobe_detach_from(uprobe, function);
		return;
	}
	watched->only_counted_ns = now_ns;
	uprobe_set_mode(uprobe, function, UPROBE_COUNT);
	watched->load *= before > 0 ? cost_ns(watched, uprobe) / before : 1;
}

/* ---- windows ------------------------------------------------------------------------------- */

/* Takes what the windows of this round have shown, and ends them. */
static void end_windows(struct timing_budget *budget, struct uprobe *uprobe, double spent_ns,
			double used_ns, const uint64_t *calls_at_start)
{
	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];

		if (watched->window == COMING) {
			watched->window = INSIDE;
			continue;
		}
		if (watched->window != INSIDE)
			continue;
		window_sizes_add(&watched->windows, used_ns);
		window_spread_add(&watched->spread, (double)(watched->calls - calls_at_start[i]),
				  used_ns);
		watched->window_spent_ns += spent_ns;
		watched->window = OUTSIDE;
		uprobe_detach_from(uprobe, i);
	}
}

/* Puts probes back for a window, as far as the budget of the whole recording has room. */
static void begin_windows(struct timing_budget *budget, struct uprobe *uprobe)
{
	double room_ns = budget->share * budget->used_ns - budget->spent_ns;
	struct error error;

	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];
		double expected_ns = watched->load * 2 * ROUND_NS;

		if (!watched->sampled_ns || watched->window != OUTSIDE || expected_ns > room_ns)
			continue;
		if (uprobe_attach(uprobe, watched->fd, i, 1, &error))
			continue;
		watched->window = COMING;
		room_ns -= expected_ns;
	}
}

void timing_budget_round(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns,
			 uint64_t cpu_ns)
{
	double elapsed_ns = (double)(now_ns - budget->round_ns), spent, used, spent_before_ns;
	bool is_first = !budget->round_ns;
	uint64_t *calls;
	size_t function;

	if (elapsed_ns < ROUND_NS)
		return;
	calls = xcalloc(budget->count + 1, sizeof(*calls));
	for (size_t i = 0; i < budget->count; i++)
		calls[i] = budget->functions[i].calls;
	spent_before_ns = budget->spent_ns;
	spent = measure(budget, uprobe, elapsed_ns);
	used = (double)(cpu_ns - budget->cpu_ns) / elapsed_ns - spent;
	if (used < least_used)
		used = least_used;
	if (!is_first)
		budget->used_ns += used * elapsed_ns;
	budget->cpu_ns = cpu_ns;
	budget->round_ns = now_ns;
	end_windows(budget, uprobe, budget->spent_ns - spent_before_ns, used * elapsed_ns, calls);
	free(calls);
	while (!is_first && steady_load(budget) > budget->share * used &&
	       (function = dearest(budget)) < budget->count)
		fall_back(budget, uprobe, function, now_ns);
	begin_windows(budget, uprobe);
}

struct timing_budget_fate timing_budget_fate(const struct timing_budget *budget, size_t function)
{
	const struct watched *watched = &budget->functions[function];
	struct timing_budget_fate fate = {watched->only_counted_ns, watched->sampled_ns,
					  watched->windows.count, 0, 0};
	double used_ns = budget->used_ns - watched->used_before_ns;

	if (!fate.windows || watched->windows.size <= 0 ||
	    watched->window_spent_ns > MOST_DISTORTION * watched->windows.size)
		return fate;
	fate.calls = (double)watched->calls_before +
		     watched->spread.hits * used_ns / watched->windows.size;
	fate.margin = hypot(window_spread_margin(&watched->spread, &watched->windows, used_ns),
			    COST_DOUBT * watched->window_spent_ns / watched->windows.size *
				    (fate.calls - (double)watched->calls_before));
	return fate;
}
