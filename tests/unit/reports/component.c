/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/component.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

/* Adds @count samples of one function, its stack being that function alone. */
static uint32_t add_function(struct profile *profile, enum profile_module_kind kind,
			     const char *module_path, const char *name, const char *file,
			     uint32_t count)
{
	uint32_t module = profile_module(profile, kind, module_path, NULL);
	uint32_t function = profile_function(profile, name, NULL, module,
					     profile_file_name(profile, file), 1, true);
	uint32_t frame = profile_frame(profile, module, 16 * function);
	uint64_t start = profile->samples_count;

	profile_frame_set_lines(profile, frame, &(struct profile_line){.function = function}, 1);
	for (uint32_t i = 0; i < count; i++)
		profile_sample_add(profile, &(struct profile_sample){
						    .time_ns = start + i,
						    .value = 1,
						    .stack = profile_stack(profile, 0, frame)});
	return function;
}

struct named {
	struct report report;
	struct call_tree *tree;
	struct component_table components;
};

static void name(struct named *named, struct profile *profile)
{
	report_init(&named->report, profile);
	named->tree = call_tree_build(profile, &(struct call_tree_options){0});
	component_table_init(&named->components, &named->report, named->tree);
}

static void done(struct named *named)
{
	component_table_done(&named->components);
	call_tree_free(named->tree);
	report_done(&named->report);
}

static const struct component *of(const struct named *named, uint32_t function)
{
	return &named->components.rows[named->components.of_symbol[function]];
}

Test(component, functions_of_the_program_belong_to_their_folder_or_file)
{
	struct profile *profile = new_profile();
	static const char *const files[][2] = {
		{"/src/sim/main.c", "main"},
		{"/src/sim/spatial/kd_tree.c", "spatial"},
		{"/src/sim/spatial/grid/cell.c", "spatial"},
		{"/src/sim/observation.c", "observation"},
		{"/src/sim/observation.h", "observation"},
		{"/src/shared/random/pcg.c", "random"},
		{"/usr/include/c++/12/bits/stl_vector.h", "sim"},
		{"", "sim"},
	};
	uint32_t functions[8];
	struct named named;

	for (int i = 0; i < 8; i++) {
		char function[8];

		snprintf(function, sizeof(function), i ? "f%d" : "main", i);
		functions[i] = add_function(profile, PROFILE_MODULE_ELF, "/bin/sim", function,
					    files[i][0], 1);
	}
	for (int i = 0; i < 10; i++) {
		char function[8];

		snprintf(function, sizeof(function), "g%d", i);
		add_function(profile, PROFILE_MODULE_ELF, "/bin/sim", function, "/src/sim/world.c",
			     1);
	}
	name(&named, profile);
	for (int i = 0; i < 8; i++)
		cr_assert_str_eq(of(&named, functions[i])->name, files[i][1], "%s", files[i][0]);
	done(&named);
}

Test(component, the_source_folder_is_above_main_when_most_of_the_program_is_elsewhere)
{
	struct profile *profile = new_profile();
	uint32_t start, body;
	struct named named;

	start = add_function(profile, PROFILE_MODULE_ELF, "/bin/sim", "main", "/src/cli/main.c", 1);
	add_function(profile, PROFILE_MODULE_ELF, "/bin/sim", "f", "/src/engine/world.c", 1);
	body = add_function(profile, PROFILE_MODULE_ELF, "/bin/sim", "g", "/src/engine/deep/body.c",
			    1);
	name(&named, profile);
	cr_assert_str_eq(of(&named, start)->name, "cli");
	cr_assert_str_eq(of(&named, body)->name, "engine");
	done(&named);
}

Test(component, other_modules_are_components_without_their_version)
{
	struct profile *profile = new_profile();
	static const struct {
		enum profile_module_kind kind;
		const char *path, *name;
		enum component_pattern pattern;
	} modules[] = {
		{PROFILE_MODULE_ELF, "/lib/libc.so.6", "libc", COMPONENT_PLAIN},
		{PROFILE_MODULE_ELF, "/lib/libc-2.31.so", "libc", COMPONENT_PLAIN},
		{PROFILE_MODULE_ELF, "/lib/libopenblasp-r0.3.21.so", "libopenblasp",
		 COMPONENT_PLAIN},
		{PROFILE_MODULE_ELF, "/lib/libsqlite3.so.0.8.6", "libsqlite3", COMPONENT_PLAIN},
		{PROFILE_MODULE_ELF, "/lib64/ld-linux-x86-64.so.2", "ld.so", COMPONENT_PLAIN},
		{PROFILE_MODULE_KERNEL, "[kernel]", "kernel", COMPONENT_DOTS},
		{PROFILE_MODULE_UNKNOWN, "[unknown]", "unknown", COMPONENT_HATCH},
		{PROFILE_MODULE_NOTE, "[truncated]", "cut stacks", COMPONENT_HATCH},
	};
	uint32_t functions[8];
	struct named named;

	for (int i = 0; i < 8; i++)
		functions[i] = add_function(profile, modules[i].kind, modules[i].path, "f", "", 1);
	name(&named, profile);
	for (int i = 0; i < 8; i++) {
		cr_assert_str_eq(of(&named, functions[i])->name, modules[i].name);
		cr_assert_eq(of(&named, functions[i])->pattern, modules[i].pattern, "%s",
			     modules[i].path);
	}
	done(&named);
}

Test(component, the_heaviest_come_first_and_the_rest_is_other)
{
	struct profile *profile = new_profile();
	struct named named;
	char path[32];

	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/lib/lib%c.so", 'a' + i);
		add_function(profile, PROFILE_MODULE_ELF, path, "f", "", 1 + i);
	}
	name(&named, profile);
	cr_assert_eq(named.components.count, COMPONENT_LIMIT + 1);
	cr_assert_str_eq(named.components.rows[0].name, "libt");
	cr_assert_str_eq(named.components.rows[COMPONENT_LIMIT].name, "other");
	cr_assert_eq(named.components.rows[COMPONENT_LIMIT].self, 8 * 9 / 2);
	cr_assert_eq(named.components.rows[6].pattern, COMPONENT_STRIPES);
	cr_assert_str_eq(named.components.rows[6].fill[0], named.components.rows[0].fill[0]);
	done(&named);
}

Test(component, shares_add_up_to_100_percent)
{
	for (uint32_t count = 1; count < 12; count++) {
		struct profile *profile = new_profile();
		struct named named;
		int tenths = 0;
		char path[32];

		for (uint32_t i = 0; i < count; i++) {
			snprintf(path, sizeof(path), "/lib/lib%c.so", 'a' + i);
			add_function(profile, PROFILE_MODULE_ELF, path, "f", "", 1 + i % 3);
		}
		name(&named, profile);
		for (int i = 0; i < named.components.count; i++)
			tenths += named.components.rows[i].tenths;
		cr_assert_eq(tenths, 1000, "%u components: %d", count, tenths);
		done(&named);
	}
}
