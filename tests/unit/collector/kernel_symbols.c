/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/kernel_symbols.c. */
#include "collector/resolve/kernel_symbols.h"

#include "collector/base/xalloc.h"
#include "tests/unit/collector/fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static struct profile *profile;
static uint32_t kernel;

static void setup(void)
{
	profile = profile_new();
	kernel = profile_module(profile, PROFILE_MODULE_KERNEL, "[kernel]", NULL);
}

static void teardown(void)
{
	profile_free(profile);
	fixture_done();
}

TestSuite(kernel_symbols, .init = setup, .fini = teardown);

/* Names @address with a symbol file of @text; returns its function. */
static const struct profile_function *name_one(const char *text, uint64_t address)
{
	char *path = fixture_path("kallsyms");
	uint32_t frame = profile_frame(profile, kernel, address);
	struct kernel_symbols *symbols;
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
	symbols = kernel_symbols_new(path);
	kernel_symbols_name(symbols, profile);
	kernel_symbols_free(symbols);
	free(path);
	cr_assert_eq(profile->frames[frame].line_count, 1);
	return &profile->functions[profile->lines[profile->frames[frame].first_line].function];
}

static const char table[] = "0000000000000000 A fixed_percpu_data\n"
			    "ffffffff81000000 T _text\n"
			    "ffffffff81000000 T startup_64\n"
			    "ffffffff81000000 T __startup_64\n"
			    "ffffffff81000040 t do_one\n"
			    "ffffffff81000050 D a_variable\n"
			    "ffffffff81000080 W arch_weak\n"
			    "ffffffff810000c0 T _etext\n"
			    "ffffffffc0200000 t nf_hook\t[nf_tables]\n"
			    "ffffffffc0100000 T mod_first\t[first]\n"
			    "ffffffffc0100100 r mod_data\t[first]\n";

Test(kernel_symbols, finds_the_function_that_starts_at_or_before_the_address)
{
	cr_assert_str_eq(name_one(table, 0xffffffff81000040)->name, "do_one");
	cr_assert_str_eq(name_one(table, 0xffffffff8100007f)->name, "do_one");
	cr_assert_str_eq(name_one(table, 0xffffffff81000080)->name, "arch_weak");
	cr_assert(name_one(table, 0xffffffff81000080)->named);
}

Test(kernel_symbols, prefers_the_plain_name_of_several)
{
	cr_assert_str_eq(name_one(table, 0xffffffff81000000)->name, "startup_64");
}

Test(kernel_symbols, keeps_the_module_in_the_name_and_needs_no_order)
{
	cr_assert_str_eq(name_one(table, 0xffffffffc0200008)->name, "nf_hook [nf_tables]");
	cr_assert_str_eq(name_one(table, 0xffffffffc0100108)->name, "mod_first [first]");
}

Test(kernel_symbols, gives_no_name_beyond_the_last_function)
{
	uint64_t nowhere[] = {0xffffffff80ffffff, 0xffffffff810000c0, 0xffffffff90000000,
			      0xffffffffd0000000};

	for (int i = 0; i < 4; i++) {
		const struct profile_function *function = name_one(table, nowhere[i]);

		cr_assert_str_eq(function->name, "[kernel]");
		cr_assert_not(function->named);
	}
}

Test(kernel_symbols, says_kernel_where_the_addresses_are_hidden)
{
	const struct profile_function *function = name_one(
		"0000000000000000 T _text\n0000000000000000 T do_one\n", 0xffffffff81000040);

	cr_assert_str_eq(function->name, "[kernel]");
	cr_assert_not(function->named);
}

Test(kernel_symbols, survives_a_missing_file)
{
	uint32_t frame = profile_frame(profile, kernel, 0xffffffff81000040);
	struct kernel_symbols *symbols = kernel_symbols_new("/nonexistent/kallsyms");

	kernel_symbols_name(symbols, profile);
	kernel_symbols_free(symbols);
	cr_assert_eq(profile->frames[frame].line_count, 1);
}

Test(kernel_symbols, skips_lines_of_another_form)
{
	cr_assert_str_eq(name_one("\n \nT x\nffffffff81000000\nffffffff81000000 T\n"
				  "ffffffff81000000 T \nffffffff81000010 T good\n"
				  "zz T bad\nffffffff81000014-T bad\nffffffff81000020 "
				  "Tbad\nffffffff81000030 T cut",
				  0xffffffff81000018)
				 ->name,
			 "good");
	cr_assert_str_eq(name_one("ffffffff81000030 T cut", 0xffffffff81000031)->name, "cut");
}

Test(kernel_symbols, leaves_frames_of_other_modules_alone)
{
	uint32_t program = profile_module(profile, PROFILE_MODULE_ELF, "/bin/a", NULL);
	uint32_t frame = profile_frame(profile, program, 0xffffffff81000040);

	name_one(table, 0xffffffff81000041);
	cr_assert_eq(profile->frames[frame].line_count, 0);
}
