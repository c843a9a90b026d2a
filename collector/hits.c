/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hits: see hits.h. */
#include "collector/hits.h"

#include "collector/base/xalloc.h"
#include "collector/window_spread.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GRACE_US      1000
#define ENTRIES_SHARE 0.5  /* of the budget, that counting calls alone may take */
#define COST_DOUBT    0.25 /* how well the probes' cost is known */
#define MOST_DISTORTION                                                                            \
	3.0 /* what probes may take of the time that is left, for a rate to be told */

/* What was found about a function. */
struct counting {
	struct flow_count *counts; /* by block */
	uint64_t *blocks, *edges;  /* solved */
	uint64_t *lines;
	uint64_t calls; /* counted ones */
	uint64_t contradiction;
};

struct watched {
	struct counting now;  /* as of the last solution */
	struct counting past; /* as of the last window's end */
	struct window_sizes windows;
	struct window_spread *block_spreads, *line_spreads;
	struct window_spread entries; /* by phase */
	uint64_t seen_entries;	      /* at the last round, */
	uint64_t phase_entries;	      /* and when the phase began */
	uint32_t row;		      /* of the profile's hit_functions */
};

/* What had been used at some time: by probes, and by the target without them. */
struct moment {
	double spent_ns, used_ns;
};

struct hits {
	struct hits_plan plan;
	struct profile *profile;
	struct block_hits *block_hits;
	struct watched *functions;
	double budget;
	bool is_open, are_entries_on;
	bool was_off;			  /* entries were not probed all the time */
	double window_ns;		  /* what the last window has cost */
	double cpu_ns;			  /* of the target at the last round */
	struct moment now, opened, phase; /* of the last round; the beginning of window and phase */
	bool is_phase;
	struct window_sizes phases; /* of CPU time, in which only entries were probed */
	double phases_spent_ns;	    /* what that has cost */
	bool is_stopped;
};

static void counting_init(struct counting *counting, const struct hits_function *function)
{
	counting->counts = xcalloc(function->flow.count, sizeof(*counting->counts));
	counting->blocks = xcalloc(function->flow.count, sizeof(*counting->blocks));
	counting->edges = xcalloc(function->flow.edge_count + 1, sizeof(*counting->edges));
	counting->lines = xcalloc(function->lines.count + 1, sizeof(*counting->lines));
}

static void counting_done(struct counting *counting)
{
	free(counting->counts);
	free(counting->blocks);
	free(counting->edges);
	free(counting->lines);
}

static void copy_solution(struct counting *to, const struct counting *from,
			  const struct hits_function *function)
{
	memcpy(to->blocks, from->blocks, function->flow.count * sizeof(*to->blocks));
	memcpy(to->lines, from->lines, function->lines.count * sizeof(*to->lines));
	to->calls = from->calls;
}

/* ---- opening ------------------------------------------------------------------------------- */

static void add_function(struct hits *hits, size_t number)
{
	const struct hits_function *function = &hits->plan.functions[number];
	struct watched *watched = &hits->functions[number];

	counting_init(&watched->now, function);
	counting_init(&watched->past, function);
	watched->block_spreads = xcalloc(function->flow.count, sizeof(*watched->block_spreads));
	watched->line_spreads = xcalloc(function->lines.count + 1, sizeof(*watched->line_spreads));
	watched->row = profile_hit_function_add(
		hits->profile,
		&(struct profile_hit_function){
			.frame = profile_frame(hits->profile, function->choice->module->id,
					       function->choice->entry),
			.probes = (uint32_t)function->probe_count,
		});
}

struct hits *hits_open(const struct hits_options *options, const struct program_files *files,
		       struct profile *profile, struct error *error)
{
	struct hits *hits = xcalloc(1, sizeof(*hits));
	int result = hits_plan_make(&hits->plan, options->requests, options->request_count, files,
				    profile, error);

	hits->profile = profile;
	hits->budget = options->budget;
	if (!result) {
		hits->block_hits = block_hits_open(hits->plan.probe_count, error);
		if (!hits->block_hits)
			result = -errno;
	}
	if (result) {
		hits_close(hits);
		errno = -result;
		return NULL;
	}
	hits->functions = xcalloc(hits->plan.count + 1, sizeof(*hits->functions));
	for (size_t i = 0; i < hits->plan.count; i++)
		add_function(hits, i);
	hits_refresh(hits);
	return hits;
}

void hits_close(struct hits *hits)
{
	if (!hits)
		return;
	block_hits_close(hits->block_hits);
	for (size_t i = 0; hits->functions && i < hits->plan.count; i++) {
		counting_done(&hits->functions[i].now);
		counting_done(&hits->functions[i].past);
		free(hits->functions[i].block_spreads);
		free(hits->functions[i].line_spreads);
	}
	free(hits->functions);
	hits_plan_done(&hits->plan);
	free(hits);
}

