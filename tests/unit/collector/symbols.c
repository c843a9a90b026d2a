/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/symbols.c: names in a profile, on compiled fixtures. */
#include "collector/resolve/symbols.h"

#include "tests/unit/collector/module_suite.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

TestSuite(symbols, .init = setup, .fini = teardown, .timeout = 120);

/* Adds the file $F/@name and opens it, as the first sample in it would. */
static struct module *add_module(const char *name)
{
	char *path = fixture_path(name);
	struct module_identity identity = {.path = path};
	struct module *module = modules_get(modules, &identity, getpid());

	module_open(module);
	free(path);
	return module;
}

/* Returns the value and size of symbol @name of the file $F/@file, from its .symtab. */
static GElf_Sym find_symbol(const char *file, const char *name)
{
	char *path = fixture_path(file);
	int fd = open(path, O_RDONLY);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *section = NULL;
	GElf_Sym symbol, found = {0};

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;

		gelf_getshdr(section, &shdr);
		if (shdr.sh_type != SHT_SYMTAB)
			continue;
		for (int i = 0; gelf_getsym(elf_getdata(section, NULL), i, &symbol); i++)
			if (!strcmp(elf_strptr(elf, shdr.sh_link, symbol.st_name), name))
				found = symbol;
	}
	elf_end(elf);
	close(fd);
	free(path);
	cr_assert_neq(found.st_value, 0, "no symbol %s", name);
	return found;
}

/* Adds a frame for each byte of the @bytes at @start; returns the first one's id. */
static uint32_t add_frames(const struct module *module, uint64_t start, uint64_t bytes)
{
	uint32_t first = profile_frame(profile, module->id, start);

	for (uint64_t i = 1; i < bytes; i++)
		profile_frame(profile, module->id, start + i);
	return first;
}

static const struct profile_function *function_of(uint32_t frame, uint32_t depth)
{
	const struct profile_frame *row = &profile->frames[frame];

	cr_assert_lt(depth, row->line_count, "%#lx has %u lines", row->address, row->line_count);
	return &profile->functions[profile->lines[row->first_line + depth].function];
}

static uint32_t line_of(uint32_t frame, uint32_t depth)
{
	return profile->lines[profile->frames[frame].first_line + depth].line;
}

/* Returns the number of the line of @file that carries "mark: @mark". */
static uint32_t marked_line(const char *file, const char *mark)
{
	char text[500], wanted[100];
	FILE *stream = fopen(file, "r");

	snprintf(wanted, sizeof(wanted), "mark: %s */", mark);
	for (uint32_t line = 1; fgets(text, sizeof(text), stream); line++)
		if (strstr(text, wanted)) {
			fclose(stream);
			return line;
		}
	cr_assert_fail("no mark %s", mark);
	return 0;
}

static const char inlined_c[] = "tests/fixtures/inlined.c";
#define COMPILE "gcc -O2 -g -o $F/program tests/fixtures/inlined.c"

/* Returns the first frame of @count after @first that has @depth lines and is at @line, or 0. */
static uint32_t frame_with(uint32_t first, uint64_t count, uint32_t depth, uint32_t line)
{
	for (uint32_t i = first; i < first + count; i++)
		if (profile->frames[i].line_count == depth && line_of(i, depth - 1) == line)
			return i;
	return 0;
}

