/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/thread_times.c. */
#include "reports/thread_times.h"
#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static void init(struct report *report)
{
	struct profile *profile = new_profile();
	uint32_t one = profile_thread_add(profile, 10, 10, "main");
	uint32_t two = profile_thread_add(profile, 10, 11, "worker");

	profile_thread_add(profile, 10, 12, "without times");
	profile_thread_times_add(profile, &(struct profile_thread_times){
						  one, 1000000, 400000, 390000, 100000, 450000, 7});
	profile_thread_times_add(profile, &(struct profile_thread_times){two, 2000000, 1000000,
									 990000, 0, 1000000, 2});
	profile_thread_times_add(
		profile, &(struct profile_thread_times){two, 500000, 500000, 500000, 0, 0, 1});
	report_init(report, profile);
}

static char text[4096];

static void write_text(const struct report *report)
{
	FILE *stream = fmemopen(text, sizeof(text), "w");

	thread_times_write(report, stream, 0, false);
	fclose(stream);
}

Test(thread_times, longest_lives_come_first_rows_of_a_thread_add_up_and_the_rest_is_said)
{
	struct report report;
	char *line;

	init(&report);
	write_text(&report);
	line = strstr(text, "worker");
	cr_assert_not_null(line);
	cr_assert_not_null(strstr(line, "2.50 ms  1.50 ms (60 %)"), "%s", text);
	line = strstr(line, "main");
	cr_assert_not_null(line, "%s", text);
	cr_assert_not_null(strstr(line, "50.0 µs (5 %)"), "what is not explained: %s", text);
	cr_assert_not_null(strstr(line, "2 threads"), "%s", text);
	cr_assert_null(strstr(text, "without times"));
	report_done(&report);
}

Test(thread_times, are_the_same_in_json)
{
	struct report report;
	json_t *array;

	init(&report);
	array = thread_times_json(&report);
	cr_assert_eq(json_array_size(array), 2);
	cr_assert_eq(json_integer_value(json_object_get(json_array_get(array, 0), "wall_ns")),
		     2500000);
	cr_assert_eq(
		json_integer_value(json_object_get(json_array_get(array, 1), "unexplained_ns")),
		50000);
	json_decref(array);
	report_done(&report);
}

Test(thread_times, a_profile_without_them_says_nothing)
{
	struct report report;

	report_init(&report, new_profile());
	write_text(&report);
	cr_assert_str_eq(text, "");
	cr_assert_null(thread_times_json(&report));
	report_done(&report);
}
