/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_memory: see phase_memory.h. */
#include "reports/phase_memory.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/memory.h"

#include <math.h>
#include <stdlib.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	STRUCTURES = 5, /* of a point, that are shown */
};

/* What a structure holds at the peak. */
struct held {
	uint32_t symbol;
	uint64_t bytes, blocks;
};

/* A recording with what is needed to find structures in it. */
struct recording {
	struct report report;
	uint8_t *components;  /* of symbols */
	uint32_t *of_modules; /* the symbol that stands for a module's functions without a name */
	struct held *held;    /* by symbol */
};

static int find_metric(const struct profile *profile, enum memory_amount amount)
{
	for (size_t i = 0; i < profile->metrics_count; i++)
		if (!strcmp(profile->metrics[i].name, memory_metrics[amount]))
			return (int)i;
	return -1;
}

/* The innermost symbol of a stack that belongs to a component; 0 when none does. */
static uint32_t structure_of(const struct recording *recording, uint32_t stack)
{
	const struct profile *profile = recording->report.profile;

	for (; stack; stack = profile->stacks[stack].parent) {
		uint32_t frame = profile->stacks[stack].frame;

		for (uint32_t i = 0; i < symbol_depth(profile, frame); i++) {
			uint32_t symbol = symbol_at(profile, frame, i).symbol;

			if (recording->components[symbol])
				return symbol;
		}
	}
	return 0;
}

static struct held *held_by(struct recording *recording, uint32_t symbol_id)
{
	const struct symbol *symbol = &recording->report.symbols.symbols[symbol_id];
	uint32_t *first = &recording->of_modules[symbol->module];

	if (!symbol->named) {
		if (!*first)
			*first = symbol_id;
		symbol_id = *first;
	}
	recording->held[symbol_id].symbol = symbol_id;
	return &recording->held[symbol_id];
}

/* Adds up what was live at the peak. Returns the sum; blocks have their own metric. */
static struct held add_up(struct recording *recording)
{
	const struct profile *profile = recording->report.profile;
	int peak = find_metric(profile, MEMORY_PEAK);
	int blocks = find_metric(profile, MEMORY_PEAK_BLOCKS);
	struct held all = {0};

	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		struct held *held;

		if (sample->metric != peak && sample->metric != blocks)
			continue;
		held = held_by(recording, structure_of(recording, sample->stack));
		if (sample->metric == peak) {
			held->bytes += sample->value;
			all.bytes += sample->value;
		} else {
			held->blocks += sample->value;
			all.blocks += sample->value;
		}
	}
	return all;
}

static int by_bytes(const void *left, const void *right)
{
	const struct held *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return a->symbol < b->symbol ? -1 : a->symbol > b->symbol;
}

/* @divisor  what a structure holds so many of; 0 unknown, NAN: there is no such column */
static void add_row(json_t *table, const char *point, const char *names[3], const struct held *held,
		    double divisor)
{
	json_t *row = document_row(table);

	document_text(row, point);
	for (int i = 0; i < 3; i++)
		document_text(row, names[i]);
	document_number(row, (double)held->bytes);
	document_count(row, held->blocks);
	if (!isnan(divisor))
		document_number(row, divisor > 0 ? (double)held->bytes / divisor : NAN);
}

static void add_structures(json_t *table, const struct component_map *map,
			   struct recording *recording, const char *point, double divisor)
{
	const struct profile *profile = recording->report.profile;
	const struct symbol_table *symbols = &recording->report.symbols;
	struct held all = add_up(recording), rest = all;
	int shown = 0;

	qsort(recording->held, symbols->count, sizeof(*recording->held), by_bytes);
	for (uint32_t i = 0; i < symbols->count && shown < STRUCTURES; i++) {
		const struct held *held = &recording->held[i];
		const struct symbol *symbol = &symbols->symbols[held->symbol];
		const char *names[3] = {
			symbol->label,
			map->names[recording->components[held->symbol]],
			profile->files[symbol->file],
		};

		if (!held->bytes || !recording->components[held->symbol])
			continue;
		if (!symbol->named)
			names[0] = symbol_base_name(profile->modules[symbol->module].path);
		add_row(table, point, names, held, divisor);
		rest.bytes -= held->bytes;
		rest.blocks -= held->blocks;
		shown++;
	}
	add_row(table, point, (const char *[3]){"others", "", ""}, &rest, divisor);
	add_row(table, point, (const char *[3]){"all", "", ""}, &all, divisor);
}

static void add_point(json_t *table, const struct scaling *scaling,
		      const struct sweep_result *result, const char *per)
{
	const json_t *point = json_array_get(scaling->sweep.points, result->point);
	const char *size = json_string_value(json_object_get(point, per));
	double divisor = *per ? strtod(size ? size : "", NULL) : NAN;
	char *path = sweep_result_path(result, "run.prof"), *label = sweep_point_label(point);
	struct component_map map = scaling->map;
	struct recording recording = {0};
	struct error error;

	if (!report_open(&recording.report, path, &error)) {
		recording.components = component_map_symbols(&map, &recording.report);
		recording.held = xcalloc(recording.report.symbols.count, sizeof(*recording.held));
		recording.of_modules =
			xcalloc(recording.report.profile->modules_count + 1, sizeof(uint32_t));
		add_structures(table, &map, &recording, label, divisor);
		free(recording.components);
		free(recording.held);
		free(recording.of_modules);
		report_done(&recording.report);
	}
	free(label);
	free(path);
}

void phase_add_memory(json_t *document, const char *name, const struct scaling *scaling,
		      const char *per)
{
	char title[40] = "";
	const struct document_column columns[] = {
		{"point", "point", "text", NULL},
		{"structure", "structure, allocated in", "code", NULL},
		{"component", "component", "text", NULL},
		{"file", "declared in", "code", NULL},
		{"bytes", "bytes", "amount", "bytes"},
		{"blocks", "blocks", "count", NULL},
		{"one", title, "amount", "bytes"},
	};
	json_t *section = document_section(document, name, name), *table;
	size_t shown = SIZE_MAX;

	snprintf(title, sizeof(title), *per ? "for one of %.20s" : "", per);
	document_say(section, "What structures hold when the program holds most, every allocation "
			      "counted. A structure is the innermost function of a component that "
			      "had it allocated, by itself or by what it calls.");
	table = document_table(section, "memory", "Memory of the structures", columns,
			       COLUMN_COUNT(columns) - !*per);
	for (size_t i = 0; i < scaling->sweep.count; i++) {
		const struct sweep_result *result = &scaling->sweep.results[i];

		if (!scaling->runs[i] || result->point == shown)
			continue;
		shown = result->point;
		add_point(table, scaling, result, per);
	}
}
