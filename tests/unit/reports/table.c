/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/table.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct table_column columns[] = {
	{"share", .right = true},
	{"samples", .right = true, .dropped = 1},
	{"function", .elastic = true},
	{.title = "module"},
};

static char *written(int width, bool colour)
{
	struct table table;
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	table_init(&table, columns, 4);
	table_cell(&table, "%d %%", 12);
	table_cell(&table, "1200");
	table_cell(&table, "environment_observe_all_agents");
	table_cell(&table, "sim");
	table_cell(&table, "3 %%");
	table_cell(&table, "3");
	table_cell(&table, "größe");
	table_cell(&table, "%s", "");
	table_write(&table, stream, width, colour);
	table_done(&table);
	fclose(stream);
	return text;
}

Test(table, columns_are_aligned_by_characters)
{
	char *text = written(0, false);

	cr_assert_str_eq(text, "share  samples  function                        module\n"
			       " 12 %     1200  environment_observe_all_agents  sim\n"
			       "  3 %        3  größe\n");
	free(text);
}

Test(table, a_narrow_one_drops_columns_then_cuts_names_in_the_middle)
{
	char *text = written(35, false);

	cr_assert_str_eq(text, "share  function              module\n"
			       " 12 %  environme…all_agents  sim\n"
			       "  3 %  größe\n");
	free(text);
}

Test(table, titles_are_bold_only_with_colour)
{
	char *text = written(0, true);

	cr_assert_eq(strncmp(text, "\033[1mshare", 9), 0);
	free(text);
}

Test(table, names_of_megabytes_are_cut_without_any_limit_too)
{
	struct table table;
	char *name = malloc(1 << 20), *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	cr_assert_not_null(name);
	memset(name, 'x', (1 << 20) - 1);
	name[(1 << 20) - 1] = '\0';
	table_init(&table, columns, 4);
	for (int i = 0; i < 3; i++)
		table_cell(&table, "1");
	table_cell(&table, "%s", name);
	table_write(&table, stream, 0, false);
	table_done(&table);
	fclose(stream);
	cr_assert_leq(bytes, 5000);
	cr_assert_not_null(strstr(text, "x…x"));
	free(text);
	free(name);
}

Test(table, a_column_keeps_the_characters_that_it_is_promised)
{
	static const struct table_column kept[] = {{"function", .elastic = true},
						   {"remark", .elastic = 19}};
	struct table table;
	size_t bytes;
	char *text;
	FILE *stream = open_memstream(&text, &bytes);

	table_init(&table, kept, 2);
	table_cell(&table, "environment_observe_all_agents");
	table_cell(&table, "needs too many runs");
	table_write(&table, stream, 33, false);
	table_done(&table);
	fclose(stream);
	cr_assert(strstr(text, "needs too many runs\n"), "%s", text);
	free(text);
}
