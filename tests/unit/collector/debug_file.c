/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/debug_file.c: symbols that a stripped file carries compressed, and
 * debug files from servers and beside it. The other places are tested by the names they give, in
 * symbols.c. */
#include "collector/resolve/debug_file.h"

#include "collector/resolve/symbol_table.h"
#include "tests/unit/collector/fixture.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(debug_file, .fini = fixture_done, .timeout = 60);

#define BUILD                                                                                      \
	"cd $F && printf 'static __attribute__((noinline)) int hidden(int a) { return a * 3; }\\n" \
	"int exported(int a) { return hidden(a) + 1; }' >p.c && "                                  \
	"gcc -O1 -shared -fPIC -g -Wl,--build-id=0x11223344 -o full.so p.c && "                    \
	"objcopy --only-keep-debug full.so full.debug && strip -o program full.so && "

struct names {
	bool hidden, exported;
};

static void take(void *context, const struct symbol_row *row)
{
	struct names *names = context;
	const char *name = elf_strptr(row->elf, row->strings, row->name);

	names->hidden |= !strcmp(name, "hidden");
	names->exported |= !strcmp(name, "exported");
}

/* Returns which functions of $F/program have names; @has_debug receives whether it has DWARF. */
static struct names names_of_program(bool *has_debug)
{
	struct names names = {0};
	struct debug_file file;
	char *path = fixture_path("program");
	int fd = open(path, O_RDONLY);

	debug_file_open(&file, fd, path);
	cr_assert_not_null(file.elf);
	symbol_table_scan(file.elf, file.symbols, take, &names);
	*has_debug = debug_file_dwarf(&file);
	debug_file_close(&file);
	close(fd);
	free(path);
	return names;
}

Test(debug_file, unpacks_symbols_that_a_file_carries_compressed)
{
	struct names names;
	bool has_debug;

	if (!fixture_has("xz"))
		cr_skip_test("xz is not installed");
	/* As Fedora's find-debuginfo.sh does: local functions only. */
	cr_assert(fixture_run(BUILD "objcopy -S --remove-section .gdb_index --remove-section "
				    ".comment -K hidden full.debug mini && xz -k mini && "
				    "objcopy --add-section .gnu_debugdata=mini.xz program"));
	names = names_of_program(&has_debug);
	cr_assert(names.hidden);
	cr_assert(names.exported);
	cr_assert_not(has_debug);
}

Test(debug_file, survives_damaged_compressed_symbols)
{
	struct names names;
	bool has_debug;

	if (!fixture_has("xz"))
		cr_skip_test("xz is not installed");
	cr_assert(fixture_run(BUILD "xz -k full.debug && head -c 300 full.debug.xz >cut && objcopy "
				    "--add-section .gnu_debugdata=cut program"));
	names = names_of_program(&has_debug);
	cr_assert_not(names.hidden);
	cr_assert(names.exported);
}

Test(debug_file, asks_the_servers_that_the_user_names)
{
	struct names names;
	bool has_debug;
	char *url, *folder;

	if (!dlopen("libdebuginfod.so.1", RTLD_NOW))
		cr_skip_test("libdebuginfod1 is not installed");
	cr_assert(fixture_run(BUILD "mkdir -p server/buildid/11223344 cache && "
				    "cp full.debug server/buildid/11223344/debuginfo"));
	folder = fixture_path("cache");
	setenv("DEBUGINFOD_CACHE_PATH", folder, 1);
	unsetenv("DEBUGINFOD_URLS");
	names = names_of_program(&has_debug);
	cr_assert_not(names.hidden, "nobody is asked without the user's wish");
	free(folder);
	folder = fixture_path("server");
	url = malloc(strlen(folder) + 10);
	sprintf(url, "file://%s", folder);
	setenv("DEBUGINFOD_URLS", url, 1);
	names = names_of_program(&has_debug);
	cr_assert(names.hidden);
	cr_assert(has_debug);
	free(folder);
	free(url);
}

