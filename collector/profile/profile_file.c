/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_file: writing; see profile_file.h. Reading is profile_file_load.c. */
#include "collector/profile/profile_file.h"

#include "collector/base/xalloc.h"
#include "collector/profile/profile_schema.h"
#include "collector/profile/row_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVED_BYTES (512u << 10) /* names, lines and stacks of a usual recording */
#define READER_WAIT_MS 10000

struct profile_file {
	sqlite3 *database;
	struct row_writer *rows;
	uint64_t uncommitted_samples;
	int lock_fd; /* of the file; closing any descriptor of it ends SQLite's own locks, so last
		      */
	int reserve_fd; /* a nameless file beside it that holds disk space */
	uint64_t last_time_ns;
	bool any_sample;
	int failure;   /* of an earlier write: SQLite may have left the transaction, so none follows
			*/
	bool replaced; /* an older file waits as PATH.old */
	char *path;
	char *old_path;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int database_error(const struct profile_file *file, struct error *error, const char *doing)
{
	int code = sqlite3_errcode(file->database);
	struct rlimit limit;

	if (code == SQLITE_FULL)
		return fail(error, -ENOSPC,
			    "the disk is full: cannot %s %s; free space, or choose "
			    "another folder with -o",
			    doing, file->path);
	if (code == SQLITE_BUSY)
		return fail(error, -EAGAIN, "%s is being read", file->path);
	if (code == SQLITE_IOERR && !getrlimit(RLIMIT_FSIZE, &limit) &&
	    limit.rlim_cur != RLIM_INFINITY)
		return fail(error, -EFBIG, "cannot %s %s: `ulimit -f` allows %llu bytes a file",
			    doing, file->path, (unsigned long long)limit.rlim_cur);
	return fail(error, -EIO, "cannot %s %s: %s", doing, file->path,
		    sqlite3_errmsg(file->database));
}

static int execute(struct profile_file *file, const char *sql, struct error *error,
		   const char *doing)
{
	if (sqlite3_exec(file->database, sql, NULL, NULL, NULL) != SQLITE_OK)
		return database_error(file, error, doing);
	return 0;
}

static int write_endings(struct profile_file *file, struct error *error)
{
	int result = 0;

	for (int i = 0; i < PROFILE_ENDINGS && !result; i++) {
		char *sql = sqlite3_mprintf("INSERT INTO endings VALUES (%d, %Q, %d)", i,
					    profile_endings[i].name, profile_endings[i].complete);

		result = execute(file, sql, error, "write");
		sqlite3_free(sql);
	}
	return result;
}

static int write_schema(struct profile_file *file, struct error *error)
{
	char pragmas[200];
	int result;

	/* Small pages: a short recording has a dozen tables that are not full. No spilling: it
	 * would need the file for itself in the middle of a transaction, and a reader may have it.
	 */
	snprintf(pragmas, sizeof(pragmas),
		 "PRAGMA synchronous=OFF; PRAGMA page_size=1024; PRAGMA cache_spill=OFF; "
		 "PRAGMA application_id=%d; PRAGMA user_version=%d; BEGIN",
		 PROFILE_APPLICATION_ID, PROFILE_FORMAT_VERSION);
	result = execute(file, pragmas, error, "create");
	if (!result)
		result = execute(file, profile_schema, error, "create");
	if (!result)
		result = write_endings(file, error);
	if (!result)
		result = execute(file, "COMMIT; BEGIN", error, "create");
	if (!result)
		file->rows = row_writer_open(file->database);
	if (!result && !file->rows)
		result = database_error(file, error, "prepare");
	return result;
}

/* Says whether another collector holds the lock of a file. */
static bool is_locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

/* Moves an existing file out of the way. */
static int keep_old(struct profile_file *file, struct error *error)
{
	struct stat status;

	if (lstat(file->path, &status))
		return errno == ENOENT ? 0 : fail(error, -errno, "cannot write %s: %m", file->path);
	if (!S_ISREG(status.st_mode))
		return fail(error, -EEXIST,
			    "%s exists and is no regular file; choose another name "
			    "with -o",
			    file->path);
	if (is_locked(file->path))
		return fail(error, -EBUSY,
			    "another collector is recording into %s; choose another name with -o",
			    file->path);
	if (rename(file->path, file->old_path))
		return fail(error, -errno, "cannot rename %s to keep it: %m", file->path);
	file->replaced = true;
	return 0;
}

/* Sets space aside: at most a quarter of what is free. Without it a full disk costs the names. */
static int reserve_space(const char *path)
{
	char *folder = xstrdup(path);
	struct statvfs space;
	uint64_t bytes = RESERVED_BYTES;
	int fd = open(dirname(folder), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	free(folder);
	if (fd >= 0 && !fstatvfs(fd, &space) && bytes > space.f_bavail * space.f_frsize / 4)
		bytes = space.f_bavail * space.f_frsize / 4;
	if (fd >= 0 && fallocate(fd, 0, 0, (off_t)bytes)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int create(struct profile_file *file, struct error *error)
{
	int result = keep_old(file, error);

	if (result)
		return result;
	/* SQLite would tell the error of its second, read-only attempt. */
	file->lock_fd = open(file->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	if (file->lock_fd < 0)
		return fail(error, -errno, "cannot create %s: %m; choose another folder with -o",
			    file->path);
	flock(file->lock_fd, LOCK_EX | LOCK_NB);
	file->reserve_fd = reserve_space(file->path);
	if (sqlite3_open_v2(file->path, &file->database,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return database_error(file, error, "create");
	/* Somebody may look into the file as soon as it is there; while it records nobody is waited
	 * for. */
	profile_file_wait_for_readers(file);
	result = write_schema(file, error);
	sqlite3_busy_timeout(file->database, 0);
	return result;
}

struct profile_file *profile_file_create(const char *path, struct error *error)
{
	struct profile_file *file = xcalloc(1, sizeof(*file));
	int result;

	file->lock_fd = file->reserve_fd = -1;
	file->path = xstrdup(path);
	file->old_path = xmalloc(strlen(path) + sizeof(".old"));
	sprintf(file->old_path, "%s.old", path);
	result = create(file, error);
	if (result) {
		profile_file_discard(file);
		errno = -result;
		return NULL;
	}
	return file;
}

/* Says what became of rows written with SQLite's @code. */
static int written(struct profile_file *file, int code, struct error *error)
{
	if (code != SQLITE_OK)
		file->failure = database_error(file, error, "write");
	return file->failure;
}

static int failed_before(const struct profile_file *file, struct error *error)
{
	return fail(error, file->failure, "cannot write %s: %m, as before", file->path);
}

int profile_file_append(struct profile_file *file, const struct profile_sample *sample,
			struct error *error)
{
	struct profile_sample row = *sample;

	file->uncommitted_samples++;
	if (file->failure)
		return failed_before(file, error);
	if (file->any_sample && row.time_ns <= file->last_time_ns)
		row.time_ns = file->last_time_ns + 1;
	file->last_time_ns = row.time_ns;
	file->any_sample = true;
	return written(file, row_writer_sample(file->rows, &row), error);
}

static int commit(struct profile_file *file, struct error *error)
{
	int result = execute(file, "COMMIT", error, "write");

	if (!result)
		result = execute(file, "BEGIN", error, "write");
	if (result != -EAGAIN)
		file->failure = result;
	if (!result) {
		row_writer_committed(file->rows);
		file->uncommitted_samples = 0;
	}
	return result;
}

int profile_file_commit(struct profile_file *file, const struct profile *profile,
			struct error *error)
{
	int result = file->failure ? failed_before(file, error)
				   : written(file, row_writer_gained(file->rows, profile), error);

	return result ? result : commit(file, error);
}

int profile_file_commit_meta(struct profile_file *file, const struct profile *profile,
			     struct error *error)
{
	int result = file->failure ? failed_before(file, error)
				   : written(file, row_writer_meta(file->rows, profile), error);

	return result ? result : commit(file, error);
}

void profile_file_wait_for_readers(struct profile_file *file)
{
	sqlite3_busy_timeout(file->database, READER_WAIT_MS);
}

uint64_t profile_file_recover(struct profile_file *file)
{
	uint64_t dropped = file->uncommitted_samples;

	/* SQLite may have rolled back by itself already. */
	if (!sqlite3_get_autocommit(file->database))
		sqlite3_exec(file->database, "ROLLBACK", NULL, NULL, NULL);
	close_fd(&file->reserve_fd);
	file->failure = 0;
	file->uncommitted_samples = 0;
	row_writer_rolled_back(file->rows);
	sqlite3_exec(file->database, "PRAGMA journal_mode=MEMORY; BEGIN", NULL, NULL, NULL);
	return dropped;
}

uint64_t profile_file_make_room(struct profile_file *file)
{
	static const char later_half[] =
		"DELETE FROM samples WHERE time_ns > (SELECT time_ns FROM samples ORDER BY time_ns "
		"LIMIT 1 OFFSET (SELECT count(*) / 2 FROM samples))";
	struct error ignored;

	if (execute(file, later_half, &ignored, "shorten"))
		return 0;
	return commit(file, &ignored) ? 0 : (uint64_t)sqlite3_changes(file->database);
}

void profile_file_close(struct profile_file *file)
{
	if (!file)
		return;
	row_writer_close(file->rows);
	sqlite3_close(file->database);
	close_fd(&file->lock_fd);
	close_fd(&file->reserve_fd);
	free(file->path);
	free(file->old_path);
	free(file);
}

void profile_file_discard(struct profile_file *file)
{
	char *path = xstrdup(file->path);
	char *old_path = xstrdup(file->old_path);
	bool created = file->lock_fd >= 0, replaced = file->replaced;

	profile_file_close(file);
	if (created)
		unlink(path);
	if (replaced)
		rename(old_path, path);
	free(path);
	free(old_path);
}
