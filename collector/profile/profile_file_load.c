/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_file_load: reading of untrusted profile files; see profile_file.h.
 *
 * A file is believed step by step: SQLite's own structure check; then our application id and
 * version; then the SQL of every table must be, to the letter, the one of profile.sql (so that no
 * view or generated column can stand in for a table and compute without end); then each row's
 * types, the density of its id, and each id that it names.
 */
#include "collector/profile/profile_file.h"

#include "collector/base/xalloc.h"
#include "collector/profile/profile_loading.h"
#include "collector/profile/profile_rollback.h"
#include "collector/profile/profile_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_SERIES	    1024
#define LONGEST_VALUE_BYTES (16 << 20)

int loading_damaged(struct loading *loading, const char *what)
{
	return fail(loading->error, -EINVAL, "%s is damaged: %s", loading->path, what);
}

int loading_failed(struct loading *loading)
{
	int code = sqlite3_errcode(loading->database);

	if (code == SQLITE_NOTADB)
		return fail(loading->error, -ENOEXEC,
			    "%s is no profile; `collector run` writes profiles", loading->path);
	if (code == SQLITE_CORRUPT)
		return loading_damaged(loading, "it was cut or overwritten; record it again");
	if (code == SQLITE_BUSY)
		return fail(loading->error, -EAGAIN, "%s is being written; try again",
			    loading->path);
	return fail(loading->error, -EIO, "cannot read %s: %s", loading->path,
		    sqlite3_errmsg(loading->database));
}

