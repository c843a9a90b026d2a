/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests of collector/resolve/debug_lines.c and debug_unit.c: the same answers as libdw's own
 * search (dwarf_addrdie and dwarf_getscopes), address by address, on what several compilers make
 * of the fixtures.
 */
#include "collector/resolve/debug_lines.h"

#include "collector/base/xalloc.h"
#include "tests/unit/collector/fixture.h"

#include <criterion/criterion.h>
#include <dwarf.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#define CALLS 64

static int fd = -1;
static Elf *elf;
static Dwarf *dwarf;
static struct debug_lines *lines;

static void open_lines(const char *name)
{
	char *path = fixture_path(name);

	elf_version(EV_CURRENT);
	fd = open(path, O_RDONLY);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	cr_assert_not_null(dwarf, "%s has no debug information", name);
	lines = debug_lines_new(dwarf);
	free(path);
}

static void close_lines(void)
{
	debug_lines_free(lines);
	lines = NULL;
	dwarf_end(dwarf);
	elf_end(elf);
	close(fd);
}

TestSuite(debug_lines, .fini = fixture_done, .timeout = 120);

struct slow_call {
	const char *name;
	int line;
};

/* The line, or 0 when @file is not the one that the function is declared in. A function without
 * a declaration of its own (a lambda) may have lines of any file. */
static int line_in_own_file(Dwarf_Die *function, const char *file, int line)
{
	const char *own = dwarf_decl_file(function);
	Dwarf_Files *files;
	Dwarf_Die unit;

	if (!dwarf_hasattr_integrate(function, DW_AT_decl_file))
		return file ? line : 0;
	/* Clang's DWARF 5 numbers a unit's own file 0, which dwarf_decl_file takes for "none". */
	if (!own && dwarf_diecu(function, &unit, NULL, NULL) &&
	    dwarf_getsrcfiles(&unit, &files, NULL) == 0)
		own = dwarf_filesrc(files, 0, NULL, NULL);
	return file && own && !strcmp(own, file) ? line : 0;
}

static int call_line(Dwarf_Die *inlined, Dwarf_Die *unit, Dwarf_Die *caller)
{
	Dwarf_Attribute attribute;
	Dwarf_Word line = 0, file = 0;
	Dwarf_Files *files;

	dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line);
	dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file);
	dwarf_getsrcfiles(unit, &files, NULL);
	return line_in_own_file(caller, dwarf_filesrc(files, file, NULL, NULL), (int)line);
}

static bool is_function(Dwarf_Die *die)
{
	return dwarf_tag(die) == DW_TAG_inlined_subroutine || dwarf_tag(die) == DW_TAG_subprogram;
}

/* Of the sanitizer, where there is one: dwarf_getscopes of libdw 0.188 leaks when it does not find
 * the declaration of an inlined function again. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static int get_scopes(Dwarf_Die *unit, uint64_t address, Dwarf_Die **scopes)
{
	int found;

	if (__lsan_disable)
		__lsan_disable();
	found = dwarf_getscopes(unit, address, scopes);
	if (__lsan_enable)
		__lsan_enable();
	return found;
}

/* Fills @functions as dwarf_getscopes has them: innermost first. Returns their number. */
static int scopes_around(Dwarf_Die *unit, uint64_t address, Dwarf_Die *functions)
{
	Dwarf_Die *around, *scopes;
	int found, count = 0;

	if (get_scopes(unit, address, &around) <= 0)
		return 0;
	found = dwarf_getscopes_die(&around[0], &scopes);
	free(around);
	if (found <= 0)
		return 0;
	for (int i = 0; i < found && count < CALLS; i++) {
		if (is_function(&scopes[i]))
			functions[count++] = scopes[i];
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			break;
	}
	free(scopes);
	return count;
}

/* The same by looking at each entry of the unit's whole tree: dwarf_getscopes finds nothing inside
 * of namespaces, where all of Rust is, nor functions nested in others. */
static int search_around(Dwarf_Die *parent, uint64_t address, Dwarf_Die *functions, int count)
{
	Dwarf_Die child;
	int found;

	if (dwarf_child(parent, &child) != 0)
		return 0;
	do {
		if (is_function(&child) && dwarf_haspc(&child, address) == 1) {
			found = search_around(&child, address, functions, count + 1);
			functions[found ? found - 1 - count : 0] = child;
			return found ? found : count + 1;
		}
		found = search_around(&child, address, functions, count);
		if (found)
			return found;
	} while (dwarf_siblingof(&child, &child) == 0);
	return 0;
}

/* Returns the number of calls that libdw finds, innermost first; 0 when it finds no function. */
static int find_slowly(uint64_t address, struct slow_call *calls)
{
	Dwarf_Die unit, functions[CALLS];
	Dwarf_Line *row;
	int line = 0, count;

	if (!dwarf_addrdie(dwarf, address, &unit))
		return 0;
	count = scopes_around(&unit, address, functions);
	if (count == 0)
		count = search_around(&unit, address, functions, 0);
	row = dwarf_getsrc_die(&unit, address);
	if (row)
		dwarf_lineno(row, &line);
	for (int i = 0; i < count; i++) {
		calls[i].name = dwarf_diename(&functions[i]);
		calls[i].line =
			i == 0 ? line_in_own_file(&functions[0],
						  row ? dwarf_linesrc(row, NULL, NULL) : NULL, line)
			       : call_line(&functions[i - 1], &unit, &functions[i]);
	}
	return count;
}

