/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/base/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

Test(error, a_hostile_name_does_not_drive_the_terminal)
{
	struct error error;
	char *plain;

	cr_assert_eq(fail(&error, -ENOENT, "cannot open %s: %m", "a\033[2J\xc2\x9b\x7f\n\xc3\xa4"),
		     -ENOENT);
	cr_assert_str_eq(error.text, "cannot open a?[2J?"
				     "?"
				     "?"
				     "?\xc3\xa4: No such file or directory");
	plain = error_plain("a\rb");
	cr_assert_str_eq(plain, "a?b");
	free(plain);
}
