/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/series.c. */
#include "reports/series.h"
#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

static char text[8192];

static void write_text(const struct report *report)
{
	FILE *stream = fmemopen(text, sizeof(text), "w");

	series_write(report, stream, 0, false);
	fclose(stream);
	/* How wide the columns are is the table's own business. */
	for (char *at = text; (at = strstr(at, "  "));)
		memmove(at, at + 1, strlen(at));
}

static void init(struct report *report)
{
	struct profile *profile = new_profile();
	uint32_t rss = profile_series(profile, "rss", "bytes", false);
	uint32_t faults = profile_series(profile, "faults", "faults", true);
	uint32_t core = profile_series(profile, "cpu-0", "ns", true);

	/* The level rises from 0 to 4 MiB; all faults come in the second half; the core is busy. */
	for (uint64_t i = 0; i <= 4; i++)
		profile_point_add(profile, rss, i * 100000000, (int64_t)i << 20);
	for (uint64_t i = 0; i <= 4; i++)
		profile_point_add(profile, faults, i * 100000000, i < 3 ? 0 : (int64_t)i * 10 - 20);
	for (uint64_t i = 0; i <= 4; i++)
		profile_point_add(profile, core, i * 100000000, (int64_t)i * 50000000);
	report_init(report, profile);
}

/* Expects that the row of @name has @wanted. */
static void expect(const char *name, const char *wanted)
{
	char *row = strstr(text, name), *end = row ? strchr(row, '\n') : NULL;

	cr_assert(row && end, "%s", text);
	*end = '\0';
	cr_assert_not_null(strstr(row, wanted), "%s", row);
	*end = '\n';
}

Test(series, a_level_has_mean_and_extremes_and_a_total_has_rates)
{
	struct report report;

	init(&report);
	write_text(&report);
	expect("rss", "4.00 MiB 2.00 MiB 512 KiB 3.50 MiB");
	expect("faults", "20 faults 50 faults/s 0 faults/s 100 faults/s");
	expect("cpu-0", "50 %");
	report_done(&report);
}

Test(series, the_picture_has_a_place_for_every_part_of_the_time)
{
	struct report report;

	init(&report);
	write_text(&report);
	expect("rss", "▂▂▂▂▂▂▂▂▄▄▄▄▄▄▄▄▆▆▆▆▆▆▆▆████████");
	expect("faults", "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁████████████████");
	expect("cpu-0", "████████████████████████████████");
	report_done(&report);
}

Test(series, one_point_is_a_value_without_a_curve)
{
	struct profile *profile = new_profile();
	struct report report;

	profile_point_add(profile, profile_series(profile, "rss", "bytes", false), 5, 4096);
	report_init(&report, profile);
	write_text(&report);
	expect("rss", "4.00 KiB");
	report_done(&report);
}

Test(series, json_has_all_points)
{
	struct report report;
	json_t *array, *rss;

	init(&report);
	array = series_json(&report);
	cr_assert_eq(json_array_size(array), 3);
	rss = json_array_get(array, 0);
	cr_assert_eq(json_array_size(json_object_get(rss, "points")), 5);
	cr_assert(json_is_true(json_object_get(json_array_get(array, 1), "is_total")));
	json_decref(array);
	report_done(&report);
}
