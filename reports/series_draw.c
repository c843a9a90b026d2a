/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series_draw: series as a chart; see series.h. */
#include "reports/series.h"

#include "collector/base/xalloc.h"
#include "reports/chart.h"
#include "reports/step_amounts.h"
#include "reports/text.h"

#include <math.h>

enum {
	MANY = 12 /* more panels than so many are lower */
};

static const struct table_column columns[] = {
	{.title = "series"},
	{.title = "at the end", .right = true},
	{.title = "mean", .right = true},
	{.title = "least", .right = true},
	{.title = "most", .right = true},
};

double *series_step_ends(const struct profile *profile, size_t *count)
{
	double *ends = xcalloc(profile->steps_count, sizeof(*ends));

	*count = profile->steps_count;
	for (size_t i = 0; i < *count; i++)
		ends[i] = (double)profile->steps[i].end_ns;
	return ends;
}

static void add_row(struct table *table, const struct series_curve *curve, struct obstack *memory)
{
	struct series_figures figures = series_measure(curve);
	char text[64];

	table_cell(table, "%s", text_clean(memory, curve->name, 40));
	table_cell(table, "%s", series_amount(curve, figures.last, false, text));
	table_cell(table, "%s", series_amount(curve, figures.mean, curve->is_total, text));
	table_cell(table, "%s", series_amount(curve, figures.least, curve->is_total, text));
	table_cell(table, "%s", series_amount(curve, figures.most, curve->is_total, text));
}

static bool has_stairs(const struct series_curve *curve)
{
	return curve->is_total || curve->is_stairs;
}

/* A level as it is; of a total its rate over each interval, cores as shares in percent. */
static struct chart_point *make_points(const struct series_curve *curve, double scale)
{
	struct chart_point *points = xcalloc(curve->count, sizeof(*points));

	for (size_t i = 0; i < curve->count; i++) {
		points[i].x = (double)curve->points[i].time_ns;
		points[i].y = has_stairs(curve) ? series_value(curve, i ? i : 1) * scale
						: (double)curve->points[i].value;
	}
	return points;
}

/* Labels of an axis carry only units that say how large the number is. */
static bool is_scaled(const char *unit)
{
	return !strcmp(unit, "bytes") || !strcmp(unit, "ns");
}

static void draw_panel(struct chart *chart, const struct series_curve *curve,
		       const struct series_steps *steps, struct obstack *memory)
{
	bool is_core = curve->is_total && !strcmp(curve->unit, "ns");
	struct series_figures figures = series_measure(curve);
	struct chart_axis y = {
		.low = 0,
		.high = curve->count < 2 ? figures.last : figures.most,
		.unit = is_core			 ? "%"
			: is_scaled(curve->unit) ? curve->unit
						 : "",
		.suffix = curve->is_total && !is_core ? "/s" : NULL,
	};
	struct chart_point *points;
	char title[120];

	if (is_core)
		y.high = y.high > 1.01e9 ? y.high / 1e7 : 100; /* 1 % more is jitter */
	if (figures.least < 0)
		y.low = figures.least;
	chart_axis_round(&y);
	snprintf(title, sizeof(title), "%s · %s%s", text_clean(memory, curve->name, 40),
		 is_core ? "share of the core" : text_clean(memory, curve->unit, 16),
		 curve->is_total && !is_core ? " a second" : "");
	chart_panel(chart, title, &y);
	if (curve->count > 1) {
		points = make_points(curve, is_core ? 1e-7 : 1);
		chart_line(chart, points, curve->count, has_stairs(curve), CHART_FIRST);
		free(points);
	}
	if (steps->count)
		chart_ticks(chart, steps->end_ns, steps->count);
}

/* From the first look to the last, of all curves together. */
static struct chart_axis time_axis(const struct series_curve *curves, size_t count)
{
	struct chart_axis axis = {.low = INFINITY, .high = 0, .unit = "ns"};

	for (size_t i = 0; i < count; i++) {
		axis.low = fmin(axis.low, (double)curves[i].points[0].time_ns);
		axis.high = fmax(axis.high, (double)curves[i].points[curves[i].count - 1].time_ns);
	}
	if (axis.high <= axis.low)
		axis.high = axis.low + 1e9;
	return axis;
}

void series_draw(const struct series_curve *curves, size_t count, const struct series_steps *steps,
		 const char *title, bool is_part, FILE *stream)
{
	struct chart_options options = {
		.title = title,
		.axis = "time since the start of the recording",
		.x = time_axis(curves, count),
		.panel_count = (int)count,
		.panel_height = count > MANY ? 44
				: count < 3  ? 180
					     : 72,
	};
	struct obstack memory;
	struct table twin;
	struct chart chart;
	char description[160];
	int length;

	obstack_init(&memory);
	table_init(&twin, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < count; i++)
		add_row(&twin, &curves[i], &memory);
	length = snprintf(description, sizeof(description),
			  "%zu series over time; totals are shown as rates.", count);
	if (steps->count)
		snprintf(description + length, sizeof(description) - length,
			 " Ticks at the bottom are the ends of steps%s.",
			 chart_tick_stride(steps->count) > 1 ? ", not all of them" : "");
	options.description = description;
	if (!is_part)
		options.twin = &twin;
	chart_begin(&chart, &options, stream);
	for (size_t i = 0; i < count; i++)
		draw_panel(&chart, &curves[i], steps, &memory);
	chart_end(&chart);
	table_done(&twin);
	obstack_free(&memory, NULL);
}

bool series_is_chosen(const struct series_curve *curve, enum series_choice choice)
{
	return choice == SERIES_ALL ||
	       (!curve->is_total && !strcmp(curve->unit, "bytes") &&
		strncmp(curve->name, STEP_AMOUNTS_PREFIX, strlen(STEP_AMOUNTS_PREFIX)) != 0);
}

bool series_draw_report(const struct report *report, enum series_choice choice, FILE *stream)
{
	char title[REPORT_COMMAND_LIMIT + 32];
	struct series_curve *curves;
	struct series_steps steps;
	struct obstack memory;
	size_t count, chosen = 0;
	double *ends;

	obstack_init(&memory);
	snprintf(title, sizeof(title), "%s · %s over time",
		 text_clean(&memory, report_command(report), REPORT_COMMAND_LIMIT),
		 choice == SERIES_MEMORY ? "memory" : "series");
	curves = series_curves(report->profile, &count);
	for (size_t i = 0; i < count; i++)
		if (series_is_chosen(&curves[i], choice))
			curves[chosen++] = curves[i];
	ends = series_step_ends(report->profile, &steps.count);
	steps.end_ns = ends;
	if (chosen)
		series_draw(curves, chosen, &steps, title, false, stream);
	free(curves);
	free(ends);
	obstack_free(&memory, NULL);
	return chosen;
}
