/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_rollback: see profile_rollback.h. */
#include "collector/profile/profile_rollback.h"

#include "collector/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static const off_t largest_bytes = (off_t)4 << 30;

/*
 * A journal that ends in these bytes names a super-journal, and rolling it back deletes the file
 * of that name. Writers of ours never leave one.
 * Source: "Database File Format", 3.1 and the comment of readSuperJournal() in SQLite's pager.
 */
static const unsigned char super_journal_end[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};

static char *with_suffix(const char *path, const char *suffix)
{
	return xasprintf("%s%s", path, suffix);
}

/* Copies @size bytes, or what is there when the file was cut meanwhile. */
static int copy_bytes(int from, int to, off_t size)
{
	char buffer[1 << 16];

	for (off_t done = 0; done < size;) {
		size_t wanted = size - done < (off_t)sizeof(buffer) ? (size_t)(size - done)
								    : sizeof(buffer);
		ssize_t got = pread(from, buffer, wanted, done), put;

		if (got <= 0)
			return got < 0 ? -errno : 0;
		put = write(to, buffer, got);
		if (put != got)
			return put < 0 ? -errno : -ENOSPC;
		done += got;
	}
	return 0;
}

static int open_regular(const char *path, struct stat *status, struct error *error)
{
	int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int code;

	if (descriptor < 0)
		return fail(error, -errno, "cannot open %s: %m", path);
	code = fstat(descriptor, status) ? errno : S_ISREG(status->st_mode) ? 0 : EINVAL;
	if (!code && status->st_size > largest_bytes)
		code = EFBIG;
	if (!code)
		return descriptor;
	close(descriptor);
	errno = code;
	return fail(error, -code, "cannot copy %s, to roll its writer's last change back: %m",
		    path);
}

static int copy_file(const char *path, const char *copy, struct error *error)
{
	struct stat status = {0};
	int from = open_regular(path, &status, error), to, result;

	if (from < 0)
		return from;
	to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	result = to < 0 ? -errno : copy_bytes(from, to, status.st_size);
	close(from);
	if (to >= 0 && close(to) && !result)
		result = -errno;
	errno = -result;
	return result ? fail(error, result,
			     "cannot copy %s to %s, to roll its writer's last change back: %m; "
			     "TMPDIR names another place",
			     path, copy)
		      : 0;
}

static int check_journal(const char *path, const char *journal, struct error *error)
{
	unsigned char end[sizeof(super_journal_end)] = {0};
	int descriptor = open(journal, O_RDONLY | O_CLOEXEC);
	off_t size = descriptor < 0 ? 0 : lseek(descriptor, 0, SEEK_END);
	bool names_another =
		size >= (off_t)sizeof(end) &&
		pread(descriptor, end, sizeof(end), size - sizeof(end)) == sizeof(end) &&
		!memcmp(end, super_journal_end, sizeof(end));

	if (descriptor >= 0)
		close(descriptor);
	return names_another ? fail(error, -EINVAL,
				    "%s is damaged: its journal speaks of another file", path)
			     : 0;
}

/* What this cannot repair is told by whoever reads the copy. */
static void roll_back(const char *copy)
{
	sqlite3 *database;

	if (sqlite3_open_v2(copy, &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_exec(database, "PRAGMA user_version", NULL, NULL, NULL);
	}
	sqlite3_close(database);
}

static int make_folder(char **folder, struct error *error)
{
	const char *parent = getenv("TMPDIR");
	int result;

	*folder = with_suffix(parent && *parent ? parent : "/tmp", "/simprof.XXXXXX");
	if (mkdtemp(*folder))
		return 0;
	result =
		fail(error, -errno, "cannot make a folder below %s: %m; TMPDIR names another place",
		     parent && *parent ? parent : "/tmp");
	free(*folder);
	return result;
}

int profile_rollback_copy(const char *path, char **copy, struct error *error)
{
	char *folder, *journal, *journal_copy;
	int result = make_folder(&folder, error);

	if (result)
		return result;
	*copy = with_suffix(folder, "/profile");
	journal = with_suffix(path, "-journal");
	journal_copy = with_suffix(*copy, "-journal");
	result = copy_file(path, *copy, error);
	if (!result)
		result = copy_file(journal, journal_copy, error);
	if (!result)
		result = check_journal(path, journal_copy, error);
	if (!result)
		roll_back(*copy);
	if (result) {
		profile_rollback_remove(*copy);
		*copy = NULL;
	}
	free(folder);
	free(journal);
	free(journal_copy);
	return result;
}

void profile_rollback_remove(char *copy)
{
	static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};

	if (!copy)
		return;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *file = with_suffix(copy, suffixes[i]);

		unlink(file);
		free(file);
	}
	*strrchr(copy, '/') = '\0';
	rmdir(copy);
	free(copy);
}
