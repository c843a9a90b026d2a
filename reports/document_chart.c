/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * document_chart: the data of a report's charts, and the charts of that data; see document.h.
 *
 *   durations  functions: [{name, calls, least, mean_ns, marks_ns: [p50, p90, p99, p99.9,
 *              max],
 *              bars: [[from_ns, to_ns, calls]]}]
 *   series     series: [{name, unit, is_total, points: [[time_ns, value]]}], step_ends_ns: [ns]
 *
 * Series are thinned to what a chart can show: of the points that fall into one of POINTS equal
 * parts of time the least, the most and the last are kept.
 */
#include "reports/document.h"

#include "collector/base/xalloc.h"
#include "reports/calls_draw.h"
#include "reports/series.h"

enum {
	FUNCTIONS = 6,
	POINTS = 400,
	STEPS = 2000
};

static json_t *clean(const char *text)
{
	struct obstack memory;
	json_t *json;

	obstack_init(&memory);
	json = json_string(text_clean(&memory, text, 200));
	obstack_free(&memory, NULL);
	return json;
}

/* ---- durations ------------------------------------------------------------------------------- */

static json_t *histogram_json(const struct calls_histogram *histogram)
{
	json_t *marks = json_array(), *bars = json_array();

	for (int i = 0; i < CALLS_MARKS; i++)
		json_array_append_new(marks, json_real(histogram->marks_ns[i]));
	for (uint32_t i = 0; i < histogram->count; i++)
		json_array_append_new(bars, json_pack("[f, f, I]", histogram->bars[i].from_ns,
						      histogram->bars[i].to_ns,
						      (json_int_t)histogram->bars[i].count));
	return json_pack("{s:o, s:I, s:b, s:f, s:o, s:o}", "name", clean(histogram->name), "calls",
			 (json_int_t)histogram->calls, "least", histogram->is_least, "mean_ns",
			 histogram->mean_ns, "marks_ns", marks, "bars", bars);
}

json_t *document_durations_chart(const struct report *report)
{
	json_t *functions = json_array();
	struct calls calls;

	calls_measure(&calls, report);
	for (uint32_t i = 0; i < calls.count && json_array_size(functions) < FUNCTIONS; i++) {
		struct calls_histogram histogram;

		if (!calls.rows[i].sum.returns || !calls.rows[i].bucket_count)
			continue;
		calls_histogram_init(&histogram, &calls.rows[i]);
		json_array_append_new(functions, histogram_json(&histogram));
		calls_histogram_done(&histogram);
	}
	calls_done(&calls);
	if (json_array_size(functions))
		return json_pack("{s:s, s:o}", "kind", "durations", "functions", functions);
	json_decref(functions);
	return NULL;
}

static double real_at(const json_t *array, size_t i)
{
	return json_number_value(json_array_get(array, i));
}

static void read_histogram(const json_t *json, struct calls_histogram *histogram)
{
	const json_t *bars = json_object_get(json, "bars"), *bar;
	size_t i;

	*histogram = (struct calls_histogram){
		.name = json_string_value(json_object_get(json, "name")),
		.calls = (uint64_t)json_integer_value(json_object_get(json, "calls")),
		.is_least = json_is_true(json_object_get(json, "least")),
		.mean_ns = json_number_value(json_object_get(json, "mean_ns")),
		.bars = xcalloc(json_array_size(bars), sizeof(*histogram->bars)),
	};
	for (i = 0; i < CALLS_MARKS; i++)
		histogram->marks_ns[i] = real_at(json_object_get(json, "marks_ns"), i);
	json_array_foreach (bars, i, bar) {
		histogram->bars[histogram->count++] =
			(struct calls_bar){real_at(bar, 0), real_at(bar, 1),
					   (uint64_t)json_integer_value(json_array_get(bar, 2))};
	}
}

static void draw_durations(const json_t *chart, FILE *stream)
{
	const json_t *functions = json_object_get(chart, "functions");
	uint32_t count = (uint32_t)json_array_size(functions);
	struct calls_histogram *histograms = xcalloc(count, sizeof(*histograms));

	for (uint32_t i = 0; i < count; i++)
		read_histogram(json_array_get(functions, i), &histograms[i]);
	calls_draw(histograms, count, "Durations of calls", true, stream);
	for (uint32_t i = 0; i < count; i++)
		calls_histogram_done(&histograms[i]);
	free(histograms);
}

/* ---- series ---------------------------------------------------------------------------------- */

static void append_point(json_t *points, const struct profile_point *point)
{
	json_array_append_new(
		points, json_pack("[I, I]", (json_int_t)point->time_ns, (json_int_t)point->value));
}

