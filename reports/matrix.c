/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix: see matrix.h. */
#include "reports/matrix.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

#define NOT_MEASURED "not measured"

double matrix_priority(double share, double low)
{
	if (share <= 0 || share >= 1)
		return share >= 1 ? INFINITY : 0;
	return (1 / (1 - share) - 1) * (low / share);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Returns the summary of a phase, NULL without a sentence when there is none. */
static json_t *read_summary(const char *folder, int phase, struct error *error)
{
	char path[4096];
	json_error_t why;
	json_t *json;

	error->text[0] = '\0';
	snprintf(path, sizeof(path), "%s/phase%d/phase%d_summary.json", folder, phase, phase);
	if (access(path, F_OK))
		return NULL;
	json = json_load_file(path, 0, &why);
	if (!json) {
		fail(error, -EINVAL, "%s cannot be read: line %d: %s", path, why.line, why.text);
		return NULL;
	}
	if (!strcmp(text_of(json, "schema"), "simprof/phase-v1") &&
	    json_integer_value(json_object_get(json, "phase")) == phase)
		return json;
	fail(error, -EINVAL, "%s is no summary of phase %d of this version", path, phase);
	json_decref(json);
	return NULL;
}

/* Returns the table of a section of a summary's report, borrowed; NULL without it. */
static const json_t *find_table(const json_t *summary, const char *section_id, const char *table_id)
{
	const json_t *sections = json_object_get(json_object_get(summary, "report"), "sections");
	const json_t *section, *table;
	size_t i, j;

	json_array_foreach (sections, i, section) {
		if (strcmp(text_of(section, "id"), section_id))
			continue;
		json_array_foreach (json_object_get(section, "tables"), j, table) {
			if (!strcmp(text_of(table, "id"), table_id))
				return table;
		}
	}
	return NULL;
}

/* Returns the cell of a row by its column's id, borrowed. */
static const json_t *cell(const json_t *table, const json_t *row, const char *id)
{
	const json_t *column;
	size_t i;

	json_array_foreach (json_object_get(table, "columns"), i, column) {
		if (!strcmp(text_of(column, "id"), id))
			return json_array_get(row, i);
	}
	return NULL;
}

static const char *cell_text(const json_t *table, const json_t *row, const char *id)
{
	const char *text = json_string_value(cell(table, row, id));

	return text ? text : "";
}

/* A share is a number, or begins with one. */
static double share_of(const json_t *share)
{
	return json_number_value(json_is_array(share) ? json_array_get(share, 0) : share);
}

/* The slowest p50 of a component's sweeps, and its point. */
static void find_finding(const json_t *phase2, const char *component, char *text, size_t bytes)
{
	double most = 0;
	const json_t *sweep, *row;
	size_t i, j;

	snprintf(text, bytes, NOT_MEASURED);
	json_array_foreach (json_object_get(phase2, "sweeps"), i, sweep) {
		const json_t *table = find_table(phase2, text_of(sweep, "name"), "calls");

		if (strcmp(text_of(sweep, "about"), component))
			continue;
		json_array_foreach (json_object_get(table, "rows"), j, row) {
			double p50 = json_number_value(cell(table, row, "p50"));

			if (p50 <= most)
				continue;
			most = p50;
			snprintf(text, bytes, "%s: median %.3g us at %s",
				 cell_text(table, row, "function"), p50 / 1e3,
				 cell_text(table, row, "point"));
		}
	}
}

/* Phase 4 knows the component of each hot function. */
static bool grows_in(const json_t *phase4, const char *function, const char *component)
{
	const json_t *group, *row;
	const char *over;
	json_t *scaling;
	size_t i, j;

	json_object_foreach ((json_t *)json_object_get(phase4, "scaling"), over, scaling) {
		json_array_foreach (json_object_get(scaling, "groups"), i, group) {
			json_array_foreach (json_object_get(group, "rows"), j, row) {
				if (!strcmp(text_of(row, "name"), function) &&
				    !strcmp(text_of(row, "component"), component))
					return true;
			}
		}
	}
	return false;
}

/* Phase 1 knows the component of each function that costs. */
static bool is_of(const json_t *phase1, const char *function, const char *component)
{
	const json_t *table = find_table(phase1, "shares", "functions"), *row;
	size_t i;

	json_array_foreach (json_object_get(table, "rows"), i, row) {
		if (!strcmp(cell_text(table, row, "function"), function) &&
		    !strcmp(cell_text(table, row, "component"), component))
			return true;
	}
	return false;
}

/* The line of the component's functions with most own time. */
static void find_line(json_t *const summaries[MATRIX_PHASES], const char *component, char *text,
		      size_t bytes)
{
	const json_t *table = find_table(summaries[2], "lines", "lines"), *row;
	double most = 0;
	size_t i;

	snprintf(text, bytes, NOT_MEASURED);
	json_array_foreach (json_object_get(table, "rows"), i, row) {
		double self = share_of(cell(table, row, "self"));

		const char *function = cell_text(table, row, "function");

		if (!is_of(summaries[0], function, component) &&
		    !grows_in(summaries[3], function, component))
			continue;
		if (most == 0)
			snprintf(text, bytes, "no sample in lines of %s", function);
		if (self <= most)
			continue;
		most = self;
		snprintf(text, bytes, "%s:%" JSON_INTEGER_FORMAT " (%.2g %%)",
			 cell_text(table, row, "file"),
			 json_integer_value(cell(table, row, "line")), self * 100);
	}
}

/* The growth of the component over the first thing that was varied. */
static void find_growth(const json_t *phase4, const char *component, char *text, size_t bytes)
{
	const json_t *group, *row;
	const char *over;
	json_t *scaling;
	size_t i, j;

	snprintf(text, bytes, NOT_MEASURED);
	json_object_foreach ((json_t *)json_object_get(phase4, "scaling"), over, scaling) {
		json_array_foreach (json_object_get(scaling, "groups"), i, group) {
			json_array_foreach (json_object_get(group, "rows"), j, row) {
				const json_t *time = json_object_get(row, "time");
				const json_t *interval = json_object_get(time, "interval");

				if (strcmp(text_of(row, "kind"), "component") ||
				    strcmp(text_of(row, "name"), component) ||
				    !json_object_get(time, "class"))
					continue;
				snprintf(text, bytes, "%s in %s, exponent %.2f (%.2f to %.2f)%s",
					 text_of(time, "class"), over,
					 json_number_value(json_object_get(time, "exponent")),
					 json_number_value(json_array_get(interval, 0)),
					 json_number_value(json_array_get(interval, 1)),
					 json_array_size(json_object_get(time, "rivals"))
						 ? ", has rivals"
						 : "");
				return;
			}
		}
	}
}

static void add_row(json_t *table, json_t *const summaries[MATRIX_PHASES], const char *component,
		    const json_t *share)
{
	double low = json_number_value(json_array_get(share, 1));
	double priority = matrix_priority(share_of(share), low);
	json_t *row = document_row(table);
	char text[512];

	document_text(row, component);
	json_array_append(row, (json_t *)share);
	find_finding(summaries[1], component, text, sizeof(text));
	document_text(row, text);
	find_line(summaries, component, text, sizeof(text));
	document_text(row, text);
	find_growth(summaries[3], component, text, sizeof(text));
	document_text(row, text);
	document_number(row, isinf(priority) ? NAN : priority); /* no bound: empty */
}

/* An empty priority has no bound. */
static double priority_of(const json_t *row)
{
	const json_t *priority = json_array_get(row, 5);

	return json_is_number(priority) ? json_number_value(priority) : INFINITY;
}

static int by_priority(const void *a, const void *b)
{
	double first = priority_of(*(json_t *const *)a);
	double second = priority_of(*(json_t *const *)b);

	return (first < second) - (first > second);
}

/* Puts the highest priority first. */
static void sort_rows(json_t *table)
{
	json_t *rows = json_object_get(table, "rows"), *row;
	size_t count = json_array_size(rows), i;
	json_t **sorted = xcalloc(count, sizeof(json_t *));

	json_array_foreach (rows, i, row) {
		sorted[i] = json_incref(row);
	}
	qsort(sorted, count, sizeof(json_t *), by_priority);
	json_array_clear(rows);
	for (i = 0; i < count; i++)
		json_array_append_new(rows, sorted[i]);
	free(sorted);
}

static json_t *put_together(json_t *const summaries[MATRIX_PHASES])
{
	static const struct document_column columns[] = {
		{"bottleneck", "bottleneck", "text", NULL},
		{"share", "phase 1: of CPU time", "share", NULL},
		{"finding", "phase 2: slowest median", "text", NULL},
		{"line", "phase 3: line", "text", NULL},
		{"growth", "phase 4: scaling", "text", NULL},
		{"priority", "priority", "number", NULL},
	};
	const json_t *shares = find_table(summaries[0], "shares", "components"), *row;
	json_t *document = document_new("Bottleneck matrix"), *section, *table;
	bool is_complete = true;
	size_t i;

	section = document_section(document, "matrix", "Bottlenecks");
	document_say(section,
		     "Priority is gain x confidence / effort: the gain is 1 / (1 - share) - 1, "
		     "the most there is to win (Amdahl); the confidence is the lower bound of "
		     "the share by the share; the effort is 1, for nothing measures it.");
	table = document_table(section, "matrix", "Components by what the four phases say", columns,
			       6);
	json_array_foreach (json_object_get(shares, "rows"), i, row) {
		add_row(table, summaries, cell_text(shares, row, "component"),
			cell(shares, row, "share"));
	}
	sort_rows(table);
	json_array_foreach (json_object_get(json_object_get(summaries[0], "report"), "trust"), i,
			    row) {
		document_add_trust(document, text_of(row, "text"),
				   json_is_true(json_object_get(row, "bad")));
	}
	for (int phase = 1; phase <= MATRIX_PHASES; phase++)
		if (strcmp(text_of(summaries[phase - 1], "status"), "success")) {
			is_complete = false;
			document_note(section, "Phase %d %s.", phase,
				      summaries[phase - 1] ? "did not measure all that was planned"
							   : "was not measured");
		}
	document_set_verdict(document, is_complete ? "measured" : "doubtful",
			     is_complete ? "All four phases measured what they planned."
					 : "Not all four phases measured what they planned.");
	return document;
}

json_t *matrix_document(const char *folder, struct error *error)
{
	json_t *summaries[MATRIX_PHASES] = {NULL}, *document = NULL;
	bool is_bad = false;

	if (access(folder, X_OK)) {
		fail(error, -errno, "cannot read the results of the phases in %s: %m", folder);
		return NULL;
	}
	for (int i = 0; i < MATRIX_PHASES && !is_bad; i++) {
		summaries[i] = read_summary(folder, i + 1, error);
		is_bad = !summaries[i] && error->text[0];
	}
	if (!is_bad && !summaries[0])
		fail(error, -EINVAL, "%s has no summary of phase 1 (scripts/run_phase1_profiling)",
		     folder);
	else if (!is_bad)
		document = put_together(summaries);
	for (int i = 0; i < MATRIX_PHASES; i++)
		json_decref(summaries[i]);
	return document;
}
