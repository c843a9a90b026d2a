/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_best: see phase_best.h. */
#include "reports/phase_best.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/engine.h"

#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	RUNS = 1000,
};

/* What the runs of a point took. */
struct cost {
	double median, least, most;
};

static struct cost cost_of(const struct scaling *scaling, size_t point)
{
	struct cost cost = {.median = INFINITY, .least = INFINITY};
	double values[RUNS];
	size_t count = 0;

	for (size_t i = 0; i < scaling->sweep.count && count < RUNS; i++) {
		if (!scaling->runs[i] || scaling->sweep.results[i].point != point)
			continue;
		values[count] = scaling->runs[i]->cpu_ns;
		cost.least = fmin(cost.least, values[count]);
		cost.most = fmax(cost.most, values[count++]);
	}
	if (count)
		cost.median = growth_median(values, count);
	return cost;
}

static bool is_number(const char *text)
{
	char *end;

	strtod(text, &end);
	return *text && !*end;
}

/* Whether a name is part of the configuration. */
static bool is_chosen(const struct scaling *scaling, const json_t *choose, const char *name)
{
	const json_t *point, *word;
	size_t i;

	json_array_foreach (choose, i, word) {
		if (!strcmp(json_string_value(word), name))
			return true;
	}
	json_array_foreach (scaling->sweep.points, i, point) {
		if (!is_number(json_string_value(json_object_get(point, name))))
			return !json_array_size(choose);
	}
	return false;
}

/* The part of a point that is configuration, or the part that is not. Owned by the caller. */
static json_t *part_of(const struct scaling *scaling, const json_t *choose, size_t index,
		       bool is_configuration)
{
	json_t *point = json_array_get(scaling->sweep.points, index), *part = json_object(), *value;
	const char *name;

	json_object_foreach (point, name, value) {
		if (is_chosen(scaling, choose, name) == is_configuration)
			json_object_set(part, name, value);
	}
	return part;
}

static void add_row(json_t *table, const struct scaling *scaling, const json_t *choose,
		    const json_t *work, const size_t best[2], struct cost least, struct cost next)
{
	json_t *row = document_row(table);
	char *label = sweep_point_label(work);

	document_text(row, *label ? label : "all");
	free(label);
	for (int i = 0; i < 2; i++) {
		json_t *part = part_of(scaling, choose, best[i], true);

		label = sweep_point_label(part);
		document_text(row, label);
		free(label);
		json_decref(part);
	}
	document_number(row, least.median);
	document_number(row, next.median / least.median);
	document_text(row, least.most < next.least ? "clear" : "cannot tell");
}

/* Compares all points that did the work of point @first; nothing when one before has done it. */
static void compare(json_t *table, const struct scaling *scaling, const json_t *choose,
		    size_t first)
{
	json_t *work = part_of(scaling, choose, first, false);
	struct cost costs[2] = {{.median = INFINITY}, {.median = INFINITY}};
	size_t best[2] = {0};
	bool is_done = false;

	for (size_t i = 0; i < json_array_size(scaling->sweep.points) && !is_done; i++) {
		json_t *other = part_of(scaling, choose, i, false);
		struct cost cost = cost_of(scaling, i);

		is_done = json_equal(work, other) && i < first;
		if (json_equal(work, other) && cost.median < costs[0].median) {
			costs[1] = costs[0];
			best[1] = best[0];
			costs[0] = cost;
			best[0] = i;
		} else if (json_equal(work, other) && cost.median < costs[1].median) {
			costs[1] = cost;
			best[1] = i;
		}
		json_decref(other);
	}
	if (!is_done && isfinite(costs[1].median))
		add_row(table, scaling, choose, work, best, costs[0], costs[1]);
	json_decref(work);
}

void phase_add_best(json_t *section, const struct scaling *scaling, const char *choose)
{
	static const struct document_column columns[] = {
		{"work", "work", "text", NULL},
		{"best", "best", "text", NULL},
		{"next", "next best", "text", NULL},
		{"cost", "CPU time of a run", "amount", "ns"},
		{"ratio", "times as fast as the next", "number", NULL},
		{"word", "verdict", "text", NULL},
	};
	json_t *list = engine_list(choose ? choose : ""), *table, *value;
	const char *name;
	bool is_any = false;

	json_object_foreach (json_array_get(scaling->sweep.points, 0), name, value) {
		is_any |= is_chosen(scaling, list, name);
	}
	if (is_any) {
		table = document_table(section, "best", "Best configurations", columns,
				       COLUMN_COUNT(columns));
		for (size_t i = 0; i < json_array_size(scaling->sweep.points); i++)
			compare(table, scaling, list, i);
	}
	json_decref(list);
}
