/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_windows: see timing_windows.h. */
#include "collector/timing_windows.h"

#include "collector/capture/uprobe_window.h"

#include <math.h>
#include <time.h>

#define SHORTEST_NS	2.5e5 /* a window of time, */
#define LONGEST_NS	5e6
#define LEAST_WINDOW_NS 2e4 /* of the target's CPU time, for a window to count */
#define MOST_IN_WINDOW	32
#define DEAREST_WINDOW	0.7 /* of a full bank, that one may need */
#define VAIN_WINDOWS	4   /* of steps that cost too much, one after the other, to give them up */
#define FIRST_WINDOWS	3   /* before it is known whether they show anything */
#define MOST_SKIPPED	8   /* steps, before a window of some; */
#define EARLY_STEPS	16  /* for each so many steps have gone by one more */
#define STEPS_NS                                                                                   \
	2.5e5 /* that probes should cost in a window of steps: a fourth of what it has, so         \
	       * that few end early, which are those that had most to show */
#define LENGTHENING 4.0	 /* of a window of steps, of the one before */
#define STEP_FADING 0.75 /* of what a step is taken to cost, with each window that costs less */

static uint64_t monotonic_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* A function whose calls come so fast that a piece of time shows little but the probe is left
 * alone. */
static bool has_windows(const struct watched *watched, bool by_steps)
{
	if (!watched->sampled_ns || watched->function.mode == UPROBE_STEP ||
	    watched->by_steps != by_steps)
		return false;
	return by_steps || watched->path.count < FIRST_WINDOWS ||
	       watched->window_spent_ns <= MOST_DISTORTION * watched->window_used_ns;
}

/* Says whether the window at hand is one of a function's own. */
static bool is_in_window(const struct watched *watched, bool by_steps)
{
	return watched->is_due && has_windows(watched, by_steps);
}

/* A window of very many functions would end too late, so these take turns. Every function's windows
 * count and time in turn: who has counted stays for the one that times. */
static void choose_due(struct timing_budget *budget, bool by_steps)
{
	size_t first = budget->first_due[by_steps], due = 0;

	if (budget->window_counts[by_steps] % 2)
		return;
	for (size_t n = 0; n < budget->count; n++) {
		size_t i = (first + n) % budget->count;
		struct watched *watched = &budget->functions[i];

		if (!has_windows(watched, by_steps))
			continue;
		watched->is_due = due < MOST_IN_WINDOW;
		if (watched->is_due) {
			due++;
			budget->after_due[by_steps] = (i + 1) % budget->count;
		}
	}
}

/* Says whether a function that is only counted can be timed for a moment. */
static bool can_be_timed(const struct watched *watched)
{
	return watched->only_counted_ns && !watched->sampled_ns && !watched->function.by_exits &&
	       watched->function.mode != UPROBE_STEP;
}

/* Puts the probes of all functions in such a window in place, or takes them off, file by file.
 * Returns whether all are. */
static bool put(struct timing_budget *budget, struct uprobe *uprobe, bool by_steps, bool is_on)
{
	const struct watched *functions = budget->functions;
	struct error error;
	bool is_done = true;

	for (size_t i = 0; i < budget->count; i++) {
		size_t count = 0;
		bool is_first = is_in_window(&functions[i], by_steps);

		for (size_t k = 0; k < i && is_first; k++)
			is_first = !is_in_window(&functions[k], by_steps) ||
				   functions[k].fd != functions[i].fd;
		for (size_t k = i; k < budget->count && is_first; k++)
			if (is_in_window(&functions[k], by_steps) &&
			    functions[k].fd == functions[i].fd)
				budget->list[count++] = k;
		if (count && is_on)
			is_done &= !uprobe_attach_list(uprobe, functions[i].fd, budget->list, count,
						       &error);
		else if (count)
			uprobe_detach_list(uprobe, budget->list, count);
	}
	return is_done;
}

static bool needs_windows(const struct timing_budget *budget, bool by_steps)
{
	size_t sampled = 0, timed = 0;

	for (size_t i = 0; i < budget->count; i++) {
		sampled += has_windows(&budget->functions[i], by_steps);
		timed += can_be_timed(&budget->functions[i]);
	}
	if (by_steps != budget->has_steps)
		timed = 0;
	return sampled + timed;
}

/* Returns what a window costs besides what its probes do. */
static double placing_ns(const struct timing_budget *budget, bool by_steps)
{
	double sum_ns = 0;

	for (size_t i = 0; i < budget->count; i++)
		if (is_in_window(&budget->functions[i], by_steps))
			sum_ns += PROBE_BANK_PLACING_NS;
	return sum_ns;
}

/* Lets a window's functions be timed or counted. */
static void set_modes(struct timing_budget *budget, struct uprobe *uprobe, bool by_steps,
		      bool is_timed)
{
	for (size_t i = 0; i < budget->count; i++) {
		const struct watched *watched = &budget->functions[i];

		if (is_in_window(watched, by_steps) || can_be_timed(watched))
			uprobe_set_mode(uprobe, i,
					is_timed ? watched->function.mode : UPROBE_COUNT);
	}
}