/* Appends the least, most and last of points @from to @to, in order of time. */
static void append_part(json_t *points, const struct series_curve *curve, size_t from, size_t to)
{
	size_t least = from, most = from;

	for (size_t i = from; i < to; i++) {
		if (curve->points[i].value < curve->points[least].value)
			least = i;
		if (curve->points[i].value > curve->points[most].value)
			most = i;
	}
	for (size_t i = from; i < to; i++)
		if (i == to - 1 || (!curve->is_total && (i == least || i == most)))
			append_point(points, &curve->points[i]);
}

static json_t *thinned(const struct series_curve *curve)
{
	const struct profile_point *first = curve->points;
	uint64_t span_ns = first[curve->count - 1].time_ns - first->time_ns;
	json_t *points = json_array();
	size_t from = 1;

	append_point(points, first);
	while (from < curve->count) {
		uint64_t part = (first[from].time_ns - first->time_ns) * POINTS / (span_ns + 1);
		size_t to = from + 1;

		while (to < curve->count &&
		       (first[to].time_ns - first->time_ns) * POINTS / (span_ns + 1) == part)
			to++;
		append_part(points, curve, from, to);
		from = to;
	}
	return points;
}

static json_t *step_ends(const struct report *report)
{
	size_t count = report->profile->steps_count, stride = 1 + count / STEPS;
	json_t *ends = json_array();

	for (size_t i = stride - 1; i < count; i += stride)
		json_array_append_new(ends,
				      json_integer((json_int_t)report->profile->steps[i].end_ns));
	return ends;
}

json_t *document_series_chart(const struct report *report, bool memory_only)
{
	json_t *series = json_array();
	struct series_curve *curves;
	size_t count;

	curves = series_curves(report->profile, &count);
	for (size_t i = 0; i < count; i++)
		if (series_is_chosen(&curves[i], memory_only ? SERIES_MEMORY : SERIES_ALL))
			json_array_append_new(series, json_pack("{s:o, s:o, s:b, s:b, s:o}", "name",
								clean(curves[i].name), "unit",
								clean(curves[i].unit), "is_total",
								curves[i].is_total, "is_stairs",
								curves[i].is_stairs, "points",
								thinned(&curves[i])));
	free(curves);
	if (json_array_size(series))
		return json_pack("{s:s, s:o, s:o}", "kind", "series", "series", series,
				 "step_ends_ns", step_ends(report));
	json_decref(series);
	return NULL;
}

static struct profile_point *read_curve(const json_t *json, struct series_curve *curve)
{
	const json_t *points = json_object_get(json, "points"), *point;
	struct profile_point *rows = xcalloc(json_array_size(points), sizeof(*rows));
	size_t i;

	json_array_foreach (points, i, point) {
		rows[i].time_ns = (uint64_t)json_integer_value(json_array_get(point, 0));
		rows[i].value = json_integer_value(json_array_get(point, 1));
	}
	*curve = (struct series_curve){
		.name = json_string_value(json_object_get(json, "name")),
		.unit = json_string_value(json_object_get(json, "unit")),
		.is_total = json_is_true(json_object_get(json, "is_total")),
		.is_stairs = json_is_true(json_object_get(json, "is_stairs")),
		.points = rows,
		.count = json_array_size(points),
	};
	return rows;
}

static void draw_series(const json_t *chart, FILE *stream)
{
	const json_t *series = json_object_get(chart, "series");
	const json_t *ends = json_object_get(chart, "step_ends_ns");
	size_t count = json_array_size(series);
	struct series_curve *curves = xcalloc(count, sizeof(*curves));
	struct profile_point **points = xcalloc(count, sizeof(struct profile_point *));
	double *end_ns = xcalloc(json_array_size(ends), sizeof(*end_ns));

	for (size_t i = 0; i < count; i++)
		points[i] = read_curve(json_array_get(series, i), &curves[i]);
	for (size_t i = 0; i < json_array_size(ends); i++)
		end_ns[i] = real_at(ends, i);
	series_draw(curves, count, &(struct series_steps){end_ns, json_array_size(ends)},
		    "Series over time", true, stream);
	for (size_t i = 0; i < count; i++)
		free(points[i]);
	free(points);
	free(curves);
	free(end_ns);
}

void document_draw_chart(const json_t *chart, FILE *stream)
{
	const char *kind = json_string_value(json_object_get(chart, "kind"));

	if (!strcmp(kind, "durations"))
		draw_durations(chart, stream);
	else
		draw_series(chart, stream);
}
