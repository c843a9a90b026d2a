/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_lines: see phase_lines.h. */
#include "reports/phase_lines.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/lines.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))
#define NOT_MEASURED	      "not measured"

enum {
	LINES = 10,	    /* of a function */
	LINES_HOTTEST = 3,  /* of a component */
	LINES_CHECKED = 400 /* that get an interval */
};

/* One recording and the costs of all its lines. */
struct recorded {
	struct report report;
	struct lines lines;
	bool is_there;
};

static bool open_recording(struct report *report, const struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->count; i++) {
		const struct sweep_result *result = &sweep->results[i];
		struct error error;
		char *path;
		int code;

		if (result->is_bare || !result->is_done)
			continue;
		path = sweep_result_path(result, "run.prof");
		code = report_open(report, path, &error);
		free(path);
		if (!code)
			return true;
	}
	return false;
}

/* The first recording of a sweep that lies beside another one. */
static void open_beside(struct recorded *recorded, const char *folder, const char *name)
{
	int length = (int)(strrchr(folder, '/') ? strrchr(folder, '/') - folder : 0);
	char path[PATH_MAX];
	struct sweep sweep;
	struct error error;

	*recorded = (struct recorded){0};
	snprintf(path, sizeof(path), "%.*s/%s", length, folder, name);
	if (sweep_load(&sweep, path, &error))
		return;
	recorded->is_there = open_recording(&recorded->report, &sweep);
	if (recorded->is_there)
		lines_measure(&recorded->lines, &recorded->report, LINES_IN_SOURCE, NULL, 0);
	sweep_done(&sweep);
}

static void close_recording(struct recorded *recorded)
{
	if (!recorded->is_there)
		return;
	lines_done(&recorded->lines);
	report_done(&recorded->report);
}

static const char *file_of(const struct report *report, const struct line_row *line)
{
	return report->profile->files[report->symbols.symbols[line->symbol].file];
}

/* The row of the same line in another recording; NULL when it has none. */
static const struct line_row *find_line(const struct recorded *recorded, const char *file,
					uint32_t line)
{
	for (uint32_t i = 0; recorded->is_there && i < recorded->lines.count; i++) {
		const struct line_row *row = &recorded->lines.rows[i];

		if (row->line == line && !strcmp(file_of(&recorded->report, row), file))
			return row;
	}
	return NULL;
}

/* Hits that were estimated have their interval (95 %), or are not told where it reaches to nothing.
 */
static void add_hits(json_t *cells, const struct recorded *hits, const struct line_row *counted,
		     double total_ns)
{
	char text[80];

	if (!hits->is_there || !counted || !counted->has_hits) {
		document_text(cells, NOT_MEASURED);
		document_number(cells, NAN);
		return;
	}
	if (counted->label != PROFILE_HIT_ESTIMATED)
		snprintf(text, sizeof(text), "%" PRIu64, counted->hits);
	else if (lines_know_hits(counted))
		snprintf(text, sizeof(text), "about %" PRIu64 " ± %" PRIu64, counted->hits,
			 counted->hits_margin);
	else
		snprintf(text, sizeof(text), "cannot tell");
	document_text(cells, text);
	document_number(cells, lines_know_hits(counted) && total_ns > 0
				       ? total_ns / (double)counted->hits
				       : NAN);
}

/* What restricts hits, of each counted function. */
static void note_hits(json_t *section, const struct recorded *hits)
{
	const struct profile *profile = hits->report.profile;

	if (!hits->is_there) {
		document_note(section, "Hits: there is no recording that counted them.");
		return;
	}
	for (size_t i = 0; i < profile->hit_functions_count; i++) {
		const struct profile_hit_function *function = &profile->hit_functions[i];
		uint32_t symbol = symbol_owner(profile, function->frame);

		if (function->note && *function->note)
			document_note(section, "Hits of lines of %s: %s.",
				      hits->report.symbols.symbols[symbol].label, function->note);
	}
}

static void add_allocations(json_t *cells, const struct recorded *memory,
			    const struct line_row *counted)
{
	char text[64];

	if (!memory->is_there) {
		document_text(cells, NOT_MEASURED);
		document_number(cells, NAN);
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, counted ? counted->allocations : 0);
	document_text(cells, text);
	document_number(cells, counted ? (double)counted->allocated : 0);
}

/* What is joined to the lines. */
struct beside {
	struct recorded hits, memory;
};

