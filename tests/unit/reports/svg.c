/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/svg.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *written(void (*write)(FILE *stream, const void *what), const void *what)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	write(stream, what);
	fclose(stream);
	return text;
}

static void write_text(FILE *stream, const void *what)
{
	svg_text(stream, what, strlen(what));
}

static void write_number(FILE *stream, const void *what)
{
	svg_number(stream, *(const double *)what);
}

Test(svg, markup_in_text_is_escaped)
{
	static const char *const cases[][2] = {
		{"a<b>&c", "a&lt;b&gt;&amp;c"},
		{"]]>", "]]&gt;"},
		{"&amp;", "&amp;amp;"},
		{"\"'", "\"'"},
		{"", ""},
		{"<", "&lt;"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = written(write_text, cases[i][0]);

		cr_assert_str_eq(text, cases[i][1]);
		free(text);
	}
}

Test(svg, numbers_have_at_most_two_decimals_and_no_trailing_zero)
{
	static const struct {
		double number;
		const char *text;
	} cases[] = {{12, "12"},     {12.5, "12.5"}, {12.345, "12.35"}, {0.05, "0.05"},
		     {1176, "1176"}, {0.999, "1"},   {99.1, "99.1"},	{-101.52, "-101.52"},
		     {-0.5, "-0.5"}, {-0.001, "0"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = written(write_number, &cases[i].number);

		cr_assert_str_eq(text, cases[i].text);
		free(text);
	}
}
