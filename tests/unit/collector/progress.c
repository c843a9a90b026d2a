/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/progress.c. */
#include "collector/progress.h"

#include <criterion/criterion.h>

static char text[200];

/* @count steps of 10 ms from @start_ns on. */
static void add_steps(struct profile *profile, uint32_t count, uint64_t start_ns)
{
	for (uint32_t i = 0; i < count; i++, start_ns += 10000000)
		profile_step_add(profile, &(struct profile_step){.start_ns = start_ns,
								 .end_ns = start_ns + 9000000});
}

Test(progress, is_told_with_speed_of_the_last_seconds_and_time_that_is_left)
{
	struct profile *profile = profile_new();

	add_steps(profile, 100, 0);
	add_steps(profile, 200, 10000000000u); /* after a pause of nine seconds */
	progress_text(profile, 1000, 12000000000u, text, sizeof(text));
	cr_assert_str_eq(text,
			 "steps 300 of 1000 [######--------------]  30 %  100 steps/s, 7.0 s left");
	progress_text(profile, 0, 12000000000u, text, sizeof(text));
	cr_assert_str_eq(text, "steps 300  100 steps/s");
	progress_text(profile, 10, 12000000000u, text, sizeof(text));
	cr_assert_str_eq(text, "steps 300  100 steps/s", "there are more than was said");
	progress_text(profile, 1000000, 12000000000u, text, sizeof(text));
	cr_assert_not_null(strstr(text, "2.8 h left"), "%s", text);
	progress_text(profile, 1000, 20000000000u, text, sizeof(text));
	cr_assert_str_eq(text, "steps 300 of 1000 [######--------------]  30 %  0 steps/s");
	profile_free(profile);
}

Test(progress, total_is_that_of_the_programs_own_option)
{
	cr_assert_eq(progress_total_of((const char *[]){"sim", "--steps", "500", NULL}), 500);
	cr_assert_eq(progress_total_of((const char *[]){"sim", "--steps=70", NULL}), 70);
	cr_assert_eq(progress_total_of((const char *[]){"sim", "--steps", NULL}), 0);
	cr_assert_eq(progress_total_of((const char *[]){"sim", "--steps", "many", NULL}), 0);
	cr_assert_eq(progress_total_of((const char *[]){"sim", "--steps-more", "5", NULL}), 0);
}
