/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/symbol.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

Test(symbol, a_frame_without_lines_is_labelled_by_module_and_address)
{
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/lib/libm.so.6", NULL);
	uint32_t frame = profile_frame(profile, module, 0x1f0);
	struct symbol_walk walk = symbol_at(profile, frame, 0);
	struct symbol_table table;

	symbol_table_init(&table, profile);
	cr_assert_eq(symbol_depth(profile, frame), 1);
	cr_assert_str_eq(table.symbols[walk.symbol].label, "libm.so.6+0x1f0");
	cr_assert_not(table.symbols[walk.symbol].named);
	cr_assert_not(walk.inlined);
	symbol_table_done(&table);
	profile_free(profile);
}

Test(symbol, a_note_is_labelled_as_it_is)
{
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_NOTE, "[truncated]", NULL);
	uint32_t frame = profile_frame(profile, module, 0);
	struct symbol_table table;
	uint32_t symbol;

	symbol_table_init(&table, profile);
	symbol = symbol_at(profile, frame, 0).symbol;
	cr_assert_str_eq(table.symbols[symbol].label, "[truncated]");
	cr_assert(symbol_is_note(&table, symbol));
	cr_assert_not(symbol_is_note(&table, 0));
	symbol_table_done(&table);
	profile_free(profile);
}

Test(symbol, same_label_finds_functions_of_one_name_in_two_modules)
{
	struct profile *profile = new_profile();
	uint32_t a = profile_function(profile, "init", NULL, 0, 0, 1, true);
	uint32_t b = profile_function(profile, "other", NULL, 0, 0, 1, true);
	uint32_t c = profile_function(profile, "init", NULL, 0, 0, 2, true);
	struct symbol_table table;
	uint32_t *same;

	symbol_table_init(&table, profile);
	same = symbol_same_label(&table);
	cr_assert_eq(same[c], a);
	cr_assert_eq(same[a], a);
	cr_assert_eq(same[b], b);
	free(same);
	symbol_table_done(&table);
	profile_free(profile);
}

Test(symbol, base_name_is_the_last_part)
{
	cr_assert_str_eq(symbol_base_name("/usr/bin/sim"), "sim");
	cr_assert_str_eq(symbol_base_name("sim"), "sim");
	cr_assert_str_eq(symbol_base_name("/opt/"), "/opt/");
}
