/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_plan: see timing_plan.h. */
#include "collector/timing_plan.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/unwinding.h"
#include "collector/timing_unfound.h"

#include <errno.h>

/* ---- choosing ------------------------------------------------------------------------------ */

static struct timing_choice *find(const struct timing_plan *plan, const struct module *module,
				  uint64_t entry)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->choices[i].module == module && plan->choices[i].entry == entry)
			return &plan->choices[i];
	return NULL;
}

/* A function under several names, or named by several patterns, is probed once; it is a step
 * rather than timed, and timed rather than counted. Timing may need another place than counting. */
void timing_plan_add_function(struct timing_plan *plan, enum uprobe_mode mode,
			      struct function_list *list, const struct function *function)
{
	static const int rank[] = {[UPROBE_COUNT] = 0, [UPROBE_TIME] = 1, [UPROBE_STEP] = 2};
	struct timing_choice *known = find(plan, list->module, function->address);
	char places[300];
	struct timing_choice choice = {
		.module = (struct module *)list->module,
		.asked = mode,
		.is_unwound =
			plan->is_unwound || (plan->is_classic && list->module != plan->program),
		.keeps_returns = plan->keeps_returns,
		.function.mode = mode,
	};

	if ((known && rank[mode] <= rank[known->asked]) || !timing_place(list, function, &choice))
		return;
	if (!plan->is_late && function_list_copies(list, function, places, sizeof(places)))
		choice.inlined = xstrdup(places);
	if (known) {
		choice.name = known->name;
		choice.has_aliases = known->has_aliases;
		timing_place_done(known);
		*known = choice;
		return;
	}
	choice.name = xstrdup(function->plain);
	xgrow(plan->choices, plan->count, plan->capacity);
	plan->choices[plan->count++] = choice;
}

/* The name that was asked for is kept, where the symbol tables have others for the same code. */
static void name_choice(struct timing_plan *plan, const struct pattern *pattern,
			const struct function_list *list, size_t function)
{
	const struct function *row = &list->functions[function];
	struct timing_choice *choice = find(plan, list->module, row->address);
	char *names;

	if (!choice)
		return;
	choice->has_aliases |= (function > 0 && row[-1].address == row->address) ||
			       (function + 1 < list->count && row[1].address == row->address);
	if (!pattern_is_exact(pattern) || !strcmp(choice->name, row->plain) ||
	    asprintf(&names, "%s = %s", choice->name, row->plain) < 0)
		return;
	free(choice->name);
	choice->name = names;
}

/* Chooses what a pattern names in one file. Returns the number of functions that match. */
static size_t choose(struct timing_plan *plan, const struct pattern *pattern, enum uprobe_mode mode,
		     struct function_list *list)
{
	size_t matches = 0;

	/* What else has this name is an older version of it, which nobody calls any more. */
	if (pattern_is_exact(pattern) && timing_search_has_chosen(pattern, list))
		return 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct function *function = &list->functions[i];

		if (function->is_chosen || !pattern_takes(pattern, list, function))
			continue;
		matches++;
		/* Beyond the limit they are only counted, for the sentence. */
		if (plan->count <= UPROBE_FUNCTIONS)
			timing_plan_add_function(plan, mode, list, function);
		name_choice(plan, pattern, list, i);
	}
	return matches;
}

/* ---- exceptions ---------------------------------------------------------------------------- */

/*
 * Says whether stacks may be unwound inside of a program. What one of its files loads later is
 * looked at then, in time for a return probe not to be put in place; that the classic ones cannot.
 */
static bool is_unwound(const struct timing_plan *plan, const struct program_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		if (module_open(files->modules[i]) || unwinding_by(files->modules[i]) ||
		    (plan->is_classic && unwinding_may_come(files->modules[i])))
			return true;
	return false;
}

static bool needs_passages(const struct timing_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->choices[i].function.by_exits)
			return true;
	return false;
}

/* Returns 1 for what a handler calls first, 0 for what throws, -1 for others. Source: Itanium C++
 * ABI: Exception Handling, 1.3 and 2.5.3; Rust's library/std/src/panicking.rs. */
static int passage_of(const char *name)
{
	static const struct {
		const char *name;
		bool is_catch;
	} names[] = {
		{"__cxa_begin_catch", true},	   {"__rust_panic_cleanup", true},
		{"_Unwind_RaiseException", false}, {"_Unwind_Resume_or_Rethrow", false},
		{"_Unwind_ForcedUnwind", false},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].is_catch;
	return -1;
}

