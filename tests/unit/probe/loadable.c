/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of probe/loadable.c. */
#include "probe/loadable.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/loadable.XXXXXX";

static void setup(void)
{
	cr_assert(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static void teardown(void)
{
	unlink("program");
	unlink("script");
	cr_assert_eq(chdir("/"), 0);
	rmdir(folder);
}

TestSuite(loadable, .init = setup, .fini = teardown);

/* A program of the parts that are looked at. */
struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	Elf64_Dyn dynamic[4];
	char linker[32];
	char strings[32];
};

static struct program ordinary_program(void)
{
	struct program program = {
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			   .e_type = ET_DYN,
			   .e_machine = EM_X86_64,
			   .e_phoff = offsetof(struct program, segments),
			   .e_phnum = 3},
		.segments = {{.p_type = PT_LOAD, .p_vaddr = 0x1000, .p_filesz = sizeof(program)},
			     {.p_type = PT_INTERP,
			      .p_offset = offsetof(struct program, linker),
			      .p_filesz = sizeof(program.linker)},
			     {.p_type = PT_DYNAMIC,
			      .p_offset = offsetof(struct program, dynamic),
			      .p_filesz = sizeof(program.dynamic)}},
		.dynamic = {{DT_NEEDED, {1}},
			    {DT_STRTAB, {0x1000 + offsetof(struct program, strings)}},
			    {DT_NULL, {0}}},
		.linker = "/lib64/ld-linux-x86-64.so.2",
		.strings = "\0libc.so.6",
	};

	return program;
}

static void write_file(const char *name, const void *bytes, size_t count)
{
	FILE *stream = fopen(name, "w");

	cr_assert(stream);
	cr_assert_eq(fwrite(bytes, 1, count, stream), count);
	fclose(stream);
	cr_assert_eq(chmod(name, 0755), 0);
}

static bool is_loadable(const struct program *program)
{
	write_file("program", program, sizeof(*program));
	return loadable("./program", false);
}

Test(loadable, ordinary_programs_are_and_what_cannot_be_judged)
{
	struct program program = ordinary_program();

	cr_assert(is_loadable(&program));
	cr_assert(loadable("sh", true));
	cr_assert(loadable("/bin/sh", false));
	cr_assert(loadable("./missing", false));
	cr_assert(loadable("/", false));
	write_file("program", "text", 4);
	cr_assert(loadable("./program", false));
}

Test(loadable, other_machines_and_libraries_are_not)
{
	struct program program = ordinary_program();

	program.header.e_ident[EI_CLASS] = ELFCLASS32;
	cr_assert_not(is_loadable(&program));
	program = ordinary_program();
	program.header.e_machine = EM_AARCH64;
	cr_assert_not(is_loadable(&program));
	program = ordinary_program();
	strcpy(program.linker, "/lib/ld-musl-x86_64.so.1");
	cr_assert_not(is_loadable(&program));
}

Test(loadable, what_must_load_a_sanitizer_first_is_not)
{
	struct program program = ordinary_program();

	strcpy(program.strings + 1, "libasan.so.8");
	cr_assert_not(is_loadable(&program));
	strcpy(program.strings + 1, "libtsan.so.2");
	cr_assert_not(is_loadable(&program));
}

Test(loadable, a_script_is_what_its_interpreter_is)
{
	struct program program = ordinary_program();

	program.header.e_ident[EI_CLASS] = ELFCLASS32;
	write_file("program", &program, sizeof(program));
	write_file("script", "#! ./program -x\n", 16);
	cr_assert_not(loadable("./script", false));
	write_file("script", "#!/bin/sh\n", 10);
	cr_assert(loadable("./script", false));
	write_file("script", "#!./script\n", 11);
	cr_assert(loadable("./script", false), "and it ends");
}

Test(loadable, is_found_in_the_path_as_execvp_finds_it)
{
	struct program program = ordinary_program();

	program.header.e_ident[EI_CLASS] = ELFCLASS32;
	write_file("program", &program, sizeof(program));
	setenv("PATH", "/bin::/sbin", 1);
	cr_assert_not(loadable("program", true), "an empty part is the present folder");
	setenv("PATH", "/bin:/sbin", 1);
	cr_assert(loadable("program", true));
	setenv("PATH", folder, 1);
	cr_assert_not(loadable("program", true));
}

Test(loadable, an_open_files_position_stays)
{
	struct program program = ordinary_program();
	int fd;

	write_file("program", &program, sizeof(program));
	fd = open("program", O_RDONLY);
	cr_assert_eq(lseek(fd, 5, SEEK_SET), 5);
	cr_assert(loadable_fd(fd));
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 5);
	close(fd);
}

Test(loadable, survives_any_bytes)
{
	struct program program;
	uint64_t random = 1;

	for (int round = 0; round < 3000; round++) {
		program = ordinary_program();
		for (int i = 0; i < 4; i++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			((uint8_t *)&program)[5 + (random >> 33) % (sizeof(program) - 5)] =
				(uint8_t)(random >> 20);
		}
		write_file("program", &program, sizeof(program) - (random >> 40) % 64);
		loadable("./program", false);
	}
}