int hits_watch(struct hits *hits, const pid_t *pids, size_t count, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = block_hits_watch(hits->block_hits, pids[i], error);
	return result;
}

const struct hits_plan *hits_get_plan(const struct hits *hits)
{
	return &hits->plan;
}

uint32_t hits_cost_ns(const struct hits *hits, const struct hits_function *function)
{
	return block_hits_cost_ns(hits->block_hits, !function->stepped_count);
}

bool hits_has_budget(const struct hits *hits)
{
	return hits->budget > HITS_NO_BUDGET;
}

/* ---- figures ------------------------------------------------------------------------------- */

/* Returns what the probes have cost so far. */
static double spent(const struct hits *hits)
{
	double sum = (double)block_hits_uncounted(hits->block_hits) *
		     block_hits_cost_ns(hits->block_hits, true);

	for (size_t i = 0; i < hits->plan.count; i++) {
		const struct hits_function *function = &hits->plan.functions[i];

		for (size_t k = 0; k < function->probe_count; k++) {
			bool is_emulated = function->flow.blocks[function->blocks[k]].is_emulated;
			uint64_t count =
				block_hits_read(hits->block_hits, function->first_probe + k).hits;

			sum += (double)count * block_hits_cost_ns(hits->block_hits, is_emulated);
		}
	}
	return sum;
}

static struct moment moment_of(const struct hits *hits)
{
	struct moment now = {.spent_ns = spent(hits)};

	now.used_ns = hits->cpu_ns > now.spent_ns ? hits->cpu_ns - now.spent_ns : 0;
	return now;
}

/* Says how often a function's own jumps came to its entry: those were no calls. */
static uint64_t rounds_to_entry(const struct hits_function *function, const struct counting *now)
{
	uint64_t rounds = 0;

	for (uint32_t i = 0; i < function->flow.edge_count; i++)
		if (function->flow.edges[i].to == 0 && now->edges[i] != UINT64_MAX)
			rounds += now->edges[i];
	return rounds;
}

/* Solves what has been counted so far. */
static void solve(struct hits *hits, size_t number)
{
	const struct hits_function *function = &hits->plan.functions[number];
	struct counting *now = &hits->functions[number].now;
	uint64_t rounds;

	if (function->problem)
		return;
	for (size_t i = 0; i < function->probe_count; i++) {
		struct block_hits_count count =
			block_hits_read(hits->block_hits, function->first_probe + i);

		now->counts[function->blocks[i]] = (struct flow_count){count.hits, count.taken};
	}
	now->contradiction = flow_counters_solve(&function->counters, &function->flow, now->counts,
						 now->blocks, now->edges);
	for (uint32_t i = 0; i < function->lines.count; i++)
		now->lines[i] = flow_lines_hits(&function->lines, &function->lines.lines[i],
						now->blocks, now->edges);
	rounds = rounds_to_entry(function, now);
	now->calls = now->blocks[0] > rounds ? now->blocks[0] - rounds : 0;
}

/* Takes what the window that has just ended adds. */
static void end_window(struct hits *hits, size_t number)
{
	const struct hits_function *function = &hits->plan.functions[number];
	struct watched *watched = &hits->functions[number];
	struct counting *now = &watched->now, *past = &watched->past;
	double calls;

	solve(hits, number);
	calls = (double)now->calls - (double)past->calls;
	window_sizes_add(&watched->windows, calls);
	for (uint32_t i = 0; i < function->flow.count; i++)
		window_spread_add(&watched->block_spreads[i],
				  (double)now->blocks[i] - (double)past->blocks[i], calls);
	for (uint32_t i = 0; i < function->lines.count; i++)
		window_spread_add(&watched->line_spreads[i],
				  (double)now->lines[i] - (double)past->lines[i], calls);
	copy_solution(past, now, function);
}

/* How a function's figures go up from the windows to all its calls. */
struct scale {
	uint64_t calls;
	double doubt;	  /* half of the 95 % interval of `calls`, relative */
	bool is_needed;	  /* not all calls were counted */
	bool is_too_fast; /* the probe took nearly all the time, so that `calls` are not all */
};

/* Calls that were made while the entry was not probed are as many as its rate makes expect, if that
 * can be told: by CPU time without what the probe has taken. */
