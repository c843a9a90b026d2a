/* SPDX-License-Identifier: GPL-3.0-or-later */
/* memory_path: see memory_path.h. Source: valgrind's manual, memcheck, --num-callers. */
#include "reports/memory_path.h"

#include "reports/memory_site.h"

#include <uthash.h>

struct memory_path_index {
	const struct memory *memory;
	const struct profile *profile;
	enum memory_amount *amounts; /* by metric */
	uint32_t *sites;	     /* by stack */
	size_t *starts;		     /* by site, where its samples begin, and where the last end */
	uint32_t *samples;	     /* numbers of samples, by site */
};

/* A stack that leads to the site. */
struct stack_entry {
	UT_hash_handle hh;
	uint32_t stack;
	uint64_t amounts[MEMORY_AMOUNTS];
};

struct path_entry {
	UT_hash_handle hh;
	struct memory_path_caller callers[MEMORY_PATH_CALLERS]; /* zero behind the last */
	size_t row;
};

/* ---- index -------------------------------------------------------------------------------- */

/* Puts the samples in the order of their sites by counting how many each has. */
static void sort_samples(struct memory_path_index *index)
{
	const struct profile *profile = index->profile;
	size_t count = index->memory->count;
	size_t *next = xcalloc(count + 2, sizeof(*next));

	for (size_t i = 0; i < profile->samples_count; i++)
		next[index->sites[profile->samples[i].stack] + 1]++;
	for (size_t i = 0; i <= count; i++)
		next[i + 1] += next[i];
	index->starts = xcalloc(count + 2, sizeof(*index->starts));
	memcpy(index->starts, next, (count + 2) * sizeof(*next));
	index->samples = xcalloc(profile->samples_count + 1, sizeof(*index->samples));
	for (size_t i = 0; i < profile->samples_count; i++)
		index->samples[next[index->sites[profile->samples[i].stack]]++] = (uint32_t)i;
	free(next);
}

struct memory_path_index *memory_path_index_new(const struct memory *memory,
						const struct profile *profile)
{
	struct memory_path_index *index = xcalloc(1, sizeof(*index));

	index->memory = memory;
	index->profile = profile;
	index->amounts = memory_amounts_of_metrics(profile);
	index->sites = memory_sites_of_stacks(memory, profile);
	sort_samples(index);
	return index;
}

void memory_path_index_free(struct memory_path_index *index)
{
	free(index->amounts);
	free(index->sites);
	free(index->starts);
	free(index->samples);
	free(index);
}

/* ---- stacks ------------------------------------------------------------------------------- */

static struct stack_entry *stack_get(struct stack_entry **entries, uint32_t stack)
{
	struct stack_entry *entry;

	HASH_FIND(hh, *entries, &stack, sizeof(stack), entry);
	if (entry)
		return entry;
	entry = xcalloc(1, sizeof(*entry));
	entry->stack = stack;
	HASH_ADD(hh, *entries, stack, sizeof(entry->stack), entry);
	return entry;
}

static void stacks_free(struct stack_entry *entries)
{
	struct stack_entry *entry, *next;

	HASH_ITER (hh, entries, entry, next) {
		HASH_DEL(entries, entry);
		free(entry);
	}
}

/* Adds up what each stack of a site has, and leaves out those with nothing of the amount. */
static struct stack_entry *find_stacks(const struct memory_path_index *index, size_t site,
				       enum memory_amount amount)
{
	struct stack_entry *entries = NULL, *entry, *next;

	for (size_t i = index->starts[site]; i < index->starts[site + 1]; i++) {
		const struct profile_sample *sample = &index->profile->samples[index->samples[i]];
		enum memory_amount what = index->amounts[sample->metric];

		if (what != MEMORY_AMOUNTS)
			stack_get(&entries, sample->stack)->amounts[what] += sample->value;
	}
	HASH_ITER (hh, entries, entry, next)
		if (!entry->amounts[amount]) {
			HASH_DEL(entries, entry);
			free(entry);
		}
	return entries;
}

/* The callers of a stack's site, one after the other. */
struct outward {
	const struct profile *profile;
	uint32_t stack, depth; /* of the next one */
};

static struct outward begin(const struct profile *profile, uint32_t stack)
{
	struct memory_site_place place = memory_site_place(profile, stack);

	return (struct outward){profile, place.stack, place.depth + 1};
}

