/* SPDX-License-Identifier: GPL-3.0-or-later */
/* live_table: see live_table.h. */
#include "collector/live_table.h"

#include "collector/base/xalloc.h"

/* What is known of a function while stacks are walked. */
struct live_mark {
	uint32_t stack; /* the last one that counted it */
	uint32_t row;	/* in the sums, from 1; 0: none yet */
};

void live_table_done(struct live_table *table)
{
	free(table->samples);
	free(table->functions);
	free(table->threads);
	free(table->stack_weights);
	free(table->thread_weights);
	free(table->marks);
	*table = (struct live_table){0};
}

void live_table_add(struct live_table *table, const struct profile_sample *sample)
{
	xgrow(table->samples, table->count, table->capacity);
	table->samples[table->count++] = (struct live_sample){
		.time_ns = sample->time_ns,
		.value = sample->value,
		.thread = sample->thread,
		.stack = sample->stack,
		.is_complete = profile_endings[sample->ending].complete,
	};
}

void live_table_forget(struct live_table *table, uint64_t before_ns)
{
	while (table->first < table->count && table->samples[table->first].time_ns < before_ns)
		table->first++;
	if (table->first < table->count / 2)
		return;
	table->count -= table->first;
	memmove(table->samples, table->samples + table->first,
		table->count * sizeof(*table->samples));
	table->first = 0;
}

static void *zeroed(void *memory, size_t count, size_t bytes)
{
	memory = xreallocarray(memory, count, bytes);
	memset(memory, 0, count * bytes);
	return memory;
}

/* Returns the row of a function; 0, which is no function, stands for frames without a name. */
static struct live_function *function_row(struct live_table *table, const struct profile *profile,
					  struct live_sums *sums, uint32_t number)
{
	struct live_mark *mark = &table->marks[number];

	if (!mark->row) {
		struct live_function *row = &table->functions[sums->function_count++];

		mark->row = (uint32_t)sums->function_count;
		*row = (struct live_function){.name = LIVE_UNNAMED, .module = ""};
		if (number) {
			const struct profile_function *function = &profile->functions[number];

			row->name = function->name;
			row->module = profile->modules[function->module].path;
		}
	}
	return &table->functions[mark->row - 1];
}

/* Counts the functions of a frame, innermost first. */
static void count_frame(struct live_table *table, const struct profile *profile,
			struct live_sums *sums, uint32_t leaf, uint32_t stack)
{
	const struct profile_frame *frame = &profile->frames[profile->stacks[stack].frame];
	uint64_t weight = table->stack_weights[leaf];
	uint32_t count = frame->line_count ? frame->line_count : 1;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number =
			frame->line_count ? profile->lines[frame->first_line + i].function : 0;
		struct live_function *row = function_row(table, profile, sums, number);

		if (stack == leaf && i == 0)
			row->self += weight;
		if (table->marks[number].stack == leaf)
			continue;
		table->marks[number].stack = leaf;
		row->total += weight;
	}
}

static int compare_threads(const void *left, const void *right)
{
	const struct live_thread *a = left, *b = right;

	return (a->weight < b->weight) - (a->weight > b->weight);
}

static void sum_threads(struct live_table *table, const struct profile *profile,
			struct live_sums *sums)
{
	sums->threads = table->threads =
		zeroed(table->threads, profile->threads_count, sizeof(*table->threads));
	for (size_t i = 0; i < profile->threads_count; i++)
		if (table->thread_weights[i])
			sums->threads[sums->thread_count++] = (struct live_thread){
				.name = profile->threads[i].name,
				.tid = profile->threads[i].tid,
				.weight = table->thread_weights[i],
			};
	if (sums->thread_count)
		qsort(sums->threads, sums->thread_count, sizeof(*sums->threads), compare_threads);
}

void live_table_sum(struct live_table *table, const struct profile *profile, struct live_sums *sums)
{
	*sums = (struct live_sums){.samples = table->count - table->first};
	table->stack_weights =
		zeroed(table->stack_weights, profile->stacks_count, sizeof(*table->stack_weights));
	table->thread_weights = zeroed(table->thread_weights, profile->threads_count,
				       sizeof(*table->thread_weights));
	table->marks = zeroed(table->marks, profile->functions_count, sizeof(*table->marks));
	sums->functions = table->functions = xreallocarray(
		table->functions, profile->functions_count, sizeof(*table->functions));
	for (size_t i = table->first; i < table->count; i++) {
		const struct live_sample *sample = &table->samples[i];

		sums->weight += sample->value;
		sums->complete += sample->is_complete;
		table->stack_weights[sample->stack] += sample->value;
		table->thread_weights[sample->thread] += sample->value;
	}
	for (uint32_t leaf = 1; leaf < profile->stacks_count; leaf++)
		for (uint32_t stack = table->stack_weights[leaf] ? leaf : 0; stack;
		     stack = profile->stacks[stack].parent)
			count_frame(table, profile, sums, leaf, stack);
	sum_threads(table, profile, sums);
}
