/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing: see timing.h. */
#include "collector/timing.h"

#include "collector/base/xalloc.h"
#include "collector/timing_budget.h"
#include "collector/timing_note.h"
#include "collector/timing_steps.h"
#include "collector/timing_trust.h"

#include <errno.h>
#include <time.h>

#define WAITING_FUNCTIONS 512  /* room for what libraries that are loaded later may bring */
#define ROW_NS		  3000 /* about what writing a row costs */
#define LEAST_REST	  30
#define TOLD		  "totals_told" /* of the library: probe/totals.h */
#define MOST_ALONE	  64		/* functions that have a link each; else there are about */
#define GROUPS		  16		/* links */

struct timing {
	struct profile *profile;
	struct modules *modules;
	struct timing_plan plan;
	struct uprobe *uprobe;
	uint64_t start_ns;
	struct timing_steps steps;
	uint32_t *slot_threads; /* rows of the profile, 0: not known yet */
	size_t slot_capacity;
	size_t passed;	    /* of the plan's passages, that are in place */
	size_t attached;    /* choices that are in place; their numbers are those of their probes */
	struct event event; /* at hand, corrected */
	uint64_t updated_ns; /* when the tables were last filled */
	bool is_stopped;
	char seen[400];		      /* names of libraries, where one is waited for */
	size_t capacity, hottest;     /* functions that there is room for; of them, the hottest */
	struct timing_budget *budget; /* NULL: none; has all that are in place */
	struct timing_trust trust;
	bool has_trust; /* it is needed: return probes can be withheld */
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static size_t capacity_for(const struct timing_plan *plan, size_t hottest)
{
	size_t capacity = plan->count + hottest;

	if (plan->waiting_count)
		capacity += WAITING_FUNCTIONS;
	return capacity < UPROBE_FUNCTIONS ? capacity : UPROBE_FUNCTIONS;
}

static int make_plan(struct timing *timing, const struct timing_options *options,
		     const struct program_files *files, bool is_classic, struct error *error)
{
	timing_plan_done(&timing->plan);
	timing->plan.keeps_returns = options->keeps_returns;
	timing->plan.is_classic = is_classic;
	return timing_plan_make(&timing->plan, options->requests, options->request_count, files,
				error);
}

struct timing *timing_open(const struct timing_options *options, const struct program_files *files,
			   struct modules *modules, struct profile *profile, struct error *error)
{
	struct timing *timing = xcalloc(1, sizeof(*timing));
	int result;

	timing->profile = profile;
	timing->modules = modules;
	timing->start_ns = UINT64_MAX;
	timing->hottest = options->hottest;
	if (options->budget > 0)
		timing->budget = timing_budget_new(options->budget);
	result = make_plan(timing, options, files, options->rung == UPROBE_CLASSIC, error);
	if (!result) {
		timing->capacity = capacity_for(&timing->plan, options->hottest);
		timing->uprobe = uprobe_open(timing->capacity, options->rung, error);
		if (!timing->uprobe)
			result = -errno;
	}
	/* All that this kernel has: they want other places. */
	if (!result && uprobe_is_classic(timing->uprobe) && !timing->plan.is_classic)
		result = make_plan(timing, options, files, true, error);
	timing->has_trust =
		!result && !uprobe_is_classic(timing->uprobe) && !timing->plan.is_unwound;
	if (timing->has_trust)
		timing_trust_begin(&timing->trust, files);
	if (!result)
		profile_set_text(profile, "probing",
				 uprobe_is_classic(timing->uprobe) ? "classic" : "session");
	if (result) {
		timing_close(timing);
		errno = -result;
		return NULL;
	}
	return timing;
}

void timing_close(struct timing *timing)
{
	if (!timing)
		return;
	uprobe_close(timing->uprobe);
	timing_budget_free(timing->budget);
	timing_trust_done(&timing->trust);
	timing_plan_done(&timing->plan);
	free(timing->slot_threads);
	free(timing);
}

static void look_at_processes(struct timing *timing)
{
	if (timing->has_trust && !timing->is_stopped &&
	    timing_trust_look(&timing->trust, timing->uprobe, timing->modules))
		timing->plan.is_unwound = true;
}

int timing_watch(struct timing *timing, const pid_t *pids, size_t count, struct perf_source *perf,
		 uint64_t start_ns, struct error *error)
{
	struct probe_bank_clock clock = probe_bank_clock_of(perf);
	int result = 0;

	timing->start_ns = start_ns;
	for (size_t i = 0; i < count && !result; i++)
		result = uprobe_watch(timing->uprobe, pids[i], false, error);
	for (size_t i = 0; i < count && !result && timing->has_trust; i++)
		result = timing_trust_watch(&timing->trust, timing->uprobe, pids[i], error);
	if (!result && perf && !perf_source_engine(perf)->is_tick)
		result =
			perf_source_set_program(perf, uprobe_sample_program(timing->uprobe), error);
	look_at_processes(timing);
	if (!result && timing->budget)
		timing_budget_begin(timing->budget, &clock, timing->uprobe, now_ns());
	return result;
}

int timing_tell_totals(struct timing *timing, const char *library, uint32_t modes, bool is_sampled,
		       struct error *error)
{
	struct module *module = program_module(timing->modules, library, 0);
	uint64_t offset;