/* Returns false when there is none. */
static bool step(struct outward *outward, struct memory_path_caller *caller)
{
	const struct profile *profile = outward->profile;
	const struct profile_frame *frame;
	uint32_t id;

	if (!outward->stack)
		return false;
	id = profile->stacks[outward->stack].frame;
	if (outward->depth >= symbol_depth(profile, id)) {
		outward->stack = profile->stacks[outward->stack].parent;
		outward->depth = 0;
	}
	if (!outward->stack)
		return false;
	id = profile->stacks[outward->stack].frame;
	frame = &profile->frames[id];
	caller->symbol = symbol_at(profile, id, outward->depth).symbol;
	caller->line =
		frame->line_count ? profile->lines[frame->first_line + outward->depth].line : 0;
	outward->depth++;
	return true;
}

/* Returns how many callers, next to the site, two stacks have in common, @most at most. */
static uint32_t in_common(const struct profile *profile, uint32_t one, uint32_t other,
			  uint32_t most)
{
	struct outward left = begin(profile, one), right = begin(profile, other);
	struct memory_path_caller a, b;
	uint32_t count = 0;

	while (count < most && step(&left, &a) && step(&right, &b) && a.symbol == b.symbol &&
	       a.line == b.line)
		count++;
	return count;
}

static uint32_t in_common_to_all(const struct profile *profile, struct stack_entry *stacks)
{
	uint32_t count = UINT32_MAX;

	for (const struct stack_entry *entry = stacks; entry; entry = entry->hh.next)
		if (entry != stacks)
			count = in_common(profile, stacks->stack, entry->stack, count);
	return count == UINT32_MAX ? 0 : count;
}

/* ---- paths -------------------------------------------------------------------------------- */

static struct memory_path *path_get(struct memory_paths *paths, struct path_entry **entries,
				    const struct memory_path *path)
{
	struct path_entry *entry;

	HASH_FIND(hh, *entries, path->callers, sizeof(path->callers), entry);
	if (!entry) {
		entry = xcalloc(1, sizeof(*entry));
		memcpy(entry->callers, path->callers, sizeof(entry->callers));
		entry->row = paths->count;
		HASH_ADD(hh, *entries, callers, sizeof(entry->callers), entry);
		xgrow(paths->rows, paths->count, paths->capacity);
		paths->rows[paths->count++] = *path;
	}
	return &paths->rows[entry->row];
}

static void add_stack(struct memory_paths *paths, struct path_entry **entries,
		      const struct profile *profile, const struct stack_entry *stack, uint32_t skip,
		      uint32_t callers)
{
	struct outward outward = begin(profile, stack->stack);
	struct memory_path path = {0}, *row;
	struct memory_path_caller caller;

	while (skip && step(&outward, &caller))
		skip--;
	while (path.caller_count < callers && step(&outward, &caller))
		path.callers[path.caller_count++] = caller;
	row = path_get(paths, entries, &path);
	for (int i = 0; i < MEMORY_AMOUNTS; i++)
		row->amounts[i] += stack->amounts[i];
}

static int compare(const void *left, const void *right, void *context)
{
	const struct memory_path *a = left, *b = right;
	enum memory_amount amount = *(const enum memory_amount *)context;

	if (a->amounts[amount] != b->amounts[amount])
		return a->amounts[amount] < b->amounts[amount] ? 1 : -1;
	return memcmp(a->callers, b->callers, sizeof(a->callers));
}

void memory_paths_measure(struct memory_paths *paths, const struct memory_path_index *index,
			  size_t site, enum memory_amount amount, bool branches, uint32_t callers)
{
	struct stack_entry *stacks = find_stacks(index, site, amount);
	struct path_entry *entries = NULL, *entry, *next;
	uint32_t skip = branches ? in_common_to_all(index->profile, stacks) : 0;

	*paths = (struct memory_paths){0};
	for (const struct stack_entry *stack = stacks; stack; stack = stack->hh.next)
		add_stack(paths, &entries, index->profile, stack, skip, callers);
	if (paths->count)
		qsort_r(paths->rows, paths->count, sizeof(*paths->rows), compare, &amount);
	HASH_ITER (hh, entries, entry, next) {
		HASH_DEL(entries, entry);
		free(entry);
	}
	stacks_free(stacks);
}

void memory_paths_done(struct memory_paths *paths)
{
	free(paths->rows);
	*paths = (struct memory_paths){0};
}
