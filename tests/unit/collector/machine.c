/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/machine.c, against what the system's own tools say. */
#include "collector/profile/machine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void says(const char *command, const char *expected)
{
	char line[256] = "";
	FILE *stream = popen(command, "r");

	cr_assert_not_null(fgets(line, sizeof(line), stream), "%s", command);
	pclose(stream);
	line[strcspn(line, "\n")] = '\0';
	cr_assert_str_eq(line, expected, "%s", command);
}

Test(machine, agrees_with_uname_and_nproc)
{
	struct profile *profile = profile_new();
	char count[16];

	machine_describe(profile);
	says("uname -n", profile_text(profile, "host", ""));
	says("uname -s -r", profile_text(profile, "kernel", ""));
	snprintf(count, sizeof(count), "%d", (int)profile_number(profile, "cpu_count", 0));
	says("getconf _NPROCESSORS_ONLN", count);
	cr_assert_str_neq(profile_text(profile, "cpu_model", ""), "");
	profile_free(profile);
}
