/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/phase.h"

#include "tests/unit/reports/small_sweep.h"

static json_t *new_engine(const char *step)
{
	return json_pack("{s:{s:s, s:s}}", "engine", "command", "engine", "step", step);
}

/* Phase 1 of an engine whose runs take 1 s of CPU time, and @recorded_s where they are recorded,
 * more or less. */
static json_t *measure_builds(const char *step, double recorded_s, const char *const builds[3])
{
	static const double noise[] = {0.999, 1, 1.001};
	struct phase_options options = {.phase = 1, .quick = true};
	json_t *point = json_object(), *engine = new_engine(step), *json;
	char folder[SMALL_PATH];
	struct error error;

	new_folder(folder);
	new_sweep(folder, "macro", json_pack("[{}]"), 3, 3);
	for (int i = 0; i < 6; i++) {
		double cpu_s = noise[i / 2] * (i % 2 ? 1 : recorded_s);
		char name[32];
		struct small_run run = {"macro", name, point, cpu_s, cpu_s, NULL};

		snprintf(name, sizeof(name), "p1r%d%s", i / 2 + 1, i % 2 ? "b" : "");
		if (i % 2 == 0) {
			run.profile = new_profile();
			add_stack(run.profile, "main;step", 100);
			profile_module(run.profile, PROFILE_MODULE_ELF, "/bin/sim", builds[i / 2]);
		}
		add_run(folder, &run);
	}
	json_decref(point);
	json = phase_json(engine, &options, folder, &error);
	cr_assert(json, "%s", error.text);
	json_decref(engine);
	remove_folder(folder);
	return json;
}

static json_t *measure(const char *step, double recorded_s)
{
	return measure_builds(step, recorded_s, (const char *const[3]){NULL, NULL, NULL});
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static const char *verdict_of(const json_t *json)
{
	return text_of(json_object_get(json_object_get(json, "report"), "verdict"), "word");
}

Test(phase, a_recording_that_breaks_the_budget_is_no_success_and_its_remedy_is_named)
{
	json_t *json = measure("tick", 3);
	const char *problem =
		json_string_value(json_array_get(json_object_get(json, "problems"), 0));

	cr_assert_str_eq(text_of(json, "status"), "failed");
	cr_assert_str_eq(verdict_of(json), "doubtful");
	cr_assert_eq(json_array_size(json_object_get(json, "problems")), 1);
	cr_assert(strstr(problem, "macro: recording took 200 % of the CPU time"), "%s", problem);
	cr_assert(strstr(problem, "step"), "%s", problem);
	json_decref(json);
}

Test(phase, without_probes_the_remedy_of_a_broken_budget_is_longer_runs)
{
	json_t *json = measure("", 1.5);
	const char *problem =
		json_string_value(json_array_get(json_object_get(json, "problems"), 0));

	cr_assert_str_eq(text_of(json, "status"), "failed");
	cr_assert(strstr(problem, "longer runs"), "%s", problem);
	cr_assert_not(strstr(problem, "step"), "%s", problem);
	json_decref(json);
}

Test(phase, a_budget_that_is_kept_or_that_may_be_is_no_problem)
{
	static const double recorded_s[] = {0.99, 1.02, 1.05};

	for (size_t i = 0; i < sizeof(recorded_s) / sizeof(*recorded_s); i++) {
		json_t *json = measure("tick", recorded_s[i]);

		cr_assert_str_eq(text_of(json, "status"), "success");
		cr_assert_str_eq(verdict_of(json), "measured");
		json_decref(json);
	}
}

Test(phase, recordings_of_two_builds_are_told_once)
{
	json_t *json = measure_builds("", 1, (const char *const[3]){"aaaa", "bbbb", "aaaa"});
	const json_t *problems = json_object_get(json, "problems");
	const char *problem = json_string_value(json_array_get(problems, 0));

	cr_assert_eq(json_array_size(problems), 1);
	cr_assert(strstr(problem, "macro: there are recordings of two builds of sim"), "%s",
		  problem);
	json_decref(json);
	json = measure_builds("", 1, (const char *const[3]){"aaaa", "aaaa", "aaaa"});
	cr_assert_eq(json_array_size(json_object_get(json, "problems")), 0);
	cr_assert_str_eq(text_of(json_object_get(json, "builds"), "sim"), "aaaa");
	json_decref(json);
}

Test(phase, lines_of_one_function_stand_beside_what_was_measured_of_another)
{
	static const char *const sweeps[] = {"lines",	   "function_a", "hits_a",   "windows_a",
					     "function_b", "hits_b",	 "windows_b"};
	struct phase_options options = {.phase = 3, .quick = true, .only = "b"};
	json_t *engine = json_pack("{s:{s:s}, s:{s:s, s:s}}", "engine", "command", "engine", "hot",
				   "a", "f", "b", "g");
	json_t *point = json_object(), *json, *sweep;
	char folder[SMALL_PATH], names[200] = "";
	struct error error;
	size_t i;

	new_folder(folder);
	for (i = 0; i < sizeof(sweeps) / sizeof(*sweeps); i++) {
		new_sweep(folder, sweeps[i], json_pack("[{}]"), 1, 0);
		add_run(folder,
			&(struct small_run){sweeps[i], "p1r1", point, 1, 1, copying_profile()});
	}
	json = phase_json(engine, &options, folder, &error);
	cr_assert(json, "%s", error.text);
	json_array_foreach (json_object_get(json, "sweeps"), i, sweep) {
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
			 text_of(sweep, "name"));
	}
	cr_assert_str_eq(names, "lines function_a function_b hits_a windows_a hits_b windows_b ");
	json_decref(json);
	json_decref(engine);
	json_decref(point);
	remove_folder(folder);
}

/* Replaces the run of a sweep by one that a signal has ended. */
static void fail_run(const char *folder, const char *sweep, const char *name, const char *state)
{
	char path[2 * SMALL_PATH];

	snprintf(path, sizeof(path), "%s/%s/runs/%s", folder, sweep, name);
	save_json(json_pack("{s:s, s:{}, s:b, s:s, s:f, s:f, s:s}", "schema", "simprof/run-v1",
			    "point", "bare", false, "state", state, "seconds", 1.0, "cpu_seconds",
			    1.0, "reason", "it had not ended after 60 s"),
		  path, "run.json");
}

Test(phase, that_counting_all_hits_takes_too_long_is_no_problem_but_a_crash_is)
{
	static const char *const states[] = {"timed out", "failed"};

	for (size_t i = 0; i < 2; i++) {
		struct phase_options options = {.phase = 3, .quick = true};
		json_t *engine = json_pack("{s:{s:s}, s:{s:s}}", "engine", "command", "engine",
					   "hot", "a", "f");
		json_t *point = json_object(), *json;
		static const char *const sweeps[] = {"lines", "hits", "windows", "function_a"};
		char folder[SMALL_PATH], *text;
		struct error error;

		new_folder(folder);
		for (size_t k = 0; k < sizeof(sweeps) / sizeof(*sweeps); k++) {
			new_sweep(folder, sweeps[k], json_pack("[{}]"), 1, 0);
			add_run(folder, &(struct small_run){sweeps[k], "p1r1", point, 1, 1,
							    copying_profile()});
		}
		fail_run(folder, "hits", "p1r1", states[i]);
		json = phase_json(engine, &options, folder, &error);
		text = json_dumps(json_object_get(json, "problems"), 0);
		cr_assert_eq(json_array_size(json_object_get(json, "problems")), i, "%s", text);
		free(text);
		json_decref(json);
		json_decref(engine);
		json_decref(point);
		remove_folder(folder);
	}
}
