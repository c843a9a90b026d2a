/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_file: writing; see profile_file.h. Reading is profile_file_load.c. */
#include "collector/profile/profile_file.h"

#include "collector/base/xalloc.h"
#include "collector/profile/profile_schema.h"

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

enum statement {
	INSERT_META,
	INSERT_METRIC,
	INSERT_MODULE,
	INSERT_FILE,
	INSERT_FUNCTION,
	INSERT_FRAME,
	INSERT_LINE,
	INSERT_STACK,
	INSERT_THREAD,
	INSERT_SAMPLE,
	INSERT_THREAD_TIMES,
	INSERT_SERIES,
	INSERT_POINT,
	INSERT_PROBE,
	INSERT_TIMING,
	INSERT_BUCKET,
	INSERT_EDGE,
	INSERT_STEP,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[INSERT_META] = "REPLACE INTO meta VALUES (?, ?)",
	[INSERT_METRIC] = "INSERT INTO metrics VALUES (?, ?, ?, ?)",
	[INSERT_MODULE] = "INSERT INTO modules VALUES (?, ?, ?, ?)",
	[INSERT_FILE] = "INSERT INTO files VALUES (?, ?)",
	[INSERT_FUNCTION] = "INSERT INTO functions VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_FRAME] = "INSERT INTO frames VALUES (?, ?, ?)",
	[INSERT_LINE] = "INSERT INTO lines VALUES (?, ?, ?, ?)",
	[INSERT_STACK] = "INSERT INTO stacks VALUES (?, ?, ?)",
	[INSERT_THREAD] = "REPLACE INTO threads VALUES (?, ?, ?, ?)",
	[INSERT_SAMPLE] = "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)",
	[INSERT_THREAD_TIMES] = "INSERT INTO thread_times VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_SERIES] = "INSERT INTO series VALUES (?, ?, ?, ?)",
	[INSERT_POINT] = "INSERT INTO points VALUES (?, ?, ?)",
	[INSERT_PROBE] = "REPLACE INTO probes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[INSERT_TIMING] = "REPLACE INTO timings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[INSERT_BUCKET] = "REPLACE INTO timing_buckets VALUES (?, ?, ?)",
	[INSERT_EDGE] = "REPLACE INTO call_edges VALUES (?, ?, ?, ?)",
	[INSERT_STEP] = "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?)",
};

/* Rows of each table that the file already has; the placeholders at 0 are never written. */
struct written {
	size_t metrics, modules, files, functions, lines, frames, stacks, threads, steps;
	size_t thread_times, series, points;
	uint32_t renames;
	uint32_t timing_revision;
};

struct profile_file {
	sqlite3 *database;
	sqlite3_stmt *statements[STATEMENTS];
	struct written written;
	struct written committed; /* as of the last commit */
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

static int prepare(struct profile_file *file, struct error *error)
{
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(file->database, statement_sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &file->statements[i], NULL))
			return database_error(file, error, "prepare");
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
		result = prepare(file, error);
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
	return write_schema(file, error);
}

struct profile_file *profile_file_create(const char *path, struct error *error)
{
	struct profile_file *file = xcalloc(1, sizeof(*file));
	int result;

	file->lock_fd = file->reserve_fd = -1;
	file->path = xstrdup(path);
	file->old_path = xmalloc(strlen(path) + sizeof(".old"));
	sprintf(file->old_path, "%s.old", path);
	file->written = (struct written){
		.modules = 1, .files = 1, .functions = 1, .frames = 1, .stacks = 1, .threads = 1};
	file->committed = file->written;
	result = create(file, error);
	if (result) {
		profile_file_discard(file);
		errno = -result;
		return NULL;
	}
	return file;
}

static int step(struct profile_file *file, sqlite3_stmt *statement, struct error *error)
{
	int code;

	if (file->failure)
		return fail(error, file->failure, "cannot write %s: %m, as before", file->path);
	code = sqlite3_step(statement);
	sqlite3_reset(statement);
	if (code != SQLITE_DONE)
		file->failure = database_error(file, error, "write");
	return file->failure;
}

int profile_file_append(struct profile_file *file, const struct profile_sample *sample,
			struct error *error)
{
	sqlite3_stmt *statement = file->statements[INSERT_SAMPLE];
	uint64_t time_ns = sample->time_ns;

	if (file->any_sample && time_ns <= file->last_time_ns)
		time_ns = file->last_time_ns + 1;
	file->last_time_ns = time_ns;
	file->any_sample = true;
	sqlite3_bind_int64(statement, 1, time_ns);
	sqlite3_bind_int64(statement, 2, sample->thread);
	sqlite3_bind_int64(statement, 3, sample->stack);
	sqlite3_bind_int64(statement, 4, sample->metric);
	sqlite3_bind_int64(statement, 5, sample->value);
	sqlite3_bind_int64(statement, 6, sample->ending);
	file->uncommitted_samples++;
	return step(file, statement, error);
}

