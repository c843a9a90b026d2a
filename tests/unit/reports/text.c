/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/text.h"

#include <criterion/criterion.h>
#include <string.h>

static struct obstack memory;

static void init(void)
{
	obstack_init(&memory);
}

static void done(void)
{
	obstack_free(&memory, NULL);
}

TestSuite(text, .init = init, .fini = done);

Test(text, valid_text_is_left_as_it_is)
{
	static const char *const valid[] = {"", "main", "größe", "日本語", "\xf0\x9f\x94\xa5"};

	for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++)
		cr_assert_str_eq(text_clean(&memory, valid[i], 0), valid[i]);
}

#define BAD "\xef\xbf\xbd"

Test(text, what_xml_cannot_carry_is_replaced)
{
	static const char *const cases[][2] = {
		{"a\rb\x01", "a" BAD "b" BAD},	       /* control characters */
		{"a\nb\tc", "a b c"},		       /* white space */
		{"\x7f", BAD},			       /* delete */
		{"\xff", BAD},			       /* never in UTF-8 */
		{"\xc0\xaf", BAD BAD},		       /* longer than needed */
		{"\xed\xa0\x80", BAD BAD BAD},	       /* surrogate */
		{"\xef\xbf\xbf", BAD BAD BAD},	       /* noncharacter */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
		{"x\xe6\x97", "x" BAD BAD},	       /* cut */
		{"\xc2\x85", BAD BAD},		       /* C1 control */
		{"\u202e", BAD BAD BAD},	       /* turns the text around */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_str_eq(text_clean(&memory, cases[i][0], 0), cases[i][1], "case %zu", i);
}

Test(text, long_text_keeps_head_and_tail_within_the_limit)
{
	char name[10001], ended[] = "::last(int)";
	const char *clean;

	memset(name, 'x', 10000);
	name[10000] = '\0';
	memcpy(name, "std::", 5);
	memcpy(name + 10000 - strlen(ended), ended, strlen(ended));
	clean = text_clean(&memory, name, 256);
	cr_assert_eq(strlen(clean), 256);
	cr_assert_eq(strncmp(clean, "std::xxx", 8), 0);
	cr_assert_str_eq(clean + 256 - strlen(ended), ended);
	cr_assert(strstr(clean, "…"));
}

/* Cutting never leaves half a character, wherever it falls. */
Test(text, cutting_keeps_characters_whole)
{
	char name[400] = "";

	for (int i = 0; i < 100; i++)
		strcat(name, "日");
	for (size_t limit = 12; limit < 300; limit++) {
		const char *clean = text_clean(&memory, name, limit);

		cr_assert_leq(strlen(clean), limit);
		cr_assert_str_eq(text_clean(&memory, clean, 0), clean);
	}
}

Test(text, plain_text_has_question_marks_instead)
{
	cr_assert_str_eq(text_plain(&memory, "größe \x1b[31m\x9b\n", 0), "größe ?[31m? ");
}
