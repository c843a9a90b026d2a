/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_budget: see timing_budget.h. */
#include "collector/timing_budget.h"

#include "collector/base/xalloc.h"
#include "collector/capture/uprobe_window.h"
#include "collector/window_spread.h"

#include <math.h>
#include <time.h>

#define ROUND_NS	20000000u
#define BANK_NS		1e9 /* of the target's CPU time, whose budget is kept for later */
#define START_NS	5e5 /* that probes may cost before the target has used anything */
#define SLACK_NS	2e5 /* beyond the budget, before a round comes early */
#define WINDOW_NS	1e6 /* that probes may cost in a window */
#define PLACING_NS	3e4 /* that putting one in place and taking it off costs the target */
#define WINDOW_MS	5   /* a window's length, where they cost less */
#define LEAST_WINDOW_NS 2e4 /* of the target's CPU time, for a window to count */
#define MOST_IN_WINDOW	32
#define ENOUGH_STEPS	8   /* to know how many calls one has, whole or not */
#define DEAREST_WINDOW	0.7 /* of a full bank, that one may need */
#define FIRST_WINDOWS	3   /* before it is known whether they show anything */
#define MOST_DISTORTION                                                                            \
	2.0 /* what a probe may take of the time that is left, for a rate to be told */

#define COST_DOUBT 0.25 /* how well the probes' cost is known */
#define MOST_DOUBT 0.9	/* of a window's time */

static const double careful = 1 + COST_DOUBT; /* costs are taken to be as high as they may be */
static const double least_used = 0.02; /* of a processor: what an idle target counts as using */
static const double least_own = 0.1;   /* of the CPU time: what probes leave the target at least */

struct watched {
	struct uprobe_function function;
	int fd;
	size_t group;	    /* its first function: they are put in place and taken off together */
	uint64_t calls;	    /* as of the last look */
	uint64_t new_calls; /* between the last two */
	double load; /* what its probe cost in the last round, of the target's own CPU time */
	uint64_t only_counted_ns, sampled_ns;
	bool by_steps;		 /* its windows are whole steps, else pieces of time */
	bool is_due;		 /* the window at hand, or the next one, is its own */
	struct window_path path; /* calls in windows, by steps or by the target's own CPU time */
	uint64_t calls_before;	 /* until the windows began, */
	double sampled_used_ns;	 /* and the target's CPU time then */
	double path_place;	 /* steps, or the target's CPU time, at the end of the last one */
	double window_used_ns;	 /* the target's in windows, */
	double window_spent_ns;	 /* and that of probes, of all functions */
	double doubtful; /* calls in `path` that may be as many more, or less, if probes cost
			  * more, or less, than is taken for it: less time, or more, was the
			  * target's then */
};

struct timing_budget {
	double share;
	struct timing_budget_clock clock;
	struct watched *functions;
	size_t count, capacity;
	size_t *list;		    /* of `capacity` functions: at hand */
	uint64_t round_ns, look_ns; /* of the last round and look */
	double cpu_ns, probed_ns;   /* of the target, and of that for probes, at the last look */
	double spent_ns, used_ns;   /* between the last two looks: by probes, and without them */
	double all_used_ns;	    /* so far */
	double steps;		    /* that had begun by the last look */
	double bank_ns;		    /* what probes may cost yet */
	uint32_t window_counts[2];  /* of time, and of steps */
	size_t first_due[2];	    /* where the choice of functions for such a window begins, */
	size_t after_due[2];	    /* and where the next one will */
	bool has_steps;		    /* a step function is timed */
	bool is_in_window;	    /* of steps */
	bool is_turn_of_steps;
	double needed_ns; /* that probes are taken to cost in one of steps */
	double begun_ns;  /* what they had cost as it began */
};

