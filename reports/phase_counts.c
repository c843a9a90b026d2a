/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_counts: see phase_counts.h. */
#include "reports/phase_counts.h"

#include "reports/document.h"
#include "reports/finding.h"

#include <math.h>
#include <string.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

/* The first recording of a sweep that was read, -1 when there is none. */
static long find_recording(const struct scaling *scaling)
{
	for (size_t i = 0; i < scaling->sweep.count; i++)
		if (scaling->runs[i])
			return (long)i;
	return -1;
}

static void add_row(json_t *table, const struct scaling *scaling, size_t id,
		    const struct measured *run, double turns)
{
	const struct measured_name *name = scaling->names.rows[id];
	struct measured_function function = measured_function(run, id);
	json_t *row = document_row(table);

	document_text(row, name->name);
	document_text(row, scaling->map.names[name->component]);
	document_count(row, (uint64_t)function.all_calls);
	document_number(row, run->has_steps ? function.calls : NAN);
	document_number(row, turns > 0 ? function.all_calls / turns : NAN);
	document_text(row, function.is_whole ? "" : "a part: the probe was not there all the time");
}

void phase_add_counts(json_t *document, const struct scaling *scaling, const char *step,
		      const char *turn)
{
	char per_turn[100] = "calls per turn";
	const struct document_column columns[] = {
		{"function", "function", "code", NULL}, {"component", "component", "text", NULL},
		{"all", "calls", "count", NULL},	{"calls", "calls per step", "number", NULL},
		{"turn", per_turn, "number", NULL},	{"remark", "", "text", NULL},
	};
	json_t *section = document_section(document, "counts", "How often"), *table;
	long recording = find_recording(scaling);
	const struct measured *run;
	double turns;

	if (recording < 0) {
		document_miss(section, "there is no recording that counts calls");
		return;
	}
	run = scaling->runs[recording];
	turns = *turn ? sweep_result_count(&scaling->sweep.results[recording], turn) : -1;
	document_say(section,
		     "Every call was counted, in a run of its own: counting slows it down, "
		     "so no time is taken from it.");
	if (turns > 0)
		document_say(section, "A turn is one of the %.0f %.60s that the program printed.",
			     turns, turn);
	table = document_table(section, "counts", "Calls of the functions that were named", columns,
			       COLUMN_COUNT(columns));
	for (size_t id = 0; id < scaling->names.count; id++)
		if (measured_function(run, id).is_counted &&
		    !finding_is_function(scaling->names.rows[id]->name, step))
			add_row(table, scaling, id, run, turns);
}

static bool is_same(const json_t *left, const json_t *right, const char *key)
{
	return json_equal(json_object_get(left, key), json_object_get(right, key));
}

static json_t *find_row(const json_t *group, const json_t *wanted)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		if (is_same(row, wanted, "kind") && is_same(row, wanted, "name"))
			return row;
	}
	return NULL;
}

static void join_group(json_t *group, const json_t *counted)
{
	json_t *row, *calls;
	size_t i;

	json_array_foreach (json_object_get(counted, "rows"), i, row) {
		json_t *own = find_row(group, row);

		calls = json_object_get(row, "calls");
		if (own && calls)
			json_object_set(own, "calls", calls);
	}
}

void phase_join_counts(json_t *scaling, const json_t *counted)
{
	json_t *group, *other;
	size_t i, k;

	json_array_foreach (json_object_get(scaling, "groups"), i, group) {
		json_array_foreach (json_object_get(counted, "groups"), k, other) {
			if (is_same(group, other, "machine") && is_same(group, other, "others"))
				join_group(group, other);
		}
	}
}
