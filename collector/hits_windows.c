/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hits_windows: the part of hits.h that puts probes in place and takes them off, as the budget has
 * it. */
#include "collector/hits_state.h"

#include <math.h>
#include <time.h>

#define GRACE_NS      1000000u	 /* for calls that are under way when a window ends */
#define LONG_GRACE_NS 20000000u	 /* the same, where no budget is to be kept */
#define GRACE_SHARE   0.25	 /* of what the window has cost, that this may cost */
#define ENTRIES_SHARE 0.5	 /* of the budget, that counting calls alone may take */
#define LONGEST_NS    4e6	 /* that probes may cost in a window */
#define LONGEST_RARE  100000000u /* nanoseconds that a window of few hits may last */
#define RARE_SHARE    0.5	 /* of the average, that a function may cost to be rare */
#define PHASES	      3		 /* of entries for each window but the first */
#define LEAST_PHASE   2e4	 /* nanoseconds of the target's CPU time, for one to count */
#define DEAREST	      0.7	 /* of a full bank, that one may need */

static uint64_t monotonic_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static double spent_ns(const struct hits *hits)
{
	return probe_limit_spent_ns(block_hits_limit(hits->block_hits));
}

static void set_limit(struct hits *hits, double more_ns)
{
	probe_limit_set(block_hits_limit(hits->block_hits), more_ns);
}

int hits_watch(struct hits *hits, const pid_t *pids, size_t count,
	       const struct probe_bank_clock *clock, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = block_hits_watch(hits->block_hits, pids[i], error);
	if (result || !hits_has_budget(hits))
		return result;
	hits->round_ns = monotonic_ns();
	probe_bank_begin(&hits->bank, clock, spent_ns(hits), hits->round_ns);
	set_limit(hits, PROBE_BANK_START_NS);
	block_hits_get_ready(hits->block_hits);
	return 0;
}

int hits_watch_samples(struct hits *hits, struct perf_source *perf, struct error *error)
{
	hits->corrects_samples = true;
	return perf_source_set_program(perf, block_hits_sample_program(hits->block_hits), error);
}

const struct event *hits_take(struct hits *hits, const struct event *event)
{
	if (!hits->corrects_samples || event->kind != EVENT_SAMPLE)
		return event;
	hits->event = *event;
	block_hits_correct(hits->block_hits, &hits->event);
	return &hits->event;
}

/* Sees how far the target, the probes and the counted calls are. */
static void look(struct hits *hits)
{
	probe_bank_look(&hits->bank, spent_ns(hits), monotonic_ns());
	for (size_t i = 0; i < hits->plan.count; i++)
		hits->functions[i].seen_entries = block_hits_entries(hits->block_hits, i);
}

/* As of the last look. */
static void begin_phase(struct hits *hits, uint64_t functions)
{
	hits->phase_functions = functions;
	hits->phase_spent_ns = hits->bank.probed_ns;
	hits->phase_used_ns = hits->bank.all_used_ns;
	for (size_t i = 0; i < hits->plan.count; i++)
		hits->functions[i].phase_entries = hits->functions[i].seen_entries;
}

/* A phase ends when the target has used @now_ns without probes. */
static void add_phase(struct watched *watched, double now_ns, double used_ns, double spent_ns)
{
	uint64_t entries = watched->seen_entries - watched->phase_entries;
	double before = watched->entries.hits;

	watched->phases_ns += used_ns;
	watched->phases_spent_ns += spent_ns;
	window_path_add(&watched->entries, (double)entries, used_ns,
			now_ns - watched->phases_end_ns);
	watched->doubtful += probe_bank_doubt(spent_ns, used_ns) * (watched->entries.hits - before);
	watched->phases_end_ns = now_ns;
}

/* Likewise. */
static void end_phase(struct hits *hits)
{
	double used_ns = hits->bank.all_used_ns - hits->phase_used_ns;
	double spent_ns = hits->bank.probed_ns - hits->phase_spent_ns;

	for (size_t i = 0; i < hits->plan.count && used_ns >= LEAST_PHASE; i++)
		if (hits->phase_functions >> i & 1)
			add_phase(&hits->functions[i], hits->bank.all_used_ns, used_ns, spent_ns);
	hits->phase_functions = 0;
}

/* Puts probes in place, file by file. Returns 0 or a negative errno. */
static int put(struct hits *hits, enum block_hits_part part, uint64_t functions,
	       struct error *error)
{
	const struct hits_plan *plan = &hits->plan;
	int result = 0;

	for (size_t first = 0, end; first < plan->probe_count && !result; first = end) {
		const struct block_hits_probe *probes = plan->probes;
		const struct module *module =
			plan->functions[probes[first].function].choice->module;

		for (end = first + 1; end < plan->probe_count; end++)
			if (plan->functions[probes[end].function].choice->module != module)
				break;
		result = block_hits_attach(hits->block_hits, module->fd, probes + first,
					   end - first, part, functions, error);
	}
	return result;
}

