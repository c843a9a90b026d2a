/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * database_writer: from full buffers to committed transactions, at once or by a thread.
 *
 * Rows are collected in a batch. A batch that is full is written in one transaction by whoever
 * filled it, or handed to the logger thread through a queue of bounded length, which writes the
 * same transactions in the same order; who finds the queue full waits.
 */
#pragma once

#include "sim/database_buffer.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <time.h>

struct table {
	const char *name;
	const char *columns; /* without simulation_id, which is the first of every table */
	const char *kinds; /* per column: i integer, n integer or NULL for 0, r real, t text, o text
			      that the buffer owns, s text or else what the column before has */
};

extern const struct table database_tables[TABLE_COUNT];

/* The rows of all tables that are written together. */
struct batch {
	struct batch *next;
	struct {
		union value *values; /* buffer_rows x columns */
		uint32_t rows;
	} buffers[TABLE_COUNT];
};

enum {
	BATCHES = 4,	   /* that wait for the logger thread or are being filled or written */
	ROWS_OF_MANY = 25, /* of one statement: beginning and ending it costs as much as a row */
};

struct database {
	sqlite3 *connection; /* of the logger thread, while there is one */
	char *path;
	struct database_parameters logging;
	int64_t simulation;
	/* Their first parameter is the simulation; a row's values follow those of the one before.
	 */
	sqlite3_stmt *statements[TABLE_COUNT];
	sqlite3_stmt *statements_of_many[TABLE_COUNT]; /* NULL: one at a time */
	uint32_t columns[TABLE_COUNT];
	struct batch *filling;
	struct timespec flushed; /* when the last batch was handed over */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	pthread_t thread;
	bool ending;
	struct batch *free;
	struct batch *waiting; /* first come, first written */
	struct batch batches[BATCHES];
	uint64_t written[TABLE_COUNT];
	uint64_t flushes;
	atomic_int failed; /* 0 or the negative errno of the first error */
	struct error error;
};

/* Writes the sentence for SQLite's last error on this log; returns the negative errno. */
int database_fail(const struct database *database, int result, struct error *error);

int database_execute(struct database *database, const char *sql, struct error *error);

/* Starts the logger thread if there is to be one. Returns 0 or a negative errno with the sentence.
 */
int database_writer_begin(struct database *database, struct error *error);

/* Waits until everything handed over is written, and ends the thread. */
void database_writer_end(struct database *database);

/* Forgets a batch's rows. */
void database_clear_batch(const struct database *database, struct batch *batch);