static int64_t pragma(sqlite3 *database, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t value = -1;

	if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* Opens what is there, and says why not; SQLite does not tell reasons apart. */
static int check_file(struct loading *loading)
{
	unsigned char head[20] = {0};
	struct stat status;
	int descriptor = open(loading->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), result = 0;

	if (descriptor < 0)
		return fail(loading->error, -errno, "cannot open %s: %m", loading->path);
	if (fstat(descriptor, &status))
		result = fail(loading->error, -errno, "cannot open %s: %m", loading->path);
	else if (!S_ISREG(status.st_mode))
		result = fail(loading->error, -EINVAL, "%s is no file", loading->path);
	else if (status.st_size == 0)
		result = fail(loading->error, -EINVAL, "%s is empty", loading->path);
	else if (pread(descriptor, head, sizeof(head), 0) < 0)
		result = fail(loading->error, -errno, "cannot read %s: %m", loading->path);
	/* Bytes 18 and 19: even readers of a write-ahead log make files beside it. */
	else if (!memcmp(head, "SQLite format 3", 16) && (head[18] == 2 || head[19] == 2))
		result = loading_damaged(loading, "it has a write-ahead log, which no profile has");
	close(descriptor);
	return result;
}

static int open_readonly(struct loading *loading, const char *path)
{
	if (sqlite3_open_v2(path, &loading->database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
			    NULL))
		return loading_failed(loading);
	sqlite3_db_config(loading->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(loading->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(loading->database, SQLITE_LIMIT_LENGTH, LONGEST_VALUE_BYTES);
	/* Ids, order and references of all rows are checked below, and SQLite tells a broken page
	 * when it meets it; a check of the whole file would read everything twice. */
	sqlite3_exec(loading->database, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
	return 0;
}

/*
 * A recording that was killed in the middle of a commit leaves a journal to be rolled back, which
 * a read-only connection refuses; a journal whose writer lives is none of our business.
 */
static int open_database(struct loading *loading)
{
	int result = check_file(loading);

	if (!result)
		result = open_readonly(loading, loading->path);
	if (result || pragma(loading->database, "PRAGMA user_version") >= 0 ||
	    sqlite3_extended_errcode(loading->database) != SQLITE_READONLY_ROLLBACK)
		return result;
	sqlite3_close(loading->database);
	loading->database = NULL;
	result = profile_rollback_copy(loading->path, &loading->copy, loading->error);
	return result ? result : open_readonly(loading, loading->copy);
}

static int check_header(struct loading *loading)
{
	int64_t application_id = pragma(loading->database, "PRAGMA application_id");
	int64_t version = pragma(loading->database, "PRAGMA user_version");

	if (application_id < 0)
		return loading_failed(loading);
	if (application_id != PROFILE_APPLICATION_ID)
		return fail(loading->error, -EINVAL,
			    "%s is an SQLite file, but no profile; `collector run` writes profiles",
			    loading->path);
	if (version != PROFILE_FORMAT_VERSION)
		return fail(loading->error, -EPROTONOSUPPORT,
			    "%s has format version %lld, this program reads version %d; use the "
			    "collector it was recorded with",
			    loading->path, (long long)version, PROFILE_FORMAT_VERSION);
	return 0;
}

/* Returns whether table @name of the file was made by exactly @sql. */
static bool same_table(struct loading *loading, const char *name, const char *sql)
{
	sqlite3_stmt *statement;
	bool same = false;

	if (sqlite3_prepare_v2(loading->database,
			       "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?",
			       -1, &statement, NULL) == SQLITE_OK) {
		sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
		if (sqlite3_step(statement) == SQLITE_ROW) {
			const char *found = (const char *)sqlite3_column_text(statement, 0);

			same = found && !strcmp(found, sql);
		}
	}
	sqlite3_finalize(statement);
	return same;
}

static int check_schema(struct loading *loading)
{
	sqlite3 *model = NULL;
	sqlite3_stmt *tables = NULL;
	bool same = true;

	if (sqlite3_open(":memory:", &model) == SQLITE_OK &&
	    sqlite3_exec(model, profile_schema, NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(model, "SELECT name, sql FROM sqlite_master WHERE type = 'table'",
			       -1, &tables, NULL) == SQLITE_OK)
		while (same && sqlite3_step(tables) == SQLITE_ROW)
			same = same_table(loading, (const char *)sqlite3_column_text(tables, 0),
					  (const char *)sqlite3_column_text(tables, 1));
	sqlite3_finalize(tables);
	sqlite3_close(model);
	return same ? 0 : loading_damaged(loading, "its tables are not those of a profile");
}

static int check_structure(struct loading *loading)
{
	struct stat status;
	int result = 0;

	/* SQLite reads what is missing of the last page as zeros. */
	if (stat(loading->copy ? loading->copy : loading->path, &status) ||
	    status.st_size < pragma(loading->database, "PRAGMA page_count") *
				     pragma(loading->database, "PRAGMA page_size"))
		return loading_damaged(loading, "it was cut; record it again");
	return result;
}

/* Calls @each for every row of @sql. */
static int rows(struct loading *loading, const char *sql, row_function *each)
{
	sqlite3_stmt *statement;
	int code, result = 0;

	if (sqlite3_prepare_v2(loading->database, sql, -1, &statement, NULL))
		return loading_failed(loading);
	while (!result && (code = sqlite3_step(statement)) == SQLITE_ROW)
		result = each(loading, statement);
	if (!result && code != SQLITE_DONE)
		result = loading_failed(loading);
	sqlite3_finalize(statement);
	return result;
}

bool loading_number(sqlite3_stmt *row, int column, uint64_t limit, uint64_t *value)
{
	/* The connection has no mutex, so the value needs none (sqlite3.h, protected values). */
	return loading_value(sqlite3_column_value(row, column), limit, value);
}

const char *loading_text(sqlite3_stmt *row, int column)
{
	const char *found;

	if (sqlite3_column_type(row, column) != SQLITE_TEXT)
		return NULL;
	found = (const char *)sqlite3_column_text(row, column);
	if (!found || strlen(found) != (size_t)sqlite3_column_bytes(row, column))
		return NULL;
	return found;
}

bool loading_is_next_id(sqlite3_stmt *row, size_t count)
{
	uint64_t id;

	return loading_number(row, 0, UINT32_MAX, &id) && id == count;
}

static int meta_row(struct loading *loading, sqlite3_stmt *row)
{
	const char *key = loading_text(row, 0), *value = loading_text(row, 1);

	if (!key)
		return loading_damaged(loading, "bad row in meta");
	if (value)
		profile_set_text(loading->profile, key, value);
	else
		profile_set_number(loading->profile, key, sqlite3_column_int64(row, 1));
	return 0;
}

static int metric_row(struct loading *loading, sqlite3_stmt *row)
{
	const char *name = loading_text(row, 1), *unit = loading_text(row, 2);
	uint64_t period, is_level;

	if (!loading_is_next_id(row, loading->profile->metrics_count) || !name || !unit ||
	    !loading_number(row, 3, INT64_MAX, &period) || !period ||
	    !loading_number(row, 4, 2, &is_level))
		return loading_damaged(loading, "bad row in metrics");
	profile_metric_add(loading->profile, name, unit, period);
	if (is_level)
		profile_metric_set_level(loading->profile,
					 (uint32_t)loading->profile->metrics_count - 1);
	return 0;
}

static int module_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	const char *path = loading_text(row, 2);
	uint64_t kind;

	if (!loading_is_next_id(row, profile->modules_count) || !path ||
	    !loading_number(row, 1, PROFILE_MODULE_NOTE + 1, &kind))
		return loading_damaged(loading, "bad row in modules");
	if (profile_module(profile, kind, path, loading_text(row, 3)) != profile->modules_count - 1)
		return loading_damaged(loading, "a module is listed twice");
	return 0;
}

static int file_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	const char *path = loading_text(row, 1);

	if (!loading_is_next_id(row, profile->files_count) || !path || !*path ||
	    profile_file_name(profile, path) != profile->files_count - 1)
		return loading_damaged(loading, "bad row in files");
	return 0;
}

static int function_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	const char *name = loading_text(row, 1);
	uint64_t module, file, line, named;

	if (!loading_is_next_id(row, profile->functions_count) || !name ||
	    !loading_number(row, 3, profile->modules_count, &module) ||
	    !loading_number(row, 4, profile->files_count, &file) ||
	    !loading_number(row, 5, INT32_MAX, &line) || !loading_number(row, 6, 2, &named) ||
	    profile_function(profile, name, loading_text(row, 2), module, file, line, named) !=
		    profile->functions_count - 1)
		return loading_damaged(loading, "bad row in functions");
	return 0;
}

static int frame_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t module;

	/* The address is 64 bits wide, kernel addresses come back negative. */
	if (!loading_is_next_id(row, profile->frames_count) ||
	    !loading_number(row, 1, profile->modules_count, &module) ||
	    sqlite3_column_type(row, 2) != SQLITE_INTEGER)
		return loading_damaged(loading, "bad row in frames");
	xgrow(profile->frames, profile->frames_count, profile->frames_capacity);
	profile->frames[profile->frames_count++] = (struct profile_frame){
		.module = (uint32_t)module, .address = (uint64_t)sqlite3_column_int64(row, 2)};
	return 0;
}

static int line_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	struct profile_frame *frame;
	uint64_t id, depth, function, line;

	if (!loading_number(row, 0, profile->frames_count, &id) || !id ||
	    !loading_number(row, 2, profile->functions_count, &function) ||
	    !loading_number(row, 3, INT32_MAX, &line) ||
	    !loading_number(row, 1, (uint64_t)profile->frames[id].line_count + 1, &depth) ||
	    depth != profile->frames[id].line_count)
		return loading_damaged(loading, "bad row in lines");
	frame = &profile->frames[id];
	if (!depth)
		frame->first_line = profile->lines_count;
	frame->line_count++;
	xgrow(profile->lines, profile->lines_count, profile->lines_capacity);
	profile->lines[profile->lines_count++] = (struct profile_line){function, line};
	return 0;
}

