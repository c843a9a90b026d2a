/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_scaling: see phase_scaling.h. */
#include "reports/phase_scaling.h"

#include "reports/amount.h"
#include "reports/document.h"
#include "reports/scaling.h"

#include <math.h>
#include <string.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	FITS = 3,
	TEXT_BYTES = 400
};

static const char *const fits[FITS] = {"time", "calls", "cost"};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static bool has_class(const json_t *row)
{
	for (int i = 0; i < FITS; i++)
		if (json_object_get(json_object_get(row, fits[i]), "class"))
			return true;
	return false;
}

/* Whether a row has a class, or a better reason than too few sizes to have none. */
static bool is_told(const json_t *row)
{
	return has_class(row) || json_object_get(json_object_get(row, "time"), "mixed");
}

static bool has_any_class(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (has_class(row))
			return true;
	}
	return false;
}

/* The first or the last size of a row: an object of size, median, ...; NULL without any. */
static const json_t *end_of(const json_t *row, bool is_last)
{
	const json_t *points = json_object_get(row, "points");

	return json_array_get(points, is_last ? json_array_size(points) - 1 : 0);
}

/* "50", or "48.3" of a size that was counted. */
static const char *size_text(const json_t *point, char text[32])
{
	double size = number_of(point, "size");

	snprintf(text, 32, size >= 100 || size == floor(size) ? "%.0f" : "%.1f", size);
	return text;
}

/* "2.06 ms at 1" */
static void add_end(json_t *cells, const json_t *row, bool is_last)
{
	const json_t *end = end_of(row, is_last);
	char amount[32], size[32], text[80] = "";

	if (end)
		snprintf(text, sizeof(text), "%s at %s",
			 amount_format(number_of(end, "median"), text_of(row, "unit"), amount,
				       sizeof(amount)),
			 size_text(end, size));
	document_text(cells, text);
}

/* @has_fits  else what would be their cells is empty */
static void add_row(json_t *table, const json_t *row, bool has_fits)
{
	const char *clock = json_string_value(json_object_get(row, "clock"));
	json_t *cells = document_row(table);
	char text[TEXT_BYTES];

	document_text(cells, text_of(row, "name"));
	snprintf(text, sizeof(text), "%s%s%s", text_of(row, "kind"), clock ? ", " : "",
		 clock ? clock : "");
	document_text(cells, text);
	document_text(cells, text_of(row, "component"));
	add_end(cells, row, false);
	add_end(cells, row, true);
	for (int i = 0; i < FITS; i++) {
		const json_t *fit = has_fits ? json_object_get(row, fits[i]) : NULL;

		document_text(cells, fit ? growth_describe(fit, text, sizeof(text)) : "");
	}
}

static void note_remarks(json_t *section, const json_t *rows)
{
	char text[TEXT_BYTES];
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (scaling_remark(row, text, sizeof(text)))
			document_note(section, "%s", text);
	}
}

/* Rows without a class are only named, unless there is none at all: then those of the whole, of
 * components and of named functions are shown, for the costs at their sizes. */
static void add_rows(json_t *section, const json_t *group)
{
	static const struct document_column columns[] = {
		{"what", "what", "code", NULL},
		{"kind", "kind", "text", NULL},
		{"component", "component", "text", NULL},
		{"smallest", "at the smallest", "text", NULL},
		{"largest", "at the largest", "text", NULL},
		{"growth", "growth", "text", NULL},
		{"calls", "calls", "text", NULL},
		{"cost", "cost of a call", "text", NULL},
	};
	const json_t *rows = json_object_get(group, "rows"), *row;
	json_t *table = document_table(section, "growth", text_of(group, "machine"), columns,
				       COLUMN_COUNT(columns));
	bool is_any = has_any_class(rows);
	char names[TEXT_BYTES] = "";
	size_t i;

	json_array_foreach (rows, i, row) {
		if (is_any ? is_told(row) : strcmp(text_of(row, "kind"), "self time") != 0)
			add_row(table, row, is_any);
		else if (is_any)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.60s",
				 *names ? ", " : "", text_of(row, "name"));
	}
	if (!is_any)
		document_note(section, "No classes of growth: those need %d sizes.",
			      GROWTH_SIZES_LEAST);
	if (*names)
		document_note(section, "With samples at too few sizes for a class: %s.", names);
	note_remarks(section, rows);
}

/* What one more of the size needs, between the smallest and the largest; nothing where no growth is
 * seen. */
static void note_memory(json_t *section, const char *over, const json_t *group)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		const json_t *first = end_of(row, false), *last = end_of(row, true);
		double sizes = number_of(last, "size") - number_of(first, "size");
		double bytes = number_of(last, "median") - number_of(first, "median");
		char amount[32], from[32], to[32];

		if (strcmp(text_of(row, "kind"), "memory") != 0 || sizes <= 0 || bytes <= 0 ||
		    !strcmp(text_of(json_object_get(row, "time"), "class"), "O(1)"))
			continue;
		document_note(section, "memory: %s for one more of %s, from %s to %s",
			      amount_format(bytes / sizes, "bytes", amount, sizeof(amount)), over,
			      size_text(first, from), size_text(last, to));
	}
}

void phase_add_scaling(json_t *document, const char *id, const char *title, const json_t *scaling)
{
	int extended = (int)json_integer_value(json_object_get(scaling, "extended"));
	json_t *section = document_section(document, id, title), *group, *limit;
	char text[TEXT_BYTES];
	size_t i, k;

	if (extended)
		document_say(section,
			     "In %d recording%s steps were marked in a first part only, to keep "
			     "the budget: wall times of a step there are of the time to the end "
			     "by the number of steps, less what was between those that were "
			     "marked in proportion.",
			     extended, extended == 1 ? "" : "s");
	json_array_foreach (json_object_get(scaling, "groups"), i, group) {
		add_rows(section, group);
		note_memory(section, text_of(scaling, "over"), group);
		json_array_foreach (json_object_get(group, "limits"), k, limit) {
			document_note(section, "%s", scaling_limit(limit, text, sizeof(text)));
		}
	}
}
