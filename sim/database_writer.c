/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches: filled, queued, written. */
#include "sim/database_writer.h"

#include "sim/allocate.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* @place  of the row's first value among the statement's parameters */
static void bind_row(sqlite3_stmt *statement, int place, const char *kinds, const union value *row)
{
	for (int i = 0; kinds[i]; i++, place++) {
		if (kinds[i] == 'r')
			sqlite3_bind_double(statement, place, row[i].real);
		else if (kinds[i] == 's' && !row[i].text)
			sqlite3_bind_int64(statement, place, row[i - 1].integer);
		else if (kinds[i] == 't' || kinds[i] == 'o' || kinds[i] == 's')
			sqlite3_bind_text(statement, place, row[i].text, -1, SQLITE_STATIC);
		else if (kinds[i] == 'n' && row[i].integer == 0)
			sqlite3_bind_null(statement, place);
		else
			sqlite3_bind_int64(statement, place, row[i].integer);
	}
}

static int write_rows(struct database *database, const struct batch *batch,
		      enum database_table table, struct error *error)
{
	uint32_t columns = database->columns[table], rows = batch->buffers[table].rows, count;
	for (uint32_t row = 0; row < rows; row += count) {
		bool many = database->statements_of_many[table] && rows - row >= ROWS_OF_MANY;
		sqlite3_stmt *statement =
			many ? database->statements_of_many[table] : database->statements[table];
		count = many ? ROWS_OF_MANY : 1;
		for (uint32_t i = 0; i < count; i++)
			bind_row(statement, (int)(2 + i * columns), database_tables[table].kinds,
				 &batch->buffers[table].values[(size_t)(row + i) * columns]);
		int result = sqlite3_step(statement);
		if (result != SQLITE_DONE) {
			int failed = database_fail(database, result, error);
			sqlite3_reset(statement);
			return failed;
		}
		sqlite3_reset(statement);
	}
	return 0;
}

static int write_transaction(struct database *database, const struct batch *batch,
			     struct error *error)
{
	int failed = database_execute(database, "BEGIN IMMEDIATE", error);
	for (int i = 0; i < TABLE_COUNT && !failed; i++)
		failed = write_rows(database, batch, i, error);
	if (!failed)
		failed = database_execute(database, "COMMIT", error);
	if (failed && !sqlite3_get_autocommit(database->connection))
		sqlite3_exec(database->connection, "ROLLBACK", NULL, NULL, NULL);
	return failed;
}

/* Writes a batch unless an earlier one failed; what came of it is told under the lock. */
static void write_batch(struct database *database, struct batch *batch)
{
	struct error error;
	if (atomic_load(&database->failed)) {
		database_clear_batch(database, batch);
		return;
	}
	int failed = write_transaction(database, batch, &error);
	pthread_mutex_lock(&database->lock);
	if (failed)
		database->error = error;
	for (int i = 0; i < TABLE_COUNT && !failed; i++)
		database->written[i] += batch->buffers[i].rows;
	database->flushes += failed == 0;
	atomic_store(&database->failed, failed);
	pthread_mutex_unlock(&database->lock);
	database_clear_batch(database, batch);
}

void database_clear_batch(const struct database *database, struct batch *batch)
{
	for (int table = 0; table < TABLE_COUNT; table++) {
		const char *kinds = database_tables[table].kinds;
		const union value *values = batch->buffers[table].values;
		uint32_t columns = database->columns[table];
		for (uint32_t column = 0; column < columns; column++)
			for (uint32_t row = 0;
			     kinds[column] == 'o' && row < batch->buffers[table].rows; row++)
				free((char *)values[(size_t)row * columns + column].text);
		batch->buffers[table].rows = 0;
	}
}

