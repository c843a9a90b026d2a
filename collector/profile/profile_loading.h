/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_loading: what the parts of profile_file_load.c share. Private to them.
 */
#pragma once

#include "collector/profile/profile_file.h"

#include <sqlite3.h>

#define MOST_NS ((uint64_t)1 << 53) /* 104 days; sums of them do not overflow */

struct loading {
	const char *path;
	char *copy; /* what is read instead, NULL: the file itself */
	sqlite3 *database;
	struct profile *profile;
	struct error *error;
};

/* Says what is wrong with the file; returns -EINVAL. */
int loading_damaged(struct loading *loading, const char *what);

/* Says what SQLite could not do last; returns a negative errno. */
int loading_failed(struct loading *loading);

/* Reads an integer that must be below @limit. Returns false when it is anything else. */
static inline bool loading_value(sqlite3_value *cell, uint64_t limit, uint64_t *value)
{
	int64_t found = sqlite3_value_int64(cell);

	*value = (uint64_t)found;
	return sqlite3_value_type(cell) == SQLITE_INTEGER && found >= 0 && (uint64_t)found < limit;
}

/* Reads an integer column that must be below @limit. Returns false when it is anything else. */
bool loading_number(sqlite3_stmt *row, int column, uint64_t limit, uint64_t *value);

/* Reads columns [first, first + count) of integers that may be anything from 0 on. */
bool loading_counters(sqlite3_stmt *row, int first, int count, uint64_t *values);

/* Reads a text column; NULL when it holds no text, or text with a zero byte inside. */
const char *loading_text(sqlite3_stmt *row, int column);

/* Says whether the first column is the next id of a table that has @count rows. */
bool loading_is_next_id(sqlite3_stmt *row, size_t count);

/* Reads the tables of stacks and samples, once all are there that these name. Returns 0 or the
 * failure. */
int loading_large_tables(struct loading *loading);

/* One row of a table → the profile. Returns 0 or the failure. */
typedef int row_function(struct loading *loading, sqlite3_stmt *row);

row_function loading_probe_row, loading_timing_row, loading_bucket_row, loading_edge_row,
	loading_step_row, loading_hit_function_row, loading_block_hits_row, loading_line_hits_row,
	loading_source_row, loading_subject_row, loading_operation_row, loading_spread_row;
