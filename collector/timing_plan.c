/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_plan: see timing_plan.h. */
#include "collector/timing_plan.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/placement.h"

#include <errno.h>

#define UNSIZED_BYTES 64 /* of a function whose size nobody states */
#define MOST_PARTS    4

/* The files of the program with the lists of their functions, read when needed. */
struct searching {
	const struct program_files *files;
	struct function_list *lists;
	bool *is_read;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct function_list *list_of(struct searching *searching, size_t file)
{
	if (!searching->is_read[file]) {
		searching->is_read[file] = true;
		module_open(searching->files->modules[file]);
		function_list_init(&searching->lists[file], searching->files->modules[file]);
	}
	return &searching->lists[file];
}

/* ---- placing ------------------------------------------------------------------------------- */

/* Reads a function's code; the caller frees the bytes. */
static struct placement_code read_code(const struct module *module, uint64_t address,
				       uint64_t bytes)
{
	struct placement_code code = {.address = address};
	uint8_t *memory;

	if (!bytes)
		bytes = UNSIZED_BYTES;
	if (bytes > PLACEMENT_LONGEST)
		bytes = PLACEMENT_LONGEST;
	memory = xmalloc(bytes);
	code.count = module_read(module, address, memory, bytes);
	code.bytes = memory;
	return code;
}

static bool is_part_of(const struct function *part, const struct function *whole)
{
	size_t length = strlen(whole->name);

	return part->is_part && !strncmp(part->name, whole->name, length) &&
	       part->name[length] == '.';
}

/* Finds the probe's place. Returns false when the function has no code in the file. */
static bool place(const struct function_list *list, const struct function *function,
		  struct timing_choice *choice)
{
	const struct module *module = list->module;
	struct placement_code code[1 + MOST_PARTS];
	struct placement placement;
	size_t parts = 1;
	bool found = false;

	code[0] = read_code(module, function->address, function->bytes);
	for (size_t i = 0; i < list->count && parts <= MOST_PARTS; i++)
		if (is_part_of(&list->functions[i], function))
			code[parts++] = read_code(module, list->functions[i].address,
						  list->functions[i].bytes);
	if (code[0].count &&
	    placement_find(code, parts, choice->function.mode == UPROBE_COUNT, &placement))
		for (size_t i = 0; i < module->segment_count && !found; i++) {
			const struct module_segment *segment = &module->segments[i];

			found = placement.address - segment->address < segment->bytes;
			if (!found)
				continue;
			choice->entry = function->address;
			choice->place = placement.address - function->address;
			choice->is_loop = placement.is_loop;
			choice->function.kind = (enum uprobe_kind)placement.kind;
			choice->function.offset =
				placement.address - segment->address + segment->offset;
		}
	for (size_t i = 0; i < parts; i++)
		free((void *)code[i].bytes);
	return found;
}

/*
 * Says whether the return address stands where the stack pointer points to at the probe, by call
 * frame information. Where a process starts and where the loader resolves a call something else
 * stands there, which a return probe would overwrite.
 */
static bool has_return_address(const struct module *module, const struct timing_choice *choice)
{
	struct cfi_rule rule;
	enum go_stack stack;

	module_rule(module, choice->entry + choice->place, &rule, &stack);
	if (rule.kind == CFI_NO_RULE)
		return choice->entry != module->entry;
	return rule.kind == CFI_REGISTER && rule.cfa_register == CFI_SP && rule.cfa_offset == 8 &&
	       rule.ip_saved == CFI_AT_CFA && rule.ip_offset == -8 && !rule.is_signal;
}

/* Says why the return of a function must not be waited for, NULL when it may be. */
static const char *why_untimed(struct function_list *list, const struct timing_choice *choice)
{
	if (!has_return_address(list->module, choice))
		return "only counted: it is entered otherwise than by a call";
	if (list->module->go)
		return "only counted: Go moves its stacks, which a probe at a return would make "
		       "fatal";
	if (function_list_throws(list))
		return "only counted: exceptions may pass through it, which a probe at its return "
		       "would make fatal";
	return NULL;
}

/* ---- choosing ------------------------------------------------------------------------------ */

/* A function under several names, or named by several patterns, is probed once; it is a step
 * rather than timed, and timed rather than counted. */
static bool merge(struct timing_plan *plan, const struct module *module, uint64_t entry,
		  enum uprobe_mode mode)
{
	static const int rank[] = {[UPROBE_COUNT] = 0, [UPROBE_TIME] = 1, [UPROBE_STEP] = 2};

