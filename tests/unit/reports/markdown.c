/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/markdown.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(markdown, text_is_nothing_but_text)
{
	static const char *const cases[][2] = {
		{"step 12 %, a/b.c:46 (x)", "step 12 %, a/b.c:46 (x)"},
		{"<b>", "&#60;b&#62;"},
		{"a|b", "a&#124;b"},
		{"`x` *y* _z_", "&#96;x&#96; &#42;y&#42; \\_z\\_"},
		{"__a_b c__d", "\\_\\_a_b c\\_\\_d"},
		{"= x = {y}? 'z' n^2", "&#61; x = {y}? 'z' n^2"},
		{"@user #123 [x](y)", "&#64;user &#35;123 &#91;x&#93;(y)"},
		{"http://x www.y WWW.z", "http&#58;//x &#119;ww.y &#87;WW.z"},
		{"std::map; x", "std::map; x"},
		{"größe → 1", "größe → 1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = NULL;
		size_t bytes;
		FILE *stream = open_memstream(&text, &bytes);

		markdown_text(cases[i][0], stream);
		fclose(stream);
		cr_expect_str_eq(text, cases[i][1]);
		free(text);
	}
}