/* Says why the debug file of $F/program was not taken, "" when that was not said. */
static const char *why_not_taken(void)
{
	static char text[512];
	struct debug_file file;
	char *path = fixture_path("program");
	int fd = open(path, O_RDONLY);

	debug_file_open(&file, fd, path);
	snprintf(text, sizeof(text), "%s", file.foreign ? file.foreign : "");
	debug_file_close(&file);
	close(fd);
	free(path);
	return text;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* As gdb's manual proposes it: the debug file has the program's name, in a folder of its own. */
#define OF_ONE_NAME                                                                                \
	BUILD "mkdir .debug && cp full.debug .debug/program && "                                   \
	      "objcopy --add-gnu-debuglink=.debug/program program"

Test(debug_file, finds_one_of_the_same_name_in_its_folder)
{
	bool has_debug;

	cr_assert(fixture_run(OF_ONE_NAME));
	cr_assert(names_of_program(&has_debug).hidden);
	cr_assert(has_debug);
}

Test(debug_file, does_not_take_a_program_for_its_debug_file)
{
	cr_assert(fixture_run(OF_ONE_NAME " && rm .debug/program"));
	cr_assert_str_eq(why_not_taken(), "");
	cr_assert(fixture_run("cd $F && objcopy -R .note.gnu.build-id program"));
	cr_assert_str_eq(why_not_taken(), "");
}

Test(debug_file, says_what_is_wrong_with_one_that_is_there)
{
	cr_assert(fixture_run(BUILD "objcopy --add-gnu-debuglink=full.debug program"));
	cr_assert_str_eq(why_not_taken(), "");
	cr_assert(fixture_run("cd $F && cp full.debug whole && truncate -s 1500 full.debug"));
	cr_assert(begins(why_not_taken(), "is cut (/"), "%s", why_not_taken());
	cr_assert(fixture_run("cd $F && truncate -s 10 full.debug"));
	cr_assert(begins(why_not_taken(), "is no ELF file (/"), "%s", why_not_taken());
	cr_assert(fixture_run("cd $F && rm full.debug && mkfifo full.debug"));
	cr_assert(begins(why_not_taken(), "is no regular file (/"), "%s", why_not_taken());
	cr_assert(fixture_run("cd $F && rm full.debug && cp program full.debug"));
	cr_assert(begins(why_not_taken(), "has neither symbols nor debug information (/"), "%s",
		  why_not_taken());
	cr_assert(fixture_run("cd $F && rm full.debug"));
	cr_assert_str_eq(why_not_taken(), "");
}

Test(debug_file, finds_one_behind_another_that_is_cut)
{
	bool has_debug;

	cr_assert(fixture_run(BUILD
			      "objcopy --add-gnu-debuglink=full.debug program && mkdir .debug "
			      "&& cp full.debug .debug && truncate -s 1500 full.debug"));
	cr_assert(names_of_program(&has_debug).hidden);
	cr_assert(has_debug);
	cr_assert_str_eq(why_not_taken(), "");
}

/* Returns how many functions the debug information of $F/packed.so names in its first unit; -1:
 * there is none. */
static int functions_of_packed(void)
{
	struct debug_file file;
	char *path = fixture_path("packed.so");
	int fd = open(path, O_RDONLY), count = -1;
	Dwarf_Off next;
	size_t bytes;
	Dwarf_Die unit, die;

	debug_file_open(&file, fd, path);
	if (debug_file_dwarf(&file) &&
	    !dwarf_nextcu(file.dwarf, 0, &next, &bytes, NULL, NULL, NULL) &&
	    dwarf_offdie(file.dwarf, bytes, &unit) && !dwarf_child(&unit, &die)) {
		count = 0;
		do
			count += dwarf_diename(&die) && (!strcmp(dwarf_diename(&die), "hidden") ||
							 !strcmp(dwarf_diename(&die), "exported"));
		while (!dwarf_siblingof(&die, &die));
	}
	debug_file_close(&file);
	close(fd);
	free(path);
	return count;
}

Test(debug_file, unpacks_debug_information_that_zstd_has_compressed)
{
	cr_assert(fixture_run(BUILD "cp full.so packed.so"));
	cr_assert_eq(functions_of_packed(), 2);
	if (!fixture_run("cd $F && objcopy --compress-debug-sections=zstd full.so packed.so"))
		cr_skip_test("this objcopy knows no zstd");
	cr_assert(fixture_run("cd $F && readelf -t packed.so | grep -q ZSTD"));
	cr_assert_eq(functions_of_packed(), 2);
}

Test(debug_file, survives_damaged_sections_that_zstd_has_compressed)
{
	if (!fixture_run(BUILD "objcopy --compress-debug-sections=zstd full.so packed.so"))
		cr_skip_test("this objcopy knows no zstd");
	/* Behind the headers of the first sections: names, sizes and flags stay. */
	cr_assert(fixture_run(
		"cd $F && set -- $(readelf -SW packed.so | sed -n "
		"'s/.*[.]debug_info  *PROGBITS  *[0-9a-f]* \\([0-9a-f]*\\).*/\\1/p') && "
		"printf 'XXXXXXXXXXXXXXXX' | dd of=packed.so bs=1 conv=notrunc "
		"seek=$((0x$1 + 24)) 2>dd.out"));
	cr_assert_eq(functions_of_packed(), -1);
}