	for (size_t i = 0; i < plan->count; i++) {
		struct timing_choice *known = &plan->choices[i];

		if (known->module != module || known->entry != entry)
			continue;
		if (rank[mode] > rank[known->function.mode])
			known->function.mode = mode;
		return true;
	}
	return false;
}

/* Chooses what a pattern names in one file. Returns the number of functions that match. */
static size_t choose(struct timing_plan *plan, const struct pattern *pattern, enum uprobe_mode mode,
		     struct function_list *list)
{
	size_t matches = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct function *function = &list->functions[i];
		struct timing_choice choice = {
			.module = (struct module *)list->module,
			.function.mode = mode,
		};

		if (function->is_chosen || !pattern_takes(pattern, list, function))
			continue;
		matches++;
		/* Beyond the limit they are only counted, for the sentence. */
		if (plan->count > UPROBE_FUNCTIONS ||
		    merge(plan, list->module, function->address, mode) ||
		    !place(list, function, &choice))
			continue;
		if (mode != UPROBE_COUNT)
			choice.why_counted = why_untimed(list, &choice);
		if (choice.why_counted)
			choice.function.mode = UPROBE_COUNT;
		choice.name = xstrdup(function->plain);
		xgrow(plan->choices, plan->count, plan->capacity);
		plan->choices[plan->count++] = choice;
	}
	return matches;
}

static bool has_match(const struct pattern *pattern, struct function_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (pattern_takes(pattern, list, &list->functions[i]))
			return true;
	return false;
}

static bool has_chosen(const struct pattern *pattern, const struct function_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->functions[i].is_chosen && !strcmp(list->functions[i].name, pattern->name))
			return true;
	return false;
}

/* ---- one sentence for what does not match -------------------------------------------------- */

static int explain_one_file(const struct pattern *pattern, struct function_list *list,
			    struct error *error)
{
	const char *file = base_name(list->module->path);
	char text[300];

	if (list->module->problem)
		return fail(error, -ENOENT, "functions of %s cannot be timed: %s", file,
			    list->module->problem);
	if (pattern_is_exact(pattern) && has_chosen(pattern, list))
		return fail(error, -ENOENT,
			    "'%s' of %s is chosen among several when the program starts (ifunc); "
			    "time the one that is used, for instance '%s:*%s*'",
			    pattern->name, file, pattern->library ? pattern->library : file,
			    pattern->name);
	if (pattern_is_exact(pattern) &&
	    function_list_inlined(list, pattern->name, text, sizeof(text)))
		return fail(error, -ENOENT,
			    "'%s' has no code of its own in %s: it was inlined at %s; time what "
			    "calls it",
			    pattern->name, file, text);
	if (pattern->source && !function_list_has_source(list))
		return fail(error, -ENOENT,
			    "%s has no debug information, so source files like '%s' are not known; "
			    "build it with -g, or name functions",
			    file, pattern->source);
	if (!list->count)
		return fail(error, -ENOENT,
			    "%s is stripped: it names no functions; install its debug symbols or "
			    "build it without -s",
			    file);
	pattern_nearest(pattern, list, text, sizeof(text));
	if (pattern_is_exact(pattern) && *text)
		return fail(error, -ENOENT, "there is no function '%s' in %s; did you mean %s?",
			    pattern->name, file, text);
	return 0;
}

static int explain(const struct pattern *pattern, struct searching *searching, struct error *error)
{
	const char *program =
		searching->files->count ? base_name(searching->files->modules[0]->path) : "";
	struct function_list *list;
	int result = 0;

	for (size_t i = 0; i < searching->files->count && !result; i++)
		if (pattern_takes_file(pattern, searching->files->modules[i]->path) &&
		    (i == 0 || pattern->library))
			result = explain_one_file(pattern, list_of(searching, i), error);
	if (result)
		return result;
	if (!pattern_is_exact(pattern))
		return fail(error, -ENOENT,
			    "'%s' matches no function of %s; for a library write LIBRARY:%s",
			    pattern->text, pattern->library ? pattern->library : program,
			    pattern->name);
	list = searching->files->count ? list_of(searching, 0) : NULL;
	return fail(error, -ENOENT, "there is no function '%s' in %s%s%s", pattern->name,
		    pattern->library ? pattern->library : program,
		    pattern->library ? "" : " or its libraries",
		    list && list->count < 10 ? "; the program is stripped of most names" : "");
}

/* ---- searching ----------------------------------------------------------------------------- */

static int explain_ambiguity(const struct pattern *pattern, const char *first, const char *second,
			     struct error *error)
{
	return fail(error, -ENOTUNIQ, "'%s' is in %s and in %s; write %.*s:%s or %.*s:%s",
		    pattern->name, first, second, (int)strcspn(first, "."), first, pattern->name,
		    (int)strcspn(second, "."), second, pattern->name);
}

