/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_lines: see phase_lines.h. */
#include "reports/phase_lines.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/lines.h"
#include "reports/phase_plan.h"

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

/* What is joined to the lines. */
struct beside {
	struct recorded *hits; /* those that are exact first */
	size_t hits_count;
	size_t whole_count; /* of those that count all hits */
	struct recorded memory;
};

/* The hits of a line, where it has any in one of the recordings. */
static const struct line_row *find_hits(const struct beside *beside, const char *file,
					uint32_t line)
{
	for (size_t i = 0; i < beside->hits_count; i++) {
		const struct line_row *row = find_line(&beside->hits[i], file, line);

		if (row && row->has_hits)
			return row;
	}
	return NULL;
}

/* Hits that were estimated have their interval (95 %), or are not told where it reaches to nothing.
 */
static void add_hits(json_t *cells, const struct line_row *counted, double total_ns)
{
	char text[80];

	if (!counted) {
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

/* What restricts the hits of each function that a recording counted; of one that has no better
 * recording. */
static void note_hits_of(json_t *section, const struct recorded *hits, json_t *told)
{
	const struct profile *profile = hits->report.profile;

	for (size_t i = 0; i < profile->hit_functions_count; i++) {
		const struct profile_hit_function *function = &profile->hit_functions[i];
		uint32_t symbol = symbol_owner(profile, function->frame);
		const char *label = hits->report.symbols.symbols[symbol].label;

		if (!json_object_get(told, label) && function->note && *function->note)
			document_note(section, "Hits of lines of %s: %s.", label, function->note);
		json_object_set_new(told, label, json_true());
	}
}

static void note_hits(json_t *section, const struct beside *beside)
{
	json_t *told = json_object();

	if (!beside->hits_count)
		document_note(section, "Hits: there is no recording that counted them.");
	else if (!beside->whole_count)
		document_note(section, "Hits: no run that counts all of them is done, it may have "
				       "taken too long; these are of windows of time.");
	for (size_t i = 0; i < beside->hits_count; i++)
		note_hits_of(section, &beside->hits[i], told);
	json_decref(told);
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

/* How a function's samples lie in lines. */
enum found {
	NO_SAMPLE,
	NO_LINES, /* debug information that tells of them is missing */
	SAMPLES_IN_LINES,
};

static enum found add_function_lines(json_t *table, const struct report *report,
				     const char *function, const struct beside *beside)
{
	bool *wanted = lines_find(report, function);
	enum found found = NO_SAMPLE;
	struct lines lines;

	if (!wanted)
		return NO_SAMPLE;
	lines_measure(&lines, report, LINES_IN_SOURCE, wanted, LINES);
	for (uint32_t i = 0; i < lines.count && i < LINES; i++) {
		const struct line_row *line = &lines.rows[i];
		const char *file = file_of(report, line);
		double all = (double)lines.value;
		json_t *cells = document_row(table);

		if (found != SAMPLES_IN_LINES)
			found = line->line ? SAMPLES_IN_LINES : NO_LINES;
		document_text(cells, function);
		document_text(cells, file);
		document_count(cells, line->line);
		document_interval(cells, (double)line->self / all, line->share.low,
				  line->share.high);
		document_number(cells, (double)line->total / all);
		document_count(cells, line->self_samples);
		add_hits(cells, find_hits(beside, file, line->line),
			 (double)line->total * report->period);
		add_allocations(cells, &beside->memory,
				find_line(&beside->memory, file, line->line));
	}
	lines_done(&lines);
	free(wanted);
	return found;
}

static void add_named(json_t *section, const struct report *report, const json_t *hot,
		      const struct beside *beside)
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
		enum found found = add_function_lines(table, report, function, beside);

		if (found != SAMPLES_IN_LINES)
			document_note(section, "%s (%s): %s.", function, key,
				      found == NO_LINES
					      ? "its lines are not known, build it with -g"
					      : "no sample came to its lines");
	}
}

static void add_hottest(json_t *section, const struct scaling *scaling, const struct report *report,
			const struct beside *beside)
{
	static const struct document_column columns[] = {
		{"component", "component", "text", NULL},
		{"function", "function", "code", NULL},
		{"file", "file", "code", NULL},
		{"line", "line", "count", NULL},
		{"borne", "with calls outside of components", "share", NULL},
		{"samples", "samples", "count", NULL},
		{"hits", "hits", "text", NULL},
		{"per_hit", "per hit, with callees", "amount", "ns"},
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
			const char *file = file_of(report, line);
			json_t *cells;

			if (components[line->symbol] != component || !line->line || !line->self)
				continue;
			shown++;
			cells = document_row(table);
			document_text(cells, scaling->map.names[component]);
			document_text(cells, report->symbols.symbols[line->symbol].label);
			document_text(cells, file);
			document_count(cells, line->line);
			document_interval(cells, (double)line->self / (double)lines.value,
					  line->share.low, line->share.high);
			document_count(cells, line->self_samples);
			add_hits(cells, find_hits(beside, file, line->line),
				 (double)line->self * report->period);
		}
	}
	lines_done(&lines);
	free(bearing);
	free(components);
}

/* Opens the recordings of hits that lie beside a sweep: of all functions, and of each alone. */
static void open_hits(struct beside *beside, const char *folder, const json_t *hot)
{
	static const char *const sweeps[] = {PHASE_HITS, PHASE_WINDOWS};
	size_t most = 2 * (json_object_size(hot) + 1);
	struct recorded *recorded = beside->hits = xcalloc(most, sizeof(*beside->hits));
	json_t *value;
	const char *key;

	for (int i = 0; i < 2; i++) {
		open_beside(recorded, folder, sweeps[i]);
		recorded += recorded->is_there;
		json_object_foreach ((json_t *)hot, key, value) {
			char name[128];

			snprintf(name, sizeof(name), "%s_%s", sweeps[i], key);
			open_beside(recorded, folder, name);
			recorded += recorded->is_there;
		}
		if (!i)
			beside->whole_count = (size_t)(recorded - beside->hits);
	}
	beside->hits_count = (size_t)(recorded - beside->hits);
}

static void close_beside(struct beside *beside)
{
	for (size_t i = 0; i < beside->hits_count; i++)
		close_recording(&beside->hits[i]);
	free(beside->hits);
	close_recording(&beside->memory);
}

void phase_add_lines(json_t *document, const struct scaling *scaling, const json_t *hot)
{
	json_t *section = document_section(document, "lines", "Lines");
	struct beside beside;
	struct report report;

	if (!open_recording(&report, &scaling->sweep)) {
		document_miss(section, "there is no recording");
		return;
	}
	open_hits(&beside, scaling->sweep.folder, hot);
	open_beside(&beside.memory, scaling->sweep.folder, "memory");
	document_say(section,
		     "Shares of the whole run's CPU time, of one recording; the interval "
		     "speaks of that run only. Hits and allocations are of other runs of "
		     "the same work; time per hit is that of the line, with what it calls, by "
		     "its hits. All hits are counted, in a run that is slowed down by that; where "
		     "it took too long, or there was none, in windows of time: then they are "
		     "estimated, with their interval (95 %%), and where that reaches to nothing "
		     "they cannot be told. Hits are those of the functions that were named, with "
		     "what is inlined in them.");
	if (!beside.memory.is_there)
		document_say(section, "Allocations are counted with --memory.");
	add_named(section, &report, hot, &beside);
	note_hits(section, &beside);
	add_hottest(section, scaling, &report, &beside);
	close_beside(&beside);
	report_done(&report);
}