static void estimate_calls(const struct hits *hits, size_t number, struct scale *scale)
{
	const struct watched *watched = &hits->functions[number];
	struct window_sizes phases = hits->phases;
	struct window_spread spread = watched->entries;
	double all_ns = moment_of(hits).used_ns, calls;

	scale->is_too_fast =
		phases.size <= 0 || hits->phases_spent_ns > MOST_DISTORTION * phases.size;
	if (scale->is_too_fast)
		return;
	calls = spread.hits * all_ns / phases.size;
	if (calls <= (double)scale->calls)
		return;
	scale->doubt = hypot(window_spread_margin(&spread, &phases, all_ns) / calls,
			     COST_DOUBT * hits->phases_spent_ns / phases.size);
	scale->calls = (uint64_t)llround(calls);
}

static struct scale scale_of(const struct hits *hits, size_t number)
{
	const struct watched *watched = &hits->functions[number];
	uint64_t entries = block_hits_entries(hits->block_hits, number);
	uint64_t rounds = rounds_to_entry(&hits->plan.functions[number], &watched->now);
	struct scale scale = {.calls = entries > rounds ? entries - rounds : 0};

	if (scale.calls < watched->now.calls)
		scale.calls = watched->now.calls;
	if (hits->was_off)
		estimate_calls(hits, number, &scale);
	scale.is_needed = scale.calls > watched->now.calls;
	return scale;
}

struct figure {
	uint64_t hits, margin;
	uint8_t label;
};

static struct figure figure_of(const struct watched *watched, uint64_t hits, bool is_counted,
			       const struct window_spread *spread, const struct scale *scale)
{
	double all = (double)scale->calls, estimate, margin;

	if (!scale->is_needed)
		return (struct figure){hits, 0,
				       is_counted ? PROFILE_HIT_EXACT : PROFILE_HIT_DERIVED};
	estimate = watched->now.calls ? (double)hits * all / (double)watched->now.calls : 0;
	margin = window_spread_margin(spread, &watched->windows, all);
	margin = hypot(margin, estimate * scale->doubt);
	return (struct figure){(uint64_t)llround(estimate), (uint64_t)llround(margin),
			       PROFILE_HIT_ESTIMATED};
}

static void add_rows(struct hits *hits, size_t number, const struct scale *scale)
{
	const struct hits_function *function = &hits->plan.functions[number];
	const struct watched *watched = &hits->functions[number];

	for (uint32_t i = 0; i < function->flow.count; i++) {
		const struct flow_block *block = &function->flow.blocks[i];
		struct figure figure =
			figure_of(watched, watched->now.blocks[i], function->counters.is_probed[i],
				  &watched->block_spreads[i], scale);

		if (!block->is_dead)
			profile_block_hits_add(hits->profile,
					       &(struct profile_block_hits){
						       .function = watched->row,
						       .bytes = block->bytes,
						       .instructions = block->instructions,
						       .label = figure.label,
						       .address = block->address,
						       .hits = figure.hits,
						       .margin = figure.margin,
					       });
	}
	for (uint32_t i = 0; i < function->lines.count; i++) {
		const struct flow_line *line = &function->lines.lines[i];
		struct figure figure = figure_of(
			watched, watched->now.lines[i],
			flow_lines_is_counted(&function->lines, line, function->counters.is_probed),
			&watched->line_spreads[i], scale);

		profile_line_hits_add(hits->profile, &(struct profile_line_hits){
							     .function = watched->row,
							     .file = function->files[i],
							     .line = line->line,
							     .label = figure.label,
							     .hits = figure.hits,
							     .margin = figure.margin,
						     });
	}
}

/* What restricts the figures of a function; "" for nothing. */
static void describe(const struct hits *hits, size_t number, const struct scale *scale, char *note,
		     size_t bytes)
{
	const struct hits_function *function = &hits->plan.functions[number];
	const struct counting *now = &hits->functions[number].now;

	*note = '\0';
	if (function->problem)
		snprintf(note, bytes, "not counted: %s", function->problem);
	else if (scale->is_needed)
		snprintf(note, bytes, "estimated for %s%llu calls from %llu of them%s",
			 scale->doubt > 0 ? "about " : "", (unsigned long long)scale->calls,
			 (unsigned long long)now->calls,
			 scale->is_too_fast
				 ? "; there were more, too many to count within the budget"
				 : "");
	else if (now->contradiction)
		snprintf(note, bytes,
			 "counts differ by up to %llu: calls were under way when counting ended",
			 (unsigned long long)now->contradiction);
	else if (!function->lines.count)
		snprintf(note, bytes, "its lines are not known: build it with -g");
}

