/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * document_matrix: a recording's parts with what is known of each side by side: how much, where in
 * it, what it allocates, and how much there is to gain. The matrix of the phases (matrix.h) has
 * more to say, from more recordings.
 *
 * What a library does for a component is the component's: a sample belongs to the innermost
 * function on its stack that belongs to one (component_map.h). So these are other shares than those
 * of the section about components, where libraries are components themselves.
 */
#include "reports/component_map.h"
#include "reports/document_sections.h"
#include "reports/lines.h"
#include "reports/matrix.h"
#include "reports/memory.h"

#include <math.h>

struct part {
	int component;
	uint64_t value; /* in periods of the report's metric */
	uint32_t blocks[DISPERSION_BLOCKS];
	uint64_t allocations, allocated;
	uint32_t function; /* with the largest self cost among its own; 0: none */
	const struct line_row *line;
};

struct parts {
	struct part rows[COMPONENT_MAP_LIMIT];
	uint8_t *of_symbol;
	uint8_t *of_stack;
	bool has_allocations;
};

/* Parents come first in the table of stacks. */
static uint8_t *components_of_stacks(const struct profile *profile, const uint8_t *of_symbol)
{
	uint8_t *of_stack = xcalloc(profile->stacks_count, 1);

	for (uint32_t stack = 1; stack < profile->stacks_count; stack++) {
		uint32_t frame = profile->stacks[stack].frame;

		for (uint32_t depth = 0; depth < symbol_depth(profile, frame) && !of_stack[stack];
		     depth++)
			of_stack[stack] = of_symbol[symbol_at(profile, frame, depth).symbol];
		if (!of_stack[stack])
			of_stack[stack] = of_stack[profile->stacks[stack].parent];
	}
	return of_stack;
}

/* Returns the sum of the metric's samples. */
static uint64_t add_samples(struct parts *parts, const struct report *report,
			    const struct dispersion_blocks *blocks)
{
	const struct profile *profile = report->profile;
	uint64_t all = 0;

	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		const char *metric = profile->metrics[sample->metric].name;
		struct part *part = &parts->rows[parts->of_stack[sample->stack]];
		uint64_t value = call_tree_value(profile, sample), block;

		if (sample->metric == report->metric) {
			block = (sample->time_ns - blocks->start_ns) / blocks->block_ns;
			part->blocks[block < DISPERSION_BLOCKS ? block : DISPERSION_BLOCKS - 1]++;
			part->value += value;
			all += value;
		} else if (!strcmp(metric, memory_metrics[MEMORY_ALLOCATIONS])) {
			part->allocations += sample->value;
			parts->has_allocations = true;
		} else if (!strcmp(metric, memory_metrics[MEMORY_ALLOCATED])) {
			part->allocated += sample->value;
		}
	}
	return all;
}

/* The costliest function and line of each part, of those that are its own. */
static void find_places(struct parts *parts, const struct functions *functions,
			const struct lines *lines)
{
	for (uint32_t i = functions->count; i-- > 0;)
		if (functions->rows[i].self.samples)
			parts->rows[parts->of_symbol[functions->rows[i].symbol]].function =
				functions->rows[i].symbol;
	for (uint32_t i = lines->count; i-- > 0;)
		if (lines->rows[i].self_samples && lines->rows[i].line)
			parts->rows[parts->of_symbol[lines->rows[i].symbol]].line = &lines->rows[i];
}

static int compare_parts(const void *left, const void *right)
{
	const struct part *a = left, *b = right;

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return a->component - b->component;
}

static void add_line(const struct report *report, const struct part *part, json_t *row)
{
	char *text = NULL;

	if (part->line)
		text = xasprintf(
			"%s:%u",
			symbol_base_name(
				report->profile
					->files[report->symbols.symbols[part->line->symbol].file]),
			part->line->line);
	document_text(row, text ? text : "");
	free(text);
}

static void add_part(json_t *table, const struct report *report, const struct parts *parts,
		     const struct part *part, const struct dispersion_blocks *blocks, uint64_t all,
		     const char *name)
{
	double share = (double)part->value / (double)all;
	struct interval interval = dispersion_interval(
		share, blocks->equal_samples / dispersion_phi(blocks, part->blocks));
	double priority = matrix_priority(share, interval.low, 1);
	json_t *row = document_row(table);

	document_text(row, name);
	document_interval(row, share, interval.low, interval.high);
	document_text(row, part->component && part->function
				   ? report->symbols.symbols[part->function].label
				   : "");
	if (part->component)
		add_line(report, part, row);
	else
		document_text(row, "");
	if (parts->has_allocations) {
		document_count(row, part->allocations);
		document_number(row, (double)part->allocated);
	}
	document_number(row, isinf(priority) ? NAN : priority);
}

static void write_table(json_t *section, const struct report *report, struct parts *parts,
			const struct component_map *map, const struct dispersion_blocks *blocks,
			uint64_t all)
{
	const struct document_column columns[] = {
		{"component", "component", "text", NULL},
		{"share", "share (95 %, this run)", "share", NULL},
		{"function", "its costliest function", "code", NULL},
		{"line", "its costliest line", "code", NULL},
		{"allocations", "allocations", "count", NULL},
		{"allocated", "allocated", "amount", "bytes"},
		{"priority", "priority", "number", NULL},
	};
	struct document_column chosen[sizeof(columns) / sizeof(*columns)];
	int count = 0;
	json_t *table;

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		if (parts->has_allocations || (i != 4 && i != 5))
			chosen[count++] = columns[i];
	table = document_table(section, "matrix", "Components, what costs in them, and how urgent",
			       chosen, count);
	qsort(parts->rows, map->count, sizeof(*parts->rows), compare_parts);
	for (int i = 0; i < map->count; i++)
		if (parts->rows[i].value || parts->rows[i].allocations)
			add_part(table, report, parts, &parts->rows[i], blocks, all,
				 map->names[parts->rows[i].component]);
}

static void say_what_lacks(json_t *section, const struct parts *parts)
{
	document_say(section,
		     "What libraries do for a component is its cost. Priority is what the whole "
		     "would be faster at most, were the component free, times what the interval "
		     "leaves of its share; empty where there is no bound.");
	if (!parts->has_allocations)
		document_note(section, "Allocations: not measured; record with --memory.");
	document_note(section,
		      "Growth with the size: not measured by one recording; collector sweep, or "
		      "scripts/run_all_phases for the matrix of all phases.");
}

void document_add_matrix(json_t *document, const struct report *report,
			 const struct functions *functions)
{
	json_t *section = document_section(document, "matrix", "Matrix");
	struct dispersion_blocks blocks;
	struct component_map map;
	struct parts parts = {0};
	struct lines lines;
	uint64_t all;

	if (!functions->value) {
		document_miss(section, "there are no samples");
		return;
	}
	component_map_init(&map, NULL);
	parts.of_symbol = component_map_symbols(&map, report);
	parts.of_stack = components_of_stacks(report->profile, parts.of_symbol);
	for (int i = 0; i < COMPONENT_MAP_LIMIT; i++)
		parts.rows[i].component = i;
	lines_measure(&lines, report, LINES_IN_SOURCE, NULL, 0);
	dispersion_blocks_init(&blocks, report->profile, report->metric);
	all = add_samples(&parts, report, &blocks);
	find_places(&parts, functions, &lines);
	say_what_lacks(section, &parts);
	write_table(section, report, &parts, &map, &blocks, all);
	lines_done(&lines);
	free(parts.of_symbol);
	free(parts.of_stack);
	component_map_done(&map);
}
