/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_budget: see timing_budget.h. */
#include "collector/timing_budget_state.h"

#include "collector/base/xalloc.h"
#include "collector/capture/uprobe_window.h"
#include "collector/timing_windows.h"

#include <math.h>

#define ENOUGH_STEPS 8	 /* to know how many calls one has, whole or not */
#define RECENT_NS    1e8 /* of the target's CPU time: in which what a step function cost fades */

struct timing_budget *timing_budget_new(double share)
{
	struct timing_budget *budget = xcalloc(1, sizeof(*budget));

	budget->bank.share = share;
	budget->needed_ns = PROBE_BANK_WINDOW_NS;
	return budget;
}

void timing_budget_free(struct timing_budget *budget)
{
	if (!budget)
		return;
	free(budget->functions);
	free(budget->list);
	free(budget);
}

void timing_budget_add(struct timing_budget *budget, const struct uprobe_function *function, int fd,
		       size_t group)
{
	xgrow(budget->functions, budget->count, budget->capacity);
	budget->list = xreallocarray(budget->list, budget->capacity, sizeof(*budget->list));
	budget->functions[budget->count++] =
		(struct watched){.function = *function, .fd = fd, .group = group};
	budget->has_steps |= function->mode == UPROBE_STEP;
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

double timing_budget_cost_ns(const struct watched *watched, const struct uprobe *uprobe)
{
	const struct uprobe_cost *cost = &uprobe_costs(uprobe)[watched->function.kind];

	return uprobe_cost_factor(uprobe) *
	       (is_counted(watched) ? cost->count_ns
				    : uprobe_time_cost_ns(uprobe, &watched->function));
}

void timing_budget_look(struct timing_budget *budget, const struct uprobe *uprobe, uint64_t now_ns)
{
	probe_bank_look(&budget->bank, uprobe_spent_ns(uprobe), now_ns);
	budget->steps = (double)uprobe_steps_begun(uprobe);
	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];
		uint64_t calls = calls_of(uprobe, i);

		watched->new_calls = calls - watched->calls;
		watched->calls = calls;
	}
}

void timing_budget_begin(struct timing_budget *budget, const struct probe_bank_clock *clock,
			 struct uprobe *uprobe, uint64_t now_ns)
{
	probe_bank_begin(&budget->bank, clock, uprobe_spent_ns(uprobe), now_ns);
	timing_budget_look(budget, uprobe, now_ns);
	budget->round_ns = now_ns;
	uprobe_set_limit(uprobe, PROBE_BANK_START_NS);
	uprobe_get_ready(uprobe);
}

/* ---- falling back -------------------------------------------------------------------------- */

/* Adds up what probes cost that are in place all the time. */
static double steady_load(const struct timing_budget *budget)
{
	double sum = 0;

	for (size_t i = 0; i < budget->count; i++)
		if (!budget->functions[i].sampled_ns)
			sum += PROBE_BANK_CAREFUL * budget->functions[i].load;
	return sum;
}

/* Returns the function whose probe costs most and may cost less, of step functions or of the
 * others; the number of functions where there is none. */
static size_t dearest(const struct timing_budget *budget, bool is_step)
{
	size_t found = budget->count;

	for (size_t i = 0; i < budget->count; i++) {
		const struct watched *watched = &budget->functions[i];

		if (watched->sampled_ns || watched->load <= 0 ||
		    is_step != (watched->function.mode == UPROBE_STEP))
			continue;
		if (found == budget->count || watched->load > budget->functions[found].load)
			found = i;
	}
	return found;
}

/* Returns who has to fall back, or the number of functions. That others do does not help where the
 * dearest of all is a step function that costs more than the budget. */
static size_t next_to_fall(const struct timing_budget *budget)
{
	size_t step = dearest(budget, true), other = dearest(budget, false);
	double other_load = other < budget->count ? budget->functions[other].load : 0;

	if (step < budget->count &&
	    PROBE_BANK_CAREFUL * budget->functions[step].load > budget->bank.share &&
	    budget->functions[step].load >= other_load)
		return step;
	return other < budget->count ? other : step;
}

