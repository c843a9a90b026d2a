/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/collector/import_text.h"

#include <errno.h>

static void read_folded(const char *text, size_t bytes)
{
	FILE *stream = import_text_open(text, bytes);

	cr_assert_eq(import_folded(&import, stream, "samples", "count", NULL), 0);
	fclose(stream);
}

static void read_text(const char *text)
{
	read_folded(text, strlen(text));
}

TestSuite(import_folded, .fini = import_text_done);

Test(import_folded, a_line_is_as_many_samples_as_its_count)
{
	int in_step = 0;

	read_text("main;step 3\nmain 2\n");
	cr_assert_eq(import.samples, 5);
	cr_assert_eq(import.skipped, 0);
	cr_assert_eq(taken_count, 5);
	for (size_t i = 0; i < taken_count; i++)
		in_step += !strcmp(stack_text(taken[i].stack), "main;step");
	cr_assert_eq(in_step, 3);
}

Test(import_folded, lines_without_a_count_are_skipped_and_the_first_is_known)
{
	read_text("main;step 3\nmain;step\nmain;step x\n\nmain;step 0\nmain -2\n 4\n");
	cr_assert_eq(import.samples, 3);
	cr_assert_eq(import.first_skipped, 2);
	cr_assert_geq(import.skipped, 5);
}

Test(import_folded, names_keep_spaces_and_a_fraction_is_rounded)
{
	read_text("main;operator new [] (unsigned long) 7;x 1.6\n");
	cr_assert_eq(import.samples, 2);
	cr_assert_str_eq(stack_text(taken[0].stack), "main;operator new [] (unsigned long) 7;x");
}

Test(import_folded, a_zero_byte_is_a_question_mark)
{
	read_folded("a\0b;c 1\n", 8);
	cr_assert_eq(import.samples, 1);
	cr_assert_str_eq(stack_text(taken[0].stack), "a?b;c");
}

Test(import_folded, the_mark_of_utf8_is_no_part_of_the_first_name)
{
	read_text("\xef\xbb\xbfmain;step 1\n\xef\xbb\xbfmain 1\n");
	cr_assert_eq(import.samples, 2);
	cr_assert_str_eq(stack_text(taken[0].stack), "main;step");
	cr_assert_str_eq(stack_text(taken[1].stack), "\xef\xbb\xbfmain");
}

Test(import_folded, counts_that_together_are_no_number_are_refused)
{
	static const char text[] = "a;b 5000000000000000000\na;c 5000000000000000000\n";
	FILE *stream = import_text_open(text, strlen(text));
	struct error error;

	cr_assert_eq(import_folded(&import, stream, "samples", "count", &error), -EINVAL);
	cr_assert(strstr(error.text, "together"), "%s", error.text);
	fclose(stream);
}

Test(import_folded, two_counts_in_every_line_are_refused)
{
	static const char text[] = "main;a 3 5\nmain;b 0 2\n# made by difffolded\nmain;c 4 0\n";
	FILE *stream = import_text_open(text, strlen(text));
	struct error error;

	cr_assert_eq(import_folded(&import, stream, "samples", "count", &error), -EINVAL);
	cr_assert(strstr(error.text, "two counts"), "%s", error.text);
	cr_assert_eq(import.samples, 0);
	fclose(stream);
}

Test(import_folded, a_name_may_end_in_a_number)
{
	read_text("main;worker 3 5\nmain;b 2\n");
	cr_assert_eq(import.samples, 7);
	cr_assert_str_eq(stack_text(taken[0].stack), "main;worker 3");
}

Test(import_folded, the_last_line_needs_no_end)
{
	read_text("main 1");
	cr_assert_eq(import.samples, 1);
}

Test(import_folded, counts_beyond_all_samples_are_values)
{
	read_text("main;a 3000000000\nmain;b 1000000000\n");
	cr_assert_eq(taken_count, 2);
	cr_assert_eq(taken[0].value + taken[1].value, 4000000000);
}

Test(import_folded, a_count_that_no_number_holds_is_skipped)
{
	read_text("main 99999999999999999999999\nmain 1e5\nmain 1\n");
	cr_assert_eq(import.samples, 1);
	cr_assert_eq(import.skipped, 2);
}

Test(import_folded, one_line_with_such_a_count_has_not_two)
{
	read_text("main;a 9223372036854775807\n");
	cr_assert_eq(import.samples, 0);
	cr_assert_eq(import.skipped, 1);
}

Test(import_folded, the_kernels_mark_is_taken_off_the_name)
{
	uint32_t frame;

	read_text("main;do_sys_read_[k] 1\n");
	frame = import.profile->stacks[taken[0].stack].frame;
	cr_assert_str_eq(stack_text(taken[0].stack), "main;do_sys_read");
	cr_assert_eq(import.profile->modules[import.profile->frames[frame].module].kind,
		     PROFILE_MODULE_KERNEL);
}

/* Frames are taken over from the line before where both have them whole. */
Test(import_folded, lines_that_begin_alike_keep_their_own_frames)
{
	static const char *const stacks[] = {"main;step;observe", "main;step;observed;x",
					     "main;step",	  "main;st;observe",
					     "main;step;observe", "m"};
	char text[400] = "";

	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		strcat(text, stacks[i]);
		strcat(text, i == 2 ? " 1\nmain;step;obs\n" : " 1\n");
	}
	read_text(text);
	cr_assert_eq(taken_count, 6);
	cr_assert_eq(import.skipped, 1);
	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		bool found = false;

		for (size_t k = 0; k < taken_count; k++)
			found = found || !strcmp(stack_text(taken[k].stack), stacks[i]);
		cr_assert(found, "%s", stacks[i]);
	}
	cr_assert_eq(import.profile->stacks_count, 9); /* and the empty one */
}