static void assert_outermost_is_named(const char *build)
{
	GElf_Sym symbol;
	uint32_t first;

	cr_assert(fixture_run(build), "%s", build);
	symbol = find_symbol("full", "outermost");
	first = add_frames(add_module("program"), symbol.st_value, symbol.st_size);
	symbols_name(modules, profile);
	for (int call = 0; call < 2; call++) {
		uint32_t line =
			marked_line(inlined_c, call ? "outermost second" : "outermost first");
		uint32_t frame = frame_with(first, symbol.st_size, 3, line);
		const struct profile_function *function;

		cr_assert_neq(frame, 0, "no code inlined at line %u", line);
		cr_assert_str_eq(function_of(frame, 0)->name, "innermost");
		cr_assert_str_eq(function_of(frame, 1)->name, "middle");
		cr_assert_eq(line_of(frame, 0), marked_line(inlined_c, "innermost"));
		cr_assert_eq(line_of(frame, 1), marked_line(inlined_c, "middle"));
		function = function_of(frame, 2);
		cr_assert_str_eq(function->name, "outermost");
		cr_assert_eq(function->line, marked_line(inlined_c, "outermost first") - 2);
		cr_assert(function->named);
		cr_assert_not_null(strstr(profile->files[function->file], "inlined.c"));
	}
}

Test(symbols, names_inlined_callers_with_their_lines)
{
	assert_outermost_is_named(COMPILE " && cp $F/program $F/full");
}

Test(symbols, reads_compressed_debug_information)
{
	assert_outermost_is_named(COMPILE " -gz && cp $F/program $F/full");
}

Test(symbols, reads_split_debug_information)
{
	assert_outermost_is_named("d=$PWD; cd $F && gcc -O2 -gdwarf-5 -gsplit-dwarf -o program "
				  "$d/tests/fixtures/inlined.c && cp program full");
}

#define SEPARATE                                                                                   \
	" -o $F/full && objcopy --only-keep-debug $F/full $F/program.debug && cp $F/full "         \
	"$F/program && strip $F/program && objcopy --add-gnu-debuglink=$F/program.debug "          \
	"$F/program"

Test(symbols, finds_a_separate_debug_file_by_build_id)
{
	/* Tools that change a debug file later leave the checksum in the program as it was. */
	assert_outermost_is_named(COMPILE " -Wl,--build-id" SEPARATE
					  "&& printf x >>$F/program.debug");
}

Test(symbols, finds_installed_debug_files)
{
	struct module_identity identity = {.path = "/lib/x86_64-linux-gnu/libc.so.6"};
	Dl_info place;
	struct module *module;
	uint32_t frame;

	if (!fixture_run("id=$(readelf -n /lib/x86_64-linux-gnu/libc.so.6 | "
			 "sed -n 's|.*Build ID: \\(..\\)|\\1/|p') && "
			 "ls /usr/lib/debug/.build-id/$id.debug"))
		cr_skip_test("libc6-dbg is not installed");
	cr_assert(dladdr(dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "qsort"), &place));
	module = modules_get(modules, &identity, getpid());
	module_open(module);
	frame = profile_frame(profile, module->id,
			      (uintptr_t)place.dli_saddr - (uintptr_t)place.dli_fbase);
	symbols_name(modules, profile);
	cr_assert_str_eq(function_of(frame, profile->frames[frame].line_count - 1)->name, "qsort");
	cr_assert_neq(line_of(frame, 0), 0);
}

Test(symbols, finds_a_separate_debug_file_by_checksum)
{
	assert_outermost_is_named(COMPILE " -Wl,--build-id=none" SEPARATE
					  "&& mkdir $F/.debug && mv $F/program.debug $F/.debug");
}

/* A debug file of another build must not lend its names. */
static void assert_debug_file_is_refused(const char *build)
{
	GElf_Sym symbol;
	uint32_t first;

	cr_assert(fixture_run(build));
	symbol = find_symbol("full", "outermost");
	first = add_frames(add_module("program"), symbol.st_value, 1);
	symbols_name(modules, profile);
	cr_assert_not(function_of(first, 0)->named);
}

Test(symbols, refuses_a_debug_file_with_another_build_id)
{
	assert_debug_file_is_refused(COMPILE " -Wl,--build-id=0x1111" SEPARATE "&&" COMPILE
					     " -Wl,--build-id=0x2222 -o $F/other && "
					     "objcopy --only-keep-debug $F/other $F/program.debug");
}