void hits_refresh(struct hits *hits)
{
	char note[200];

	profile_hits_clear(hits->profile);
	for (size_t i = 0; i < hits->plan.count; i++) {
		const struct hits_function *function = &hits->plan.functions[i];
		const struct watched *watched = &hits->functions[i];
		struct scale scale;

		solve(hits, i);
		scale = scale_of(hits, i);
		describe(hits, i, &scale, note, sizeof(note));
		profile_hit_function_set(hits->profile, watched->row,
					 &(struct profile_hit_function){
						 .probes = (uint32_t)function->probe_count,
						 .windows = watched->windows.count + hits->is_open,
						 .calls = scale.calls,
						 .counted_calls = watched->now.calls,
						 .note = *note ? note : NULL,
					 });
		add_rows(hits, i, &scale);
	}
	profile_set_number(hits->profile, "lost.counted_threads",
			   (int64_t)block_hits_lost_threads(hits->block_hits));
}

/* ---- windows ------------------------------------------------------------------------------- */

/* Begins a time in which only entries are probed: at the first round after a window. */
static void begin_phase(struct hits *hits)
{
	hits->phase = hits->now;
	hits->is_phase = true;
	for (size_t i = 0; i < hits->plan.count; i++)
		hits->functions[i].phase_entries = hits->functions[i].seen_entries;
}

static void end_phase(struct hits *hits)
{
	double used_ns = hits->now.used_ns - hits->phase.used_ns;

	if (!hits->is_phase || used_ns <= 0)
		return;
	hits->is_phase = false;
	window_sizes_add(&hits->phases, used_ns);
	hits->phases_spent_ns += hits->now.spent_ns - hits->phase.spent_ns;
	for (size_t i = 0; i < hits->plan.count; i++) {
		struct watched *watched = &hits->functions[i];

		window_spread_add(&watched->entries,
				  (double)(watched->seen_entries - watched->phase_entries),
				  used_ns);
	}
}

/* Puts the probes in place, file by file. */
int hits_attach(struct hits *hits, struct error *error)
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
					   end - first, error);
	}
	if (result)
		return result;
	block_hits_set_window(hits->block_hits, BLOCK_HITS_OPEN);
	end_phase(hits);
	hits->opened = moment_of(hits);
	hits->is_open = hits->are_entries_on = true;
	return 0;
}

/* Ends the window. Calls that are under way get a moment to come to their next entry. */
static void shut(struct hits *hits)
{
	if (!hits->is_open)
		return;
	block_hits_set_window(hits->block_hits,
			      hits->is_stopped ? BLOCK_HITS_IDLE : BLOCK_HITS_SHUT);
	usleep(GRACE_US);
	block_hits_detach(hits->block_hits, true);
	hits->is_open = false;
	hits->window_ns = moment_of(hits).spent_ns - hits->opened.spent_ns;
	for (size_t i = 0; i < hits->plan.count; i++)
		end_window(hits, i);
}

/* The entries alone take too much of the budget to leave room for windows. */
static void take_entries_off(struct hits *hits)
{
	end_phase(hits);
	block_hits_detach(hits->block_hits, false);
	hits->is_phase = false;
	hits->are_entries_on = false;
	hits->was_off = true;
}

/* Sees where everything is at the beginning of a round. */
static void look(struct hits *hits, uint64_t cpu_ns)
{
	hits->cpu_ns = (double)cpu_ns;
	hits->now = moment_of(hits);
	for (size_t i = 0; i < hits->plan.count; i++)
		hits->functions[i].seen_entries = block_hits_entries(hits->block_hits, i);
}

static bool are_entries_dear(const struct hits *hits)
{
	double spent_ns = hits->now.spent_ns - hits->phase.spent_ns;
	double used_ns = hits->now.used_ns - hits->phase.used_ns;

	return spent_ns > ENTRIES_SHARE * hits->budget * used_ns;
}

void hits_poll(struct hits *hits, uint64_t cpu_ns)
{
	double allowed_ns;
	struct error error;

	if (!hits_has_budget(hits) || hits->is_stopped)
		return;
	look(hits, cpu_ns);
	allowed_ns = hits->budget * hits->now.used_ns;
	if (hits->is_open) {
		if (hits->now.spent_ns > allowed_ns)
			shut(hits);
	} else if (hits->are_entries_on && !hits->is_phase) {
		begin_phase(hits);
	} else if (hits->now.spent_ns + hits->window_ns < allowed_ns) {
		hits_attach(hits, &error);
	} else if (hits->are_entries_on && are_entries_dear(hits)) {
		take_entries_off(hits);
	}
}

void hits_stop(struct hits *hits)
{
	hits->is_stopped = true;
	block_hits_set_window(hits->block_hits, BLOCK_HITS_IDLE);
	shut(hits);
	block_hits_detach(hits->block_hits, false);
	hits_refresh(hits);
}
