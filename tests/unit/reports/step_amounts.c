/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/step_amounts.h"

#include <criterion/criterion.h>
#include <math.h>

#include "tests/unit/reports/small_profile.h"

static struct profile *profile;
static struct steps steps;
static struct step_amounts amounts;

static void setup(void)
{
	profile = new_profile();
	profile_thread_add(profile, 10, 10, "main");
	profile_probe_add(profile, &(struct profile_probe){.mode = PROFILE_PROBE_STEP});
	for (uint64_t i = 0; i < 5; i++)
		profile_step_add(profile, &(struct profile_step){.thread = 1,
								 .start_ns = 1000 * i,
								 .end_ns = 1000 * i + 500});
	profile_point_add(profile, profile_series(profile, "rss", "bytes", false), 700, 4096);
}

static void measure(void)
{
	steps_measure(&steps, profile);
	step_amounts_measure(&amounts, profile, &steps);
}

static void teardown(void)
{
	step_amounts_done(&amounts);
	steps_done(&steps);
	profile_free(profile);
}

TestSuite(step_amounts, .init = setup, .fini = teardown);

Test(step_amounts, each_step_has_its_own_and_other_series_are_none)
{
	uint32_t series = profile_series(profile, "step allocated", "bytes", false);

	for (uint64_t i = 0; i < 5; i++)
		profile_point_add(profile, series, 1000 * i + 500, (int64_t)(100 * i));
	measure();
	cr_assert_eq(amounts.count, 1);
	cr_expect_str_eq(amounts.rows[0].name, "allocated");
	cr_expect_eq(amounts.rows[0].known, 5);
	for (int i = 0; i < 5; i++)
		cr_expect_eq(amounts.rows[0].values[i], 100 * i);
	cr_expect_eq(amounts.rows[0].mean, 200);
	cr_expect_eq(amounts.rows[0].median, 200);
	cr_expect_eq(amounts.rows[0].most, 400);
}

Test(step_amounts, what_was_not_counted_is_not_nothing)
{
	uint32_t series = profile_series(profile, "step lock-wait", "ns", false);

	profile_point_add(profile, series, 2500, 30);
	profile_point_add(profile, series, 4500, 50);
	measure();
	cr_assert_eq(amounts.count, 1);
	cr_expect_eq(amounts.rows[0].known, 2);
	cr_expect(isnan(amounts.rows[0].values[0]) && isnan(amounts.rows[0].values[3]));
	cr_expect_eq(amounts.rows[0].values[2], 30);
	cr_expect_eq(amounts.rows[0].values[4], 50);
	cr_expect_eq(amounts.rows[0].mean, 40);
}

Test(step_amounts, two_steps_that_end_at_once_keep_apart)
{
	uint32_t series = profile_series(profile, "step executions", "count", false);

	profile->steps[3].end_ns = 2500;
	profile_point_add(profile, series, 2500, 7);
	profile_point_add(profile, series, 2501, 8);
	measure();
	cr_expect_eq(amounts.rows[0].values[2], 7);
	cr_expect_eq(amounts.rows[0].values[3], 8);
}

/* Writes the line of what was allocated in steps of 0, 100, ... bytes; returns it, to be freed. */
static char *line(void)
{
	static const char *const names[] = {"allocated"};
	uint32_t series = profile_series(profile, "step allocated", "bytes", false);
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	for (uint64_t i = 0; i < 5; i++)
		profile_point_add(profile, series, 1000 * i + 500, (int64_t)(100 * i));
	step_amounts_write_lines(profile, names, 1, stream);
	fclose(stream);
	return text;
}

Test(step_amounts, a_line_says_of_which_steps_it_is_when_later_ones_are_missing)
{
	char *text;

	profile->probes[0].is_partial = true;
	text = line();
	cr_expect_not_null(strstr(text, "200 bytes allocated a step"), "%s", text);
	cr_expect_not_null(strstr(text, "(!) of 5 steps only, later ones are missing"), "%s", text);
	cr_expect_null(strstr(text, "about"), "%s", text);
	free(text);
}

Test(step_amounts, a_line_of_a_sample_is_an_estimate)
{
	char *text;

	profile_set_number(profile, "memory.rate", 1024);
	text = line();
	cr_expect_not_null(strstr(text, "about 200 bytes allocated a step"), "%s", text);
	cr_expect_null(strstr(text, "(!)"), "%s", text);
	free(text);
}