/* Where an exception is caught the stack pointer must be that of the entry. */
static bool place_passage(struct function_list *list, const struct function *function,
			  struct timing_passage *row)
{
	struct timing_choice choice = {.module = row->module, .function.mode = UPROBE_COUNT};

	if (!timing_place(list, function, &choice))
		return false;
	row->offset = choice.function.offset;
	return !(row->is_catch && choice.function.moved) ||
	       timing_place_offset(row->module, function->address, &row->offset);
}

static void add_passages(struct timing_plan *plan, struct function_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		int passage = passage_of(list->functions[i].name);
		struct timing_passage row = {.module = (struct module *)list->module,
					     .is_catch = passage > 0};

		if (passage < 0 || !place_passage(list, &list->functions[i], &row))
			continue;
		xgrow(plan->passages, plan->passage_count, plan->passage_capacity);
		plan->passages[plan->passage_count++] = row;
	}
}

static bool has_match(const struct pattern *pattern, struct function_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (pattern_takes(pattern, list, &list->functions[i]))
			return true;
	return false;
}

/* ---- searching ----------------------------------------------------------------------------- */

static bool is_loader(const struct module *module)
{
	return !strncmp(basename(module->path), "ld-", 3);
}

/* An exact name that the program itself lacks is looked for in its libraries. */
static int choose_in_libraries(struct timing_plan *plan, const struct pattern *pattern,
			       enum uprobe_mode mode, struct timing_search *searching,
			       struct error *error)
{
	size_t found = 0;

	for (size_t i = 1; i < searching->files->count; i++) {
		/* The loader has copies of its own of what libc has. */
		if (!has_match(pattern, timing_search_list(searching, i)) ||
		    (found && is_loader(searching->files->modules[i])))
			continue;
		if (found)
			return timing_unfound_ambiguous(
				pattern, basename(searching->files->modules[found]->path),
				basename(searching->files->modules[i]->path), error);
		found = i;
	}
	if (found && choose(plan, pattern, mode, &searching->lists[found]))
		return 0;
	if (found && timing_unfound_in_file(pattern, &searching->lists[found], error))
		return -ENOENT;
	return timing_unfound(pattern, searching, error);
}

static void wait_for_library(struct timing_plan *plan, struct pattern *pattern,
			     enum uprobe_mode mode, bool is_loaded, bool is_found)
{
	xgrow(plan->waiting, plan->waiting_count, plan->waiting_capacity);
	plan->waiting[plan->waiting_count++] = (struct timing_waiting){
		.pattern = *pattern, .mode = mode, .is_loaded = is_loaded, .is_found = is_found};
	*pattern = (struct pattern){0};
}

static int search(struct timing_plan *plan, struct pattern *pattern, enum uprobe_mode mode,
		  struct timing_search *searching, struct error *error)
{
	size_t matches = 0, files = 0;

	for (size_t i = 0; i < searching->files->count; i++) {
		if (!timing_search_takes(pattern, searching->files->modules[i]) ||
		    (i && !pattern->library))
			continue;
		files++;
		matches += choose(plan, pattern, mode, timing_search_list(searching, i));
	}
	if (plan->count > UPROBE_FUNCTIONS || matches > UPROBE_FUNCTIONS)
		return fail(error, -E2BIG,
			    "'%s' matches %zu functions, and at most %d can be probed: each costs "
			    "its calls some time; narrow the pattern",
			    pattern->text, matches, UPROBE_FUNCTIONS);
	/* More libraries of such names may be loaded later. */
	if (pattern->library && (!files || pattern->is_library_glob)) {
		wait_for_library(plan, pattern, mode, files, matches);
		return 0;
	}
	if (matches)
		return 0;
	if (!pattern->library && !pattern->source && pattern_is_exact(pattern))
		return choose_in_libraries(plan, pattern, mode, searching, error);
	return timing_unfound(pattern, searching, error);
}

static int compare_choices(const void *left, const void *right)
{
	const struct timing_choice *a = left, *b = right;

	if (a->module != b->module)
		return strcmp(a->module->path, b->module->path);
	return (a->entry > b->entry) - (a->entry < b->entry);
}