/* Binds a row's columns in order: i an integer (int64_t), s a string or NULL (borrowed). */
static int insert(struct profile_file *file, enum statement which, struct error *error,
		  const char *types, ...)
{
	sqlite3_stmt *statement = file->statements[which];
	va_list arguments;

	va_start(arguments, types);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t));
		else
			sqlite3_bind_text(statement, i + 1, va_arg(arguments, const char *), -1,
					  SQLITE_STATIC);
	}
	va_end(arguments);
	return step(file, statement, error);
}

static int write_meta(struct profile_file *file, const struct profile *profile, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < profile->meta_count && !result; i++) {
		const struct profile_meta *row = &profile->meta[i];

		if (row->text)
			result = insert(file, INSERT_META, error, "ss", row->key, row->text);
		else
			result = insert(file, INSERT_META, error, "si", row->key, row->number);
	}
	return result;
}

static int write_code(struct profile_file *file, const struct profile *profile, struct error *error)
{
	struct written *written = &file->written;
	int result = 0;

	for (; written->modules < profile->modules_count && !result; written->modules++) {
		const struct profile_module *row = &profile->modules[written->modules];

		result = insert(file, INSERT_MODULE, error, "iiss", (int64_t)written->modules,
				(int64_t)row->kind, row->path, row->build_id);
	}
	for (; written->files < profile->files_count && !result; written->files++)
		result = insert(file, INSERT_FILE, error, "is", (int64_t)written->files,
				profile->files[written->files]);
	for (; written->functions < profile->functions_count && !result; written->functions++) {
		const struct profile_function *row = &profile->functions[written->functions];

		result =
			insert(file, INSERT_FUNCTION, error, "issiiii", (int64_t)written->functions,
			       row->name, row->linkage_name, (int64_t)row->module,
			       (int64_t)row->file, (int64_t)row->line, (int64_t)row->named);
	}
	return result;
}

static int write_frame_lines(struct profile_file *file, const struct profile *profile, size_t id,
			     struct error *error)
{
	const struct profile_frame *frame = &profile->frames[id];
	int result = 0;

	for (uint32_t depth = 0; depth < frame->line_count && !result; depth++) {
		const struct profile_line *line = &profile->lines[frame->first_line + depth];

		result = insert(file, INSERT_LINE, error, "iiii", (int64_t)id, (int64_t)depth,
				(int64_t)line->function, (int64_t)line->line);
	}
	return result;
}

static int write_stacks(struct profile_file *file, const struct profile *profile,
			struct error *error)
{
	struct written *written = &file->written;
	int result = 0;

	for (; written->frames < profile->frames_count && !result; written->frames++) {
		const struct profile_frame *row = &profile->frames[written->frames];

		result = insert(file, INSERT_FRAME, error, "iii", (int64_t)written->frames,
				(int64_t)row->module, (int64_t)row->address);
	}
	for (; written->stacks < profile->stacks_count && !result; written->stacks++) {
		const struct profile_stack *row = &profile->stacks[written->stacks];

		result = insert(file, INSERT_STACK, error, "iii", (int64_t)written->stacks,
				(int64_t)row->parent, (int64_t)row->frame);
	}
	if (written->lines == profile->lines_count)
		return result;
	for (size_t id = 1; id < profile->frames_count && !result; id++)
		if (profile->frames[id].first_line >= written->lines)
			result = write_frame_lines(file, profile, id, error);
	written->lines = profile->lines_count;
	return result;
}

static int write_others(struct profile_file *file, const struct profile *profile,
			struct error *error)
{
	struct written *written = &file->written;
	int result = 0;

	for (; written->metrics < profile->metrics_count && !result; written->metrics++) {
		const struct profile_metric *row = &profile->metrics[written->metrics];

		result = insert(file, INSERT_METRIC, error, "issi", (int64_t)written->metrics,
				row->name, row->unit, (int64_t)row->period);
	}
	if (written->renames != profile->renames)
		written->threads = 1;
	written->renames = profile->renames;
	for (; written->threads < profile->threads_count && !result; written->threads++) {
		const struct profile_thread *row = &profile->threads[written->threads];

		result = insert(file, INSERT_THREAD, error, "iiis", (int64_t)written->threads,
				(int64_t)row->pid, (int64_t)row->tid, row->name);
	}
	return result;
}

static int write_curves(struct profile_file *file, const struct profile *profile,
			struct error *error)
{
	struct written *written = &file->written;
	int result = 0;

