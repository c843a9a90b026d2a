/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series: see series.h. */
#include "reports/series.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/table.h"
#include "reports/text.h"

#include <math.h>

enum {
	PICTURE = 32 /* characters */
};

static const struct table_column columns[] = {
	{"series", .elastic = true},
	{"at the end", .right = true},
	{"mean", .right = true},
	{"least", .right = true, .dropped = 3},
	{"most", .right = true, .dropped = 2},
	{"from the first look to the last", .dropped = 1},
};

/* The points of one series; of a total, what is drawn is its rate between two points. */
struct curve {
	const struct profile_series *series;
	const struct profile_point *points;
	size_t count;
};

/* Returns the value of a curve in the interval that ends with point @i, from 1: of a level its mean
 * there, of a total its rate a second. */
static double value_at(const struct curve *curve, size_t i)
{
	const struct profile_point *point = &curve->points[i], *before = point - 1;

	if (!curve->series->is_total)
		return ((double)point->value + (double)before->value) / 2;
	return ((double)point->value - (double)before->value) /
	       ((double)(point->time_ns - before->time_ns) / 1e9);
}

static double duration_ns(const struct curve *curve, size_t i)
{
	return (double)(curve->points[i].time_ns - curve->points[i - 1].time_ns);
}

/* Returns how much of [from, to) lies in part @at of @all_ns. */
static double overlap(double from, double to, int at, double all_ns)
{
	double part_ns = all_ns / PICTURE;

	return fmin(to, (at + 1) * part_ns) - fmax(from, at * part_ns);
}

/* Draws the means over equal parts of time, in eight heights. */
static void draw(const struct curve *curve, double most, char *picture)
{
	static const char *const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	double start_ns = (double)curve->points[0].time_ns;
	double all_ns = (double)curve->points[curve->count - 1].time_ns - start_ns;
	size_t i = 1;

	*picture = '\0';
	for (int at = 0; at < PICTURE; at++) {
		double sum = 0, height;

		for (; i < curve->count; i++) {
			double to = (double)curve->points[i].time_ns - start_ns;

			sum += value_at(curve, i) *
			       fmax(0, overlap(to - duration_ns(curve, i), to, at, all_ns));
			if (to > (at + 1) * all_ns / PICTURE)
				break;
		}
		height = most > 0 ? sum / (all_ns / PICTURE) / most * 8 : 0;
		strcat(picture, heights[height >= 7 ? 7 : height > 0 ? (int)height : 0]);
	}
}

static void amount_cell(struct table *table, const struct curve *curve, double value, bool is_rate)
{
	bool is_core = curve->series->is_total && !strcmp(curve->series->unit, "ns");
	struct obstack memory;
	char text[64];

	/* CPU time a second is a share of a core. */
	if (is_core && is_rate) {
		table_cell(table, "%.0f %%", value / 1e7);
		return;
	}
	obstack_init(&memory);
	amount_format(value, text_plain(&memory, curve->series->unit, 16), text, sizeof(text));
	table_cell(table, "%s%s", text, is_rate ? "/s" : "");
	obstack_free(&memory, NULL);
}

static void write_row(struct table *table, const struct curve *curve)
{
	double least = INFINITY, most = -INFINITY, sum = 0, all_ns = 0;
	const struct profile_point *last = &curve->points[curve->count - 1];
	bool is_total = curve->series->is_total;
	char picture[4 * PICTURE];
	struct obstack memory;

	for (size_t i = 1; i < curve->count; i++) {
		least = fmin(least, value_at(curve, i));
		most = fmax(most, value_at(curve, i));
		sum += value_at(curve, i) * duration_ns(curve, i);
		all_ns += duration_ns(curve, i);
	}
	obstack_init(&memory);
	table_cell(table, "%s", text_plain(&memory, curve->series->name, 40));
	obstack_free(&memory, NULL);
	amount_cell(table, curve, (double)last->value, false);
	if (curve->count < 2) {
		for (int i = 0; i < 4; i++)
			table_cell(table, "%s", "");
		return;
	}
	draw(curve, most, picture);
	amount_cell(table, curve, sum / all_ns, is_total);
	amount_cell(table, curve, least, is_total);
	amount_cell(table, curve, most, is_total);
	table_cell(table, "%s", picture);
}

/* Returns the points of series @id; they lie together (profile_file.h). */
static struct curve find(const struct profile *profile, uint32_t id, size_t *from)
{
	struct curve curve = {.series = &profile->series[id], .points = profile->points + *from};

	while (*from < profile->points_count && profile->points[*from].series == id) {
		(*from)++;
		curve.count++;
	}
	return curve;
}

void series_write(const struct report *report, FILE *stream, int width, bool colour)
{
	const struct profile *profile = report->profile;
	struct table table;
	size_t from = 0;

	if (!profile->points_count)
		return;
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (uint32_t id = 0; id < profile->series_count; id++) {
		struct curve curve = find(profile, id, &from);

		if (curve.count)
			write_row(&table, &curve);
	}
	table_write(&table, stream, width, colour);
	table_done(&table);
}

json_t *series_json(const struct report *report)
{
	const struct profile *profile = report->profile;
	json_t *array = json_array();
	struct obstack memory;
	size_t from = 0;

	obstack_init(&memory);
	for (uint32_t id = 0; id < profile->series_count; id++) {
		struct curve curve = find(profile, id, &from);
		json_t *points = json_array();

		for (size_t i = 0; i < curve.count; i++)
			json_array_append_new(points, json_pack("[I, I]",
								(json_int_t)curve.points[i].time_ns,
								(json_int_t)curve.points[i].value));
		json_array_append_new(
			array, json_pack("{s:s, s:s, s:b, s:o}", "name",
					 text_clean(&memory, curve.series->name, 0), "unit",
					 text_clean(&memory, curve.series->unit, 0), "is_total",
					 curve.series->is_total, "points", points));
	}
	obstack_free(&memory, NULL);
	return array;
}