/* Takes what a window has shown of all that are in it. @size and @end as those are measured. A
 * window of time in which probes took nearly all of it speaks against those only whose calls are
 * why: of the others it tells nothing. */
static void take_window(struct timing_budget *budget, const struct uprobe *uprobe, bool by_steps,
			double size, double end)
{
	double most_ns = MOST_DISTORTION * budget->bank.used_ns;
	double before, doubt = 0;
	bool is_distorted = !by_steps && budget->bank.spent_ns > most_ns;

	if (!by_steps)
		doubt = probe_bank_doubt(budget->bank.spent_ns, budget->bank.used_ns);
	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];

		if (!is_in_window(watched, by_steps))
			continue;
		if (is_distorted &&
		    (double)watched->new_calls * timing_budget_cost_ns(watched, uprobe) <
			    most_ns / MOST_IN_WINDOW)
			continue;
		before = watched->path.hits;
		window_path_add(&watched->path, (double)watched->new_calls, size,
				end - watched->path_place);
		watched->doubtful += doubt * (watched->path.hits - before);
		watched->path_place = end;
		watched->window_used_ns += budget->bank.used_ns;
		watched->window_spent_ns += budget->bank.spent_ns;
	}
}

/* Says whether the next window times, which every second one does, and tells how long calls take;
 * the others count, which disturbs less. */
static bool is_timed_next(const struct timing_budget *budget, bool by_steps)
{
	if (budget->window_counts[by_steps] % 2 == 0)
		return false;
	for (size_t i = 0; i < budget->count; i++) {
		const struct watched *watched = &budget->functions[i];

		if (watched->function.mode == UPROBE_TIME &&
		    (is_in_window(watched, by_steps) || can_be_timed(watched)))
			return true;
	}
	return false;
}

/* What is seen between two looks is of the same time as the CPU time between them. Returns whether
 * all probes are in place. */
static bool begin_window(struct timing_budget *budget, struct uprobe *uprobe, bool by_steps,
			 bool is_timed)
{
	bool is_whole;

	set_modes(budget, uprobe, by_steps, is_timed);
	budget->window_counts[by_steps]++;
	budget->first_due[by_steps] = budget->after_due[by_steps];
	is_whole = put(budget, uprobe, by_steps, true);
	if (!by_steps)
		uprobe_wait(uprobe, PROBE_BANK_SETTLING_NS);
	timing_budget_look(budget, uprobe, monotonic_ns());
	budget->bank.left_ns -= placing_ns(budget, by_steps);
	return is_whole;
}

static void end_window(struct timing_budget *budget, struct uprobe *uprobe, bool by_steps)
{
	timing_budget_look(budget, uprobe, monotonic_ns());
	put(budget, uprobe, by_steps, false);
	set_modes(budget, uprobe, by_steps, false);
}

/* Returns what a window of time may cost at most that is as long, with what comes before it. */
static double most_ns(const struct timing_budget *budget, double length_ns)
{
	return PROBE_BANK_CAREFUL * budget->bank.busy * (length_ns + PROBE_BANK_SETTLING_NS);
}

/* Returns the shortest that is worth putting its probes in place. */
static double shortest_ns(const struct timing_budget *budget)
{
	return fmax(SHORTEST_NS, placing_ns(budget, false));
}

/* A window is as long as the bank can pay for should probes take all of it. That is known before it
 * begins: one that ended when it has seen enough would show bursts as denser than they are. Timing
 * takes of the time that is looked at: such a window does not tell how many calls there are. */
static void make_window_of_time(struct timing_budget *budget, struct uprobe *uprobe)
{
	double left_ns = budget->bank.left_ns - placing_ns(budget, false);
	double length_ns =
		left_ns / (PROBE_BANK_CAREFUL * budget->bank.busy) - PROBE_BANK_SETTLING_NS;
	bool is_timed = is_timed_next(budget, false), is_whole;

	length_ns = fmin(fmax(length_ns, shortest_ns(budget)), LONGEST_NS);
	uprobe_set_limit(uprobe, left_ns / PROBE_BANK_CAREFUL);
	is_whole = begin_window(budget, uprobe, false, is_timed);
	uprobe_wait(uprobe, (uint64_t)length_ns);
	end_window(budget, uprobe, false);
	if (is_whole && !is_timed && budget->bank.used_ns >= LEAST_WINDOW_NS)
		take_window(budget, uprobe, false, budget->bank.used_ns, budget->bank.all_used_ns);
}

/* Lets a random number of steps go by, few where there have been few. Knuth's MMIX generator. */
static void skip_steps(struct timing_budget *budget, struct uprobe *uprobe)
{
	double range = fmin(1 + budget->steps / EARLY_STEPS, MOST_SKIPPED);

	budget->random = budget->random * 6364136223846793005u + 1442695040888963407u;
	uprobe_window_skip(uprobe, (budget->random >> 33) % (uint64_t)range);
	budget->is_skipping = true;
}

