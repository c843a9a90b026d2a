/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/scaling.c. */
#include "reports/scaling.h"
#include "tests/unit/reports/small_sweep.h"

enum {
	MS = 1000000,
	STEPS = 4,
	SIZES = 5,
};

/* What is known of work() at one size: its probe was there all the time, it has samples. */
struct knowledge {
	bool is_whole, is_sampled;
};

/* A program of four steps, whose work() takes @size ms of CPU time and @timed squared ms of wall
 * time in each. */
static struct profile *working(int size, int timed, struct knowledge knows)
{
	struct profile *profile = new_profile();
	uint32_t step = add_stack(profile, "main;step", 0);
	uint32_t work = add_stack(profile, "main;step;work",
				  knows.is_sampled ? (uint32_t)(STEPS * size) : 0);
	uint32_t mark = profile_probe_add(profile, &(struct profile_probe){
							   .frame = profile->stacks[step].frame,
							   .mode = PROFILE_PROBE_STEP,
						   });
	uint32_t probe = profile_probe_add(profile, &(struct profile_probe){
							    .frame = profile->stacks[work].frame,
							    .mode = PROFILE_PROBE_TIME,
							    .is_partial = !knows.is_whole,
						    });

	for (int i = 0; i < STEPS; i++)
		profile_step_add(
			profile,
			&(struct profile_step){.probe = mark,
					       .start_ns = (uint64_t)(i * size) * MS + MS / 2,
					       .end_ns = (uint64_t)((i + 1) * size) * MS + MS / 2});
	profile_timing_add(profile, &(struct profile_timing){
					    .probe = probe,
					    .calls = STEPS,
					    .step_calls = STEPS,
					    .returns = STEPS,
					    .sum_ns = (uint64_t)(STEPS * timed * timed) * MS,
				    });
	return profile;
}

/* The scaling of a sweep over sizes 4 ... 64, a run of each; with @steady CPU time that is the same
 * at all of them, unless it is 0. */
static json_t *scale(const struct knowledge knows[SIZES], int steady)
{
	char folder[SMALL_PATH], path[SMALL_PATH + 16], text[16];
	json_t *points = json_array(), *json;
	struct scaling scaling;
	struct error error;

	new_folder(folder);
	for (int i = 0; i < SIZES; i++) {
		snprintf(text, sizeof(text), "%d", 4 << i);
		json_array_append_new(points, json_pack("{s:s}", "n", text));
	}
	new_sweep(folder, "sweep", json_incref(points), 1, 0);
	for (int i = 0; i < SIZES; i++) {
		snprintf(text, sizeof(text), "p%dr1", i + 1);
		add_run(folder,
			&(struct small_run){"sweep", text, json_array_get(points, i), 1, 1,
					    working(steady ? steady : 4 << i, 4 << i, knows[i])});
	}
	json_decref(points);
	snprintf(path, sizeof(path), "%s/sweep", folder);
	cr_assert_eq(scaling_load(&scaling, path, NULL, &error), 0, "%s", error.text);
	json = scaling_json(&scaling, NULL, NULL, &error);
	cr_assert(json, "%s", error.text);
	scaling_done(&scaling);
	remove_folder(folder);
	return json;
}

static const json_t *row_of(const json_t *json, const char *name)
{
	const json_t *group = json_array_get(json_object_get(json, "groups"), 0), *row;
	size_t i;

	json_array_foreach (json_object_get(group, "rows"), i, row) {
		if (!strcmp(json_string_value(json_object_get(row, "name")), name))
			return row;
	}
	cr_assert(false, "there is no row of %s", name);
	return NULL;
}

static void expect_work(const json_t *json, const char *clock, const char *class)
{
	const json_t *row = row_of(json, "work"), *time = json_object_get(row, "time");

	cr_expect_str_eq(json_string_value(json_object_get(row, "clock")), clock);
	cr_expect_str_eq(json_string_value(json_object_get(time, "class")), class);
	cr_expect_eq(json_array_size(json_object_get(row, "points")), SIZES);
}

Test(scaling, a_function_that_was_timed_at_all_sizes_is_told_by_its_wall_time)
{
	json_t *json = scale((struct knowledge[]){{1, 1}, {1, 0}, {1, 1}, {1, 1}, {1, 1}}, 0);

	expect_work(json, "wall time", "O(n²)");
	json_decref(json);
}

Test(scaling, a_function_that_was_not_timed_at_all_sizes_is_told_by_its_cpu_time_at_all)
{
	json_t *json = scale((struct knowledge[]){{0, 1}, {0, 1}, {1, 1}, {0, 1}, {1, 1}}, 0);

	expect_work(json, "CPU time", "O(n)");
	json_decref(json);
}

Test(scaling, wall_and_cpu_time_of_different_sizes_are_no_one_fit)
{
	json_t *json = scale((struct knowledge[]){{1, 0}, {0, 1}, {0, 1}, {0, 1}, {0, 1}}, 0);
	const json_t *row = row_of(json, "work"), *time = json_object_get(row, "time");
	char text[200];

	cr_expect_null(json_object_get(time, "class"));
	cr_expect_null(json_object_get(row, "points"));
	cr_expect_str_eq(growth_describe(time, text, sizeof(text)),
			 "not fitted: wall time at some sizes, CPU time at others");
	json_decref(json);
}

/* The words of the limit of ten steps a second. */
static void expect_limit(const json_t *json, const char *words)
{
	const json_t *group = json_array_get(json_object_get(json, "groups"), 0);
	const json_t *limit = json_array_get(json_object_get(group, "limits"), 0);
	char text[200];

	cr_expect_str_eq(scaling_limit(limit, text, sizeof(text)), words);
}

Test(scaling, a_step_in_which_nothing_grows_stays_as_fast_at_any_size)
{
	json_t *json = scale((struct knowledge[]){{0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}}, 16);

	expect_limit(json, "step: 10 steps a second whatever the n");
	json_decref(json);
}

Test(scaling, a_step_that_seems_constant_has_a_limit_when_a_function_in_it_grows)
{
	json_t *json = scale((struct knowledge[]){{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 16);

	expect_limit(json, "step: 10 steps a second at no n that can be told: some of it may grow");
	json_decref(json);
}
