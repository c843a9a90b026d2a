/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/ascii.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Writes the two halves of @text, cut at @cut, one after the other. */
static void check(const char *text, size_t cut, const char *wanted)
{
	char *found = NULL;
	size_t bytes;
	FILE *below = open_memstream(&found, &bytes), *stream = ascii_open(below);

	setvbuf(stream, NULL, _IONBF, 0);
	fwrite(text, 1, cut, stream);
	fwrite(text + cut, 1, strlen(text) - cut, stream);
	fclose(stream);
	fclose(below);
	cr_assert_str_eq(found, wanted, "cut at %zu: %s", cut, found);
	free(found);
}

Test(ascii, characters_become_what_reads_alike_wherever_the_text_is_cut)
{
	static const char text[] = "a → b · 3 ± 1 µs, … observe, ≤ 2× é 漢 😀\n";

	for (size_t cut = 0; cut < sizeof(text); cut++)
		check(text, cut, "a > b | 3 +- 1 us, ~ observe, <= 2x ? ? ?\n");
}

Test(ascii, bytes_that_are_no_text_become_question_marks)
{
	check("\x80\x80\x80\x80\x80x\xe2", 0, "?\?x?");
	check("\xc3\xc3z", 0, "??z");
}

Test(ascii, the_locale_decides)
{
	setenv("LC_ALL", "C", 1);
	cr_assert(ascii_is_wanted());
	setenv("LC_ALL", "C.UTF-8", 1);
	cr_assert_not(ascii_is_wanted());
	setenv("LC_ALL", "no_such.LOCALE", 1);
	cr_assert(ascii_is_wanted());
}
