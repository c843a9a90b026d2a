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

/* Returns the most in a second of points at times in ms. */
static double most_of(const int64_t (*points)[2], size_t count)
{
	struct profile_point rows[8] = {0};

	for (size_t i = 0; i < count; i++) {
		rows[i].time_ns = (uint64_t)points[i][0] * 1000000;
		rows[i].value = points[i][1];
	}
	return series_most_in_a_second(
		&(struct series_curve){.is_total = true, .points = rows, .count = count});
}

#define MOST_OF(...)                                                                               \
	({                                                                                         \
		static const int64_t points[][2] = {__VA_ARGS__};                                  \
		most_of(points, sizeof(points) / sizeof(*points));                                 \
	})

Test(series, the_most_in_a_second_is_never_more_than_the_whole)
{
	cr_expect_float_eq(MOST_OF({100, 0}, {122, 1500}), 1500, 1e-9, "a rate of 22 ms is 68,000");
	cr_expect_float_eq(MOST_OF({100, 6000}, {200, 6000}), 6000, 1e-9, "before the first look");
	cr_expect_float_eq(MOST_OF({600, 10}, {1200, 30}, {1800, 70}, {2400, 80}), 40, 1e-9);
	cr_expect_float_eq(MOST_OF({2000, 100}, {6000, 500}), 100, 1e-9, "looks far apart");
}

Test(series, a_level_has_mean_and_extremes_and_a_total_has_rates)
{
	struct report report;

	init(&report);
	write_text(&report);
	expect("rss", "4.00 MiB 2.00 MiB 0 bytes 4.00 MiB");
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

/* What began later has nothing where the others have been already. */
Test(series, a_place_in_the_pictures_is_the_same_moment_in_all_rows)
{
	struct profile *profile = new_profile();
	uint32_t rss = profile_series(profile, "rss", "bytes", false);
	uint32_t threads = profile_series(profile, "threads", "threads", false);
	struct report report;

	profile_point_add(profile, rss, 0, 8);
	profile_point_add(profile, rss, 400, 8);
	profile_point_add(profile, threads, 200, 8);
	profile_point_add(profile, threads, 300, 8);
	report_init(&report, profile);
	write_text(&report);
	expect("rss", "████████████████████████████████");
	expect("threads", "8 threads ████████");
	cr_assert_null(strstr(text, "8 threads █████████"), "%s", text);
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

Test(series, what_is_live_is_added_up_from_its_changes_look_by_look)
{
	static const int64_t changes[][2] = {{10, 100}, {10, 50}, {20, -120}, {30, 70}};
	static const int64_t levels[][2] = {{0, 0}, {10, 150}, {20, 30}, {30, 100}, {60, 100}};
	struct series_figures figures;
	struct profile *profile = new_profile();
	struct series_curve *curves;
	uint32_t live = profile_metric_add(profile, "live", "bytes", 1);
	size_t count;

	profile->metrics[live].is_level = true;
	profile_set_number(profile, "duration_ns", 60);
	for (size_t i = 0; i < 4; i++) {
		xgrow(profile->changes, profile->changes_count, profile->changes_capacity);
		profile->changes[profile->changes_count++] =
			(struct profile_sample){.time_ns = (uint64_t)changes[i][0],
						.value = (uint64_t)changes[i][1],
						.metric = (uint16_t)live};
	}
	curves = series_curves(profile, &count);
	cr_assert_eq(count, 1);
	cr_assert_str_eq(curves[0].name, SERIES_LIVE);
	cr_assert(series_is_chosen(&curves[0], SERIES_MEMORY));
	cr_assert_eq(curves[0].count, 5);
	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq((int64_t)curves[0].points[i].time_ns, levels[i][0]);
		cr_assert_eq(curves[0].points[i].value, levels[i][1]);
	}
	/* It stays as it is from look to look. */
	cr_assert_eq(series_value(&curves[0], 1), 0);
	cr_assert_eq(series_value(&curves[0], 2), 150);
	figures = series_measure(&curves[0]);
	cr_assert_eq(figures.least, 0);
	cr_assert_eq(figures.most, 150);
	cr_assert_eq(figures.mean, (10 * 0 + 10 * 150 + 10 * 30 + 30 * 100) / 60.0);
	cr_assert_eq(figures.last, 100);
	free(curves);
	profile_free(profile);
}