/* The logger thread. */
static void *write_batches(void *context)
{
	struct database *database = context;
	pthread_mutex_lock(&database->lock);
	while (true) {
		struct batch *batch = database->waiting;
		if (!batch && database->ending)
			break;
		if (!batch) {
			pthread_cond_wait(&database->changed, &database->lock);
			continue;
		}
		database->waiting = batch->next;
		pthread_mutex_unlock(&database->lock);
		write_batch(database, batch);
		pthread_mutex_lock(&database->lock);
		batch->next = database->free;
		database->free = batch;
		pthread_cond_broadcast(&database->changed);
	}
	pthread_mutex_unlock(&database->lock);
	return NULL;
}

int database_writer_begin(struct database *database, struct error *error)
{
	if (!database->logging.thread)
		return 0;
	/* Signals are for the thread that steps the world. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int result = pthread_create(&database->thread, NULL, write_batches, database);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result == 0)
		return 0;
	database->logging.thread = false;
	return fail(error, -result,
		    "cannot start the logger thread (%s); try --database-thread off",
		    strerror(result));
}

void database_writer_end(struct database *database)
{
	if (!database->logging.thread)
		return;
	pthread_mutex_lock(&database->lock);
	database->ending = true;
	pthread_cond_broadcast(&database->changed);
	pthread_mutex_unlock(&database->lock);
	pthread_join(database->thread, NULL);
	database->logging.thread = false;
}

/* Puts the batch at the queue's end and takes a free one, once there is one. */
static void hand_over(struct database *database)
{
	pthread_mutex_lock(&database->lock);
	struct batch **end = &database->waiting;
	while (*end)
		end = &(*end)->next;
	*end = database->filling;
	database->filling->next = NULL;
	pthread_cond_broadcast(&database->changed);
	while (!database->free)
		pthread_cond_wait(&database->changed, &database->lock);
	database->filling = database->free;
	database->free = database->filling->next;
	pthread_mutex_unlock(&database->lock);
}

void database_flush(struct database *database)
{
	if (!database || atomic_load(&database->failed))
		return;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &database->flushed);
	if (database->logging.thread)
		hand_over(database);
	else
		write_batch(database, database->filling);
}

void database_flush_if_due(struct database *database)
{
	if (!database || database->logging.interval_s == 0)
		return;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	double seconds = (double)(now.tv_sec - database->flushed.tv_sec) +
			 (double)(now.tv_nsec - database->flushed.tv_nsec) * 1e-9;
	if (seconds >= (double)database->logging.interval_s)
		database_flush(database);
}

int database_status(struct database *database, struct error *error)
{
	if (!database || !atomic_load(&database->failed))
		return 0;
	pthread_mutex_lock(&database->lock);
	*error = database->error;
	pthread_mutex_unlock(&database->lock);
	return atomic_load(&database->failed);
}

uint64_t database_rows(struct database *database, enum database_table table)
{
	if (!database)
		return 0;
	pthread_mutex_lock(&database->lock);
	uint64_t rows = database->written[table];
	pthread_mutex_unlock(&database->lock);
	return rows;
}

uint64_t database_flushes(struct database *database)
{
	if (!database)
		return 0;
	pthread_mutex_lock(&database->lock);
	uint64_t flushes = database->flushes;
	pthread_mutex_unlock(&database->lock);
	return flushes;
}

const char *database_keep(struct database *database, const char *text)
{
	if (atomic_load(&database->failed))
		return NULL;
	char *kept = allocate(strlen(text) + 1, 1);
	return strcpy(kept, text);
}

void database_append(struct database *database, enum database_table table,
		     const union value *values)
{
	if (!database)
		return;
	/* Before the look at what failed: a full batch that cannot be written stays full. */
	if (database->filling->buffers[table].rows == database->logging.buffer_rows)
		database_flush(database);
	if (atomic_load(&database->failed)) {
		const char *kinds = database_tables[table].kinds;
		for (int i = 0; kinds[i]; i++)
			if (kinds[i] == 'o')
				free((char *)values[i].text);
		return;
	}
	struct batch *batch = database->filling;
	uint32_t columns = database->columns[table];
	memcpy(&batch->buffers[table].values[(size_t)batch->buffers[table].rows++ * columns],
	       values, columns * sizeof(*values));
}
