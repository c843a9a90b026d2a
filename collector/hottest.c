/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hottest: see hottest.h. */
#include "collector/hottest.h"

#include "collector/base/xalloc.h"

struct hottest {
	uint64_t *values; /* by frame */
	size_t capacity;
};

/* A function with what was sampled in it. */
struct candidate {
	size_t file; /* among the program's */
	const struct function *function;
	uint64_t value;
};

struct hottest *hottest_new(void)
{
	return xcalloc(1, sizeof(struct hottest));
}

void hottest_free(struct hottest *hottest)
{
	if (!hottest)
		return;
	free(hottest->values);
	free(hottest);
}

void hottest_take(struct hottest *hottest, const struct profile *profile,
		  const struct profile_sample *sample)
{
	uint32_t stack = sample->stack, frame = 0;

	if (sample->metric)
		return;
	for (; stack; stack = profile->stacks[stack].parent) {
		frame = profile->stacks[stack].frame;
		if (profile->modules[profile->frames[frame].module].kind == PROFILE_MODULE_ELF)
			break;
	}
	if (!stack)
		return;
	if (frame >= hottest->capacity) {
		size_t capacity = 2 * (size_t)frame + 64;

		hottest->values =
			xreallocarray(hottest->values, capacity, sizeof(*hottest->values));
		memset(hottest->values + hottest->capacity, 0,
		       (capacity - hottest->capacity) * sizeof(*hottest->values));
		hottest->capacity = capacity;
	}
	hottest->values[frame] += sample->value;
}

/* Returns the function around an address, or NULL. */
static const struct function *find(const struct function_list *list, uint64_t address)
{
	const struct function *found = NULL;

	for (size_t i = 0; i < list->count && list->functions[i].address <= address; i++)
		if (address - list->functions[i].address < list->functions[i].bytes &&
		    (!found || found->address != list->functions[i].address))
			found = &list->functions[i];
	return found && !found->is_chosen && !found->is_part ? found : NULL;
}

/* Adds what was sampled in one file to the candidates. Returns their number. */
static size_t add_file(const struct hottest *hottest, const struct profile *profile, size_t file,
		       const struct module *module, const struct function_list *list,
		       struct candidate *candidates, size_t count)
{
	size_t first = count;

	for (size_t frame = 1; frame < hottest->capacity && frame < profile->frames_count;
	     frame++) {
		const struct function *function;
		size_t known = first;

		if (!hottest->values[frame] || profile->frames[frame].module != module->id)
			continue;
		function = find(list, profile->frames[frame].address);
		if (!function)
			continue;
		while (known < count && candidates[known].function != function)
			known++;
		if (known == count)
			candidates[count++] = (struct candidate){file, function, 0};
		candidates[known].value += hottest->values[frame];
	}
	return count;
}

static bool is_sampled(const struct hottest *hottest, const struct profile *profile,
		       const struct module *module)
{
	for (size_t frame = 1; frame < hottest->capacity && frame < profile->frames_count; frame++)
		if (hottest->values[frame] && profile->frames[frame].module == module->id)
			return true;
	return false;
}

static int compare_values(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return (a->function->address > b->function->address) -
	       (a->function->address < b->function->address);
}

static int compare_files(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->file > b->file) - (a->file < b->file);
}

size_t hottest_choose(const struct hottest *hottest, const struct profile *profile, size_t limit,
		      const struct program_files *files, struct timing_plan *plan)
{
	struct function_list *lists = xcalloc(files->count, sizeof(*lists));
	struct candidate *candidates = xcalloc(hottest->capacity, sizeof(*candidates));
	size_t count = 0, before = plan->count;

	for (size_t i = 0; i < files->count; i++) {
		struct module *module = files->modules[i];

		if (module_open(module) || !is_sampled(hottest, profile, module))
			continue;
		function_list_init(&lists[i], module);
		count = add_file(hottest, profile, i, module, &lists[i], candidates, count);
	}
	qsort(candidates, count, sizeof(*candidates), compare_values);
	count = count < limit ? count : limit;
	qsort(candidates, count, sizeof(*candidates), compare_files);
	for (size_t i = 0; i < count; i++)
		timing_plan_add_function(plan, UPROBE_TIME, &lists[candidates[i].file],
					 candidates[i].function);
	for (size_t i = 0; i < files->count; i++)
		if (lists[i].module)
			function_list_done(&lists[i]);
	free(candidates);
	free(lists);
	return plan->count - before;
}
