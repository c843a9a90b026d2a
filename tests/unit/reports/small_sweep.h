/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * small_sweep: folders of sweeps, as collector sweep leaves them (collector/sweep_run.h), for the
 * tests of what reads them.
 */
#pragma once

#include "collector/profile/profile_file.h"
#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	SMALL_PATH = 160, /* bytes of a path below the folder */
};

/* A folder for the sweeps of one test, which removes it. */
static inline void new_folder(char path[SMALL_PATH])
{
	snprintf(path, SMALL_PATH, "/tmp/simprof-sweep-XXXXXX");
	cr_assert_not_null(mkdtemp(path));
}

static inline void remove_folder(const char *path)
{
	char command[SMALL_PATH + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	cr_assert_eq(system(command), 0);
}

static inline void save_json(json_t *json, const char *folder, const char *name)
{
	char path[2 * SMALL_PATH];

	snprintf(path, sizeof(path), "%.250s/%.60s", folder, name);
	cr_assert_eq(json_dump_file(json, path, 0), 0);
	json_decref(json);
}

/* Makes @folder/@name with a plan of so many runs of each point, recorded and bare. @points is
 * taken.
 */
static inline void new_sweep(const char *folder, const char *name, json_t *points, int repeats,
			     int bare)
{
	char path[2 * SMALL_PATH], runs[2 * SMALL_PATH + 8];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(runs, sizeof(runs), "%s/runs", path);
	cr_assert_eq(mkdir(runs, 0700), 0);
	save_json(json_pack("{s:s, s:o, s:i, s:i, s:[s]}", "schema", "simprof/sweep-v1", "points",
			    points, "repeats", repeats, "bare", bare, "command", "engine"),
		  path, "sweep.json");
}

/* A run of such a sweep. */
struct small_run {
	const char *sweep, *name;
	json_t *point; /* borrowed */
	double seconds, cpu_seconds;
	struct profile *profile; /* taken; NULL: without recording */
};

static inline void add_run(const char *folder, const struct small_run *run)
{
	char path[2 * SMALL_PATH], file_path[2 * SMALL_PATH + 16];
	struct profile_file *file;
	struct error error;

	snprintf(path, sizeof(path), "%s/%s/runs/%s", folder, run->sweep, run->name);
	cr_assert_eq(mkdir(path, 0700), 0);
	save_json(json_pack("{s:s, s:O, s:b, s:s, s:f, s:f}", "schema", "simprof/run-v1", "point",
			    run->point, "bare", !run->profile, "state", "done", "seconds",
			    run->seconds, "cpu_seconds", run->cpu_seconds),
		  path, "run.json");
	if (!run->profile)
		return;
	profile_set_number(run->profile, "target_cpu_ns", (int64_t)(1e9 * run->cpu_seconds));
	profile_set_number(run->profile, "duration_ns", (int64_t)(1e9 * run->seconds));
	snprintf(file_path, sizeof(file_path), "%s/run.prof", path);
	file = profile_file_create(file_path, &error);
	cr_assert(file, "%s", error.text);
	for (size_t i = 0; i < run->profile->samples_count; i++)
		cr_assert_eq(profile_file_append(file, &run->profile->samples[i], &error), 0, "%s",
			     error.text);
	cr_assert_eq(profile_file_commit(file, run->profile, &error), 0, "%s", error.text);
	profile_file_close(file);
	profile_free(run->profile);
}

/* One function on a stack. */
struct small_frame {
	const char *function, *module;
	uint32_t line; /* of /src/FUNCTION.c; 0: of no source */
};

/* Adds @samples of a stack, the outermost of its @count functions first. */
static inline void add_frames(struct profile *profile, const struct small_frame *frames,
			      size_t count, uint32_t samples)
{
	uint32_t stack = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t module =
			profile_module(profile, PROFILE_MODULE_ELF, frames[i].module, NULL);
		char path[SMALL_PATH] = "";
		uint32_t function, frame;

		if (frames[i].line)
			snprintf(path, sizeof(path), "/src/%s.c", frames[i].function);
		function = profile_function(profile, frames[i].function, NULL, module,
					    *path ? profile_file_name(profile, path) : 0,
					    frames[i].line ? 1 : 0, true);
		frame = profile_frame(profile, module, 0x1000 + 16 * function + frames[i].line);
		if (!profile->frames[frame].line_count)
			profile_frame_set_lines(profile, frame,
						&(struct profile_line){.function = function,
								       .line = frames[i].line},
						1);
		stack = profile_stack(profile, stack, frame);
	}
	for (uint32_t i = 0; i < samples; i++)
		profile_sample_add(
			profile,
			&(struct profile_sample){.time_ns = (profile->samples_count + 1) * 1000000,
						 .value = 1,
						 .stack = stack});
}

/*
 * A program of which inner() is a component and rest() is none: 660 samples are of inner, 640 of
 * them in memmove of the C library, 300 of rest, which has a memmove of 40, too.
 */
static inline struct profile *copying_profile(void)
{
	static const char program[] = "/bin/sim", library[] = "/lib/libc.so.6";
	struct profile *profile = new_profile();

	add_frames(profile, (struct small_frame[]){{"main", program, 9}, {"inner", program, 3}}, 2,
		   20);
	add_frames(profile,
		   (struct small_frame[]){
			   {"main", program, 9}, {"inner", program, 5}, {"memmove", library, 7}},
		   3, 640);
	add_frames(profile, (struct small_frame[]){{"main", program, 8}, {"rest", program, 4}}, 2,
		   300);
	add_frames(profile,
		   (struct small_frame[]){
			   {"main", program, 8}, {"rest", program, 4}, {"memmove", library, 7}},
		   3, 40);
	return profile;
}
