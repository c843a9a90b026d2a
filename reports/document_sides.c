/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_sides: what a comparison's page has of each side beside what is compared; see
 * document_sections.h. */
#include "reports/document_sections.h"

#include "collector/base/xalloc.h"
#include "reports/phase_scaling.h"

enum {
	FUNCTIONS = 40
};

static const char *const names[] = {"Base", "New"};
static const char *const ids[] = {"base", "new"};

static void add_lines(json_t *document, const struct report *report)
{
	document_add_lines(document, report, &(struct document_options){0});
}

static void add_matrix(json_t *document, const struct report *report)
{
	struct call_tree *tree = call_tree_build(
		report->profile, &(struct call_tree_options){.metric = report->metric});
	struct functions functions;

	functions_measure(&functions, report->profile, tree, report->metric, &report->symbols,
			  FUNCTIONS_BY_SELF, FUNCTIONS);
	document_add_matrix(document, report, &functions);
	functions_done(&functions);
	call_tree_free(tree);
}

/* Appends @key's texts of @part, with the side before each. */
static void take_texts(json_t *section, const json_t *part, const char *key, int side)
{
	const json_t *text;
	size_t i;

	json_array_foreach (json_object_get(part, key), i, text) {
		if (!strcmp(key, "notes"))
			document_note(section, "%s: %s", names[side], json_string_value(text));
		else
			document_say(section, "%s: %s", names[side], json_string_value(text));
	}
}

static void take_tables(json_t *section, const json_t *part, int side)
{
	json_t *tables = json_object_get(section, "tables"), *table;
	size_t i;

	if (!tables) {
		tables = json_array();
		json_object_set_new(section, "tables", tables);
	}
	json_array_foreach (json_object_get(part, "tables"), i, table) {
		json_t *taken = json_copy(table);

		json_object_set_new(taken, "id",
				    json_sprintf("%s_%s", ids[side],
						 json_string_value(json_object_get(table, "id"))));
		json_object_set_new(
			taken, "caption",
			json_sprintf("%s: %s", names[side],
				     json_string_value(json_object_get(table, "caption"))));
		json_array_append_new(tables, taken);
	}
}

static void take_part(json_t *section, const json_t *part, int side)
{
	const char *missing = json_string_value(json_object_get(part, "missing"));
	json_t *chart;
	size_t i;

	if (missing)
		document_note(section, "%s: not measured: %s.", names[side], missing);
	take_texts(section, part, "text", side);
	take_tables(section, part, side);
	json_array_foreach (json_object_get(part, "charts"), i, chart) {
		document_say(section, "Chart: %s.", ids[side]);
		document_add_chart(section, json_incref(chart));
	}
	take_texts(section, part, "notes", side);
}

/* Appends the section that @add makes of the recordings. */
static void add_section(json_t *document,
			void (*add)(json_t *document, const struct report *report),
			const struct report *const sides[2])
{
	json_t *scratch[2], *parts[2], *section;

	for (int side = 0; side < 2; side++) {
		scratch[side] = document_new("");
		add(scratch[side], sides[side]);
		parts[side] = json_array_get(json_object_get(scratch[side], "sections"), 0);
	}
	section = document_section(document, json_string_value(json_object_get(parts[0], "id")),
				   json_string_value(json_object_get(parts[0], "title")));
	if (json_object_get(parts[0], "missing") && json_object_get(parts[1], "missing") &&
	    !json_object_get(parts[0], "charts") && !json_object_get(parts[1], "charts")) {
		document_miss(section, json_string_value(json_object_get(parts[0], "missing")));
	} else {
		document_say(section,
			     "Of one recording a side, the first: nothing here is tested.");
		for (int side = 0; side < 2; side++)
			take_part(section, parts[side], side);
	}
	json_decref(scratch[0]);
	json_decref(scratch[1]);
}

void document_add_sides(json_t *document, const struct report *base, const struct report *fresh,
			const json_t *scaling)
{
	const struct report *const sides[2] = {base, fresh};

	add_section(document, add_lines, sides);
	add_section(document, document_add_durations, sides);
	add_section(document, document_add_memory, sides);
	if (scaling)
		phase_add_scaling(document, "scaling", "Scaling", scaling);
	else
		document_miss(
			document_section(document, "scaling", "Scaling"),
			"runs of one size say nothing of others (collector sweep, then report "
			"--compare --scaling DIR)");
	add_section(document, add_matrix, sides);
}
