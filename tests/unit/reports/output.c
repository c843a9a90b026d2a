/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/output.h"

#include "collector/base/xalloc.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/output-XXXXXX";
static char path[64];

static void init(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/report", folder);
}

static void done(void)
{
	unlink(path);
	cr_assert_eq(rmdir(folder), 0, "something is left in %s", folder);
}

TestSuite(output, .init = init, .fini = done);

static bool content_is(const char *expected)
{
	char text[64] = "";
	FILE *file = fopen(path, "r");

	if (!file)
		return false;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return !strcmp(text, expected);
}

static void write_older(void)
{
	FILE *older = fopen(path, "w");

	fputs("older", older);
	fclose(older);
}

Test(output, a_file_appears_when_it_is_whole)
{
	struct output output;
	struct error error;
	struct stat status;

	cr_assert_eq(output_open(&output, path, &error), 0);
	fputs("whole", output.stream);
	cr_assert_neq(access(path, F_OK), 0);
	cr_assert_eq(output_close(&output, &error), 0);
	cr_assert(content_is("whole"));
	stat(path, &status);
	cr_assert_eq(status.st_mode & 0111, 0);
	cr_assert(status.st_mode & 0200);
}

Test(output, discarding_leaves_the_older_file)
{
	struct output output;
	struct error error;

	write_older();
	cr_assert_eq(output_open(&output, path, &error), 0);
	fputs("newer", output.stream);
	output_discard(&output);
	cr_assert(content_is("older"));
}

Test(output, what_a_report_is_made_of_is_not_written_onto)
{
	char link_path[80], hard_path[80];
	const char *const names[] = {path, link_path, hard_path};
	struct output output;
	struct error error;

	write_older();
	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	snprintf(hard_path, sizeof(hard_path), "%s/hard", folder);
	cr_assert_eq(symlink(path, link_path), 0);
	cr_assert_eq(link(path, hard_path), 0);
	output_spare(path);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(output_open(&output, names[i], &error), -EEXIST);
		cr_assert(strstr(error.text, names[i]));
	}
	unlink(link_path);
	unlink(hard_path);
	cr_assert(content_is("older"));
}

Test(output, what_is_read_while_the_report_is_written_stays_too)
{
	struct output output;
	struct error error;

	write_older();
	cr_assert_eq(output_open(&output, path, &error), 0);
	fputs("newer", output.stream);
	output_spare(path);
	cr_assert_eq(output_close(&output, &error), -EEXIST);
	cr_assert(content_is("older"));
}

Test(output, a_full_device_is_noticed_with_its_reason)
{
	struct output output;
	struct error error;

	cr_assert_eq(output_open(&output, "/dev/full", &error), 0);
	fputs("lost", output.stream);
	cr_assert_eq(output_close(&output, &error), -ENOSPC);
	cr_assert_str_eq(error.text, "cannot write /dev/full: No space left on device; free space, "
				     "or choose another place with -o");
}

/* A block that is not buffered: when the report ends nothing is left that could fail. */
Test(output, an_early_failure_is_not_forgotten)
{
	struct output output;
	struct error error;
	char *block;

	cr_assert_eq(output_open(&output, "/dev/full", &error), 0);
	block = xcalloc(1, 1 << 20);
	fwrite(block, 1, 1 << 20, output.stream);
	free(block);
	cr_assert_eq(output_close(&output, &error), -ENOSPC);
}

Test(output, a_missing_folder_is_a_sentence)
{
	struct output output;
	struct error error;

	cr_assert_eq(output_open(&output, "/nowhere/report", &error), -ENOENT);
	cr_assert_str_eq(error.text, "cannot write /nowhere/report: No such file or directory; "
				     "choose another place with -o");
}

Test(output, columns_come_from_the_environment)
{
	setenv("COLUMNS", "77", 1);
	cr_assert_eq(output_columns(stdout), 77);
	setenv("COLUMNS", "many", 1);
	FILE *file = fopen("/dev/null", "w");
	cr_assert_eq(output_columns(file), 0);
	fclose(file);
}