	if (!module || !timing_plan_find_place(module, TOLD, &offset))
		return 0;
	timing->steps = (struct timing_steps){.modes = modes, .is_sampled = is_sampled};
	return uprobe_attach_mark(timing->uprobe, 0, module->fd, offset, UPROBE_TOLD, error);
}

const struct timing_plan *timing_get_plan(const struct timing *timing)
{
	return &timing->plan;
}

uint32_t timing_cost_ns(const struct timing *timing, const struct timing_choice *choice)
{
	const struct uprobe_cost *cost = &uprobe_costs(timing->uprobe)[choice->function.kind];

	return choice->function.mode == UPROBE_COUNT
		       ? cost->count_ns
		       : uprobe_time_cost_ns(timing->uprobe, &choice->function);
}

/* ---- attaching ----------------------------------------------------------------------------- */

static void add_probe(struct timing *timing, const struct timing_choice *choice, size_t group)
{
	const struct uprobe_cost *cost = &uprobe_costs(timing->uprobe)[choice->function.kind];
	uint64_t time_ns = now_ns();
	char key[64];

	uprobe_add(timing->uprobe, &choice->function);
	if (timing->budget)
		timing_budget_add(timing->budget, &choice->function, choice->module->fd, group);
	profile_probe_add(
		timing->profile,
		&(struct profile_probe){
			.frame = profile_frame(timing->profile, choice->module->id, choice->entry),
			.place = (uint32_t)choice->place,
			.mode = (uint8_t)choice->function.mode,
			.kind = (uint8_t)choice->function.kind,
			.count_ns = cost->count_ns,
			.time_ns = uprobe_time_cost_ns(timing->uprobe, &choice->function),
			.inside_ns =
				choice->function.by_exits ? cost->exit_inside_ns : cost->inside_ns,
			.attached_ns = time_ns > timing->start_ns ? time_ns - timing->start_ns : 0,
			.note = (char *)timing_place_note(choice),
		});
	if (choice->function.by_exits) {
		snprintf(key, sizeof(key), "by_exits.%zu", timing->profile->probes_count - 1);
		profile_set_number(timing->profile, key, 1);
	}
	if (choice->has_aliases) {
		snprintf(key, sizeof(key), "asked.%zu", timing->profile->probes_count - 1);
		profile_set_text(timing->profile, key, choice->name);
	}
	if (choice->inlined) {
		snprintf(key, sizeof(key), "inlined.%zu", timing->profile->probes_count - 1);
		profile_set_text(timing->profile, key, choice->inlined);
	}
}

/* One instruction that the kernel cannot execute elsewhere makes it refuse them all: it is found by
 * halving. */
static int attach(struct timing *timing, size_t first, size_t count, struct error *error)
{
	int fd = timing->plan.choices[first].module->fd;
	int result = uprobe_attach(timing->uprobe, fd, first, count, error);

	if (result != -ENOEXEC && result != -EOPNOTSUPP)
		return result;
	if (count == 1) {
		profile_probe_set_note(timing->profile, (uint32_t)first,
				       "not counted: the kernel cannot put a probe on its first "
				       "instruction");
		return 0;
	}
	result = attach(timing, first, count / 2, error);
	return result ? result : attach(timing, first + count / 2, count - count / 2, error);
}

/*
 * Returns where the group ends that begins with a choice: functions of one file, which are put in
 * place together. With a budget each is a group, so that it can be taken off by itself; where that
 * would be too many links, and threads that hold them, those side by side share one.
 */
static size_t group_end(const struct timing *timing, size_t first)
{
	const struct timing_plan *plan = &timing->plan;
	size_t most = !timing->budget		  ? plan->count
		      : plan->count <= MOST_ALONE ? 1
						  : (plan->count + GROUPS - 1) / GROUPS;
	size_t end = first + 1;

	while (end < plan->count && end - first < most &&
	       plan->choices[end].module == plan->choices[first].module &&
	       (!timing->budget || (plan->choices[end].function.mode != UPROBE_STEP &&
				    plan->choices[first].function.mode != UPROBE_STEP)))
		end++;
	return end;
}

/* Attaches the choices from `attached` on. */
int timing_attach(struct timing *timing, struct error *error)
{
	const struct timing_choice *choices = timing->plan.choices;
	int result = 0;

	for (; timing->passed < timing->plan.passage_count && !result; timing->passed++) {
		const struct timing_passage *row = &timing->plan.passages[timing->passed];

		result = uprobe_attach_mark(timing->uprobe, 0, row->module->fd, row->offset,
					    row->is_catch ? UPROBE_CATCH : UPROBE_THROW, error);
	}
	while (timing->attached < timing->plan.count && !result) {
		size_t first = timing->attached, end = group_end(timing, first);

		for (size_t i = first; i < end; i++)
			add_probe(timing, &choices[i], first);
		result = attach(timing, first, end - first, error);
		timing->attached = end;
	}
	return result;
}

/* Says of a function that it may have been called before its probe came: what is counted, or
 * estimated, is of the time from then on. */
static void set_late(struct timing *timing, size_t function, const char *note)
{
	char key[64];

	timing->profile->probes[function].is_partial = true;
	profile_probe_set_note(timing->profile, (uint32_t)function, note);
	snprintf(key, sizeof(key), "late.%zu", function);
	profile_set_number(timing->profile, key, 1);
}

/* Says in the rows of what was loaded late from when on it was counted, or why not. */
static void note_late(struct timing *timing, size_t first, uint64_t mapped_ns,
		      const struct error *failure)
{
	char note[sizeof(failure->text) + 64];
	uint64_t late_ns = now_ns() - mapped_ns;

	if (failure)
		snprintf(note, sizeof(note), "not counted: %s", failure->text);
	else
		snprintf(note, sizeof(note), "counted from %.0f ms after its library was loaded on",
			 late_ns / 1e6);
	for (size_t i = first; i < timing->attached; i++)
		set_late(timing, i, note);
}

/* Remembers the names of libraries, for the sentence about one that did not come. */
static void see_library(struct timing *timing, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t length = strlen(timing->seen), left = sizeof(timing->seen) - length;

	if (strstr(name, ".so") && !strstr(timing->seen, name) && strlen(name) + 3 < left)
		snprintf(timing->seen + length, left, "%s%s", length ? ", " : "", name);
}

static void take_mapping(struct timing *timing, const struct event *event)
{
	struct module *module;
	struct error error;
	size_t first = timing->plan.count;

	if (!timing->plan.waiting_count || timing->is_stopped || *event->mapping.path != '/')
		return;
	see_library(timing, event->mapping.path);
	for (size_t i = 0; i < first; i++)
		if (!strcmp(timing->plan.choices[i].module->path, event->mapping.path))
			return;
	module = program_module(timing->modules, event->mapping.path, event->pid);
	if (!module || !timing_plan_add_file(&timing->plan, module))
		return;
	if (timing->plan.count > timing->capacity) {
		while (timing->plan.count > first)
			timing_plan_drop_last(&timing->plan);
		return;
	}
	note_late(timing, first, event->time_ns, timing_attach(timing, &error) ? &error : NULL);
}

int timing_add_hottest(struct timing *timing, const struct hottest *hottest,
		       const struct program_files *files, struct error *error)
{
	size_t first = timing->plan.count, room = timing->capacity - first;
	size_t limit = timing->hottest < room ? timing->hottest : room;
	double chosen_s = (double)(now_ns() - timing->start_ns) / 1e9;
	int result;

	if (!hottest_choose(hottest, timing->profile, limit, files, &timing->plan))
		return fail(error, -ENOENT,
			    "no function was hot: nothing was sampled in code with names");
	timing_plan_find_passages(&timing->plan, files);
	result = timing_attach(timing, error);
	for (size_t i = first; i < timing->plan.count && !result; i++) {
		const struct timing_choice *choice = &timing->plan.choices[i];
		char note[400];

		snprintf(note, sizeof(note), "among the hottest; counted from %.1f s on%s%s",
			 chosen_s, choice->why_counted ? "; " : "",
			 choice->why_counted ? choice->why_counted : "");
		set_late(timing, i, note);
	}
	return result;
}

const struct event *timing_take(struct timing *timing, const struct event *event)
{
	if (event->kind == EVENT_MAPPING)
		take_mapping(timing, event);
	if (event->kind != EVENT_SAMPLE)
		return event;
	timing->event = *event;
	uprobe_correct(timing->uprobe, &timing->event);
	return &timing->event;
}

/* ---- the profile's tables ------------------------------------------------------------------ */

/* Returns the row of a thread: the last one of its number, since the kernel reuses them. */
static uint32_t find_thread(const struct timing *timing, uint32_t pid, uint32_t tid)
{
	const struct profile *profile = timing->profile;

	for (size_t i = profile->threads_count; i-- > 1;)
		if (profile->threads[i].tid == (int32_t)tid &&
		    profile->threads[i].pid == (int32_t)pid)
			return (uint32_t)i;
	return 0;
}

static bool has_slot(const struct timing *timing, uint32_t thread)
{
	for (size_t slot = 1; slot < timing->slot_capacity; slot++)
		if (timing->slot_threads[slot] == thread)
			return true;
	return false;
}

/*
 * Returns the row of a slot's thread; 0 for slot 0, and while the thread has not been told of. One
 * that ended before that gets a row of its own in the end.
 */
static uint32_t slot_thread(struct timing *timing, size_t slot)
{
	const struct uprobe_thread *thread = uprobe_slot_thread(timing->uprobe, slot);
	uint32_t found;

	if (!slot)
		return 0;
	if (slot >= timing->slot_capacity) {
		size_t capacity = 2 * slot + 16;

		timing->slot_threads = xreallocarray(timing->slot_threads, capacity,
						     sizeof(*timing->slot_threads));
		memset(timing->slot_threads + timing->slot_capacity, 0,
		       (capacity - timing->slot_capacity) * sizeof(*timing->slot_threads));
		timing->slot_capacity = capacity;
	}
	if (timing->slot_threads[slot])
		return timing->slot_threads[slot];
	found = find_thread(timing, thread->pid, thread->tid);
	/* Of two threads with one number the younger may not have been told of yet. */
	if (found && has_slot(timing, found))
		found = 0;
	if (!found && timing->is_stopped)
		found = profile_thread_add(timing->profile, (int32_t)thread->pid,
					   (int32_t)thread->tid, "");
	timing->slot_threads[slot] = found;
	return found;
}

static void take_step(void *context, const struct uprobe_step *step)
{
	struct timing *timing = context;
	uint64_t start_ns = timing->start_ns;

	if (step->start_ns < start_ns || step->end_ns < step->start_ns)
		return;
	profile_step_add(timing->profile,
			 &(struct profile_step){
				 .probe = step->function,
				 .thread = find_thread(timing, step->pid, step->tid),
				 .start_ns = step->start_ns - start_ns,
				 .end_ns = step->end_ns - start_ns,
				 .probe_ns = step->probe_ns,
			 });
	timing_steps_take(&timing->steps, timing->profile, step, step->end_ns - start_ns);
}

int timing_poll_fd(const struct timing *timing)
{
	return uprobe_poll_fd(timing->uprobe);
}

void timing_poll(struct timing *timing)
{
	uprobe_steps(timing->uprobe, take_step, timing);
	uprobe_adapt_costs(timing->uprobe);
	look_at_processes(timing);
	if (timing->budget && !timing->is_stopped)
		timing_budget_round(timing->budget, timing->uprobe, now_ns());
}

static void add_timing(struct timing *timing, size_t slot, size_t function)
{
	const struct uprobe_cell *cell = uprobe_slot_cell(timing->uprobe, slot, function);
	uint32_t thread = cell->calls ? slot_thread(timing, slot) : 0;

	if (!cell->calls || (slot && !thread))
		return;
	profile_timing_add(timing->profile,
			   &(struct profile_timing){
				   .probe = (uint32_t)function,
				   .thread = thread,
				   .calls = cell->calls,
				   .step_calls = cell->step_calls,
				   .returns = cell->returns,
				   .sum_ns = cell->sum_ns,
				   .outer_ns = cell->outer_ns,
				   .self_ns = cell->self_ns,
				   .min_ns = cell->min_ns ? cell->min_ns - 1 : 0,
				   .max_ns = cell->max_ns,
				   .open = cell->open > 0 ? (uint64_t)cell->open : 0,
				   .deep = cell->deep,
				   .thrown = cell->thrown,
				   .subtracted_ns = cell->subtracted_ns,
			   });
}

static void add_buckets(struct timing *timing, size_t function)
{
	uint64_t counts[UPROBE_BUCKETS];

	uprobe_histogram(timing->uprobe, function, counts);
	for (uint32_t i = 0; i < UPROBE_BUCKETS; i++)
		if (counts[i])
			profile_bucket_add(
				timing->profile,
				&(struct profile_bucket){(uint32_t)function, i, counts[i]});
}

static void take_edge(void *context, const struct uprobe_edge_key *key,
		      const struct uprobe_edge *edge)
{
	struct timing *timing = context;

	if (key->caller < timing->attached && key->callee < timing->attached)
		profile_edge_add(timing->profile,
				 &(struct profile_edge){key->caller, key->callee, edge->calls,
							edge->sum_ns});
}

static void describe_losses(struct timing *timing)
{
	struct uprobe_losses losses;

	uprobe_count_losses(timing->uprobe, &losses);
	profile_set_number(timing->profile, "lost.steps", (int64_t)losses.steps);
	profile_set_number(timing->profile, "lost.probed_stacks", (int64_t)losses.stacks);
	profile_set_number(timing->profile, "lost.edges", (int64_t)losses.edges);
	profile_set_number(timing->profile, "lost.timed_threads", (int64_t)losses.threads);
}

static void update(struct timing *timing)
{
	size_t slots = uprobe_slots(timing->uprobe);

	uprobe_steps(timing->uprobe, take_step, timing);
	for (uint32_t i = 0; timing->budget && i < timing->attached; i++) {
		struct timing_budget_fate fate = timing_budget_fate(timing->budget, i);

		timing_note_budget(timing->profile, i, &fate, timing->start_ns);
	}
	profile_timings_clear(timing->profile);
	for (size_t slot = 0; slot < slots; slot++)
		for (size_t i = 0; i < timing->attached; i++)
			add_timing(timing, slot, i);
	for (size_t i = 0; i < timing->attached; i++) {
		add_buckets(timing, i);
		timing_trust_describe(timing->uprobe, (uint32_t)i, timing->profile);
		timing_note_endings(timing->uprobe, (uint32_t)i, timing->profile);
	}
	uprobe_edges(timing->uprobe, take_edge, timing);
	describe_losses(timing);
	timing->updated_ns = now_ns();
}

void timing_refresh(struct timing *timing)
{
	const struct profile *profile = timing->profile;
	uint64_t rows = profile->timings_count + profile->timing_buckets_count +
			profile->call_edges_count + profile->probes_count;

	if (now_ns() - timing->updated_ns >= rows * ROW_NS * LEAST_REST)
		update(timing);
}

void timing_stop(struct timing *timing)
{
	if (timing->is_stopped)
		return;
	timing->is_stopped = true;
	if (timing->budget)
		timing_budget_end(timing->budget, timing->uprobe, now_ns());
	uprobe_detach(timing->uprobe);
	update(timing);
}

int timing_missing(const struct timing *timing, size_t number, struct error *error)
{
	const struct timing_waiting *waiting = timing->plan.waiting + number;

	if (number >= timing->plan.waiting_count)
		return 1;
	if (waiting->is_found)
		return 0;
	if (waiting->is_loaded)
		return fail(error, -ENOENT,
			    "'%s' matches no function of the libraries of that name",
			    waiting->pattern.text);
	return fail(error, -ENOENT, "'%s': no library %s was loaded%s%s", waiting->pattern.text,
		    waiting->pattern.library, *timing->seen ? "; there were " : "", timing->seen);
}