/* Steps of several functions are easily a mistake: for the user it is known where each is. */
static void find_sources_of_steps(struct timing_plan *plan, struct timing_search *searching)
{
	if (timing_plan_steps(plan) < 2)
		return;
	for (size_t i = 0; i < plan->count; i++) {
		struct timing_choice *choice = &plan->choices[i];
		struct function function = {.address = choice->entry};
		const char *source = NULL;

		if (choice->function.mode != UPROBE_STEP)
			continue;
		for (size_t file = 0; file < searching->files->count && !source; file++)
			if (searching->files->modules[file] == choice->module)
				source = function_list_source(timing_search_list(searching, file),
							      &function);
		choice->source = xstrdup(basename(source ? source : choice->module->path));
	}
}

size_t timing_plan_steps(const struct timing_plan *plan)
{
	size_t steps = 0;

	for (size_t i = 0; i < plan->count; i++)
		steps += plan->choices[i].function.mode == UPROBE_STEP;
	return steps;
}

int timing_plan_make(struct timing_plan *plan, const struct timing_request *requests, size_t count,
		     const struct program_files *files, struct error *error)
{
	struct timing_search searching;
	int result = 0;

	*plan = (struct timing_plan){.keeps_returns = plan->keeps_returns,
				     .is_classic = plan->is_classic,
				     .program = files->count ? files->modules[0] : NULL};
	timing_search_init(&searching, files);
	plan->is_unwound = is_unwound(plan, files);
	for (size_t i = 0; i < count && !result; i++) {
		struct pattern pattern;

		result = pattern_init(&pattern, requests[i].text, error);
		if (result)
			break;
		result = search(plan, &pattern, requests[i].mode, &searching, error);
		pattern_done(&pattern);
	}
	for (size_t i = 0; i < files->count && !result && needs_passages(plan); i++)
		add_passages(plan, timing_search_list(&searching, i));
	if (!result)
		find_sources_of_steps(plan, &searching);
	timing_search_done(&searching);
	if (result)
		timing_plan_done(plan);
	else if (plan->count)
		qsort(plan->choices, plan->count, sizeof(*plan->choices), compare_choices);
	return result;
}

void timing_plan_find_passages(struct timing_plan *plan, const struct program_files *files)
{
	if (plan->passage_count || !needs_passages(plan))
		return;
	for (size_t i = 0; i < files->count; i++) {
		struct function_list list;

		if (module_open(files->modules[i]))
			continue;
		function_list_init(&list, files->modules[i]);
		add_passages(plan, &list);
		function_list_done(&list);
	}
}

bool timing_plan_find_place(struct module *module, const char *name, uint64_t *offset)
{
	struct function_list list;
	bool is_found = false;

	if (module_open(module))
		return false;
	function_list_init(&list, module);
	for (size_t i = 0; i < list.count && !is_found; i++)
		is_found = !strcmp(list.functions[i].name, name) &&
			   timing_place_offset(module, list.functions[i].address, offset);
	function_list_done(&list);
	return is_found;
}

void timing_plan_drop_last(struct timing_plan *plan)
{
	struct timing_choice *choice = &plan->choices[--plan->count];

	free(choice->name);
	free(choice->source);
	timing_place_done(choice);
}

void timing_plan_done(struct timing_plan *plan)
{
	while (plan->count)
		timing_plan_drop_last(plan);
	for (size_t i = 0; i < plan->waiting_count; i++)
		pattern_done(&plan->waiting[i].pattern);
	free(plan->choices);
	free(plan->passages);
	free(plan->waiting);
	*plan = (struct timing_plan){0};
}

size_t timing_plan_add_file(struct timing_plan *plan, struct module *module)
{
	struct function_list list = {0};
	size_t before = plan->count;

	plan->is_late = true;
	for (size_t i = 0; i < plan->waiting_count; i++) {
		struct timing_waiting *waiting = &plan->waiting[i];

		if (!timing_search_takes(&waiting->pattern, module))
			continue;
		waiting->is_loaded = true;
		if (!list.module) {
			module_open(module);
			function_list_init(&list, module);
		}
		if (choose(plan, &waiting->pattern, waiting->mode, &list))
			waiting->is_found = true;
	}
	if (list.module && needs_passages(plan))
		add_passages(plan, &list);
	if (list.module)
		function_list_done(&list);
	return plan->count - before;
}
