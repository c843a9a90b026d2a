/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/comparison_level.h"

#include "reports/comparison.h"
#include "reports/comparison_setting.h"
#include "reports/gate.h"
#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

enum {
	RUNS = 4,
	FULL, /* what a build knows: source files and inlined calls, names only, nothing */
	WITHOUT_DEBUG,
	WITHOUT_NAMES
};

/* The stack main, step with inner() inlined, outer(); 300 samples in inner(), 700 in outer(). */
static struct profile *build(int knows)
{
	static const char *const names[] = {"main", "step", "inner", "outer"};
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	uint32_t libc = profile_module(profile, PROFILE_MODULE_ELF, "/lib/libc.so.6", NULL);
	uint32_t file = knows == FULL ? profile_file_name(profile, "/src/sim/world.c") : 0;
	uint32_t functions[4], frames[4] = {0}, stack;

	for (uint32_t i = 0; i < 4; i++) {
		functions[i] = profile_function(profile, names[i], NULL, module, file,
						file ? i + 1 : 0, knows != WITHOUT_NAMES);
		if (i == 2)
			continue;
		frames[i] = profile_frame(profile, module, 64 + 16 * i);
		profile_frame_set_lines(profile, frames[i],
					&(struct profile_line){.function = functions[i]}, 1);
	}
	if (knows == FULL)
		profile_frame_set_lines(profile, profile_frame(profile, module, 32),
					(struct profile_line[]){{.function = functions[2]},
								{.function = functions[1]}},
					2);
	else
		profile_frame_set_lines(profile, profile_frame(profile, module, 32),
					&(struct profile_line){.function = functions[1]}, 1);
	stack = profile_frame(profile, libc, 16);
	profile_frame_set_lines(profile, stack,
				&(struct profile_line){.function = profile_function(
							       profile, "__libc_start_call_main",
							       NULL, libc, 0, 0, true)},
				1);
	stack = profile_stack(profile, 0, stack);
	stack = profile_stack(profile, stack, frames[0]);
	for (int i = 1; i <= 1000; i++)
		profile_sample_add(profile,
				   &(struct profile_sample){
					   .time_ns = i * 1000000,
					   .value = 1,
					   .stack = profile_stack(
						   profile, stack,
						   i % 10 < 3 ? profile_frame(profile, module, 32)
							      : frames[3])});
	return profile;
}

/* Makes runs of builds until they are at one level; @count of them. */
static void make(struct comparison_run *runs, const int *knows, size_t count,
		 struct comparison_names *names)
{
	do
		for (size_t i = 0; i < count; i++) {
			struct report report;
			char path[16];

			snprintf(path, sizeof(path), "%zu.prof", i);
			report_init(&report, build(knows[i]));
			comparison_run_init(&runs[i], path, &report, names);
			report_done(&report);
		}
	while (comparison_level_settle(names, runs, count));
}

static const struct comparison_function *function_of(const struct comparison_names *names,
						     const char *name)
{
	for (uint32_t i = 0; i < names->rows_count; i++)
		if (!strcmp(names->rows[i]->name, name))
			return names->rows[i];
	return NULL;
}

static void hear(void *context, const char *text)
{
	fprintf(context, "%s\n", text);
}

/* Compares two runs of the same code; all functions must be on both sides. What is told is owned by
 * the caller. */
static char *compare(const int *knows, struct comparison_names *names)
{
	struct comparison_run runs[RUNS];
	const struct comparison_run *all[] = {&runs[0], &runs[1], &runs[2], &runs[3]};
	struct comparison comparison;
	struct gate gate = {0};
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	make(runs, knows, RUNS, names);
	comparison_make(&comparison, &comparison_defaults, names, all, 2, all + 2, 2);
	for (size_t i = 0; i < comparison.rows_count; i++) {
		cr_expect_eq(comparison.rows[i].presence, COMPARISON_BOTH, "%s",
			     comparison.rows[i].function->name);
		cr_expect_eq(comparison.rows[i].verdict, COMPARISON_UNCHANGED);
		cr_expect_null(comparison.rows[i].moved);
	}
	comparison_setting_tell(&comparison, hear, stream);
	gate_judge_time(&gate, &comparison, NULL);
	gate_tell_doubts(&gate, &comparison);
	cr_expect_eq(gate.verdicts[GATE_FAILED], 0);
	fprintf(stream, "gate: %s\n", gate.note);
	gate_done(&gate);
	comparison_done(&comparison);
	fclose(stream);
	for (size_t i = 0; i < RUNS; i++)
		comparison_run_done(&runs[i]);
	return text;
}