double timing_budget_place(const struct timing_budget *budget, const struct watched *watched)
{
	return watched->by_steps ? budget->steps : budget->bank.all_used_ns;
}

/* From now on the functions of a group are counted in windows only. */
static void take_off(struct timing_budget *budget, struct uprobe *uprobe, size_t group,
		     uint64_t now_ns)
{
	size_t count = 0;

	for (size_t i = group; i < budget->count && budget->functions[i].group == group; i++) {
		struct watched *watched = &budget->functions[i];

		watched->sampled_ns = now_ns;
		watched->calls_before = watched->calls;
		watched->sampled_used_ns = budget->bank.all_used_ns;
		watched->by_steps = budget->has_steps;
		watched->path_place = timing_budget_place(budget, watched);
		if (watched->by_steps && watched->path_place >= ENOUGH_STEPS)
			watched->path.rate = (double)watched->calls / watched->path_place;
		else if (!watched->by_steps && budget->bank.used_ns > 0)
			watched->path.rate = (double)watched->new_calls / budget->bank.used_ns;
		uprobe_window_take(uprobe, i, watched->by_steps);
		budget->list[count++] = i;
	}
	uprobe_detach_list(uprobe, budget->list, count);
}

static bool is_timed_step(const struct watched *watched)
{
	return watched->function.mode == UPROBE_STEP && !watched->only_counted_ns &&
	       !watched->sampled_ns;
}

/* From now on all windows are pieces of time. */
static void leave_steps(struct timing_budget *budget, struct uprobe *uprobe)
{
	for (size_t i = 0; i < budget->count; i++)
		if (budget->functions[i].sampled_ns && budget->functions[i].by_steps)
			timing_windows_leave_steps(budget, uprobe, i);
	budget->has_steps = false;
	budget->is_skipping = false;
	uprobe_window_end(uprobe);
}

/* A step function is no longer timed. The series of steps ends, since windows would tell of some of
 * them only. Other functions' windows can no longer be measured by steps. */
static void end_steps(struct timing_budget *budget, struct uprobe *uprobe)
{
	leave_steps(budget, uprobe);
	for (size_t i = 0; i < budget->count; i++)
		if (is_timed_step(&budget->functions[i]))
			return;
	uprobe_end_steps(uprobe);
}

static void take_step_off(struct timing_budget *budget, struct uprobe *uprobe, size_t function,
			  uint64_t now_ns)
{
	bool was_timed = is_timed_step(&budget->functions[function]);

	budget->functions[function].sampled_ns = now_ns;
	uprobe_detach_list(uprobe, &function, 1);
	if (was_timed)
		end_steps(budget, uprobe);
}

/* Has a function only counted from now on, where that can be kept. Returns whether it is. */
static bool only_count(struct timing_budget *budget, struct uprobe *uprobe, size_t function,
		       uint64_t now_ns)
{
	struct watched *watched = &budget->functions[function];
	double before = timing_budget_cost_ns(watched, uprobe), counted;

	watched->only_counted_ns = now_ns;
	counted =
		watched->load * (before > 0 ? timing_budget_cost_ns(watched, uprobe) / before : 1);
	if (PROBE_BANK_CAREFUL * counted > budget->bank.share) {
		watched->only_counted_ns = 0;
		return false;
	}
	watched->load = counted;
	uprobe_set_mode(uprobe, function, UPROBE_COUNT);
	return true;
}

/* Lets a function fall back by one degree: not to counting where that would be too much as well. A
 * step function that is not even counted is taken off. */
static void fall_back(struct timing_budget *budget, struct uprobe *uprobe, size_t function,
		      uint64_t now_ns)
{
	struct watched *watched = &budget->functions[function];
	bool is_step = watched->function.mode == UPROBE_STEP;

	if (!is_counted(watched) && only_count(budget, uprobe, function, now_ns)) {
		if (is_step)
			end_steps(budget, uprobe);
		return;
	}
	if (is_step)
		take_step_off(budget, uprobe, function, now_ns);
	else
		take_off(budget, uprobe, watched->group, now_ns);
}