	for (; written->thread_times < profile->thread_times_count && !result;
	     written->thread_times++) {
		const struct profile_thread_times *row =
			&profile->thread_times[written->thread_times];

		result = insert(file, INSERT_THREAD_TIMES, error, "iiiiiii", (int64_t)row->thread,
				(int64_t)row->wall_ns, (int64_t)row->cpu_ns,
				(int64_t)row->booked_ns, (int64_t)row->run_queue_ns,
				(int64_t)row->off_cpu_ns, (int64_t)row->switches);
	}
	for (; written->series < profile->series_count && !result; written->series++) {
		const struct profile_series *row = &profile->series[written->series];

		result = insert(file, INSERT_SERIES, error, "issi", (int64_t)written->series,
				row->name, row->unit, (int64_t)row->is_total);
	}
	for (; written->points < profile->points_count && !result; written->points++) {
		const struct profile_point *row = &profile->points[written->points];

		result = insert(file, INSERT_POINT, error, "iii", (int64_t)row->series,
				(int64_t)row->time_ns, row->value);
	}
	return result;
}

static int write_probes(struct profile_file *file, const struct profile *profile,
			struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < profile->probes_count && !result; i++) {
		const struct profile_probe *row = &profile->probes[i];

		result = insert(file, INSERT_PROBE, error, "iiiiiiiiiis", (int64_t)i,
				(int64_t)row->frame, (int64_t)row->mode, (int64_t)row->kind,
				(int64_t)row->place, (int64_t)row->count_ns, (int64_t)row->time_ns,
				(int64_t)row->inside_ns, (int64_t)row->attached_ns,
				(int64_t)row->is_partial, row->note);
	}
	return result;
}

/* Counters that have grown replace their older selves. */
static int write_timings(struct profile_file *file, const struct profile *profile,
			 struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < profile->timings_count && !result; i++) {
		const struct profile_timing *row = &profile->timings[i];

		result =
			insert(file, INSERT_TIMING, error, "iiiiiiiiiiiii", (int64_t)row->probe,
			       (int64_t)row->thread, (int64_t)row->calls, (int64_t)row->step_calls,
			       (int64_t)row->returns, (int64_t)row->sum_ns, (int64_t)row->outer_ns,
			       (int64_t)row->self_ns, (int64_t)row->min_ns, (int64_t)row->max_ns,
			       (int64_t)row->open, (int64_t)row->deep, (int64_t)row->subtracted_ns);
	}
	for (size_t i = 0; i < profile->timing_buckets_count && !result; i++) {
		const struct profile_bucket *row = &profile->timing_buckets[i];

		result = insert(file, INSERT_BUCKET, error, "iii", (int64_t)row->probe,
				(int64_t)row->bucket, (int64_t)row->count);
	}
	for (size_t i = 0; i < profile->call_edges_count && !result; i++) {
		const struct profile_edge *row = &profile->call_edges[i];

		result = insert(file, INSERT_EDGE, error, "iiii", (int64_t)row->caller,
				(int64_t)row->callee, (int64_t)row->calls, (int64_t)row->sum_ns);
	}
	return result;
}

static int write_calls(struct profile_file *file, const struct profile *profile,
		       struct error *error)
{
	struct written *written = &file->written;
	int result = 0;

	if (written->timing_revision != profile->timing_revision) {
		result = write_probes(file, profile, error);
		if (!result)
			result = write_timings(file, profile, error);
	}
	written->timing_revision = profile->timing_revision;
	for (; written->steps < profile->steps_count && !result; written->steps++) {
		const struct profile_step *row = &profile->steps[written->steps];

		result = insert(file, INSERT_STEP, error, "iiiiii", (int64_t)written->steps,
				(int64_t)row->probe, (int64_t)row->thread, (int64_t)row->start_ns,
				(int64_t)row->end_ns, (int64_t)row->probe_ns);
	}
	return result;
}

static int commit(struct profile_file *file, struct error *error)
{
	int result = execute(file, "COMMIT", error, "write");

	if (!result)
		result = execute(file, "BEGIN", error, "write");
	if (result != -EAGAIN)
		file->failure = result;
	if (!result) {
		file->committed = file->written;
		file->uncommitted_samples = 0;
	}
	return result;
}

int profile_file_commit(struct profile_file *file, struct profile *profile, struct error *error)
{
	int result = write_meta(file, profile, error);

	if (!result)
		result = write_code(file, profile, error);
	if (!result)
		result = write_stacks(file, profile, error);
	if (!result)
		result = write_others(file, profile, error);
	if (!result)
		result = write_curves(file, profile, error);
	if (!result)
		result = write_calls(file, profile, error);
	if (!result)
		return commit(file, error);
	if (result != -EAGAIN)
		file->failure = result;
	return result;
}

int profile_file_commit_meta(struct profile_file *file, const struct profile *profile,
			     struct error *error)
{
	int result = write_meta(file, profile, error);

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
	file->written = file->committed;
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
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(file->statements[i]);
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
