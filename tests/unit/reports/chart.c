/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/chart.c. */
#include "reports/chart.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(chart, axes_end_on_round_numbers_of_their_unit)
{
	static const struct {
		struct chart_axis axis;
		double low, high;
	} cases[] = {
		{{.low = 3, .high = 97, .unit = ""}, 0, 100},
		{{.low = 40 << 20, .high = 185 << 20, .unit = "bytes"}, 0, 200 << 20},
		{{.low = 0, .high = 0, .unit = ""}, 0, 1},
		{{.low = 3, .high = 900, .is_logarithmic = true, .unit = "ns"}, 1, 1000},
		{{.low = 1000, .high = 1000, .is_logarithmic = true, .unit = "ns"}, 1000, 10000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct chart_axis axis = cases[i].axis;

		chart_axis_round(&axis);
		cr_expect_float_eq(axis.low, cases[i].low, 1e-6, "%zu: %g", i, axis.low);
		cr_expect_float_eq(axis.high, cases[i].high, 1e-6, "%zu: %g", i, axis.high);
	}
}

Test(chart, round_numbers_are_written_short)
{
	static const struct {
		double amount;
		struct chart_axis axis;
		const char *text;
	} cases[] = {
		{2500000, {.unit = "ns"}, "2.5 ms"}, {1e9, {.unit = "ns"}, "1 s"},
		{100e6, {.unit = "ns"}, "100 ms"},   {200 << 20, {.unit = "bytes"}, "200 MiB"},
		{10000, {.unit = ""}, "10 k"},	     {0, {.unit = ""}, "0"},
		{50, {.unit = "%"}, "50 %"},	     {300, {.unit = "", .suffix = "/s"}, "300/s"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[32];

		cr_expect_str_eq(chart_amount(cases[i].amount, &cases[i].axis, text), cases[i].text,
				 "%s", text);
	}
}

static const struct table_column columns[] = {{.title = "name"}, {.title = "n", .right = true}};

/* Draws @count points, which are 1 except for one peak, and returns the SVG. */
static char *draw(size_t count, size_t peak, bool with_table)
{
	struct chart_point *points = calloc(count, sizeof(*points));
	struct chart_options options = {.title = "<b>&",
					.description = "\"quoted\"",
					.axis = "x",
					.x = {.low = 0, .high = (double)count, .unit = ""},
					.panel_count = 1,
					.panel_height = 100};
	struct chart_axis y = {.low = 0, .high = 10, .unit = ""};
	struct chart chart;
	struct table twin;
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	table_init(&twin, columns, 2);
	table_cell(&twin, "a<b");
	table_cell(&twin, "%d", 1);
	for (size_t i = 0; i < count; i++)
		points[i] = (struct chart_point){(double)i, i == peak ? 10 : 1};
	options.twin = with_table ? &twin : NULL;
	chart_begin(&chart, &options, stream);
	chart_panel(&chart, "panel", &y);
	chart_line(&chart, points, count, false, CHART_FIRST);
	chart_end(&chart);
	fclose(stream);
	table_done(&twin);
	free(points);
	return text;
}

Test(chart, a_peak_among_many_points_is_seen_and_the_line_stays_small)
{
	char *few = draw(100, 50, false), *many = draw(1000000, 777777, false), *top;

	/* The panel begins 22 pixels below the top of a part. */
	top = strstr(many, "V22V");
	cr_expect(top || strstr(many, "V22\""), "the peak reaches the top of the panel");
	cr_expect(strlen(many) < 60000, "%zu bytes", strlen(many));
	cr_expect(strstr(few, " 22L"), "%s", few);
	free(few);
	free(many);
}

Test(chart, figures_are_a_table_and_text_stays_text)
{
	char *whole = draw(10, 5, true), *part = draw(10, 5, false);

	cr_expect(strstr(whole, "<title>&lt;b&gt;&amp;</title>"));
	cr_expect(strstr(whole, "aria-label=\"&quot;quoted&quot;\""));
	cr_expect(strstr(whole, "role=\"table\""));
	cr_expect(strstr(whole, ">a&lt;b</text>"));
	cr_expect_null(strstr(part, "role=\"table\""));
	cr_expect_null(strstr(part, "<?xml"));
	free(whole);
	free(part);
}

Test(chart, ticks_stay_apart)
{
	static const size_t cases[][2] = {
		{10, 1}, {168, 1}, {200, 2}, {1000, 10}, {1000000, 10000}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(chart_tick_stride(cases[i][0]), cases[i][1], "%zu: %zu", cases[i][0],
			     chart_tick_stride(cases[i][0]));
}