static uint64_t monotonic_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct timing_budget *timing_budget_new(double share)
{
	struct timing_budget *budget = xcalloc(1, sizeof(*budget));

	budget->share = share;
	budget->bank_ns = START_NS;
	budget->needed_ns = WINDOW_NS;
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

/* Returns what a call costs as the function is probed now. */
static double cost_ns(const struct watched *watched, const struct uprobe *uprobe)
{
	const struct uprobe_cost *cost = &uprobe_costs(uprobe)[watched->function.kind];

	return uprobe_cost_factor(uprobe) *
	       (is_counted(watched) ? cost->count_ns
				    : uprobe_time_cost_ns(uprobe, &watched->function));
}

static double fullest_ns(const struct timing_budget *budget)
{
	return fmax(budget->share * BANK_NS, START_NS);
}

/* Sees what has happened since the last look. */
static void look(struct timing_budget *budget, const struct uprobe *uprobe, uint64_t now_ns)
{
	double cpu_ns =
		budget->clock.cpu_ns ? (double)budget->clock.cpu_ns(budget->clock.context) : 0;
	double probed_ns = uprobe_spent_ns(uprobe);
	double least_ns = least_used * (double)(now_ns - budget->look_ns), own_ns, bank_ns;

	budget->spent_ns = probed_ns - budget->probed_ns;
	own_ns = least_own * (cpu_ns - budget->cpu_ns);
	budget->used_ns = fmax(cpu_ns - budget->cpu_ns - budget->spent_ns, own_ns);
	budget->all_used_ns += budget->used_ns;
	bank_ns = budget->bank_ns + budget->share * fmax(budget->used_ns, least_ns) -
		  careful * budget->spent_ns;
	budget->bank_ns = fmin(bank_ns, fullest_ns(budget));
	budget->cpu_ns = cpu_ns;
	budget->probed_ns = probed_ns;
	budget->look_ns = now_ns;
	budget->steps = (double)uprobe_steps_begun(uprobe);
	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];
		uint64_t calls = calls_of(uprobe, i);

		watched->new_calls = calls - watched->calls;
		watched->calls = calls;
	}
}

void timing_budget_begin(struct timing_budget *budget, const struct timing_budget_clock *clock,
			 struct uprobe *uprobe, uint64_t now_ns)
{
	budget->clock = *clock;
	budget->look_ns = now_ns;
	look(budget, uprobe, now_ns);
	budget->bank_ns = START_NS;
	budget->all_used_ns = 0;
	budget->round_ns = now_ns;
	uprobe_set_limit(uprobe, START_NS);
	uprobe_get_ready(uprobe);
}

/* ---- falling back -------------------------------------------------------------------------- */

/* Adds up what probes cost that are in place all the time. */
static double steady_load(const struct timing_budget *budget)
{
	double sum = 0;

	for (size_t i = 0; i < budget->count; i++)
		if (!budget->functions[i].sampled_ns)
			sum += careful * budget->functions[i].load;
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

/* Returns where the target is, in what a function's windows are measured by. */
static double place(const struct timing_budget *budget, const struct watched *watched)
{
	return watched->by_steps ? budget->steps : budget->all_used_ns;
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
		watched->sampled_used_ns = budget->all_used_ns;
		watched->by_steps = budget->has_steps;
		watched->path_place = place(budget, watched);
		if (watched->by_steps && watched->path_place >= ENOUGH_STEPS)
			watched->path.rate = (double)watched->calls / watched->path_place;
		else if (!watched->by_steps && budget->used_ns > 0)
			watched->path.rate = (double)watched->new_calls / budget->used_ns;
		uprobe_window_take(uprobe, i, watched->by_steps);
		budget->list[count++] = i;
	}
	uprobe_detach_list(uprobe, budget->list, count);
}

/* Lets a function fall back by one degree: not to counting where that would be too much as well. */
static void fall_back(struct timing_budget *budget, struct uprobe *uprobe, size_t function,
		      uint64_t now_ns)
{
	struct watched *watched = &budget->functions[function];
	double before = cost_ns(watched, uprobe), counted;

	if (is_counted(watched)) {
		take_off(budget, uprobe, watched->group, now_ns);
		return;
	}
	watched->only_counted_ns = now_ns;
	counted = watched->load * (before > 0 ? cost_ns(watched, uprobe) / before : 1);
	if (careful * counted > budget->share) {
		watched->only_counted_ns = 0;
		take_off(budget, uprobe, watched->group, now_ns);
		return;
	}
	watched->load = counted;
	uprobe_set_mode(uprobe, function, UPROBE_COUNT);
}

/* ---- windows ------------------------------------------------------------------------------- */

/* A function whose calls come so fast that a piece of time shows little but the probe is left
 * alone. */
