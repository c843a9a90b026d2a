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

	if (curve->is_stairs)
		return (double)before->value;
	if (!curve->is_total)
		return ((double)point->value + (double)before->value) / 2;
	return ((double)point->value - (double)before->value) /
	       ((double)(point->time_ns - before->time_ns) / 1e9);
}

static double duration_ns(const struct series_curve *curve, size_t i)
{
	return (double)(curve->points[i].time_ns - curve->points[i - 1].time_ns);
}

/* The time that all pictures show: a place is the same moment in each. */
struct span {
	double start_ns, part_ns;
};

static struct span span_of(const struct series_curve *curves, size_t count)
{
	double start_ns = INFINITY, end_ns = 0;

	for (size_t i = 0; i < count; i++) {
		start_ns = fmin(start_ns, (double)curves[i].points[0].time_ns);
		end_ns = fmax(end_ns, (double)curves[i].points[curves[i].count - 1].time_ns);
	}
	return (struct span){start_ns, (end_ns - start_ns) / PICTURE};
}

/* Draws the means over equal parts of time, in eight heights; nothing where there is no value. */
static void draw(const struct series_curve *curve, double most, const struct span *span,
		 char *picture)
{
	static const char *const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	size_t i = 1;

	*picture = '\0';
	for (int at = 0; at < PICTURE; at++) {
		double from = span->start_ns + at * span->part_ns, to = from + span->part_ns;
		double sum = 0, covered = 0, height;

		for (; i < curve->count; i++) {
			double end = (double)curve->points[i].time_ns;
			double overlap = fmin(end, to) - fmax(end - duration_ns(curve, i), from);

			sum += series_value(curve, i) * fmax(0, overlap);
			covered += fmax(0, overlap);
			if (end > to)
				break;
		}
		height = most > 0 && covered > 0 ? sum / covered / most * 8 : 0;
		strcat(picture, covered <= 0 ? " "
					     : heights[height >= 7  ? 7
						       : height > 0 ? (int)height
								    : 0]);
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

	for (size_t i = 0; i < curve->count && curve->count > 1; i++) {
		double value = (double)curve->points[i].value;

		if (curve->is_total && !i)
			continue;
		if (curve->is_total)
			value = series_value(curve, i);
		figures.least = fmin(figures.least, value);
		figures.most = fmax(figures.most, value);
	}
	for (size_t i = 1; i < curve->count; i++) {
		sum += series_value(curve, i) * duration_ns(curve, i);
		all_ns += duration_ns(curve, i);
	}
	if (curve->count > 1)
		figures.mean = sum / all_ns;
	return figures;
}

double series_most_in_a_second(const struct series_curve *curve)
{
	static const struct profile_point start;
	const struct profile_point *from = &start;
	double most = 0;

	for (size_t i = 0; i < curve->count; i++) {
		const struct profile_point *point = &curve->points[i];
		const struct profile_point *before = i ? point - 1 : &start;
		double ns;

		while (from != before && point->time_ns - from->time_ns > 1e9)
			from = from == &start ? curve->points : from + 1;
		ns = (double)(point->time_ns - from->time_ns);
		most = fmax(most, (double)(point->value - from->value) * (ns > 1e9 ? 1e9 / ns : 1));
	}
	return most;
}

static void write_row(struct table *table, const struct series_curve *curve,
		      const struct span *span)
{
	struct series_figures figures = series_measure(curve);
	char picture[4 * PICTURE] = "", text[64];
	bool is_total = curve->is_total;
	struct obstack memory;

	obstack_init(&memory);
	table_cell(table, "%s", text_plain(&memory, curve->name, 40));
	obstack_free(&memory, NULL);
	if (curve->count > 1)
		draw(curve, figures.most, span, picture);
	table_cell(table, "%s", series_amount(curve, figures.last, false, text));
	table_cell(table, "%s", series_amount(curve, figures.mean, is_total, text));
	table_cell(table, "%s", series_amount(curve, figures.least, is_total, text));
	table_cell(table, "%s", series_amount(curve, figures.most, is_total, text));
	table_cell(table, "%s", picture);
}

/* Puts a point behind the others, in place of one of the same time. */
static void put_level(const struct profile *profile, struct profile_point *points, size_t *count,
		      uint64_t time_ns, int64_t level)
{
	*count += !*count || points[*count - 1].time_ns != time_ns;
	points[*count - 1] = (struct profile_point){
		.series = (uint32_t)profile->series_count,
		.time_ns = time_ns,
		.value = level,
	};
}

/* Adds up what became live and what was freed: from 0 at the beginning, a point for each look that
 * saw a change, and what was left at the end. Returns their number, at most two more than changes.
 */
static size_t add_up_live(const struct profile *profile, struct profile_point *points)
{
	uint64_t end_ns = (uint64_t)profile_number(profile, "duration_ns", 0);
	int metric = memory_live_metric(profile);
	int64_t level = 0;
	size_t count = 0;

	for (size_t i = 0; i < profile->changes_count && metric >= 0; i++) {
		const struct profile_sample *change = &profile->changes[i];

		if (change->metric != (uint32_t)metric)
			continue;
		if (!count)
			put_level(profile, points, &count, 0, 0);
		level += (int64_t)change->value * (int64_t)profile->metrics[metric].period;
		put_level(profile, points, &count, change->time_ns, level);
	}
	if (count && end_ns > points[count - 1].time_ns)
		put_level(profile, points, &count, end_ns, level);
	return count;
}

/* Points of one series lie together (profile_file.h). Behind the curves is room for the points of
 * the one that is not in the table. */
struct series_curve *series_curves(const struct profile *profile, size_t *count)
{
	size_t most = profile->series_count + 1, from = 0;
	struct series_curve *curves =
		xcalloc(1, most * sizeof(*curves) +
				   (profile->changes_count + 2) * sizeof(struct profile_point));
	struct series_curve live = {.name = SERIES_LIVE, .unit = "bytes", .is_stairs = true};
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
	struct span span;
	size_t count;

	if (!report->profile->points_count)
		return;
	curves = series_curves(report->profile, &count);
	span = span_of(curves, count);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < count; i++)
		write_row(&table, &curves[i], &span);
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
				      json_pack("{s:s, s:s, s:b, s:b, s:o}", "name",
						text_clean(&memory, curves[i].name, 0), "unit",
						text_clean(&memory, curves[i].unit, 0), "is_total",
						curves[i].is_total, "is_stairs",
						curves[i].is_stairs, "points", points));
	}
	free(curves);
	obstack_free(&memory, NULL);
	return array;
}
