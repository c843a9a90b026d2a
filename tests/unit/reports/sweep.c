/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/sweep.h"

#include "tests/unit/reports/small_sweep.h"

/* What a run that printed @text counted of items. */
static double count(const char *text)
{
	char folder[SMALL_PATH], path[SMALL_PATH + 8];
	struct sweep_result result = {.folder = folder};
	FILE *stream;
	double items;

	new_folder(folder);
	snprintf(path, sizeof(path), "%s/out", folder);
	stream = fopen(path, "w");
	cr_assert(stream);
	cr_assert_geq(fputs(text, stream), 0);
	cr_assert_eq(fclose(stream), 0);
	items = sweep_result_count(&result, "items");
	remove_folder(folder);
	return items;
}

Test(sweep, a_count_is_the_last_number_that_was_printed_with_its_name)
{
	cr_expect_eq(count("items  5\n"), 5);
	cr_expect_eq(count("items: 5 planned\nitems: 0\n"), 0);
	cr_expect_eq(count("items: 0 so far\nitems = 500"), 500);
	cr_expect_eq(count("items: 500\r\n"), 500);
	cr_expect_eq(count("items:\nitems: 500\n"), 500);
}

Test(sweep, what_is_no_number_is_no_count)
{
	cr_expect_eq(count("items: nan\n"), -1);
	cr_expect_eq(count("items:\n"), -1);
	cr_expect_eq(count("items: 5x\nitemset 7\nsome items 7\n"), -1);
}