/* Whether there was a sample in any of its lines. */
static bool add_function_lines(json_t *table, const struct report *report, const char *function,
			       const struct beside *beside)
{
	bool *wanted = lines_find(report, function), is_any;
	struct lines lines;

	if (!wanted)
		return false;
	lines_measure(&lines, report, LINES_IN_SOURCE, wanted, LINES);
	for (uint32_t i = 0; i < lines.count && i < LINES; i++) {
		const struct line_row *line = &lines.rows[i];
		const char *file = file_of(report, line);
		double all = (double)lines.value;
		json_t *cells = document_row(table);

		document_text(cells, function);
		document_text(cells, file);
		document_count(cells, line->line);
		document_interval(cells, (double)line->self / all, line->share.low,
				  line->share.high);
		document_number(cells, (double)line->total / all);
		document_count(cells, line->self_samples);
		add_hits(cells, &beside->hits, find_line(&beside->hits, file, line->line),
			 (double)line->total * report->period);
		add_allocations(cells, &beside->memory,
				find_line(&beside->memory, file, line->line));
	}
	is_any = lines.count > 0;
	lines_done(&lines);
	free(wanted);
	return is_any;
}

static void add_named(json_t *section, const struct report *report, const json_t *hot,
		      const char *only, const struct beside *beside)
{
	static const struct document_column columns[] = {
		{"function", "function", "code", NULL},
		{"file", "file", "code", NULL},
		{"line", "line", "count", NULL},
		{"self", "self", "share", NULL},
		{"total", "total", "share", NULL},
		{"samples", "samples", "count", NULL},
		{"hits", "hits", "text", NULL},
		{"per_hit", "per hit, with callees", "amount", "ns"},
		{"allocations", "allocations", "text", NULL},
		{"allocated", "allocated", "amount", "bytes"},
	};
	json_t *table = document_table(section, "lines", "Lines of the functions that were named",
				       columns, COLUMN_COUNT(columns));
	json_t *value;
	const char *key;

	json_object_foreach ((json_t *)hot, key, value) {
		const char *function = json_string_value(value);

		if (only && strcmp(only, "all") != 0 && strcmp(only, key) != 0)
			continue;
		if (!add_function_lines(table, report, function, beside))
			document_note(section, "%s (%s): no sample came to its lines.", function,
				      key);
	}
}

static void add_hottest(json_t *section, const struct scaling *scaling, const struct report *report)
{
	static const struct document_column columns[] = {
		{"component", "component", "text", NULL},
		{"function", "function", "code", NULL},
		{"file", "file", "code", NULL},
		{"line", "line", "count", NULL},
		{"borne", "with calls outside of components", "share", NULL},
		{"samples", "samples", "count", NULL},
	};
	json_t *table = document_table(
		section, "hottest",
		"Hottest lines of each component: what libraries do for one is its cost", columns,
		COLUMN_COUNT(columns));
	struct component_map map = scaling->map;
	uint8_t *components = component_map_symbols(&map, report);
	uint8_t *bearing = component_map_bearing(components, report);
	struct lines lines;

	lines_measure_borne(&lines, report, bearing, LINES_CHECKED);
	for (int component = scaling->map.count - 1; component >= 0; component--) {
		int shown = 0;

		for (uint32_t i = 0; i < lines.count && shown < LINES_HOTTEST; i++) {
			const struct line_row *line = &lines.rows[i];
			json_t *cells;

			if (components[line->symbol] != component || !line->line || !line->self)
				continue;
			shown++;
			cells = document_row(table);
			document_text(cells, scaling->map.names[component]);
			document_text(cells, report->symbols.symbols[line->symbol].label);
			document_text(cells, file_of(report, line));
			document_count(cells, line->line);
			document_interval(cells, (double)line->self / (double)lines.value,
					  line->share.low, line->share.high);
			document_count(cells, line->self_samples);
		}
	}
	lines_done(&lines);
	free(bearing);
	free(components);
}

void phase_add_lines(json_t *document, const struct scaling *scaling, const json_t *hot,
		     const char *only)
{
	json_t *section = document_section(document, "lines", "Lines");
	struct beside beside;
	struct report report;

	if (!open_recording(&report, &scaling->sweep)) {
		document_miss(section, "there is no recording");
		return;
	}
	open_beside(&beside.hits, scaling->sweep.folder, "hits");
	open_beside(&beside.memory, scaling->sweep.folder, "memory");
	document_say(section,
		     "Shares of the whole run's CPU time, of one recording; the interval "
		     "speaks of that run only. Hits and allocations are of other runs of "
		     "the same work; time per hit is that of the line, with what it calls, by "
		     "its hits. Hits that are estimated have their interval (95 %%); where that "
		     "reaches to nothing they cannot be told.");
	if (!beside.memory.is_there)
		document_say(section, "Allocations are counted with --memory.");
	add_named(section, &report, hot, only, &beside);
	note_hits(section, &beside.hits);
	add_hottest(section, scaling, &report);
	close_recording(&beside.hits);
	close_recording(&beside.memory);
	report_done(&report);
}