/* An exact name that the program itself lacks is looked for in its libraries. */
static int choose_in_libraries(struct timing_plan *plan, const struct pattern *pattern,
			       enum uprobe_mode mode, struct searching *searching,
			       struct error *error)
{
	size_t found = 0;

	for (size_t i = 1; i < searching->files->count; i++) {
		if (!has_match(pattern, list_of(searching, i)))
			continue;
		if (found)
			return explain_ambiguity(
				pattern, base_name(searching->files->modules[found]->path),
				base_name(searching->files->modules[i]->path), error);
		found = i;
	}
	if (!found || !choose(plan, pattern, mode, &searching->lists[found]))
		return explain(pattern, searching, error);
	return 0;
}

static void wait_for_library(struct timing_plan *plan, struct pattern *pattern,
			     enum uprobe_mode mode)
{
	size_t count = plan->waiting_count + 1;

	plan->waiting = xreallocarray(plan->waiting, count, sizeof(*plan->waiting));
	plan->waiting_modes = xreallocarray(plan->waiting_modes, count, sizeof(mode));
	plan->waiting[plan->waiting_count] = *pattern;
	plan->waiting_modes[plan->waiting_count++] = mode;
	*pattern = (struct pattern){0};
}

static int search(struct timing_plan *plan, struct pattern *pattern, enum uprobe_mode mode,
		  struct searching *searching, struct error *error)
{
	size_t matches = 0, files = 0;

	for (size_t i = 0; i < searching->files->count; i++) {
		if (!pattern_takes_file(pattern, searching->files->modules[i]->path) ||
		    (i && !pattern->library))
			continue;
		files++;
		matches += choose(plan, pattern, mode, list_of(searching, i));
	}
	if (plan->count > UPROBE_FUNCTIONS || matches > UPROBE_FUNCTIONS)
		return fail(error, -E2BIG,
			    "'%s' matches %zu functions, and at most %d can be probed: each costs "
			    "its calls some time; narrow the pattern",
			    pattern->text, matches, UPROBE_FUNCTIONS);
	if (matches)
		return 0;
	if (pattern->library && !files) {
		wait_for_library(plan, pattern, mode);
		return 0;
	}
	if (!pattern->library && !pattern->source && pattern_is_exact(pattern))
		return choose_in_libraries(plan, pattern, mode, searching, error);
	return explain(pattern, searching, error);
}

static int compare_choices(const void *left, const void *right)
{
	const struct timing_choice *a = left, *b = right;

	if (a->module != b->module)
		return strcmp(a->module->path, b->module->path);
	return (a->entry > b->entry) - (a->entry < b->entry);
}

int timing_plan_make(struct timing_plan *plan, const struct timing_request *requests, size_t count,
		     const struct program_files *files, struct error *error)
{
	struct searching searching = {
		.files = files,
		.lists = xcalloc(files->count, sizeof(*searching.lists)),
		.is_read = xcalloc(files->count, sizeof(*searching.is_read)),
	};
	int result = 0;

	*plan = (struct timing_plan){0};
	for (size_t i = 0; i < count && !result; i++) {
		struct pattern pattern;

		result = pattern_init(&pattern, requests[i].text, error);
		if (result)
			break;
		result = search(plan, &pattern, requests[i].mode, &searching, error);
		pattern_done(&pattern);
	}
	for (size_t i = 0; i < files->count; i++)
		if (searching.is_read[i])
			function_list_done(&searching.lists[i]);
	free(searching.lists);
	free(searching.is_read);
	if (result)
		timing_plan_done(plan);
	else if (plan->count)
		qsort(plan->choices, plan->count, sizeof(*plan->choices), compare_choices);
	return result;
}

void timing_plan_done(struct timing_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->choices[i].name);
	for (size_t i = 0; i < plan->waiting_count; i++)
		pattern_done(&plan->waiting[i]);
	free(plan->choices);
	free(plan->waiting);
	free(plan->waiting_modes);
	*plan = (struct timing_plan){0};
}

size_t timing_plan_add_file(struct timing_plan *plan, struct module *module)
{
	struct function_list list = {0};
	size_t before = plan->count;

	for (size_t i = 0; i < plan->waiting_count; i++) {
		if (!pattern_takes_file(&plan->waiting[i], module->path))
			continue;
		if (!list.module) {
			module_open(module);
			function_list_init(&list, module);
		}
		choose(plan, &plan->waiting[i], plan->waiting_modes[i], &list);
	}
	if (list.module)
		function_list_done(&list);
	return plan->count - before;
}
