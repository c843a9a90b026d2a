/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/profile/profile.c. */
#include "collector/profile/profile.h"

#include <criterion/criterion.h>
#include <limits.h>

static struct profile *profile;

static void setup(void)
{
	profile = profile_new();
}

static void teardown(void)
{
	profile_free(profile);
}

TestSuite(profile, .init = setup, .fini = teardown);

Test(profile, gives_equal_rows_one_id_and_different_rows_others)
{
	uint32_t a = profile_module(profile, PROFILE_MODULE_ELF, "/bin/a", "00ff");

	cr_assert_eq(a, 1);
	cr_assert_eq(profile_module(profile, PROFILE_MODULE_ELF, "/bin/a", "00ff"), a);
	cr_assert_neq(profile_module(profile, PROFILE_MODULE_ELF, "/bin/a", NULL), a);
	cr_assert_neq(profile_module(profile, PROFILE_MODULE_JIT, "/bin/a", "00ff"), a);
	cr_assert_eq(profile_frame(profile, a, 0x1000), profile_frame(profile, a, 0x1000));
	cr_assert_neq(profile_frame(profile, a, 0x1000), profile_frame(profile, a, 0x1001));
	cr_assert_eq(profile->frames_count, 3);
}

Test(profile, paths_longer_than_any_can_be_are_cut)
{
	char *path = malloc(PATH_MAX + 1);
	uint32_t module, file;

	memset(path, 'x', PATH_MAX);
	path[PATH_MAX] = '\0';
	module = profile_module(profile, PROFILE_MODULE_ELF, path, NULL);
	file = profile_file_name(profile, path);
	path[PATH_MAX - 1] = '\0';
	cr_assert_str_eq(profile->modules[module].path, path);
	cr_assert_str_eq(profile->files[file], path);
	free(path);
}

Test(profile, tells_functions_apart_by_every_column)
{
	uint32_t ids[] = {
		profile_function(profile, "f", NULL, 1, 1, 10, true),
		profile_function(profile, "g", NULL, 1, 1, 10, true),
		profile_function(profile, "f", "_f", 1, 1, 10, true),
		profile_function(profile, "f", NULL, 2, 1, 10, true),
		profile_function(profile, "f", NULL, 1, 2, 10, true),
		profile_function(profile, "f", NULL, 1, 1, 11, true),
		profile_function(profile, "f", NULL, 1, 1, 10, false),
	};

	for (uint32_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		cr_assert_eq(ids[i], i + 1);
	cr_assert_eq(profile_function(profile, "f", "f", 1, 1, 10, true), ids[0],
		     "a linkage name equal to the name is none");
}

Test(profile, makes_stacks_a_prefix_tree)
{
	uint32_t frame = profile_frame(profile, 1, 0x10);
	uint32_t root = profile_stack(profile, 0, frame);
	uint32_t twice = profile_stack(profile, root, frame);

	cr_assert_lt(root, twice);
	cr_assert_eq(profile->stacks[twice].parent, root);
	cr_assert_eq(profile_stack(profile, 0, frame), root);
}

Test(profile, replaces_meta_rows_of_the_same_key)
{
	profile_set_text(profile, "state", "recording");
	profile_set_number(profile, "state", 5);
	cr_assert_eq(profile->meta_count, 1);
	cr_assert_eq(profile_number(profile, "state", -1), 5);
	cr_assert_str_eq(profile_text(profile, "state", "none"), "none");
	profile_set_text(profile, "state", "complete");
	cr_assert_str_eq(profile_text(profile, "state", "none"), "complete");
	cr_assert_eq(profile_number(profile, "lost.ring_full", -1), -1);
}

Test(profile, keeps_the_lines_of_a_frame_innermost_first)
{
	uint32_t frame = profile_frame(profile, 1, 0x10);
	struct profile_line lines[] = {{3, 30}, {2, 20}};

	profile_frame_set_lines(profile, profile_frame(profile, 1, 0x9), lines, 1);
	profile_frame_set_lines(profile, frame, lines, 2);
	cr_assert_eq(profile->frames[frame].line_count, 2);
	cr_assert_eq(profile->lines[profile->frames[frame].first_line].function, 3);
	cr_assert_eq(profile->lines[profile->frames[frame].first_line + 1].line, 20);
}

Test(profile, says_what_every_ending_means)
{
	for (int i = 0; i < PROFILE_ENDINGS; i++) {
		cr_assert_not_null(profile_endings[i].name, "ending %d", i);
		cr_assert_not_null(profile_endings[i].says, "ending %d", i);
	}
}
