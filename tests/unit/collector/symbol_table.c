/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/symbol_table.c and plt.c, on a compiled tests/fixtures/symbols.S. */
#include "collector/resolve/symbol_table.h"

#include "collector/base/xalloc.h"
#include "tests/unit/collector/fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

static int fd = -1;
static Elf *elf;
static struct symbol_table *symbols;

static void open_table(const char *name, bool has_symtab)
{
	char *path = fixture_path(name);

	elf_version(EV_CURRENT);
	fd = open(path, O_RDONLY);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	cr_assert_not_null(elf);
	symbols = symbol_table_new(elf, has_symtab ? elf : NULL);
	free(path);
}

static void teardown(void)
{
	symbol_table_free(symbols);
	elf_end(elf);
	close(fd);
	fixture_done();
}

TestSuite(symbol_table, .fini = teardown);

#define LINK "cc -shared -nostdlib -o $F/symbols.so tests/fixtures/symbols.S -lc "

/* Returns the value of @name in the dynamic symbols, which stripping leaves. */
static uint64_t address_of(const char *name)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;
		GElf_Sym symbol;

		gelf_getshdr(section, &shdr);
		if (shdr.sh_type != SHT_DYNSYM)
			continue;
		for (int i = 0; gelf_getsym(elf_getdata(section, NULL), i, &symbol); i++)
			if (!strcmp(elf_strptr(elf, shdr.sh_link, symbol.st_name), name))
				return symbol.st_value;
	}
	cr_assert_fail("no symbol %s", name);
	return 0;
}

/* Asserts the name found @offset bytes into @function; NULL: no name. */
static void assert_name(const char *function, int offset, const char *expected)
{
	struct symbol symbol;
	bool found = symbol_table_find(symbols, address_of(function) + (uint64_t)offset, &symbol);

	cr_assert_eq(found, expected != NULL, "%s+%d: %s", function, offset,
		     found ? symbol.name : "nothing");
	if (expected)
		cr_assert_str_eq(symbol.name, expected, "%s+%d: %s", function, offset, symbol.name);
}

Test(symbol_table, counts_a_symbol_only_within_its_size)
{
	cr_assert(fixture_run(LINK));
	open_table("symbols.so", true);
	assert_name("sized_function", 0, "sized_function");
	assert_name("sized_function", 31, "sized_function");
	assert_name("sized_function", 32, NULL);
	assert_name("sized_function", -1, NULL);
}

Test(symbol_table, prefers_the_plain_public_name_of_several)
{
	cr_assert(fixture_run(LINK));
	open_table("symbols.so", true);
	assert_name("pwrite", 0, "pwrite");
	assert_name("pwrite", 63, "pwrite");
}

Test(symbol_table, finds_the_innermost_of_nested_functions)
{
	cr_assert(fixture_run(LINK));
	open_table("symbols.so", true);
	assert_name("outer_function", 15, "outer_function");
	assert_name("outer_function", 16, "inner_function");
	assert_name("outer_function", 31, "inner_function");
	assert_name("outer_function", 32, "outer_function");
}

Test(symbol_table, lets_a_symbol_without_size_reach_to_the_next_one)
{
	struct symbol symbol;

	cr_assert(fixture_run(LINK));
	open_table("symbols.so", true);
	assert_name("unsized_function", 0, "unsized_function");
	assert_name("unsized_function", 63, "unsized_function");
	assert_name("unsized_function", 64, "after_unsized");
	cr_assert(symbol_table_find(symbols, address_of("unsized_function"), &symbol));
	cr_assert_not(symbol.sized);
}

Test(symbol_table, never_uses_the_nearest_exported_symbol)
{
	cr_assert(fixture_run(LINK "-s"));
	open_table("symbols.so", true);
	assert_name("sized_function", 31, "sized_function");
	assert_name("sized_function", 32, NULL);
	assert_name("unsized_function", 0, "unsized_function");
	assert_name("unsized_function", 1, NULL);
	assert_name("outer_function", 16, "outer_function");
}

Test(symbol_table, names_no_data)
{
	cr_assert(fixture_run(LINK));
	open_table("symbols.so", true);
	assert_name("not_code", 0, NULL);
	assert_name("stranger_start", 0, "unsized_before_stranger");
}

/* Follows the call at @function + @offset (e8 rel32) to its stub. */
static uint64_t call_target(const char *function, int offset)
{
	uint8_t code[5];
	int32_t relative;
	uint64_t address = address_of(function) + (uint64_t)offset;

	/* .text of this file has equal addresses and offsets: the linker's layout of one page each
	 */
	cr_assert_eq(pread(fd, code, 5, (off_t)address), 5);
	cr_assert_eq(code[0], 0xe8);
	memcpy(&relative, code + 1, 4);
	return address + 5 + (uint64_t)(int64_t)relative;
}

static void assert_stub(const char *link)
{
	struct symbol symbol;
	uint64_t stub;

	cr_assert(fixture_run(link));
	open_table("symbols.so", true);
	stub = call_target("caller", 0);
	cr_assert(symbol_table_find(symbols, stub, &symbol));
	cr_assert_str_eq(symbol.name, "getpid@plt");
	cr_assert_eq(symbol.start, stub);
	cr_assert(symbol_table_find(symbols, stub + 3, &symbol));
	cr_assert_str_eq(symbol.name, "getpid@plt");
}

Test(symbol_table, names_call_stubs)
{
	assert_stub(LINK);
}

Test(symbol_table, names_call_stubs_of_stripped_files)
{
	assert_stub(LINK "-s");
}

Test(symbol_table, names_call_stubs_of_the_second_table)
{
	assert_stub(LINK "-Wl,-z,ibtplt");
}

Test(symbol_table, names_call_stubs_bound_at_start)
{
	assert_stub(LINK "-Wl,-z,now");
}