static int thread_row(struct loading *loading, sqlite3_stmt *row)
{
	const char *name = loading_text(row, 3);
	uint64_t pid, tid;

	if (!loading_is_next_id(row, loading->profile->threads_count) || !name ||
	    !loading_number(row, 1, INT32_MAX, &pid) || !loading_number(row, 2, INT32_MAX, &tid))
		return loading_damaged(loading, "bad row in threads");
	profile_thread_add(loading->profile, pid, tid, name);
	return 0;
}

static int thread_times_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t thread, wall_ns, cpu_ns, booked_ns, run_queue_ns, off_cpu_ns, switches;

	if (!loading_number(row, 0, profile->threads_count, &thread) ||
	    !loading_number(row, 1, MOST_NS, &wall_ns) ||
	    !loading_number(row, 2, MOST_NS, &cpu_ns) ||
	    !loading_number(row, 3, MOST_NS, &booked_ns) ||
	    !loading_number(row, 4, MOST_NS, &run_queue_ns) ||
	    !loading_number(row, 5, MOST_NS, &off_cpu_ns) ||
	    !loading_number(row, 6, INT64_MAX, &switches))
		return loading_damaged(loading, "bad row in thread_times");
	profile_thread_times_add(profile, &(struct profile_thread_times){
						  .thread = (uint32_t)thread,
						  .wall_ns = wall_ns,
						  .cpu_ns = cpu_ns,
						  .booked_ns = booked_ns,
						  .run_queue_ns = run_queue_ns,
						  .off_cpu_ns = off_cpu_ns,
						  .switches = switches,
					  });
	return 0;
}

