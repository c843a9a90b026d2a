/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hits_plan: see hits_plan.h. */
#include "collector/hits_plan.h"

#include "collector/base/xalloc.h"

#include <errno.h>

static void place_probe(struct hits_plan *plan, struct hits_function *function, uint32_t block)
{
	const struct flow_block *row = &function->flow.blocks[block];
	struct block_hits_probe probe = {
		.number = (uint32_t)plan->probe_count,
		.function = (uint32_t)(function - plan->functions),
		.is_entry = block == 0,
		.is_emulated = row->is_emulated,
		.condition = row->condition,
	};

	timing_place_offset(function->choice->module, row->place, &probe.offset);
	xgrow(plan->probes, plan->probe_count, plan->probe_capacity);
	plan->probes[plan->probe_count++] = probe;
	function->blocks[function->probe_count++] = block;
	function->stepped_count += !row->is_emulated;
}

static void place_probes(struct hits_plan *plan, struct hits_function *function)
{
	function->blocks = xcalloc(function->counters.probe_count, sizeof(*function->blocks));
	function->first_probe = plan->probe_count;
	for (uint32_t i = 0; i < function->flow.count; i++)
		if (function->counters.is_probed[i])
			place_probe(plan, function, i);
}

static void name_files(struct hits_function *function, struct profile *profile)
{
	function->files = xcalloc(function->lines.count + 1, sizeof(*function->files));
	for (uint32_t i = 0; i < function->lines.count; i++) {
		const struct flow_line *line = &function->lines.lines[i];
		char *path = debug_lines_path(line->folder, line->file);

		function->files[i] = profile_file_name(profile, path);
		free(path);
	}
}

static const struct function *find(const struct function_list *list, uint64_t address)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->functions[i].address == address && !list->functions[i].is_part)
			return &list->functions[i];
	return NULL;
}

/* Reads a function; returns why it cannot be counted, or NULL. */
static const char *read_function(struct hits_plan *plan, struct hits_function *function,
				 struct function_list *list, struct profile *profile)
{
	const struct function *symbol = find(list, function->choice->entry);
	struct function_code code;
	const char *problem;

	if (!symbol)
		return "it has no code";
	function_code_read(list, symbol, &code);
	problem = flow_read(&function->flow, list->module, &code, function_list_throws(list));
	if (!problem)
		problem = flow_counters_choose(&function->counters, &function->flow);
	if (!problem) {
		flow_lines_read(&function->lines, function_list_lines(list), &code,
				&function->flow);
		place_probes(plan, function);
		name_files(function, profile);
	} else {
		flow_done(&function->flow);
	}
	function_code_done(&code);
	return problem;
}

/* Those of one file lie side by side, so each file's list is read once. */
static int read_functions(struct hits_plan *plan, struct profile *profile, struct error *error)
{
	const struct hits_function *refused = NULL;
	struct function_list list = {0};
	size_t counted = 0;

	for (size_t i = 0; i < plan->choices.count; i++) {
		struct hits_function *function = &plan->functions[plan->count++];

		function->choice = &plan->choices.choices[i];
		if (list.module != function->choice->module) {
			if (list.module)
				function_list_done(&list);
			function_list_init(&list, function->choice->module);
		}
		function->problem = read_function(plan, function, &list, profile);
		counted += !function->problem;
		if (function->problem && !refused)
			refused = function;
	}
	if (list.module)
		function_list_done(&list);
	return counted || !refused
		       ? 0
		       : fail(error, -ENOTSUP, "the lines of '%s' cannot be counted: %s",
			      refused->choice->name, refused->problem);
}

int hits_plan_make(struct hits_plan *plan, const struct timing_request *requests, size_t count,
		   const struct program_files *files, struct profile *profile, struct error *error)
{
	int result;

	*plan = (struct hits_plan){0};
	result = timing_plan_make(&plan->choices, requests, count, files, error);
	if (result)
		return result;
	for (size_t i = 0; i < plan->choices.waiting_count && !result; i++)
		if (!plan->choices.waiting[i].is_found)
			result = fail(error, -ENOENT,
				      "'%s' is of no library that the program loads at its start; "
				      "lines can be counted of those only",
				      plan->choices.waiting[i].pattern.text);
	if (!result && plan->choices.count > BLOCK_HITS_FUNCTIONS)
		result = fail(error, -E2BIG,
			      "--hits matches %zu functions, and the lines of at most %d can be "
			      "counted at a time: each of their pieces is probed",
			      plan->choices.count, BLOCK_HITS_FUNCTIONS);
	if (!result) {
		plan->functions = xcalloc(plan->choices.count + 1, sizeof(*plan->functions));
		result = read_functions(plan, profile, error);
	}
	if (result)
		hits_plan_done(plan);
	return result;
}

void hits_plan_done(struct hits_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct hits_function *function = &plan->functions[i];

		flow_counters_done(&function->counters);
		flow_lines_done(&function->lines);
		flow_done(&function->flow);
		free(function->files);
		free(function->blocks);
	}
	free(plan->functions);
	free(plan->probes);
	timing_plan_done(&plan->choices);
	*plan = (struct hits_plan){0};
}
