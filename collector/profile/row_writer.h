/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * row_writer: the rows of a profile, inserted into the tables of profile.sql. It knows which rows
 * the file has already; transactions and the file itself are profile_file's.
 *
 * Functions that write return SQLITE_OK or SQLite's code of the failure, with the database's
 * message of it in place (sqlite3_errmsg).
 */
#pragma once

#include "collector/profile/profile.h"

#include <sqlite3.h>

struct row_writer;

/* Prepares the statements for @database, which has the schema and no rows but its endings. Returns
 * NULL on failure, with the database's message; free with row_writer_close, before the database. */
struct row_writer *row_writer_open(sqlite3 *database);

/* Inserts one sample. Cost: one prepared INSERT, about a microsecond. */
int row_writer_sample(struct row_writer *writer, const struct profile_sample *sample);

/* Writes the meta rows alone, replacing older ones. */
int row_writer_meta(struct row_writer *writer, const struct profile *profile);

/* Writes the meta rows and all that @profile gained since the last call, samples excepted. Cost
 * grows with the new rows only, where counters of timed functions changed with all of those. */
int row_writer_gained(struct row_writer *writer, const struct profile *profile);

/* What was written so far is committed: from here on it is what row_writer_rolled_back returns to.
 */
void row_writer_committed(struct row_writer *writer);

/* The transaction is gone: the rows since the last commit count as gained again. */
void row_writer_rolled_back(struct row_writer *writer);

/* Accepts NULL. */
void row_writer_close(struct row_writer *writer);