/* Returns how many steps a window shall have, of what is known before it begins. */
static uint64_t length_in_steps(struct timing_budget *budget)
{
	double steps = budget->step_ns > 0 ? STEPS_NS / budget->step_ns : 1;

	budget->window_steps = fmax(fmin(steps, LENGTHENING * budget->window_steps), 1);
	return (uint64_t)budget->window_steps;
}

/* Sees what so many steps have cost. */
static void take_step_cost(struct timing_budget *budget, const struct uprobe *uprobe, double steps)
{
	double step_ns = (uprobe_spent_ns(uprobe) - budget->begun_ns) / steps;

	budget->step_ns = fmax(step_ns, STEP_FADING * budget->step_ns);
}

/* In place, probes cost something before it opens, too. */
static void begin_window_of_steps(struct timing_budget *budget, struct uprobe *uprobe)
{
	budget->is_skipping = false;
	budget->begun_ns = uprobe_spent_ns(uprobe);
	budget->is_in_window = begin_window(budget, uprobe, true, is_timed_next(budget, true));
	if (!budget->is_in_window) {
		end_window(budget, uprobe, true);
		return;
	}
	uprobe_set_limit(uprobe, budget->needed_ns);
	uprobe_window_begin(uprobe, length_in_steps(budget));
}

void timing_windows_leave_steps(struct timing_budget *budget, struct uprobe *uprobe,
				size_t function)
{
	struct watched *watched = &budget->functions[function];
	struct window_path *path = &watched->path;
	double margin, now = timing_budget_place(budget, watched);

	if (path->count) {
		watched->calls_before +=
			(uint64_t)window_path_hits(path, now - watched->path_place, &margin);
		watched->path_place = budget->bank.all_used_ns;
	} else {
		watched->path_place = watched->sampled_used_ns;
	}
	*path = (struct window_path){
		.count = path->count, .variance = path->variance, .squares = path->squares};
	watched->by_steps = false;
	watched->window_used_ns = watched->window_spent_ns = 0;
	uprobe_window_take(uprobe, function, false);
}

/* Steps do not fit into what may be spent: the function that costs most does without them, of those
 * that have never had such a window, or of all. Returns whether there was one. */
static bool shed_dearest(struct timing_budget *budget, struct uprobe *uprobe, bool of_all)
{
	size_t found = budget->count;
	double most_ns = -1;

	for (size_t i = 0; i < budget->count; i++) {
		const struct watched *watched = &budget->functions[i];
		double calls = (double)watched->new_calls + watched->path.rate;
		double spent_ns = calls * timing_budget_cost_ns(watched, uprobe);

		if (is_in_window(watched, true) && (of_all || !watched->path.count) &&
		    spent_ns > most_ns) {
			found = i;
			most_ns = spent_ns;
		}
	}
	if (found == budget->count)
		return false;
	timing_windows_leave_steps(budget, uprobe, found);
	return true;
}

void timing_windows_end(struct timing_budget *budget, struct uprobe *uprobe)
{
	double most_ns = DEAREST_WINDOW * probe_bank_fullest_ns(&budget->bank) / PROBE_BANK_CAREFUL;
	uint64_t steps = uprobe_window_end(uprobe);

	end_window(budget, uprobe, true);
	budget->is_in_window = false;
	if (uprobe_steps_overlap(uprobe))
		return;
	take_step_cost(budget, uprobe, steps ? (double)steps : budget->window_steps);
	if (steps) {
		take_window(budget, uprobe, true, (double)steps,
			    (double)uprobe_window_place(uprobe));
		budget->needed_ns = fmax(PROBE_BANK_WINDOW_NS,
					 2 * (uprobe_spent_ns(uprobe) - budget->begun_ns));
		budget->vain_windows = 0;
		return;
	}
	budget->vain_windows++;
	budget->needed_ns *= 4;
	if (budget->needed_ns <= most_ns)
		return;
	if (shed_dearest(budget, uprobe, budget->vain_windows >= VAIN_WINDOWS)) {
		budget->needed_ns = PROBE_BANK_WINDOW_NS;
		budget->vain_windows = 0;
	} else {
		budget->needed_ns = most_ns;
	}
}

void timing_windows_make(struct timing_budget *budget, struct uprobe *uprobe)
{
	bool needs[] = {needs_windows(budget, false), needs_windows(budget, true)};
	bool by_steps =
		needs[true] && (!needs[false] || budget->is_turn_of_steps || budget->is_skipping);
	double probes_ns;

	budget->is_skipping &= needs[true];
	if (!needs[by_steps] || (budget->is_skipping && !uprobe_window_is_due(uprobe)))
		return;
	choose_due(budget, by_steps);
	probes_ns = by_steps ? PROBE_BANK_CAREFUL * budget->needed_ns
			     : most_ns(budget, shortest_ns(budget));
	if (budget->bank.left_ns <= probes_ns + placing_ns(budget, by_steps))
		return;
	budget->is_turn_of_steps = !by_steps;
	if (by_steps && !budget->is_skipping)
		skip_steps(budget, uprobe);
	else if (by_steps)
		begin_window_of_steps(budget, uprobe);
	else
		make_window_of_time(budget, uprobe);
}
