/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/pattern.c. */
#include "collector/resolve/pattern.h"

#include <criterion/criterion.h>
#include <string.h>

static struct function functions[] = {
	{.name = (char[]){"environment_observe"}, .plain = (char[]){"environment_observe"}},
	{.name = (char[]){"environment_step.constprop.0"}, .plain = (char[]){"environment_step"}},
	{.name = (char[]){"environment_step.cold"},
	 .plain = (char[]){"environment_step"},
	 .is_part = true},
	{.name = (char[]){"_ZN5world4stepEi"}, .plain = (char[]){"world::step"}},
};
static struct function_list list = {.functions = functions, .count = 4};

/* Returns a bit for each function that is meant. */
static unsigned taken(const char *text)
{
	struct pattern pattern;
	struct error error;
	unsigned bits = 0;

	cr_assert_eq(pattern_init(&pattern, text, &error), 0, "%s", error.text);
	for (size_t i = 0; i < list.count; i++)
		bits |= (unsigned)pattern_takes(&pattern, &list, &functions[i]) << i;
	pattern_done(&pattern);
	return bits;
}

Test(pattern, takes_names_globs_and_expressions)
{
	cr_expect_eq(taken("environment_observe"), 1);
	cr_expect_eq(taken("environment_step"), 2, "the copy, not the part");
	cr_expect_eq(taken("environment_*"), 3);
	cr_expect_eq(taken("/^env.*(step|observe)$/"), 3);
	cr_expect_eq(taken("world::step"), 8);
	cr_expect_eq(taken("world::*"), 8);
	cr_expect_eq(taken("observe"), 0);
}

static bool takes_file(const char *text, const char *path)
{
	struct pattern pattern;
	struct error error;
	bool takes;

	cr_assert_eq(pattern_init(&pattern, text, &error), 0, "%s", error.text);
	takes = pattern_takes_file(&pattern, path);
	pattern_done(&pattern);
	return takes;
}

Test(pattern, knows_a_library_by_the_beginning_of_its_files_name)
{
	cr_expect(takes_file("libm:exp", "/usr/lib/libm.so.6"));
	cr_expect(takes_file("libm:exp", "/usr/lib/libm-2.36.so"));
	cr_expect(takes_file("libm.so:exp", "/usr/lib/libm.so.6"));
	cr_expect(takes_file("libm.so.6:exp", "/usr/lib/libm.so.6"));
	cr_expect(takes_file("libsqlite3.so.0:f", "/usr/lib/libsqlite3.so.0.8.6"));
	cr_expect(takes_file("libsqlite3.so.0.8.6:f", "/usr/lib/libsqlite3.so.0.8.6"));
	cr_expect_not(takes_file("libsqlite3.so.1:f", "/usr/lib/libsqlite3.so.0.8.6"));
	cr_expect_not(takes_file("libsqlite3.so.0:f", "/usr/lib/libsqlite3.so.08"));
	cr_expect(takes_file("sim:main", "/opt/sim"));
	cr_expect(takes_file("main", "/opt/sim"));
	cr_expect(takes_file("lib*:exp", "/usr/lib/libm.so.6"));
	cr_expect(takes_file("libm*:exp", "/usr/lib/libm-2.36.so"));
	cr_expect(takes_file("lib?:exp", "/usr/lib/libm-2.36.so"), "its version is no part");
	cr_expect(takes_file("lib*.so.6:exp", "/usr/lib/libm.so.6"));
	cr_expect_not(takes_file("lib?:exp", "/usr/lib/libmagic.so.1"));
	cr_expect_not(takes_file("lib*:exp", "/opt/sim"));
	cr_expect_not(takes_file("libm:exp", "/usr/lib/libmagic.so.1"));
	cr_expect_not(takes_file("libm:exp", "/usr/lib/libc.so.6"));
}

Test(pattern, tells_source_files_and_libraries_apart)
{
	struct pattern pattern;
	struct error error;

	cr_assert_eq(pattern_init(&pattern, "world.c:*", &error), 0);
	cr_expect_str_eq(pattern.source, "world.c");
	cr_expect_null(pattern.library);
	pattern_done(&pattern);
	cr_assert_eq(pattern_init(&pattern, "libw:a::b", &error), 0);
	cr_expect_str_eq(pattern.library, "libw");
	cr_expect_str_eq(pattern.name, "a::b");
	pattern_done(&pattern);
}

Test(pattern, refuses_what_names_nothing)
{
	struct pattern pattern;
	struct error error;

	cr_expect_lt(pattern_init(&pattern, "", &error), 0);
	cr_expect_lt(pattern_init(&pattern, "libm:", &error), 0);
	cr_expect_lt(pattern_init(&pattern, ":f", &error), 0);
	cr_expect_lt(pattern_init(&pattern, "/(/", &error), 0);
	cr_expect_not_null(strstr(error.text, "regular expression"), "%s", error.text);
}

static void expect_near(const char *name, const char *expected)
{
	struct near_names near;
	struct pattern pattern;
	struct error error;
	char text[200];

	cr_assert_eq(pattern_init(&pattern, name, &error), 0);
	near_names_init(&near, pattern.name);
	pattern_add_near(&pattern, &list, &near);
	cr_expect_str_eq(near_names_write(&near, text, sizeof(text)), expected);
	pattern_done(&pattern);
}

Test(pattern, suggests_the_nearest_names)
{
	expect_near("enviroment_observe", "environment_observe");
	expect_near("step", "environment_step, world::step");
	expect_near("qsort", "");
}
