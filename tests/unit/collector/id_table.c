/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/profile/id_table.c. */
#include "collector/profile/id_table.h"

#include <criterion/criterion.h>

Test(id_table, finds_every_pair_again_after_growing)
{
	struct id_table table = {0};

	for (uint32_t i = 0; i < 100000; i++)
		*id_table_slot(&table, i % 317, 0xffff800000000000u + i) = i + 1;
	cr_assert_eq(table.count, 100000);
	for (uint32_t i = 0; i < 100000; i++)
		cr_assert_eq(*id_table_slot(&table, i % 317, 0xffff800000000000u + i), i + 1);
	cr_assert_eq(table.count, 100000);
	id_table_done(&table);
}

Test(id_table, tells_swapped_pairs_apart)
{
	struct id_table table = {0};

	*id_table_slot(&table, 1, 2) = 7;
	cr_assert_eq(*id_table_slot(&table, 2, 1), 0);
	*id_table_slot(&table, 2, 1) = 8;
	cr_assert_eq(*id_table_slot(&table, 1, 2), 7);
	id_table_done(&table);
}
