/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/phase_system.h"

#include "reports/document.h"
#include "reports/finding.h"
#include "tests/unit/reports/small_sweep.h"

#include <math.h>

enum {
	MS = 1000000,
	STEPS = 40, /* of a millisecond */
	MARKED = 8, /* before the step function's probe was taken off */
	LOST = 10240,
	WRITTEN = 1000,
};

/* A program that loses and writes memory in each step, and is looked at after each. */
static struct profile *losing(int marked)
{
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, "main;step", 0);
	uint32_t probe = profile_probe_add(profile, &(struct profile_probe){
							    .frame = profile->stacks[stack].frame,
							    .mode = PROFILE_PROBE_STEP,
							    .is_partial = marked < STEPS,
						    });
	uint32_t memory = profile_series(profile, "rss", "bytes", false);
	uint32_t written = profile_series(profile, "bytes-written", "bytes", true);
	uint32_t core = profile_series(profile, "cpu-0", "ns", true);

	add_stack(profile, "main;step;work", STEPS);
	for (int i = 0; i <= STEPS; i++) {
		uint64_t now_ns = (uint64_t)i * MS;

		profile_point_add(profile, memory, now_ns, 50000000 + i * LOST);
		profile_point_add(profile, written, now_ns, i * WRITTEN);
		profile_point_add(profile, core, now_ns, (int64_t)now_ns);
		if (i < marked)
			profile_step_add(profile, &(struct profile_step){.probe = probe,
									 .start_ns = now_ns,
									 .end_ns = now_ns + MS});
	}
	return profile;
}

/* The report on a run that lacks marks, with or without a shorter one that has them all. */
static json_t *report(bool is_known)
{
	json_t *points = json_pack("[{s:s}]", "n", "1"), *document = document_new("");
	json_t *point = json_array_get(points, 0);
	char folder[SMALL_PATH], path[SMALL_PATH + 16];
	struct phase_system system;
	struct scaling scaling;
	struct error error;

	new_folder(folder);
	new_sweep(folder, "n", json_incref(points), 1 + is_known, 0);
	add_run(folder, &(struct small_run){"n", "p1r1", point, 0.05, 0.05, losing(MARKED)});
	if (is_known)
		add_run(folder, &(struct small_run){"n", "p1r2", point, 0.04, 0.04, losing(STEPS)});
	json_decref(points);
	snprintf(path, sizeof(path), "%s/n", folder);
	cr_assert_eq(scaling_load(&scaling, path, NULL, &error), 0, "%s", error.text);
	phase_system_begin(&system, document);
	phase_system_add(&system, "n", &scaling);
	scaling_done(&scaling);
	remove_folder(folder);
	return json_pack("{s:o}", "report", document);
}

static const json_t *cell(const json_t *report, const char *table, const char *id)
{
	const json_t *found = finding_table(report, "system", table);

	return finding_cell(found, json_array_get(json_object_get(found, "rows"), 0), id);
}

Test(phase_system, memory_and_output_go_on_after_the_last_mark_of_a_step)
{
	json_t *json = report(true);

	cr_expect_str_eq(json_string_value(cell(json, "memory", "verdict")),
			 "leak: it goes on growing");
	cr_expect_float_eq(json_number_value(cell(json, "memory", "growth")), LOST, LOST / 20.0);
	cr_expect_float_eq(json_number_value(cell(json, "memory", "level")),
			   50000000 + STEPS * LOST, 1);
	cr_expect_float_eq(json_number_value(cell(json, "io", "step")), WRITTEN, 1);
	json_decref(json);
}

Test(phase_system, what_comes_to_a_step_is_not_told_where_the_number_of_steps_is_not_known)
{
	json_t *json = report(false);

	cr_expect_str_eq(json_string_value(cell(json, "memory", "verdict")),
			 "leak: it goes on growing");
	cr_expect(json_is_null(cell(json, "memory", "growth")));
	cr_expect(json_is_null(cell(json, "io", "step")));
	json_decref(json);
}

/* A run that ended before anybody looked a second time. */
Test(phase_system, memory_that_was_not_seen_is_not_measured)
{
	json_t *points = json_pack("[{s:s}]", "n", "1"), *document = document_new("");
	struct profile *profile = new_profile();
	char folder[SMALL_PATH], path[SMALL_PATH + 16];
	struct phase_system system;
	struct scaling scaling;
	struct error error;
	json_t *json;

	profile_point_add(profile, profile_series(profile, "rss", "bytes", false), 0, 0);
	new_folder(folder);
	new_sweep(folder, "n", json_incref(points), 1, 0);
	add_run(folder,
		&(struct small_run){"n", "p1r1", json_array_get(points, 0), 0.01, 0.01, profile});
	json_decref(points);
	snprintf(path, sizeof(path), "%s/n", folder);
	cr_assert_eq(scaling_load(&scaling, path, NULL, &error), 0, "%s", error.text);
	phase_system_begin(&system, document);
	phase_system_add(&system, "n", &scaling);
	scaling_done(&scaling);
	remove_folder(folder);
	json = json_pack("{s:o}", "report", document);
	cr_expect_str_eq(json_string_value(cell(json, "memory", "verdict")),
			 "cannot tell: the run is too short");
	cr_expect(json_is_null(cell(json, "memory", "level")));
	json_decref(json);
}

/* The table of threads where a run takes so long with one and with two. */
static json_t *report_threads(double one_s, double two_s)
{
	json_t *points = json_pack("[{s:s}, {s:s}]", "threads", "1", "threads", "2");
	json_t *document = document_new("");
	char folder[SMALL_PATH], path[SMALL_PATH + 16];
	struct phase_system system;
	struct scaling scaling;
	struct error error;

	new_folder(folder);
	new_sweep(folder, "threads", json_incref(points), 1, 0);
	add_run(folder, &(struct small_run){"threads", "p1r1", json_array_get(points, 0), one_s, 1,
					    copying_profile()});
	add_run(folder, &(struct small_run){"threads", "p2r1", json_array_get(points, 1), two_s, 1,
					    copying_profile()});
	json_decref(points);
	snprintf(path, sizeof(path), "%s/threads", folder);
	cr_assert_eq(scaling_load(&scaling, path, NULL, &error), 0, "%s", error.text);
	phase_system_begin(&system, document);
	phase_system_add(&system, "threads", &scaling);
	scaling_done(&scaling);
	remove_folder(folder);
	return json_pack("{s:o}", "report", document);
}

Test(phase_system, a_part_that_is_not_parallel_is_one_of_the_whole_or_not_told)
{
	static const struct {
		double two_s, serial;
		const char *words;
	} cases[] = {{1.5, 0.5, NULL},
		     {2.8, NAN, "2 threads are slower than one"},
		     {0.9, NAN, "2 threads are more than 2 times as fast as one"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *json = report_threads(2, cases[i].two_s);
		const json_t *table = finding_table(json, "system", "threads");
		const json_t *rows = json_object_get(table, "rows");
		const json_t *serial = finding_cell(table, json_array_get(rows, 1), "serial");
		char *text = json_dumps(json, 0);

		if (isnan(cases[i].serial))
			cr_assert_not(json_is_number(serial));
		else
			cr_assert_float_eq(json_number_value(serial), cases[i].serial, 1e-9);
		cr_assert(!cases[i].words || strstr(text, cases[i].words), "%s", text);
		cr_assert(strstr(text, "With one thread a step used 50 % of a processor"), "%s",
			  text);
		free(text);
		json_decref(json);
	}
}