Test(symbols, refuses_a_debug_file_with_another_checksum)
{
	assert_debug_file_is_refused(COMPILE " -Wl,--build-id=none" SEPARATE
					     "&& printf x >>$F/program.debug");
}

Test(symbols, reads_what_dwz_shares_between_files)
{
	if (!fixture_has("dwz"))
		cr_skip_test("dwz is not installed");
	assert_outermost_is_named(COMPILE " && cp $F/program $F/full && cp $F/program $F/twin && "
					  "cd $F && dwz -m shared program twin");
}

/* Returns the function of the first byte of symbol @name. */
static const struct profile_function *name_start(const char *name)
{
	uint32_t frame =
		add_frames(add_module("program"), find_symbol("program", name).st_value, 1);

	symbols_name(modules, profile);
	return function_of(frame, profile->frames[frame].line_count - 1);
}

Test(symbols, keeps_compiler_suffixes_in_the_linkage_name)
{
	const struct profile_function *function;

	cr_assert(fixture_run(COMPILE));
	function = name_start("stride.constprop.0");
	cr_assert_str_eq(function->name, "stride");
	cr_assert_str_eq(function->linkage_name, "stride.constprop.0");
	function = name_start("checked.cold");
	cr_assert_str_eq(function->name, "checked");
	cr_assert_str_eq(function->linkage_name, "checked.cold");
	function = name_start("checked");
	cr_assert_str_eq(function->name, "checked");
	cr_assert_null(function->linkage_name);
}

Test(symbols, does_the_same_without_debug_information)
{
	const struct profile_function *function;

	cr_assert(fixture_run(COMPILE " -g0"));
	function = name_start("stride.constprop.0");
	cr_assert_str_eq(function->name, "stride");
	cr_assert_str_eq(function->linkage_name, "stride.constprop.0");
	cr_assert(function->named);
}

Test(symbols, prefers_the_public_alias_of_a_private_name)
{
	cr_assert(fixture_run(COMPILE));
	cr_assert_str_eq(name_start("__private_name")->name, "public_name");
}

Test(symbols, never_puts_a_line_number_into_the_wrong_file)
{
	GElf_Sym symbol;
	uint32_t first, own = 0;

	cr_assert(fixture_run(COMPILE));
	symbol = find_symbol("program", "generated");
	first = add_frames(add_module("program"), symbol.st_value, symbol.st_size);
	symbols_name(modules, profile);
	for (uint32_t i = first; i < first + symbol.st_size; i++) {
		cr_assert_str_eq(function_of(i, 0)->name, "generated");
		cr_assert_lt(line_of(i, 0), 1000);
		own += line_of(i, 0) != 0;
	}
	cr_assert_lt(own, symbol.st_size);
}

Test(symbols, names_functions_nested_in_others)
{
	GElf_Sym symbol;
	uint32_t first;

	cr_assert(fixture_run(COMPILE));
	symbol = find_symbol("program", "nested.0");
	first = add_frames(add_module("program"), symbol.st_value, symbol.st_size);
	symbols_name(modules, profile);
	cr_assert_str_eq(function_of(first, 0)->name, "nested");
	cr_assert_neq(frame_with(first, symbol.st_size, 1, marked_line(inlined_c, "nested")), 0);
}

static void assert_energy_is_demangled(const char *build)
{
	const struct profile_function *function;

	if (!fixture_has("g++"))
		cr_skip_test("g++ is not installed");
	cr_assert(fixture_run(build));
	function = name_start("_ZNK5world5agent6energyEv");
	cr_assert_str_eq(function->name, "world::agent::energy() const");
	cr_assert_str_eq(function->linkage_name, "_ZNK5world5agent6energyEv");
}

Test(symbols, demangles_cpp)
{
	assert_energy_is_demangled("g++ -O2 -g -o $F/program tests/fixtures/inlined.cc");
}

Test(symbols, demangles_cpp_without_debug_information)
{
	assert_energy_is_demangled("g++ -O2 -o $F/program tests/fixtures/inlined.cc");
}