Test(comparison_level, the_same_code_without_debug_information_is_unchanged)
{
	struct comparison_names names = {0};
	char *text = compare((int[]){FULL, FULL, FULL, WITHOUT_DEBUG}, &names);

	cr_assert(function_of(&names, "step"));
	cr_assert_null(function_of(&names, "inner"), "inlined into step(), on both sides");
	cr_assert_str_eq(function_of(&names, "outer")->file, "/src/sim/world.c");
	cr_assert(strstr(text, "differ in debug information: 3.prof has none of [program]"), "%s",
		  text);
	free(text);
	comparison_names_done(&names);
}

Test(comparison_level, the_same_code_without_symbols_is_one_function)
{
	struct comparison_names names = {0};
	char *text = compare((int[]){WITHOUT_NAMES, WITHOUT_NAMES, FULL, FULL}, &names);

	cr_assert_eq(names.rows_count, 2);
	cr_assert(strstr(text, "differ in symbols: 1.prof has none of [program]"), "%s", text);
	cr_assert(strstr(strstr(text, "gate: "), "the builds differ in symbols"), "%s", text);
	free(text);
	comparison_names_done(&names);
}

Test(comparison_level, equal_builds_keep_what_they_know)
{
	for (int knows = FULL; knows <= WITHOUT_NAMES; knows++) {
		struct comparison_names names = {0};
		char *text = compare((int[]){knows, knows, knows, knows}, &names);

		cr_assert_null(names.coarse);
		cr_assert_null(strstr(text, "differ"));
		cr_assert_eq(!function_of(&names, "inner"), knows != FULL);
		free(text);
		comparison_names_done(&names);
	}
}

/* A profile with hot() in one file, and maybe another function of its name in another. */
static struct profile *filed(const char *path, const char *other)
{
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	const char *paths[] = {path, other};

	for (int i = 0; i < 2 && paths[i]; i++) {
		uint32_t function = profile_function(profile, "hot", NULL, module,
						     profile_file_name(profile, paths[i]), 7, true);
		uint32_t frame = profile_frame(profile, module, 16 + 16 * (uint64_t)i);
		uint32_t stack = profile_stack(profile, 0, frame);

		profile_frame_set_lines(profile, frame,
					&(struct profile_line){.function = function}, 1);
		for (int k = 0; k < 30; k++)
			profile_sample_add(
				profile, &(struct profile_sample){.time_ns = (uint64_t)(30 * i + k),
								  .value = 1,
								  .stack = stack});
	}
	return profile;
}

Test(comparison_level, a_function_that_moves_to_another_file_pairs_unless_two_have_its_name)
{
	for (int is_twice = 0; is_twice < 2; is_twice++) {
		struct comparison_names names = {0};
		struct comparison_run runs[2];

		do
			for (int i = 0; i < 2; i++) {
				struct report report;

				report_init(&report, filed(i ? "/src/h.c" : "/src/m.c",
							   is_twice && i ? "/src/k.c" : NULL));
				comparison_run_init(&runs[i], "some.prof", &report, &names);
				report_done(&report);
			}
		while (comparison_level_settle(&names, runs, 2));
		cr_expect_eq(names.rows_count, is_twice ? 3 : 1);
		cr_expect_str_eq(names.rows[names.rows_count - 1]->file,
				 is_twice ? "/src/k.c" : "/src/h.c");
		for (int i = 0; i < 2; i++)
			comparison_run_done(&runs[i]);
		comparison_names_done(&names);
	}
}
