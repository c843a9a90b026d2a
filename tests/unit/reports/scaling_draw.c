/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/scaling_draw.c. */
#include "reports/scaling.h"

#include "collector/base/xalloc.h"

#include <criterion/criterion.h>

/* A sweep over sizes 10 ... 160 whose step takes 5 n, twice each, named @name. */
static json_t *make(const char *name)
{
	json_t *points = json_array(), *json;

	for (int size = 10; size <= 160; size *= 2)
		json_array_append_new(points,
				      json_pack("{s:f, s:f, s:f, s:f, s:i, s:[f, f]}", "size",
						(double)size, "median", 5.0 * size, "low",
						4.0 * size, "high", 6.0 * size, "runs", 2, "costs",
						4.0 * size, 6.0 * size));
	json = json_pack("{s:s, s:[{s:s, s:[{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:f, s:f, s:f, s:n, "
			 "s:[f, f, f, "
			 "f], s:[s], s:[[f, f]]}}]}]}",
			 "size", "agents", "groups", "others", "", "rows", "name", name, "kind",
			 "step", "component", "", "unit", "ns", "points", points, "time", "class",
			 "O(n)", "constant", 0.0, "factor", 5.0, "exponent", 1.0, "interval",
			 "local", 1.0, 1.0, 1.0, 1.0, "rivals", "O(n log n)", "rival_fits", 1.0,
			 0.8);
	cr_assert_not_null(json);
	return json;
}

static char *draw(const char *name)
{
	json_t *json = make(name);
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	scaling_draw(json, stream);
	fclose(stream);
	json_decref(json);
	return text;
}

static int count(const char *text, const char *what)
{
	int found = 0;

	while ((text = strstr(text, what))) {
		found++;
		text += strlen(what);
	}
	return found;
}

Test(scaling_draw, has_a_dot_for_each_run_a_line_for_the_fit_and_a_dotted_one_for_each_rival)
{
	char *svg = draw("step");

	cr_assert_eq(count(svg, "class=\"dot\""), 10);
	cr_assert_eq(count(svg, "class=\"first\""), 1);
	cr_assert_eq(count(svg, "class=\"third\""), 1);
	cr_assert_eq(count(svg, "class=\"shade\""), 1);
	cr_assert(strstr(svg, "step: O(n) or O(n log n), n^1.00"));
	cr_assert(strstr(svg, "size 20: median 100 ns of 2 runs, as n^1.00 from the size before"));
	free(svg);
}

/* On logarithmic axes a fit without a constant part is a straight line of slope 1. */
Test(scaling_draw, the_line_of_a_linear_cost_is_straight)
{
	char *svg = draw("step"), *path = strstr(svg, "class=\"first\""), *rest;
	double first[2], second[2], last[2];

	path = strstr(path, " d=\"M") + 5;
	first[0] = strtod(path, &rest);
	first[1] = strtod(rest, &rest);
	second[0] = last[0] = strtod(rest + 1, &rest);
	second[1] = last[1] = strtod(rest, &rest);
	while (*rest == 'L') {
		last[0] = strtod(rest + 1, &rest);
		last[1] = strtod(rest, &rest);
	}
	cr_assert_lt(last[1], first[1]);
	cr_assert_float_eq((second[1] - first[1]) / (second[0] - first[0]),
			   (last[1] - first[1]) / (last[0] - first[0]), 0.02);
	free(svg);
}

Test(scaling_draw, names_stay_names)
{
	char *svg = draw("</text><script>alert(1)</script>");

	cr_assert_null(strstr(svg, "<script>"));
	cr_assert(strstr(svg, "&lt;script&gt;"));
	free(svg);
}

Test(scaling_draw, a_sweep_without_measurements_is_an_empty_chart)
{
	json_t *json = json_pack("{s:s, s:[]}", "size", "agents", "groups");
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	scaling_draw(json, stream);
	fclose(stream);
	json_decref(json);
	cr_assert(strstr(text, "</svg>"));
	cr_assert_null(strstr(text, "nan"));
	cr_assert_null(strstr(text, "inf"));
	free(text);
}