static uint64_t all_functions(const struct hits *hits)
{
	uint64_t functions = 0;

	for (size_t i = 0; i < hits->plan.count; i++)
		functions |= 1ull << i;
	return functions;
}

static int open_window(struct hits *hits, uint64_t functions, struct error *error)
{
	int result = put(hits, BLOCK_HITS_ALL, functions, error);

	if (result) {
		block_hits_detach(hits->block_hits, hits->in_place == ENTRIES);
		return result;
	}
	hits->window_functions = functions;
	hits->opened_ns = spent_ns(hits);
	hits->opened_at_ns = monotonic_ns();
	hits->in_place = ALL;
	block_hits_set_window(hits->block_hits, BLOCK_HITS_OPEN);
	return 0;
}

int hits_attach(struct hits *hits, struct error *error)
{
	return open_window(hits, all_functions(hits), error);
}

/* Ends the window. Calls that are under way get a moment to come to their next entry. */
static void shut(struct hits *hits)
{
	struct probe_limit *limit = block_hits_limit(hits->block_hits);

	if (hits->in_place != ALL)
		return;
	block_hits_set_window(hits->block_hits,
			      hits->is_stopped ? BLOCK_HITS_IDLE : BLOCK_HITS_SHUT);
	if (hits_has_budget(hits))
		set_limit(hits, GRACE_SHARE * (spent_ns(hits) - hits->opened_ns));
	probe_limit_wait(limit, hits_has_budget(hits) ? GRACE_NS : LONG_GRACE_NS);
	block_hits_detach(hits->block_hits, true);
	hits->in_place = ENTRIES;
	hits->was_shut |= !hits->is_stopped;
	for (size_t i = 0; i < hits->plan.count; i++)
		if (hits->window_functions >> i & 1)
			hits_end_window(hits, i);
}

/* Counting calls alone is too dear to go on. */
static void take_entries_off(struct hits *hits)
{
	block_hits_detach(hits->block_hits, false);
	end_phase(hits);
	hits->in_place = NONE;
	hits->was_off = true;
}

/* Returns what putting all probes in place and taking them off costs the target. */
static double placing_ns(const struct hits *hits)
{
	double all_ns = (double)hits->plan.probe_count * PROBE_BANK_PLACING_NS;

	return fmin(all_ns, DEAREST / 2 * probe_bank_fullest_ns(&hits->bank));
}

/* Returns what a function's counted hits have cost. */
static double cost_ns(const struct hits *hits, const struct hits_function *function)
{
	double sum_ns = 0;

	for (size_t i = 0; i < function->probe_count; i++) {
		bool is_emulated = function->flow.blocks[function->blocks[i]].is_emulated;
		uint64_t count = block_hits_read(hits->block_hits, function->first_probe + i).hits;

		sum_ns += (double)count * block_hits_cost_ns(hits->block_hits, is_emulated);
	}
	return sum_ns;
}

/* Returns the functions that cost little of what all do. */
static uint64_t rare_functions(const struct hits *hits)
{
	const struct hits_plan *plan = &hits->plan;
	double sum_ns = 0;
	uint64_t found = 0;

	for (size_t i = 0; i < plan->count; i++)
		sum_ns += cost_ns(hits, &plan->functions[i]);
	for (size_t i = 0; i < plan->count; i++)
		if (plan->functions[i].probe_count &&
		    cost_ns(hits, &plan->functions[i]) * (double)plan->count < RARE_SHARE * sum_ns)
			found |= 1ull << i;
	return found;
}

/* Opens a window that may cost what the bank has. They are the longer the later: a long one shows
 * more calls as a whole, a short one comes in short programs, too. */
static void open_next_window(struct hits *hits)
{
	double most_ns = DEAREST * probe_bank_fullest_ns(&hits->bank) - placing_ns(hits);
	struct error error;

	end_phase(hits);
	hits->bank.left_ns -= placing_ns(hits);
	if (open_window(hits, all_functions(hits), &error))
		return;
	hits->turn = rare_functions(hits) ? WINDOW_OF_RARE : PHASE_OF_ENTRIES;
	hits->phases_left = PHASES - 1;
	set_limit(hits, hits->window_ns);
	hits->window_ns = fmin(2 * hits->window_ns, fmin(LONGEST_NS, most_ns / PROBE_BANK_CAREFUL));
}

/* What probes cost at first is more than is taken for it: it would count as time of the target's.
 */
static void settle(struct hits *hits)
{
	probe_limit_wait(block_hits_limit(hits->block_hits), PROBE_BANK_SETTLING_NS);
}

