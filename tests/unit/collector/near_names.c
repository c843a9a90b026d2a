/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/base/near_names.h"

#include <criterion/criterion.h>

static const char *near_of(const char *wanted, const char *const *names, size_t count)
{
	static char text[100];
	struct near_names near;

	near_names_init(&near, wanted);
	for (size_t i = 0; i < count; i++)
		near_names_add(&near, names[i], names[i]);
	return near_names_write(&near, text, sizeof(text));
}

Test(near_names, the_nearest_come_first_each_once_and_three_at_most)
{
	static const char *const names[] = {"world_stopp", "world_stop",  "world_stop",
					    "other",	   "world_stepp", "world_step_all"};

	cr_assert_str_eq(near_of("world_step", names, 6), "world_stop, world_stopp, world_stepp");
	cr_assert_str_eq(near_of("world_step", names + 3, 1), "");
}

Test(near_names, what_does_not_fit_is_cut)
{
	static const char *const names[] = {"world_stop", "world_stap"};
	struct near_names near;
	char text[8];

	near_names_init(&near, "world_step");
	near_names_add(&near, names[0], names[0]);
	near_names_add(&near, names[1], names[1]);
	cr_assert_str_eq(near_names_write(&near, text, sizeof(text)), "world_s");
}
