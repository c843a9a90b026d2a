/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/preload.c. */
#include "collector/preload.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/requirements.h"

static struct error error;
static char folder[] = "/tmp/preload.XXXXXX";

static void setup(void)
{
	cr_assert(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static void teardown(void)
{
	unlink("program");
	cr_assert_eq(chdir("/"), 0);
	rmdir(folder);
}

TestSuite(preload, .init = setup, .fini = teardown);

static void write_program(const char *bytes, size_t count, mode_t mode)
{
	FILE *stream = fopen("program", "w");

	cr_assert(stream);
	cr_assert_eq(fwrite(bytes, 1, count, stream), count);
	fclose(stream);
	cr_assert_eq(chmod("program", mode), 0);
}

static void write_script(const char *text)
{
	write_program(text, strlen(text), 0755);
}

Test(preload, takes_ordinary_programs_by_path_and_by_name)
{
	cr_assert_eq(preload_check("/bin/sh", &error), 0, "%s", error.text);
	cr_assert_eq(preload_check("sh", &error), 0, "%s", error.text);
}

Test(preload, leaves_what_is_no_program_to_execve)
{
	write_script("no program");
	cr_assert_eq(preload_check("./program", &error), 0);
	cr_assert_eq(preload_check("./missing", &error), 0);
	cr_assert_eq(preload_check("missing-in-path", &error), 0);
	cr_assert_eq(preload_check("/", &error), 0);
}

Test(preload, refuses_a_static_program_also_behind_a_script)
{
	if (access("/sbin/ldconfig", R_OK))
		cr_skip_test("no /sbin/ldconfig, which is static");
	cr_assert_eq(preload_check("/sbin/ldconfig", &error), -ENOEXEC);
	cr_assert(strstr(error.text, "/sbin/ldconfig, which is statically linked"), "%s",
		  error.text);
	write_script("#! /sbin/ldconfig -p\n");
	cr_assert_eq(preload_check("./program", &error), -ENOEXEC);
	cr_assert(strstr(error.text, "/sbin/ldconfig"), "%s", error.text);
}

Test(preload, ends_at_a_script_that_is_its_own_interpreter)
{
	write_script("#!./program\n");
	cr_assert_eq(preload_check("./program", &error), 0);
}

Test(preload, refuses_a_32_bit_program)
{
	static const char header[52] = {0x7f, 'E',	'L',	  'F',	    1,	      1,
					1,    [16] = 2, [18] = 3, [20] = 1, [40] = 52};

	write_program(header, sizeof(header), 0755);
	cr_assert_eq(preload_check("./program", &error), -ENOEXEC);
	cr_assert(strstr(error.text, "not a 64-bit program"), "%s", error.text);
}

Test(preload, refuses_a_program_with_rights_of_its_own)
{
	require("root");
	write_script("no program");
	cr_assert_eq(chown("program", 1, 1), 0);
	cr_assert_eq(chmod("program", 04755), 0);
	cr_assert_eq(preload_check("./program", &error), -ENOEXEC);
	cr_assert(strstr(error.text, "rights of its own"), "%s", error.text);
}

Test(preload, puts_the_library_before_others_and_keeps_the_environment)
{
	char **environment;
	int found = 0;

	setenv("LD_PRELOAD", "/lib/other.so", 1);
	setenv("KEPT", "1", 1);
	environment = preload_environment("/lib/libprobe.so", "/proc/1/fd/3");
	for (char **entry = environment; *entry; entry++) {
		found += !strcmp(*entry, "LD_PRELOAD=/lib/libprobe.so:/lib/other.so");
		found += !strcmp(*entry, "SIMPROF_PROBE=/proc/1/fd/3");
		found += !strcmp(*entry, "KEPT=1");
		cr_assert_neq(strcmp(*entry, "LD_PRELOAD=/lib/other.so"), 0);
	}
	cr_assert_eq(found, 3);
	preload_free(environment);
}
