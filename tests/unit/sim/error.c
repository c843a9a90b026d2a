/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sentence and the code. */
#include "sim/error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(error, hands_the_code_through_and_writes_the_sentence)
{
	struct error error;
	cr_assert_eq(fail(&error, -7, "no %s, only %d", "bread", 3), -7);
	cr_assert_str_eq(error.text, "no bread, only 3");
	cr_assert_eq(fail(NULL, -8, "nobody asks"), -8);
}

Test(error, a_sentence_is_one_line_whatever_names_are_in_it)
{
	struct error error;
	fail(&error, -1, "cannot open %s; \u00e4ndere es", "a\nb\tc\033[1m");
	cr_assert_str_eq(error.text, "cannot open a?b?c?[1m; \u00e4ndere es");
}

Test(error, cuts_what_is_too_long)
{
	struct error error;
	char text[2000];
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	fail(&error, -1, "%s", text);
	cr_assert_eq(strlen(error.text), sizeof(error.text) - 1);
}