static void assert_same(uint64_t address, const struct slow_call *slow, int count)
{
	struct debug_place place;

	debug_lines_find(lines, address, &place);
	cr_assert_eq(place.count, count, "%#lx: %zu calls instead of %d", address, place.count,
		     count);
	for (int i = 0; i < count; i++) {
		const struct debug_call *call = &place.calls[i];

		cr_assert_str_eq(call->function->name ?: "", slow[i].name ?: "");
		cr_assert_eq(call->line, slow[i].line, "%#lx, call %d of %d, %s: line %u, not %d",
			     address, i, count, call->function->name, call->line, slow[i].line);
	}
}

/* Compares @wanted addresses, spread over all code sections; returns how many had a function. */
static int compare_addresses(int wanted)
{
	Elf_Scn *section = NULL;
	uint64_t bytes = 0;
	int compared = 0;

	for (int pass = 0; pass < 2; pass++)
		while ((section = elf_nextscn(elf, section))) {
			struct slow_call slow[CALLS];
			uint64_t step = bytes / (uint64_t)wanted + 1;
			GElf_Shdr shdr;

			gelf_getshdr(section, &shdr);
			if (!(shdr.sh_flags & SHF_EXECINSTR))
				continue;
			if (pass == 0)
				bytes += shdr.sh_size;
			for (uint64_t i = 0; pass == 1 && i < shdr.sh_size; i += step) {
				int count = find_slowly(shdr.sh_addr + i, slow);

				if (count == 0)
					continue;
				assert_same(shdr.sh_addr + i, slow, count);
				compared++;
			}
		}
	return compared;
}

/* Builds $F/program with @command and compares; asserts that @least addresses had functions. */
static void compare_program(const char *command, int wanted, int least)
{
	int compared;

	cr_assert(fixture_run(command), "cannot run: %s", command);
	open_lines("program");
	compared = compare_addresses(wanted);
	close_lines();
	cr_assert_geq(compared, least, "%d addresses with functions: %s", compared, command);
}

Test(debug_lines, equals_libdw_for_every_byte_of_a_c_program)
{
	compare_program("gcc -O2 -g -o $F/program tests/fixtures/inlined.c", 100000, 300);
	compare_program("gcc -O2 -g -gdwarf-4 -o $F/program tests/fixtures/inlined.c", 100000, 300);
	compare_program("gcc -O0 -g -o $F/program tests/fixtures/inlined.c", 100000, 300);
}

Test(debug_lines, equals_libdw_on_this_suite_itself)
{
	const char *flags[] = {"-O2 -gdwarf-5", "-O3 -gdwarf-4", "-O2 -g -flto"};

	for (int i = 0; i < 3; i++) {
		char command[500];

		snprintf(command, sizeof(command),
			 "gcc %s -std=gnu17 -D_GNU_SOURCE -I. -fPIC -shared -o $F/program "
			 "collector/profile/*.c collector/base/*.c collector/resolve/debug*.c",
			 flags[i]);
		compare_program(command, i ? 800 : 2500, i ? 300 : 1000);
	}
}

Test(debug_lines, equals_libdw_on_cpp)
{
	if (!fixture_has("g++"))
		cr_skip_test("g++ is not installed");
	compare_program("g++ -O2 -g -o $F/program tests/fixtures/inlined.cc", 1500, 1000);
	compare_program("g++ -O0 -gdwarf-4 -o $F/program tests/fixtures/inlined.cc", 400, 300);
}

Test(debug_lines, equals_libdw_on_clang)
{
	if (!fixture_has("clang"))
		cr_skip_test("clang is not installed");
	compare_program("clang -O2 -g -gdwarf-aranges -std=gnu17 -D_GNU_SOURCE -I. -fPIC -shared "
			"-o $F/program collector/profile/*.c collector/base/*.c",
			1500, 1000);
}

Test(debug_lines, equals_libdw_on_rust)
{
	if (!fixture_has("rustc"))
		cr_skip_test("rustc is not installed");
	if (!fixture_run("rustc -O -g -o $F/program tests/fixtures/inlined.rs"))
		cr_skip_test("rustc does not work");
	compare_program("true", 1500, 800);
}

Test(debug_lines, needs_no_aranges)
{
	struct debug_place place;
	uint64_t address = 0;

	cr_assert(fixture_run("gcc -O2 -g -no-pie -o $F/full tests/fixtures/inlined.c && "
			      "objcopy --remove-section .debug_aranges $F/full $F/program"));
	open_lines("program");
	for (uint64_t i = 0x401000; i < 0x402000 && !address; i++)
		if (debug_lines_find(lines, i, &place) && place.count == 3 &&
		    !strcmp(place.calls[2].function->name, "outermost"))
			address = i;
	cr_assert_neq(address, 0);
	cr_assert_str_eq(place.calls[0].function->name, "innermost");
	cr_assert_str_eq(place.calls[1].function->name, "middle");
	cr_assert_neq(place.calls[0].function->line, 0);
	close_lines();
}
