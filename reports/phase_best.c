/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_best: see phase_best.h. */
#include "reports/phase_best.h"

#include "collector/base/xalloc.h"
#include "reports/document.h"
#include "reports/engine.h"
#include "reports/statistics.h"

#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	RUNS = 1000,
};

static const double level = 0.95;

/* Logarithms of the seconds that the bare runs of a point took. */
struct cost {
	double wall[RUNS], cpu[RUNS];
	double wall_mean, cpu_mean; /* INFINITY without a run */
	size_t count;
};

static void measure_cost(struct cost *cost, const struct scaling *scaling, size_t point)
{
	double wall = 0, cpu = 0;

	cost->count = 0;
	for (size_t i = 0; i < scaling->sweep.count && cost->count < RUNS; i++) {
		const struct sweep_result *run = &scaling->sweep.results[i];

		if (!run->is_bare || !run->is_done || run->point != point || run->seconds <= 0 ||
		    run->cpu_seconds <= 0)
			continue;
		cost->wall[cost->count] = log(run->seconds);
		cost->cpu[cost->count] = log(run->cpu_seconds);
		wall += cost->wall[cost->count];
		cpu += cost->cpu[cost->count++];
	}
	cost->wall_mean = cost->count ? wall / (double)cost->count : INFINITY;
	cost->cpu_mean = cost->count ? cpu / (double)cost->count : INFINITY;
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

/* The two points of least cost among those that did the same work, the best first. */
struct ranking {
	size_t points[2];
	struct cost costs[2];
};

static void add_row(json_t *table, const struct scaling *scaling, const json_t *choose,
		    const json_t *work, const struct ranking *ranking)
{
	const struct cost *best = &ranking->costs[0], *next = &ranking->costs[1];
	struct statistics_change change =
		statistics_groups(best->wall, best->count, next->wall, next->count, level);
	json_t *row = document_row(table);
	char *label = sweep_point_label(work);

	document_text(row, *label ? label : "all");
	free(label);
	for (int i = 0; i < 2; i++) {
		json_t *part = part_of(scaling, choose, ranking->points[i], true);

		label = sweep_point_label(part);
		document_text(row, label);
		free(label);
		json_decref(part);
	}
	document_number(row, 1e9 * exp(best->wall_mean));
	document_number(row, 1e9 * exp(best->cpu_mean));
	document_number(row, exp(change.estimate));
	document_number(row, isfinite(change.low) ? exp(change.low) : NAN);
	document_number(row, isfinite(change.high) ? exp(change.high) : NAN);
	document_number(row, exp(next->cpu_mean - best->cpu_mean));
	document_text(row, change.low > 0 ? "clear" : "cannot tell");
}

static void rank(struct ranking *ranking, size_t point, const struct cost *cost)
{
	int place = cost->wall_mean < ranking->costs[0].wall_mean ? 0 : 1;

	if (cost->wall_mean >= ranking->costs[1].wall_mean)
		return;
	if (!place) {
		ranking->costs[1] = ranking->costs[0];
		ranking->points[1] = ranking->points[0];
	}
	ranking->costs[place] = *cost;
	ranking->points[place] = point;
}

/* Compares all points that did the work of point @first; nothing when one before has done it. */
static void compare(json_t *table, const struct scaling *scaling, const json_t *choose,
		    size_t first)
{
	json_t *work = part_of(scaling, choose, first, false);
	struct ranking *ranking = xcalloc(1, sizeof(*ranking));
	struct cost *cost = xcalloc(1, sizeof(*cost));
	bool is_done = false;

	ranking->costs[0].wall_mean = ranking->costs[1].wall_mean = INFINITY;
	for (size_t i = 0; i < json_array_size(scaling->sweep.points) && !is_done; i++) {
		json_t *other = part_of(scaling, choose, i, false);

		is_done = json_equal(work, other) && i < first;
		if (json_equal(work, other)) {
			measure_cost(cost, scaling, i);
			rank(ranking, i, cost);
		}
		json_decref(other);
	}
	if (!is_done && isfinite(ranking->costs[1].wall_mean))
		add_row(table, scaling, choose, work, ranking);
	free(cost);
	free(ranking);
	json_decref(work);
}

void phase_add_best(json_t *section, const struct scaling *scaling, const char *choose)
{
	static const struct document_column columns[] = {
		{"work", "work", "text", NULL},
		{"best", "best", "text", NULL},
		{"next", "next best", "text", NULL},
		{"cost", "wall time of a run", "amount", "ns"},
		{"cpu", "CPU time of a run", "amount", "ns"},
		{"ratio", "wall: times as fast as the next", "number", NULL},
		{"low", "at least", "number", NULL},
		{"high", "at most", "number", NULL},
		{"cpu_ratio", "CPU: times as fast", "number", NULL},
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