static int series_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	const char *name = loading_text(row, 1), *unit = loading_text(row, 2);
	uint64_t is_total;

	if (profile->series_count >= MOST_SERIES ||
	    !loading_is_next_id(row, profile->series_count) || !name || !unit ||
	    !loading_number(row, 3, 2, &is_total) ||
	    profile_series(profile, name, unit, is_total) != profile->series_count - 1)
		return loading_damaged(loading, "bad row in series");
	return 0;
}

static int point_row(struct loading *loading, sqlite3_stmt *row)
{
	uint64_t series, time_ns;

	if (!loading_number(row, 0, loading->profile->series_count, &series) ||
	    !loading_number(row, 1, MOST_NS, &time_ns) ||
	    sqlite3_column_type(row, 2) != SQLITE_INTEGER)
		return loading_damaged(loading, "bad row in points");
	profile_point_add(loading->profile, (uint32_t)series, time_ns,
			  sqlite3_column_int64(row, 2));
	return 0;
}

struct table {
	const char *sql;
	row_function *each;
};

/* What stacks and samples name, and the rest, which names stacks. */
static const struct table first_tables[] = {
	{"SELECT * FROM meta", meta_row},
	{"SELECT * FROM metrics ORDER BY id", metric_row},
	{"SELECT * FROM modules ORDER BY id", module_row},
	{"SELECT * FROM files ORDER BY id", file_row},
	{"SELECT * FROM functions ORDER BY id", function_row},
	{"SELECT * FROM frames ORDER BY id", frame_row},
	{"SELECT * FROM lines ORDER BY frame, depth", line_row},
	{"SELECT * FROM threads ORDER BY id", thread_row},
};
static const struct table last_tables[] = {
	{"SELECT * FROM thread_times", thread_times_row},
	{"SELECT * FROM series ORDER BY id", series_row},
	{"SELECT * FROM points ORDER BY series, time_ns", point_row},
	{"SELECT * FROM probes ORDER BY id", loading_probe_row},
	{"SELECT * FROM timings ORDER BY probe, thread", loading_timing_row},
	{"SELECT * FROM timing_buckets ORDER BY probe, bucket", loading_bucket_row},
	{"SELECT * FROM call_edges ORDER BY caller, callee", loading_edge_row},
	{"SELECT * FROM hit_functions ORDER BY id", loading_hit_function_row},
	{"SELECT * FROM block_hits ORDER BY function, address", loading_block_hits_row},
	{"SELECT * FROM line_hits ORDER BY function, file, line", loading_line_hits_row},
	{"SELECT * FROM sources ORDER BY file", loading_source_row},
	{"SELECT * FROM steps ORDER BY id", loading_step_row},
	{"SELECT * FROM subjects ORDER BY id", loading_subject_row},
	{"SELECT * FROM operations", loading_operation_row},
	{"SELECT * FROM spreads ORDER BY subject, kind, bucket", loading_spread_row},
};

static int load_tables(struct loading *loading, const struct table *tables, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && !result; i++)
		result = rows(loading, tables[i].sql, tables[i].each);
	return result;
}

static int load(struct loading *loading)
{
	int result = open_database(loading);

	if (!result)
		result = check_header(loading);
	if (!result)
		result = check_schema(loading);
	if (!result)
		result = check_structure(loading);
	/* One transaction: the tables are read as of one commit of a recording that goes on. */
	if (!result && sqlite3_exec(loading->database, "BEGIN", NULL, NULL, NULL))
		result = loading_failed(loading);
	if (!result)
		result = load_tables(loading, first_tables,
				     sizeof(first_tables) / sizeof(*first_tables));
	if (!result)
		result = loading_large_tables(loading);
	if (!result)
		result = load_tables(loading, last_tables,
				     sizeof(last_tables) / sizeof(*last_tables));
	if (!result)
		profile_levels_end(loading->profile);
	return result;
}

int profile_file_load(const char *path, struct profile **profile, struct error *error)
{
	struct loading loading = {.path = path, .profile = profile_new(), .error = error};
	int result = load(&loading);

	sqlite3_close(loading.database);
	profile_rollback_remove(loading.copy);
	if (result)
		profile_free(loading.profile);
	else
		*profile = loading.profile;
	return result;
}