static void assert_function(const struct module *module, uint64_t address, const char *name,
			    bool named)
{
	uint32_t frame = profile_frame(profile, module->id, address);

	symbols_name(modules, profile);
	cr_assert_str_eq(function_of(frame, 0)->name, name);
	cr_assert_eq(function_of(frame, 0)->named, named);
}

#define ASSEMBLE "cc -shared -nostdlib -o $F/symbols.so tests/fixtures/symbols.S -lc"

/* Asserts the name found @offset bytes into @function of the assembled fixture. */
static void assert_assembled(const char *function, uint64_t offset, const char *name, bool named)
{
	uint64_t address = find_symbol("full", function).st_value + offset;

	assert_function(add_module("symbols.so"), address, name, named);
}

static void assert_named_by_start(const char *function, uint64_t offset)
{
	uint64_t start = find_symbol("full", function).st_value;
	char name[100];

	snprintf(name, sizeof(name), "symbols.so+0x%lx", start);
	assert_assembled(function, offset, name, false);
}

Test(symbols, names_by_module_and_function_start_where_no_symbol_counts)
{
	cr_assert(fixture_run(ASSEMBLE " && cp $F/symbols.so $F/full"));
	assert_named_by_start("stranger_start", 0);
	assert_named_by_start("stranger_start", 31);
	assert_assembled("unsized_before_stranger", 0, "unsized_before_stranger", true);
	assert_assembled("unsized_before_stranger", 31, "unsized_before_stranger", true);
	assert_assembled("unsized_function", 63, "unsized_function", true);
}

Test(symbols, knows_symbols_without_size_of_stripped_files_by_their_start)
{
	cr_assert(fixture_run(ASSEMBLE " && cp $F/symbols.so $F/full && strip $F/symbols.so"));
	assert_assembled("unsized_before_stranger", 31, "unsized_before_stranger", true);
	assert_named_by_start("stranger_start", 8);
}

Test(symbols, names_by_the_address_where_not_even_a_start_is_known)
{
	char name[100];
	uint64_t address;

	cr_assert(fixture_run(ASSEMBLE " && cp $F/symbols.so $F/full"));
	address = find_symbol("full", "sized_function").st_value + 40;
	snprintf(name, sizeof(name), "symbols.so+0x%lx", address);
	assert_function(add_module("symbols.so"), address, name, false);
}

Test(symbols, gives_one_name_to_all_generated_code)
{
	struct module_identity identity = {.path = "//anon"};
	struct module *module = modules_get(modules, &identity, getpid());
	uint32_t unknown = profile_module(profile, PROFILE_MODULE_UNKNOWN, "[unknown]", NULL);
	uint32_t frame = profile_frame(profile, unknown, 0x1234);

	module_open(module);
	assert_function(module, 0x1000, "[jit]", false);
	assert_function(module, 0x2000, "[jit]", false);
	cr_assert_str_eq(function_of(frame, 0)->name, "[unknown]");
}

Test(symbols, names_functions_of_the_vdso)
{
	struct module_identity identity = {.path = "[vdso]"};
	struct module *module = modules_get(modules, &identity, getpid());
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
	void *function =
		dlsym(dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD), "__vdso_clock_gettime");

	if (!function)
		cr_skip_test("no vDSO in this process");
	module_open(module);
	assert_function(module, (uintptr_t)function - vdso, "clock_gettime", true);
}

Test(symbols, leaves_named_and_kernel_frames_alone)
{
	uint32_t kernel = profile_module(profile, PROFILE_MODULE_KERNEL, "[kernel]", NULL);
	uint32_t in_kernel = profile_frame(profile, kernel, 0xffffffff81000000);
	uint32_t note = profile_module(profile, PROFILE_MODULE_NOTE, "[note]", NULL);
	uint32_t truncated = profile_frame(profile, note, 1);
	struct profile_line line = {
		.function = profile_function(profile, "[truncated]", NULL, note, 0, 0, true),
	};

	profile_frame_set_lines(profile, truncated, &line, 1);
	symbols_name(modules, profile);
	cr_assert_eq(profile->frames[in_kernel].line_count, 0);
	cr_assert_eq(profile->frames[0].line_count, 0);
	cr_assert_str_eq(function_of(truncated, 0)->name, "[truncated]");
}

