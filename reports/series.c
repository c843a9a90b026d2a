/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series: see series.h. */
#include "reports/series.h"

#include "collector/base/xalloc.h"
#include "reports/amount.h"
#include "reports/memory.h"
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

double series_value(const struct series_curve *curve, size_t i)
{
	const struct profile_point *point = &curve->points[i], *before = point - 1;

	if (!curve->is_total)
		return ((double)point->value + (double)before->value) / 2;
	return ((double)point->value - (double)before->value) /
	       ((double)(point->time_ns - before->time_ns) / 1e9);
}

static double duration_ns(const struct series_curve *curve, size_t i)
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
static void draw(const struct series_curve *curve, double most, char *picture)
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

			sum += series_value(curve, i) *
			       fmax(0, overlap(to - duration_ns(curve, i), to, at, all_ns));
			if (to > (at + 1) * all_ns / PICTURE)
				break;
		}
		height = most > 0 ? sum / (all_ns / PICTURE) / most * 8 : 0;
		strcat(picture, heights[height >= 7 ? 7 : height > 0 ? (int)height : 0]);
	}
}

const char *series_amount(const struct series_curve *curve, double value, bool is_rate,
			  char text[64])
{
	bool is_core = curve->is_total && !strcmp(curve->unit, "ns");
	struct obstack memory;

	if (isnan(value)) {
		*text = '\0';
	} else if (is_core && is_rate) {
		snprintf(text, 64, "%.0f %%", value / 1e7);
	} else {
		obstack_init(&memory);
		amount_format(value, text_plain(&memory, curve->unit, 16), text, 60);
		strcat(text, is_rate ? "/s" : "");
		obstack_free(&memory, NULL);
	}
	return text;
}

struct series_figures series_measure(const struct series_curve *curve)
{
	struct series_figures figures = {(double)curve->points[curve->count - 1].value, NAN, NAN,
					 NAN};
	double sum = 0, all_ns = 0;

	for (size_t i = 1; i < curve->count; i++) {
		double value = series_value(curve, i);

		figures.least = fmin(figures.least, value);
		figures.most = fmax(figures.most, value);
		sum += value * duration_ns(curve, i);
		all_ns += duration_ns(curve, i);
	}
	if (curve->count > 1)
		figures.mean = sum / all_ns;
	return figures;
}

static void write_row(struct table *table, const struct series_curve *curve)
{
	struct series_figures figures = series_measure(curve);
	char picture[4 * PICTURE] = "", text[64];
	bool is_total = curve->is_total;
	struct obstack memory;

	obstack_init(&memory);
	table_cell(table, "%s", text_plain(&memory, curve->name, 40));
	obstack_free(&memory, NULL);
	if (curve->count > 1)
		draw(curve, figures.most, picture);
	table_cell(table, "%s", series_amount(curve, figures.last, false, text));
	table_cell(table, "%s", series_amount(curve, figures.mean, is_total, text));
	table_cell(table, "%s", series_amount(curve, figures.least, is_total, text));
	table_cell(table, "%s", series_amount(curve, figures.most, is_total, text));
	table_cell(table, "%s", picture);
}

/* Adds up what became live and what was freed, a point for each look; returns their number. */
static size_t add_up_live(const struct profile *profile, struct profile_point *points)
{
	int metric = memory_live_metric(profile);
	int64_t level = 0;
	size_t count = 0;

	for (size_t i = 0; i < profile->changes_count && metric >= 0; i++) {
		const struct profile_sample *change = &profile->changes[i];

		if (change->metric != (uint32_t)metric)
			continue;
		level += (int64_t)change->value * (int64_t)profile->metrics[metric].period;
		count += !count || points[count - 1].time_ns != change->time_ns;
		points[count - 1] = (struct profile_point){
			.series = (uint32_t)profile->series_count,
			.time_ns = change->time_ns,
			.value = level,
		};
	}
	return count;
}

/* Points of one series lie together (profile_file.h). Behind the curves is room for the points of
 * the one that is not in the table. */
struct series_curve *series_curves(const struct profile *profile, size_t *count)
{
	size_t most = profile->series_count + 1, from = 0;
	struct series_curve *curves = xcalloc(
		1, most * sizeof(*curves) + profile->changes_count * sizeof(struct profile_point));
	struct series_curve live = {.name = SERIES_LIVE, .unit = "bytes"};
	struct profile_point *points = (struct profile_point *)(curves + most);

	*count = 0;
	for (uint32_t id = 0; id < profile->series_count; id++) {
		struct series_curve curve = {.name = profile->series[id].name,
					     .unit = profile->series[id].unit,
					     .is_total = profile->series[id].is_total,
					     .points = profile->points + from};

		while (from < profile->points_count && profile->points[from].series == id) {
			from++;
			curve.count++;
		}
		if (curve.count)
			curves[(*count)++] = curve;
	}
	live.points = points;
	live.count = add_up_live(profile, points);
	if (live.count)
		curves[(*count)++] = live;
	return curves;
}

void series_write(const struct report *report, FILE *stream, int width, bool colour)
{
	struct series_curve *curves;
	struct table table;
	size_t count;

	if (!report->profile->points_count)
		return;
	curves = series_curves(report->profile, &count);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < count; i++)
		write_row(&table, &curves[i]);
	table_write(&table, stream, width, colour);
	table_done(&table);
	free(curves);
}

json_t *series_json(const struct report *report)
{
	json_t *array = json_array();
	struct series_curve *curves;
	struct obstack memory;
	size_t count;

	obstack_init(&memory);
	curves = series_curves(report->profile, &count);
	for (size_t i = 0; i < count; i++) {
		json_t *points = json_array();

		for (size_t j = 0; j < curves[i].count; j++)
			json_array_append_new(
				points, json_pack("[I, I]", (json_int_t)curves[i].points[j].time_ns,
						  (json_int_t)curves[i].points[j].value));
		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:b, s:o}", "name",
						text_clean(&memory, curves[i].name, 0), "unit",
						text_clean(&memory, curves[i].unit, 0), "is_total",
						curves[i].is_total, "points", points));
	}
	free(curves);
	obstack_free(&memory, NULL);
	return array;
}
