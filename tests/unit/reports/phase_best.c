/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/phase_best.h"

#include "reports/document.h"
#include "reports/finding.h"
#include "tests/unit/reports/small_sweep.h"

/* What the runs of two configurations take. */
struct taken {
	double safe_s[5], safe_cpu_s;
	double fast_s[5], fast_cpu_s;
	int runs; /* of each, at most five */
};

/* A report with the table of best configurations of the two, owned by the caller. */
static json_t *compare(const struct taken *taken)
{
	json_t *points = json_pack("[{s:s}, {s:s}]", "pragmas", "safe", "pragmas", "fast");
	json_t *document = document_new("");
	struct scaling scaling;
	char folder[SMALL_PATH], path[SMALL_PATH + 16];
	struct error error;

	new_folder(folder);
	new_sweep(folder, "database", json_incref(points), 0, taken->runs);
	for (int i = 0; i < 2 * taken->runs; i++) {
		bool is_fast = i % 2;
		char name[32];
		struct small_run run = {"database",
					name,
					json_array_get(points, is_fast),
					(is_fast ? taken->fast_s : taken->safe_s)[i / 2],
					is_fast ? taken->fast_cpu_s : taken->safe_cpu_s,
					NULL};

		snprintf(name, sizeof(name), "p%dr%db", is_fast + 1, i / 2 + 1);
		add_run(folder, &run);
	}
	json_decref(points);
	snprintf(path, sizeof(path), "%s/database", folder);
	cr_assert_eq(scaling_load(&scaling, path, NULL, &error), 0, "%s", error.text);
	phase_add_best(document_section(document, "database", ""), &scaling, NULL);
	scaling_done(&scaling);
	remove_folder(folder);
	return json_pack("{s:o}", "report", document);
}

static const json_t *cell(const json_t *report, const char *id)
{
	const json_t *table = finding_table(report, "database", "best");

	return finding_cell(table, json_array_get(json_object_get(table, "rows"), 0), id);
}

static const char *text(const json_t *report, const char *id)
{
	return json_string_value(cell(report, id));
}

static double number(const json_t *report, const char *id)
{
	return json_number_value(cell(report, id));
}

Test(phase_best, what_waits_is_not_the_fastest_though_it_takes_less_cpu_time)
{
	json_t *report = compare(&(struct taken){.safe_s = {3, 3.03, 2.98},
						 .safe_cpu_s = 0.2,
						 .fast_s = {0.31, 0.3, 0.305},
						 .fast_cpu_s = 0.25,
						 .runs = 3});

	cr_assert_str_eq(text(report, "best"), "pragmas fast");
	cr_assert_str_eq(text(report, "word"), "clear");
	cr_assert_float_eq(number(report, "ratio"), 9.85, 0.1);
	cr_assert(number(report, "low") > 9 && number(report, "high") < 11);
	/* Beside it, what it takes of a processor: 0.2 / 0.25. */
	cr_assert_float_eq(number(report, "cpu_ratio"), 0.8, 1e-6);
	json_decref(report);
}

Test(phase_best, ranges_of_three_runs_that_only_just_do_not_overlap_are_not_clear)
{
	json_t *report = compare(&(struct taken){.safe_s = {1.21, 1.25, 1.4},
						 .safe_cpu_s = 1.2,
						 .fast_s = {1, 1.1, 1.2},
						 .fast_cpu_s = 1,
						 .runs = 3});

	cr_assert_str_eq(text(report, "best"), "pragmas fast");
	cr_assert_str_eq(text(report, "word"), "cannot tell");
	json_decref(report);
}

Test(phase_best, one_run_each_makes_nothing_clear)
{
	json_t *report = compare(&(struct taken){
		.safe_s = {5}, .safe_cpu_s = 5, .fast_s = {1}, .fast_cpu_s = 1, .runs = 1});

	cr_assert_str_eq(text(report, "best"), "pragmas fast");
	cr_assert_str_eq(text(report, "word"), "cannot tell");
	json_decref(report);
}