Test(symbols, names_the_frames_of_missing_and_foreign_files)
{
	cr_assert(fixture_run("echo 'no program' >$F/text; : >$F/empty"));
	assert_function(add_module("missing"), 0x1000, "missing+0x1000", false);
	assert_function(add_module("text"), 0x1000, "text+0x1000", false);
	assert_function(add_module("empty"), 0x1000, "empty+0x1000", false);
}

Test(symbols, reads_no_debug_strings_without_end)
{
	GElf_Sym symbol;
	uint32_t first;

	cr_assert(fixture_run(COMPILE " && cp $F/program $F/full && cd $F && "
				      "objcopy -O binary --only-section=.debug_str "
				      "--set-section-flags .debug_str=alloc program strings && "
				      "printf x >>strings && "
				      "objcopy --update-section .debug_str=strings program"));
	symbol = find_symbol("full", "outermost");
	first = add_frames(add_module("program"), symbol.st_value, symbol.st_size);
	symbols_name(modules, profile);
	cr_assert_str_eq(function_of(first, 0)->name, "outermost");
	cr_assert_eq(line_of(first, 0), 0);
}

Test(symbols, source_files_are_found_from_anywhere)
{
	char *folder = fixture_path("source");
	char wanted[300];
	GElf_Sym symbol;
	uint32_t frame;

	cr_assert(fixture_run("mkdir -p $F/source/part && cp tests/fixtures/inlined.c "
			      "$F/source/part && cd $F/source && "
			      "gcc -O2 -g -I. -o $F/program part/inlined.c"));
	symbol = find_symbol("program", "outermost");
	frame = add_frames(add_module("program"), symbol.st_value, 1);
	symbols_name(modules, profile);
	snprintf(wanted, sizeof(wanted), "%s/part/inlined.c", folder);
	cr_assert_str_eq(
		profile->files[function_of(frame, profile->frames[frame].line_count - 1)->file],
		wanted);
	free(folder);
}

Test(symbols, reads_version_4_split_debug_information)
{
	assert_outermost_is_named("d=$PWD; cd $F && gcc -O2 -gdwarf-4 -gsplit-dwarf -o program "
				  "$d/tests/fixtures/inlined.c && cp program full");
}

Test(symbols, reads_version_4_debug_information)
{
	assert_outermost_is_named(COMPILE " -gdwarf-4 && cp $F/program $F/full");
}

/* elfutils 0.188 cannot unpack it: then the names of symbols are there, and no wrong ones. */
Test(symbols, survives_debug_information_in_a_compression_that_libelf_does_not_know)
{
	if (!fixture_run("objcopy --help | grep -q zstd"))
		cr_skip_test("objcopy knows no zstd");
	cr_assert(fixture_run(COMPILE " && objcopy --compress-debug-sections=zstd $F/program"));
	cr_assert_str_eq(name_start("outermost")->name, "outermost");
}

/* libdw 0.188 reads no packages of split units: names and lines are right, inlined calls are not
 * told. */