static bool has_windows(const struct watched *watched, bool by_steps)
{
	if (!watched->sampled_ns || watched->by_steps != by_steps)
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
	return watched->only_counted_ns && !watched->sampled_ns && !watched->function.by_exits;
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
			sum_ns += PLACING_NS;
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
	double most_ns = MOST_DISTORTION * budget->used_ns;
	double taken = by_steps ? 0 : COST_DOUBT * budget->spent_ns / budget->used_ns;
	double doubt = taken / (1 - fmin(taken, MOST_DOUBT)), before;
	bool is_distorted = !by_steps && budget->spent_ns > most_ns;

	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];

		if (!is_in_window(watched, by_steps))
			continue;
		if (is_distorted && (double)watched->new_calls * cost_ns(watched, uprobe) <
					    most_ns / MOST_IN_WINDOW)
			continue;
		before = watched->path.hits;
		window_path_add(&watched->path, (double)watched->new_calls, size,
				end - watched->path_place);
		watched->doubtful += doubt * (watched->path.hits - before);
		watched->path_place = end;
		watched->window_used_ns += budget->used_ns;
		watched->window_spent_ns += budget->spent_ns;
	}
}

/* Every second window times, which tells how long calls take; the others count, which disturbs
 * less. What is seen between two looks is of the same time as the CPU time between them. Returns
 * whether all probes are in place. */
static bool begin_window(struct timing_budget *budget, struct uprobe *uprobe, bool by_steps)
{
	bool is_whole;

	set_modes(budget, uprobe, by_steps, budget->window_counts[by_steps]++ % 2);
	budget->first_due[by_steps] = budget->after_due[by_steps];
	is_whole = put(budget, uprobe, by_steps, true);
	look(budget, uprobe, monotonic_ns());
	budget->bank_ns -= placing_ns(budget, by_steps);
	return is_whole;
}

static void end_window(struct timing_budget *budget, struct uprobe *uprobe, bool by_steps)
{
	look(budget, uprobe, monotonic_ns());
	put(budget, uprobe, by_steps, false);
	set_modes(budget, uprobe, by_steps, false);
}

/* Timing takes of the time that is looked at: such a window does not tell how many calls there
 * are. */
static void make_window_of_time(struct timing_budget *budget, struct uprobe *uprobe)
{
	bool is_timed = budget->window_counts[false] % 2,
	     is_whole = begin_window(budget, uprobe, false);

	uprobe_set_limit(uprobe, fmin(WINDOW_NS, budget->bank_ns / careful));
	uprobe_wait(uprobe, WINDOW_MS);
	end_window(budget, uprobe, false);
	if (is_whole && !is_timed && budget->used_ns >= LEAST_WINDOW_NS)
		take_window(budget, uprobe, false, budget->used_ns, budget->all_used_ns);
}

/* In place, probes cost something before it opens, and a whole step after it is enough. */
static void begin_window_of_steps(struct timing_budget *budget, struct uprobe *uprobe)
{
	budget->begun_ns = uprobe_spent_ns(uprobe);
	budget->is_in_window = begin_window(budget, uprobe, true);
	if (!budget->is_in_window) {
		end_window(budget, uprobe, true);
		return;
	}
	uprobe_set_limit(uprobe, budget->needed_ns);
	uprobe_window_begin(uprobe, WINDOW_NS / 2);
}

/* From now on a function's windows are pieces of time. */
static void leave_steps(struct timing_budget *budget, struct uprobe *uprobe, size_t function)
{
	struct watched *watched = &budget->functions[function];
	struct window_path *path = &watched->path;
	double margin, now = place(budget, watched);

	if (path->count) {
		watched->calls_before +=
			(uint64_t)window_path_hits(path, now - watched->path_place, &margin);
		watched->path_place = budget->all_used_ns;
	} else {
		watched->path_place = watched->sampled_used_ns;
	}
	*path = (struct window_path){.count = path->count, .variance = path->variance};
	watched->by_steps = false;
	watched->window_used_ns = watched->window_spent_ns = 0;
	uprobe_window_take(uprobe, function, false);
}

/* Steps do not fit into what may be spent: the function that costs most does without them. */
static void shed_dearest(struct timing_budget *budget, struct uprobe *uprobe)
{
	size_t found = budget->count;
	double most_ns = -1;

	for (size_t i = 0; i < budget->count; i++) {
		const struct watched *watched = &budget->functions[i];
		double calls = (double)watched->new_calls + watched->path.rate;
		double spent_ns = calls * cost_ns(watched, uprobe);

		if (is_in_window(watched, true) && spent_ns > most_ns) {
			found = i;
			most_ns = spent_ns;
		}
	}
	if (found < budget->count)
		leave_steps(budget, uprobe, found);
}