/* Lets functions fall back until what is left fits into the budget. With those a step function
 * waits for the next round, which shows what it costs without them. */
static void keep(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns)
{
	bool has_fallen = false;

	while (budget->bank.left_ns < 0 && steady_load(budget) > budget->bank.share) {
		size_t function = next_to_fall(budget);
		bool is_step = function < budget->count &&
			       budget->functions[function].function.mode == UPROBE_STEP;

		if (function == budget->count || (is_step && has_fallen))
			return;
		fall_back(budget, uprobe, function, now_ns);
		has_fallen |= !is_step;
	}
}

/* What a function's probe costs. In a round in which the target hardly ran, one step would look
 * like too much. */
static double load_of(const struct timing_budget *budget, struct watched *watched,
		      const struct uprobe *uprobe)
{
	double used_ns = budget->bank.used_ns, fading = exp(-used_ns / RECENT_NS);
	double cost_ns = timing_budget_cost_ns(watched, uprobe);

	if (watched->function.mode != UPROBE_STEP)
		return (double)watched->new_calls * cost_ns / used_ns;
	watched->recent_calls = watched->recent_calls * fading + (double)watched->new_calls;
	watched->recent_used_ns = watched->recent_used_ns * fading + used_ns;
	return watched->recent_calls * cost_ns / watched->recent_used_ns;
}

void timing_budget_round(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns)
{
	if (budget->is_in_window && (uprobe_window_is_closed(uprobe) || uprobe_is_over(uprobe))) {
		timing_windows_end(budget, uprobe);
		uprobe_set_limit(uprobe, probe_bank_limit_ns(&budget->bank));
		return;
	}
	if (budget->is_in_window || (now_ns - budget->round_ns < PROBE_BANK_ROUND_NS &&
				     !uprobe_is_over(uprobe) && !uprobe_window_is_due(uprobe)))
		return;
	budget->round_ns = now_ns;
	timing_budget_look(budget, uprobe, now_ns);
	for (size_t i = 0; i < budget->count; i++)
		budget->functions[i].load = load_of(budget, &budget->functions[i], uprobe);
	if (budget->has_steps && uprobe_steps_overlap(uprobe))
		leave_steps(budget, uprobe);
	keep(budget, uprobe, now_ns);
	timing_windows_make(budget, uprobe);
	if (!budget->is_in_window)
		uprobe_set_limit(uprobe, probe_bank_limit_ns(&budget->bank));
}

void timing_budget_end(struct timing_budget *budget, const struct uprobe *uprobe, uint64_t now_ns)
{
	timing_budget_look(budget, uprobe, now_ns);
}

struct timing_budget_fate timing_budget_fate(const struct timing_budget *budget, size_t function)
{
	const struct watched *watched = &budget->functions[function];
	struct timing_budget_fate fate = {
		.only_counted_ns = watched->only_counted_ns,
		.sampled_ns = watched->sampled_ns,
		.windows = watched->path.count,
		.by_steps = watched->by_steps,
	};
	double rest, hits, margin, doubt;

	if (watched->function.mode == UPROBE_STEP) {
		fate.calls = watched->sampled_ns ? 0 : (double)watched->calls;
		return fate;
	}
	fate.is_too_fast = !watched->by_steps &&
			   (watched->window_spent_ns > MOST_DISTORTION * watched->window_used_ns ||
			    watched->doubtful > PROBE_BANK_MOST_DOUBT * watched->path.hits);
	if (fate.is_too_fast || !window_path_tells(&watched->path))
		return fate;
	rest = (watched->by_steps ? budget->steps : budget->bank.all_used_ns) - watched->path_place;
	hits = window_path_hits(&watched->path, rest, &margin);
	/* Of steps a part of the first and of the last one is not known. */
	if (watched->by_steps)
		doubt = watched->path.rate;
	else
		doubt = watched->path.hits > 0 ? watched->doubtful * hits / watched->path.hits : 0;
	margin = hypot(margin, doubt);
	hits += (double)watched->calls_before;
	if (margin <= hits) {
		fate.calls = hits;
		fate.margin = margin;
	}
	return fate;
}