Test(symbols, names_the_real_function_where_split_units_were_packed)
{
	GElf_Sym symbol;
	uint32_t first, lines = 0;

	if (!fixture_has("dwp"))
		cr_skip_test("dwp is not installed");
	cr_assert(fixture_run("d=$PWD; cd $F && gcc -O2 -gdwarf-4 -gsplit-dwarf -o program "
			      "$d/tests/fixtures/inlined.c && dwp -e program -o program.dwp && "
			      "rm -f *.dwo"));
	symbol = find_symbol("program", "outermost");
	first = add_frames(add_module("program"), symbol.st_value, symbol.st_size);
	symbols_name(modules, profile);
	for (uint32_t i = first; i < first + symbol.st_size; i++) {
		cr_assert_str_eq(function_of(i, 0)->name, "outermost");
		lines += line_of(i, 0) != 0;
	}
	cr_assert_gt(lines, 0);
	cr_assert_eq(profile_number(profile, "split_problems", 0), 1);
	cr_assert_str_eq(profile_text(profile, "split_problem", ""),
			 "that of program is in a package (.dwp), which libdw does not read here; "
			 "keep the .dwo files");
}

Test(symbols, says_whose_split_debug_information_was_not_found)
{
	GElf_Sym symbol;

	cr_assert(fixture_run("d=$PWD; cd $F && gcc -O2 -gdwarf-5 -gsplit-dwarf -o program "
			      "$d/tests/fixtures/inlined.c && rm -f *.dwo"));
	symbol = find_symbol("program", "outermost");
	add_frames(add_module("program"), symbol.st_value, symbol.st_size);
	symbols_name(modules, profile);
	cr_assert_str_eq(profile_text(profile, "split_problem", ""),
			 "the .dwo files of program are not there");
}

/* Names outermost of a program that was made by @command, stripped, beside a debug file. */
static const char *foreign_problem(const char *command)
{
	cr_assert(fixture_run(command));
	add_frames(add_module("program"), find_symbol("full", "outermost").st_value, 1);
	symbols_name(modules, profile);
	return profile_text(profile, "foreign_problem", "");
}

Test(symbols, says_that_a_debug_file_is_of_another_build)
{
	const char *said = foreign_problem(
		COMPILE " -Wl,--build-id" SEPARATE " && echo 'int main(void) { return 7; }' | gcc "
			"-Wl,--build-id -g -o $F/other -x c - && objcopy "
			"--only-keep-debug $F/other $F/program.debug");

	cr_assert(strstr(said, "that of program is of another build (/"), "%s", said);
	cr_assert(strstr(said, "/program.debug)"), "%s", said);
	cr_assert_eq(profile_number(profile, "foreign_problems", 0), 1);
}

Test(symbols, says_that_a_debug_file_has_another_checksum)
{
	const char *said = foreign_problem(COMPILE " -Wl,--build-id=none" SEPARATE
						   " && printf x >>$F/program.debug");

	cr_assert(strstr(said, "that of program has another checksum (/"), "%s", said);
}

Test(symbols, says_nothing_of_a_debug_file_that_belongs_to_the_program)
{
	cr_assert_str_eq(foreign_problem(COMPILE " -Wl,--build-id" SEPARATE), "");
}

/* What is said of a program whose split unit @command has replaced. */
static const char *split_problem(const char *command)
{
	cr_assert(fixture_run("export CCACHE_DISABLE=1; d=$PWD; cd $F && gcc -O2 -gdwarf-5 "
			      "-gsplit-dwarf -c -o inlined.o "
			      "$d/tests/fixtures/inlined.c && gcc -o program inlined.o"));
	cr_assert(fixture_run(command));
	add_frames(add_module("program"), find_symbol("program", "outermost").st_value, 1);
	symbols_name(modules, profile);
	return profile_text(profile, "split_problem", "");
}

Test(symbols, says_that_split_debug_information_is_of_another_build)
{
	cr_assert_str_eq(split_problem("export CCACHE_DISABLE=1; d=$PWD; cd $F && gcc -O1 -DOTHER "
				       "-gdwarf-5 -gsplit-dwarf -c "
				       "-o inlined.o $d/tests/fixtures/inlined.c"),
			 "inlined.dwo of program is of another build, or cut");
}

Test(symbols, says_that_split_debug_information_is_cut)
{
	cr_assert_str_eq(split_problem("truncate -s 100 $F/inlined.dwo"),
			 "inlined.dwo of program is of another build, or cut");
}
