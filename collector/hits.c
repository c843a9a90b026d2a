/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hits: see hits.h. */
#include "collector/base/xalloc.h"
#include "collector/hits_state.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_DISTORTION                                                                            \
	3.0	   /* what probes may take of the time that is left, for a rate to be told */
#define UNSEEN 3.0 /* of what was not seen may have been, in a time as long */

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
	hits->bank.share = options->budget;
	hits->window_ns = PROBE_BANK_WINDOW_NS;
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
	return hits->bank.share > HITS_NO_BUDGET;
}

/* ---- figures ------------------------------------------------------------------------------- */

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

void hits_end_window(struct hits *hits, size_t number)
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
	double margin;	  /* half of the 95 % interval of `calls` */
	bool is_needed;	  /* there may be calls that were not counted, or not as a whole */
	double cut;	  /* share of the counted calls that windows may have ended within */
	bool is_too_fast; /* the probe took nearly all the time, so that `calls` are not all */
};

/* Calls that were made while the entry was not probed are as many as its rate makes expect, if that
 * can be told: by CPU time without what the probe has taken. What was not seen at all in a part of
 * the time may have been three times in that part and yet be missed as often as in 20 once. Source:
 * Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983). */
static void estimate_calls(const struct hits *hits, size_t number, struct scale *scale)
{
	const struct watched *watched = &hits->functions[number];
	double all_ns = hits->bank.all_used_ns, rest_ns = all_ns - watched->phases_end_ns;
	double calls, margin;

	scale->is_too_fast = watched->phases_ns <= 0 ||
			     watched->phases_spent_ns > MOST_DISTORTION * watched->phases_ns;
	if (scale->is_too_fast) {
		scale->margin = (double)scale->calls;
		return;
	}
	calls = window_path_hits(&watched->entries, rest_ns, &margin);
	scale->margin = calls > 0 ? hypot(margin, watched->doubtful * calls / watched->entries.hits)
				  : UNSEEN * all_ns / watched->phases_ns;
	if (calls > (double)scale->calls)
		scale->calls = (uint64_t)llround(calls);
}

/* Returns the number of windows that a function has been counted in. */
static uint32_t windows_of(const struct hits *hits, size_t number)
{
	bool is_open = hits->in_place == ALL && hits->window_functions >> number & 1;

	return hits->functions[number].windows.count + is_open;
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
	scale.is_needed = hits->was_shut || scale.calls > watched->now.calls;
	if (hits->was_shut && watched->now.calls)
		scale.cut = fmin(1, windows_of(hits, number) / (double)watched->now.calls);
	return scale;
}

struct figure {
	uint64_t hits, margin;
	uint8_t label;
};

static struct figure figure_of(const struct watched *watched, uint64_t hits, bool is_counted,
			       const struct window_spread *spread, const struct scale *scale)
{
	double all = (double)scale->calls, counted = (double)watched->now.calls;
	double of_a_call = counted > 0 ? (double)hits / counted : 0, margin;

	if (!scale->is_needed)
		return (struct figure){hits, 0,
				       is_counted ? PROFILE_HIT_EXACT : PROFILE_HIT_DERIVED};
	/* Of no call it is not known where it goes: once to each place, maybe. So may the rest of
	 * one that a window ended within, or as often again as was seen. */
	margin = window_spread_margin(spread, &watched->windows, all);
	margin = hypot(hypot(margin, of_a_call * scale->margin),
		       scale->cut * fmax(of_a_call, 1) * all);
	if (counted <= 0)
		margin = all + scale->margin;
	return (struct figure){(uint64_t)llround(of_a_call * all), (uint64_t)llround(margin),
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

/* What is worse about an estimate than its interval. */
static const char *restriction_of(const struct scale *scale)
{
	if (scale->cut >= 1)
		return "; windows may have ended within each of them: there may be more "
		       "hits";
	return scale->is_too_fast ? "; there were more, too many to count within the budget" : "";
}

/* What restricts the figures of a function; "" for nothing. */
static void describe(const struct hits *hits, size_t number, const struct scale *scale, char *note,
		     size_t bytes)
{
	const struct hits_function *function = &hits->plan.functions[number];
	const struct counting *now = &hits->functions[number].now;
	char about[60] = "";
	size_t length;

	*note = '\0';
	if (scale->margin > 0)
		snprintf(about, sizeof(about), " ± %.0f", scale->margin);
	if (function->problem)
		snprintf(note, bytes, "not counted: %s", function->problem);
	else if (scale->is_needed)
		snprintf(note, bytes, "estimated for %s%llu%s calls from %llu of them%s",
			 *about ? "about " : "", (unsigned long long)scale->calls, about,
			 (unsigned long long)now->calls, restriction_of(scale));
	else if (now->contradiction)
		snprintf(note, bytes,
			 "counts differ by up to %llu: calls were under way when counting ended",
			 (unsigned long long)now->contradiction);
	else if (!function->lines.count)
		snprintf(note, bytes, "its lines are not known: build it with -g");
	length = strlen(note);
	if (function->choice->inlined)
		snprintf(note + length, bytes - length,
			 "%salso inlined at %s: what is executed there is not counted",
			 length ? "; " : "", function->choice->inlined);
}

void hits_refresh(struct hits *hits)
{
	char note[600];

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
						 .windows = windows_of(hits, i),
						 .calls = scale.calls,
						 .counted_calls = watched->now.calls,
						 .note = *note ? note : NULL,
					 });
		add_rows(hits, i, &scale);
	}
	if (hits_has_budget(hits))
		profile_set_number(
			hits->profile, "hits_cost_ns",
			(int64_t)probe_limit_spent_ns(block_hits_limit(hits->block_hits)));
	profile_set_number(hits->profile, "lost.counted_threads",
			   (int64_t)block_hits_lost_threads(hits->block_hits));
	if (hits->corrects_samples)
		profile_set_number(hits->profile, "lost.probed_stacks",
				   (int64_t)block_hits_lost_stacks(hits->block_hits));
}
