/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/profile/profile_rollback.c, through profile_file_load. */
#include "collector/profile/profile_rollback.h"

#include "collector/profile/profile_file.h"

#include <criterion/criterion.h>

#include "tests/requirements.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

static char folder[] = "/tmp/profile_rollback.XXXXXX";
static char path[80], journal[96], temporary[80];
static struct profile *loaded;
static struct error error;

enum {
	SAMPLES = 5000
};

/* A profile that was committed once, and whose writer died when it had overwritten pages. */
static void write_and_die(void)
{
	struct profile *profile = profile_new();
	struct profile_file *file = profile_file_create(path, &error);
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/a", NULL);
	uint32_t stack = profile_stack(profile, 0, profile_frame(profile, module, 16));
	sqlite3 *database;

	profile_metric_add(profile, "cpu", "ns", 1000);
	profile_thread_add(profile, 1, 1, "a");
	for (int i = 0; i < SAMPLES; i++)
		profile_file_append(
			file, &(struct profile_sample){.value = 1, .thread = 1, .stack = stack},
			&error);
	if (profile_file_commit(file, profile, &error))
		_exit(1);
	profile_file_close(file);
	if (sqlite3_open(path, &database) ||
	    sqlite3_exec(database,
			 "PRAGMA cache_size = 2; PRAGMA synchronous = OFF; BEGIN;"
			 "UPDATE samples SET value = 77",
			 NULL, NULL, NULL))
		_exit(2);
	_exit(0);
}

static void setup(void)
{
	int status;
	pid_t child;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.prof", folder);
	snprintf(journal, sizeof(journal), "%s-journal", path);
	snprintf(temporary, sizeof(temporary), "%s/temporary", folder);
	cr_assert_eq(mkdir(temporary, 0700), 0);
	setenv("TMPDIR", temporary, 1);
	child = fork();
	if (!child)
		write_and_die();
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	cr_assert_eq(access(journal, F_OK), 0);
}

static void teardown(void)
{
	char command[160];

	profile_free(loaded);
	snprintf(command, sizeof(command), "chmod 700 %s && rm -rf %s", folder, folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(profile_rollback, .init = setup, .fini = teardown);

/* The whole of a file, with its size and time of change in front; owned by the caller. */
static char *fingerprint(const char *name, size_t *bytes)
{
	struct stat status;
	int descriptor = open(name, O_RDONLY);
	char *content;

	cr_assert_geq(descriptor, 0);
	cr_assert_eq(fstat(descriptor, &status), 0);
	*bytes = sizeof(status.st_mtim) + status.st_size;
	content = malloc(*bytes);
	memcpy(content, &status.st_mtim, sizeof(status.st_mtim));
	cr_assert_eq(read(descriptor, content + sizeof(status.st_mtim), status.st_size),
		     status.st_size);
	close(descriptor);
	return content;
}

static int count_entries(const char *name)
{
	DIR *stream = opendir(name);
	int count = 0;

	while (readdir(stream))
		count++;
	closedir(stream);
	return count - 2;
}

static void assert_is_rolled_back(void)
{
	cr_assert_eq(loaded->samples_count, SAMPLES);
	for (int i = 0; i < SAMPLES; i++)
		cr_assert_eq(loaded->samples[i].value, 1);
}

Test(profile_rollback, the_given_files_stay_as_they_are)
{
	size_t bytes[4];
	char *before[2] = {fingerprint(path, &bytes[0]), fingerprint(journal, &bytes[1])},
	     *after[2];

	cr_assert_eq(profile_file_load(path, &loaded, &error), 0, "%s", error.text);
	assert_is_rolled_back();
	after[0] = fingerprint(path, &bytes[2]);
	after[1] = fingerprint(journal, &bytes[3]);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(bytes[i], bytes[i + 2]);
		cr_assert_eq(memcmp(before[i], after[i], bytes[i]), 0);
		free(before[i]);
		free(after[i]);
	}
	cr_assert_eq(count_entries(folder), 3, "the two files and the temporary folder");
	cr_assert_eq(count_entries(temporary), 0);
}

Test(profile_rollback, reads_from_a_folder_that_may_not_be_written)
{
	int result;

	require("root");
	cr_assert_eq(chmod(path, 0444) | chmod(journal, 0444) | chmod(temporary, 0777), 0);
	cr_assert_eq(chmod(folder, 0555), 0);
	cr_assert_eq(seteuid(65534), 0);
	result = profile_file_load(path, &loaded, &error);
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(result, 0, "%s", error.text);
	assert_is_rolled_back();
	cr_assert_eq(count_entries(temporary), 0);
}

Test(profile_rollback, says_where_there_is_no_place_for_the_copy)
{
	cr_assert_eq(rmdir(temporary), 0);
	cr_assert_eq(profile_file_load(path, &loaded, &error), -ENOENT);
	cr_assert(strstr(error.text, "temporary: No such file or directory; TMPDIR"), "%s",
		  error.text);
}

/* SQLite deletes the file that the end of a journal names; that could be any. */
Test(profile_rollback, a_journal_cannot_have_a_file_deleted)
{
	static const unsigned char magic[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
	char victim[96];
	uint32_t sum = 0, length;
	FILE *stream;

	snprintf(victim, sizeof(victim), "%s/victim", folder);
	stream = fopen(victim, "w");
	fclose(stream);
	length = strlen(victim);
	for (uint32_t i = 0; i < length; i++)
		sum += victim[i];
	stream = fopen(journal, "a");
	fwrite("\0\0\0\0", 1, 4, stream);
	fwrite(victim, 1, length, stream);
	length = __builtin_bswap32(length);
	sum = __builtin_bswap32(sum);
	fwrite(&length, 1, 4, stream);
	fwrite(&sum, 1, 4, stream);
	fwrite(magic, 1, sizeof(magic), stream);
	fclose(stream);
	cr_assert_eq(profile_file_load(path, &loaded, &error), -EINVAL);
	cr_assert(strstr(error.text, "its journal speaks of another file"), "%s", error.text);
	cr_assert_eq(access(victim, F_OK), 0);
	cr_assert_eq(count_entries(temporary), 0);
}

Test(profile_rollback, refuses_what_is_too_large)
{
	cr_assert_eq(truncate(path, (off_t)5 << 30), 0);
	cr_assert_eq(profile_file_load(path, &loaded, &error), -EFBIG);
	cr_assert(strstr(error.text, "File too large"), "%s", error.text);
	cr_assert_eq(count_entries(temporary), 0);
}