static void end_window_of_steps(struct timing_budget *budget, struct uprobe *uprobe)
{
	uint64_t steps = uprobe_window_end(uprobe);

	end_window(budget, uprobe, true);
	budget->is_in_window = false;
	if (steps) {
		take_window(budget, uprobe, true, (double)steps,
			    (double)uprobe_window_place(uprobe));
		budget->needed_ns =
			fmax(WINDOW_NS, 2 * (uprobe_spent_ns(uprobe) - budget->begun_ns));
		return;
	}
	budget->needed_ns *= 4;
	if (careful * budget->needed_ns > DEAREST_WINDOW * fullest_ns(budget)) {
		shed_dearest(budget, uprobe);
		budget->needed_ns = WINDOW_NS;
	}
}

/* Begins or makes a window when one is wanted and the bank has what it needs; those of steps and
 * those of time take turns. */
static void make_window(struct timing_budget *budget, struct uprobe *uprobe)
{
	bool needs[] = {needs_windows(budget, false), needs_windows(budget, true)};
	bool by_steps = needs[true] && (!needs[false] || budget->is_turn_of_steps);
	double probes_ns = by_steps ? budget->needed_ns : WINDOW_NS;

	if (!needs[by_steps])
		return;
	choose_due(budget, by_steps);
	if (budget->bank_ns <= careful * probes_ns + placing_ns(budget, by_steps))
		return;
	budget->is_turn_of_steps = !by_steps;
	if (by_steps)
		begin_window_of_steps(budget, uprobe);
	else
		make_window_of_time(budget, uprobe);
}

void timing_budget_round(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns)
{
	size_t function;

	if (budget->is_in_window && (uprobe_window_is_closed(uprobe) || uprobe_is_over(uprobe))) {
		end_window_of_steps(budget, uprobe);
		uprobe_set_limit(uprobe, fmax(budget->bank_ns, 0) + SLACK_NS);
		return;
	}
	if (budget->is_in_window ||
	    (now_ns - budget->round_ns < ROUND_NS && !uprobe_is_over(uprobe)))
		return;
	budget->round_ns = now_ns;
	look(budget, uprobe, now_ns);
	for (size_t i = 0; i < budget->count; i++) {
		struct watched *watched = &budget->functions[i];

		watched->load =
			(double)watched->new_calls * cost_ns(watched, uprobe) / budget->used_ns;
	}
	while (budget->bank_ns < 0 && steady_load(budget) > budget->share &&
	       (function = dearest(budget)) < budget->count)
		fall_back(budget, uprobe, function, now_ns);
	make_window(budget, uprobe);
	if (!budget->is_in_window)
		uprobe_set_limit(uprobe, fmax(budget->bank_ns, 0) + SLACK_NS);
}

void timing_budget_end(struct timing_budget *budget, const struct uprobe *uprobe, uint64_t now_ns)
{
	look(budget, uprobe, now_ns);
}

struct timing_budget_fate timing_budget_fate(const struct timing_budget *budget, size_t function)
{
	const struct watched *watched = &budget->functions[function];
	struct timing_budget_fate fate = {watched->only_counted_ns,
					  watched->sampled_ns,
					  watched->path.count,
					  watched->by_steps,
					  0,
					  0};
	double rest, hits, margin, doubt;

	if (!fate.windows ||
	    (!watched->by_steps &&
	     (watched->window_spent_ns > MOST_DISTORTION * watched->window_used_ns ||
	      watched->doubtful > watched->path.hits)))
		return fate;
	rest = (watched->by_steps ? budget->steps : budget->all_used_ns) - watched->path_place;
	hits = window_path_hits(&watched->path, rest, &margin);
	/* Of steps a part of the first and of the last one is not known. */
	if (watched->by_steps)
		doubt = watched->path.rate;
	else
		doubt = watched->path.hits > 0 ? watched->doubtful * hits / watched->path.hits : 0;
	fate.calls = (double)watched->calls_before + hits;
	fate.margin = hypot(margin, doubt);
	return fate;
}