/* One ends early when there is much to see. So of rare functions their own windows tell better. */
static void begin_phase_of_entries(struct hits *hits)
{
	begin_phase(hits, all_functions(hits) & ~(hits->rare_functions & rare_functions(hits)));
}

/* Puts the entries alone in place, to see how often they are met. */
static void open_phase(struct hits *hits)
{
	struct error error;

	hits->bank.left_ns -= (double)hits->plan.count * PROBE_BANK_PLACING_NS;
	if (put(hits, BLOCK_HITS_ENTRIES, all_functions(hits), &error)) {
		block_hits_detach(hits->block_hits, false);
		return;
	}
	hits->turn = hits->phases_left ? PHASE_OF_ENTRIES : WINDOW;
	hits->phases_left -= hits->phases_left > 0;
	hits->in_place = ENTRIES;
	set_limit(hits, PROBE_BANK_WINDOW_NS);
	settle(hits);
	look(hits);
	begin_phase_of_entries(hits);
}

/* Where one function is met all the time, windows are over before others are. */
static void open_window_of_rare(struct hits *hits)
{
	uint64_t functions = rare_functions(hits);
	struct error error;

	hits->turn = PHASE_OF_ENTRIES;
	hits->bank.left_ns -= placing_ns(hits);
	if (!functions || open_window(hits, functions, &error))
		return;
	hits->rare_functions |= functions;
	set_limit(hits, hits->window_ns);
	settle(hits);
	look(hits);
	begin_phase(hits, functions);
}

/* Says whether a window of rare functions is open. */
static bool is_of_rare(const struct hits *hits)
{
	return hits->in_place == ALL && hits->window_functions != all_functions(hits);
}

static void end_window_of_rare(struct hits *hits)
{
	look(hits);
	end_phase(hits);
	shut(hits);
	take_entries_off(hits);
	look(hits);
	set_limit(hits, probe_bank_limit_ns(&hits->bank));
}

static bool are_entries_dear(const struct hits *hits)
{
	double spent_ns = hits->bank.probed_ns - hits->phase_spent_ns;
	double used_ns = hits->bank.all_used_ns - hits->phase_used_ns;

	return spent_ns > ENTRIES_SHARE * hits->bank.share * used_ns;
}

/* Says whether the bank has what the next window, or phase, needs. */
static bool has_enough(const struct hits *hits, double probes_ns)
{
	return hits->bank.left_ns > PROBE_BANK_CAREFUL * probes_ns + placing_ns(hits);
}

/* Between windows. */
static void go_on(struct hits *hits)
{
	if (hits->in_place == NONE && hits->turn == PHASE_OF_ENTRIES) {
		if (has_enough(hits, PROBE_BANK_WINDOW_NS))
			open_phase(hits);
	} else if (has_enough(hits, hits->window_ns)) {
		if (hits->in_place == NONE && hits->turn == WINDOW_OF_RARE)
			open_window_of_rare(hits);
		else
			open_next_window(hits);
	} else if (hits->in_place == ENTRIES && hits->phase_functions && are_entries_dear(hits)) {
		take_entries_off(hits);
	} else if (hits->in_place == ENTRIES) {
		if (!hits->phase_functions)
			begin_phase_of_entries(hits);
		set_limit(hits, probe_bank_limit_ns(&hits->bank));
	}
}

void hits_poll(struct hits *hits)
{
	bool is_over = probe_limit_is_over(block_hits_limit(hits->block_hits));
	uint64_t now_ns = monotonic_ns();

	if (!hits_has_budget(hits) || hits->is_stopped ||
	    (!is_over && now_ns - hits->round_ns < PROBE_BANK_ROUND_NS))
		return;
	hits->round_ns = now_ns;
	if (is_of_rare(hits)) {
		if (is_over || now_ns - hits->opened_at_ns > LONGEST_RARE)
			end_window_of_rare(hits);
		return;
	}
	if (is_over && hits->in_place == ENTRIES) {
		look(hits);
		take_entries_off(hits);
		set_limit(hits, probe_bank_limit_ns(&hits->bank));
		return;
	}
	if (is_over)
		shut(hits);
	look(hits);
	if (is_over || hits->in_place == ALL)
		set_limit(hits, probe_bank_limit_ns(&hits->bank));
	else
		go_on(hits);
}

int hits_poll_fd(const struct hits *hits)
{
	return probe_limit_fd(block_hits_limit(hits->block_hits));
}

void hits_stop(struct hits *hits)
{
	hits->is_stopped = true;
	if (hits_has_budget(hits))
		look(hits);
	block_hits_set_window(hits->block_hits, BLOCK_HITS_IDLE);
	shut(hits);
	block_hits_detach(hits->block_hits, false);
	block_hits_wait(hits->block_hits);
	hits_refresh(hits);
}
