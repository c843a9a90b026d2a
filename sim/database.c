/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening the log, collecting rows, writing them.
 *
 * A table is one line of `tables`: its columns and a letter per column that says how a value is
 * bound. Everything else (statements, buffers, flush) follows from that line.
 */
#include "sim/allocate.h"
#include "sim/database_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
	APPLICATION_ID = 0x73696d6c, /* "siml" in the file's header */
	FORMAT_VERSION = 4,
	OPENING_MILLISECONDS = 2000,
};

const struct table database_tables[TABLE_COUNT] = {
	[TABLE_AGENTS] = {"agents",
			  "agent_id, birth_time, agent_type, position_x, position_y, "
			  "initial_resources, starting_health, generation, parent_id, genome_id, "
			  "action_weights",
			  "iitrrrrinoo"},
	[TABLE_AGENT_DEATHS] = {"agent deaths", "death_time, death_cause, agent_id", "iti"},
	[TABLE_AGENT_STATES] = {"agent_states",
				"step_number, agent_id, position_x, position_y, resource_level, "
				"current_health, starvation_counter, is_defending, total_reward, "
				"age",
				"iirrrriiri"},
	[TABLE_RESOURCE_STATES] = {"resource_states",
				   "step_number, resource_id, amount, position_x, position_y",
				   "iirrr"},
	[TABLE_SIMULATION_STEPS] = {"simulation_steps",
				    "step_number, total_agents, system_agents, "
				    "independent_agents, control_agents, total_resources, "
				    "average_agent_resources, births, deaths, "
				    "current_max_generation, resource_efficiency, "
				    "resource_distribution_entropy, average_agent_health, "
				    "average_agent_age, average_reward, combat_encounters, "
				    "successful_attacks, resources_shared, "
				    "combat_encounters_this_step, successful_attacks_this_step, "
				    "resources_shared_this_step, resources_gathered, "
				    "resources_consumed, genetic_diversity, dominant_genome_ratio, "
				    "observations, bilinear_points, nearest_points, "
				    "index_rebuilds, index_individual_updates, index_batches, "
				    "index_batched_updates, index_average_batch, "
				    "index_dirty_regions, index_regions_processed, "
				    "index_regions_preferred",
				    "iiiiirriiirrrrriiriirrrrriiiiiiiriii"},
	[TABLE_AGENT_ACTIONS] = {"agent_actions",
				 "step_number, agent_id, action_type, action_target_id, "
				 "succeeded, amount, resources_before, resources_after, reward",
				 "iitnirrrr"},
	[TABLE_INTERACTIONS] = {"interactions",
				"step_number, source_id, target_type, target_id, interaction_type",
				"iitit"},
	[TABLE_LEARNING_EXPERIENCES] = {"learning_experiences",
					"step_number, agent_id, module_id, "
					"action_taken, action_taken_mapped, reward",
					"iisitr"},
	[TABLE_HEALTH_INCIDENTS] = {"health_incidents",
				    "step_number, agent_id, health_before, health_after, cause, "
				    "source_id",
				    "iirrtn"},
	[TABLE_REPRODUCTION_EVENTS] = {"reproduction_events",
				       "step_number, parent_id, offspring_id, success, "
				       "parent_resources_before, parent_resources_after, "
				       "failure_reason, parent_generation, "
				       "parent_position_x, parent_position_y",
				       "iinirrtirr"},
	[TABLE_SOCIAL_INTERACTIONS] = {"social_interactions",
				       "step_number, initiator_id, recipient_id, "
				       "subtype, resources_transferred, "
				       "distance, initiator_resources_before, "
				       "initiator_resources_after, recipient_resources_before, "
				       "recipient_resources_after",
				       "iiitrrrrrr"},
};

const char *const database_table_names[TABLE_COUNT] = {
	"agents",	    "agent deaths",	   "agent_states",	  "resource_states",
	"simulation_steps", "agent_actions",	   "interactions",	  "learning_experiences",
	"health_incidents", "reproduction_events", "social_interactions",
};

__asm__(".section .rodata\n"
	"database_schema:\n.incbin \"sim/database.sql\"\n.byte 0\n"
	"database_indices:\n.incbin \"sim/database_indices.sql\"\n.byte 0\n"
	".previous\n");
extern const char database_schema[];
extern const char database_indices[];

static int errno_of(int result)
{
	switch (result & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static const char *remedy_of(int code)
{
	switch (code) {
	case -ENOSPC:
		return "the disk is full; make room or choose another --database";
	case -ENOMEM:
		return "memory is short; try fewer --agents or a smaller --database-buffer";
	case -EFBIG:
		return "the disk reports an error, or the file has become as large as ulimit -f "
		       "allows; raise the limit or choose another --database";
	case -EBUSY:
		return "another program keeps it locked; end that one or choose another --database";
	case -EROFS:
		return "it is read-only; choose a --database you may write to";
	case -EMFILE:
		return "too many files are open; raise ulimit -n";
	case -EACCES:
		return "its folder is missing or may not be written to; choose another --database";
	case -EINVAL:
		return "it is no SQLite database or a damaged one; choose another --database";
	default:
		return "the disk reports an error; choose another --database";
	}
}

/* SQLite does not say which of its files failed, nor why. */
static bool file_size_is_limited(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

int database_fail(const struct database *database, int result, struct error *error)
{
	int code = errno_of(result);
	if (code == -EIO && file_size_is_limited())
		code = -EFBIG;
	int cause = sqlite3_system_errno(database->connection);
	if (code == -EACCES && (cause == EMFILE || cause == ENFILE))
		code = -EMFILE;
	return fail(error, code, "cannot write the log %s (%s): %s", database->path,
		    sqlite3_errmsg(database->connection), remedy_of(code));
}

int database_execute(struct database *database, const char *sql, struct error *error)
{
	int result = sqlite3_exec(database->connection, sql, NULL, NULL, NULL);
	return result == SQLITE_OK ? 0 : database_fail(database, result, error);
}

/* The one integer that a query returns. */
static int ask(struct database *database, const char *sql, int64_t *answer, struct error *error)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(database->connection, sql, -1, &statement, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*answer = sqlite3_column_int64(statement, 0);
	int failed = result == SQLITE_ROW ? 0 : database_fail(database, result, error);
	sqlite3_finalize(statement);
	return failed;
}

/* Makes the tables in a new file; refuses one that is not a log of this format. */
static int ensure_schema(struct database *database, struct error *error)
{
	int64_t objects = 0, application = 0, version = 0;
	int failed = ask(database, "SELECT count(*) FROM sqlite_schema", &objects, error);
	if (!failed)
		failed = ask(database, "PRAGMA application_id", &application, error);
	if (!failed)
		failed = ask(database, "PRAGMA user_version", &version, error);
	if (failed)
		return failed;
	if (objects > 0 && (application != APPLICATION_ID || version != FORMAT_VERSION))
		return fail(error, -EEXIST,
			    "%s is a database of another program or version, and is left as it is; "
			    "choose another --database",
			    database->path);
	if (objects > 0)
		return 0;
	char identity[96];
	snprintf(identity, sizeof(identity), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 APPLICATION_ID, FORMAT_VERSION);
	failed = database_execute(database, identity, error);
	return failed ? failed : database_execute(database, database_schema, error);
}

static int begin_simulation(struct database *database, const char *parameters, struct error *error)
{
	int failed = database_execute(database, "BEGIN IMMEDIATE", error);
	if (!failed)
		failed = ensure_schema(database, error);
	if (failed)
		return failed;
	sqlite3_stmt *statement;
	int result =
		sqlite3_prepare_v2(database->connection,
				   "INSERT INTO simulations (start_time, status, parameters) "
				   "VALUES (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'running', ?)",
				   -1, &statement, NULL);
	if (result == SQLITE_OK) {
		sqlite3_bind_text(statement, 1, parameters, -1, SQLITE_STATIC);
		result = sqlite3_step(statement);
	}
	if (result != SQLITE_DONE)
		failed = database_fail(database, result, error);
	sqlite3_finalize(statement);
	database->simulation = sqlite3_last_insert_rowid(database->connection);
	return failed ? failed : database_execute(database, "COMMIT", error);
}

/* What a profile sets, beside foreign_keys and temp_store, which are the same in all. */
static const struct {
	const char *before; /* for a file that has no tables yet */
	const char *after;
	int busy_milliseconds;
} profiles[PROFILE_COUNT] = {
	[PROFILE_BALANCED] = {"PRAGMA page_size = 4096",
			      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
			      "PRAGMA cache_size = -204800",
			      30000},
	[PROFILE_PERFORMANCE] = {"PRAGMA page_size = 8192",
				 "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; "
				 "PRAGMA cache_size = -1048576; PRAGMA mmap_size = 1073741824; "
				 "PRAGMA automatic_index = OFF",
				 60000},
	[PROFILE_SAFETY] = {"PRAGMA page_size = 4096",
			    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
			    "PRAGMA cache_size = -102400",
			    30000},
	[PROFILE_MEMORY] = {"PRAGMA page_size = 4096",
			    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = NORMAL; "
			    "PRAGMA cache_size = -51200",
			    15000},
};

static int apply_profile(struct database *database, struct error *error)
{
	int failed = database_execute(database, profiles[database->logging.profile].after, error);
	if (!failed)
		failed = database_execute(
			database, "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY", error);
	sqlite3_busy_timeout(database->connection,
			     profiles[database->logging.profile].busy_milliseconds);
	return failed;
}

void database_pragma(const struct database *database, const char *name, char *text, size_t capacity)
{
	char sql[64];
	sqlite3_stmt *statement = NULL;
	text[0] = '\0';
	snprintf(sql, sizeof(sql), "PRAGMA %s", name);
	if (sqlite3_prepare_v2(database->connection, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		snprintf(text, capacity, "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
}

/* The text of a statement that inserts rows, or, of one, what else is done with it. */
static char *statement_text(enum database_table index, uint32_t columns, uint32_t rows)
{
	const struct table *table = &database_tables[index];
	if (index == TABLE_AGENT_DEATHS)
		return strdup("UPDATE agents SET death_time = ?2, death_cause = ?3 "
			      "WHERE simulation_id = ?1 AND agent_id = ?4");
	char *sql = NULL;
	size_t length;
	FILE *text = open_memstream(&sql, &length);
	fprintf(text, "INSERT INTO %s (simulation_id, %s) VALUES ", table->name, table->columns);
	for (uint32_t row = 0; row < rows; row++) {
		fputs(row == 0 ? "(?1" : ", (?1", text);
		for (uint32_t i = 0; i < columns; i++)
			fputs(", ?", text);
		fputc(')', text);
	}
	fclose(text);
	return sql;
}

static int prepare(struct database *database, enum database_table table, uint32_t rows,
		   sqlite3_stmt **statement, struct error *error)
{
	char *sql = statement_text(table, database->columns[table], rows);
	int result = sqlite3_prepare_v3(database->connection, sql, -1, SQLITE_PREPARE_PERSISTENT,
					statement, NULL);
	free(sql);
	if (result != SQLITE_OK)
		return database_fail(database, result, error);
	sqlite3_bind_int64(*statement, 1, database->simulation);
	return 0;
}

static void make_batches(struct database *database)
{
	size_t rows = database->logging.buffer_rows;
	for (int table = 0; table < TABLE_COUNT; table++)
		database->columns[table] = (uint32_t)strlen(database_tables[table].kinds);
	/* Without a thread a batch is written before the next one is begun. */
	for (int i = 0; i < (database->logging.thread ? BATCHES : 1); i++) {
		struct batch *batch = &database->batches[i];
		for (int table = 0; table < TABLE_COUNT; table++)
			batch->buffers[table].values =
				allocate(rows * database->columns[table], sizeof(union value));
		batch->next = database->free;
		database->free = batch;
	}
	database->filling = database->free;
	database->free = database->filling->next;
}

void database_parameters_default(struct database_parameters *logging)
{
	*logging = (struct database_parameters){
		.buffer_rows = 1000, .interval_s = 30, .profile = PROFILE_BALANCED};
}

/* The statements are the logger thread's own once it has begun. */
static int begin_writing(struct database *database, struct error *error)
{
	int failed = apply_profile(database, error);
	for (int i = 0; i < TABLE_COUNT && !failed; i++) {
		failed = prepare(database, i, 1, &database->statements[i], error);
		if (!failed && i != TABLE_AGENT_DEATHS)
			failed = prepare(database, i, ROWS_OF_MANY,
					 &database->statements_of_many[i], error);
	}
	return failed ? failed : database_writer_begin(database, error);
}

static bool in_memory(const struct database *database)
{
	return strcmp(database->path, ":memory:") == 0;
}

/* SQLite would try a device or a folder, and leave a journal beside it. */
static int open_file(struct database *database, struct error *error)
{
	struct stat file;
	if (stat(database->path, &file) == 0 && !S_ISREG(file.st_mode) && !in_memory(database))
		return fail(error, -EINVAL,
			    "%s is no file but a folder, device or pipe; choose another --database",
			    database->path);
	/* One thread at a time uses the connection, so SQLite need not lock. */
	int result = sqlite3_open_v2(
		database->path, &database->connection,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	return result == SQLITE_OK ? 0 : database_fail(database, result, error);
}

int database_open(const char *path, const struct database_parameters *logging,
		  const char *parameters, struct database **opened, struct error *error)
{
	struct database *database = allocate(1, sizeof(*database));
	database->logging = *logging;
	database->path = strdup(path);
	pthread_mutex_init(&database->lock, NULL);
	pthread_cond_init(&database->changed, NULL);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &database->flushed);
	make_batches(database);
	int failed = open_file(database, error);
	if (!failed)
		sqlite3_busy_timeout(database->connection, OPENING_MILLISECONDS);
	if (!failed)
		failed = database_execute(database, profiles[logging->profile].before, error);
	if (!failed)
		failed = begin_simulation(database, parameters, error);
	if (!failed)
		failed = begin_writing(database, error);
	if (failed) {
		database->logging.thread = false;
		database_close(database);
		return failed;
	}
	*opened = database;
	return 0;
}

void database_close(struct database *database)
{
	if (!database)
		return;
	database_writer_end(database);
	database_clear_batch(database, database->filling);
	for (int i = 0; i < TABLE_COUNT; i++) {
		sqlite3_finalize(database->statements[i]);
		sqlite3_finalize(database->statements_of_many[i]);
		for (int batch = 0; batch < BATCHES; batch++)
			free(database->batches[batch].buffers[i].values);
	}
	sqlite3_close(database->connection);
	pthread_cond_destroy(&database->changed);
	pthread_mutex_destroy(&database->lock);
	free(database->path);
	free(database);
}

/*
 * Leaves no empty journal beside the file. Whoever else has it open keeps the journal as it is,
 * which loses nothing: the last one that closes the file clears it away.
 */
static int give_journal_up(struct database *database, struct error *error)
{
	sqlite3_busy_timeout(database->connection, 0);
	int result = sqlite3_exec(database->connection, "PRAGMA journal_mode = DELETE", NULL, NULL,
				  NULL);
	bool shared = errno_of(result) == -EBUSY;
	return result == SQLITE_OK || shared ? 0 : database_fail(database, result, error);
}

int database_finish(struct database *database, const char *status, const char *results,
		    struct error *error)
{
	if (!database)
		return 0;
	database_flush(database);
	database_writer_end(database);
	int failed = database_status(database, error);
	if (failed)
		return failed;
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(
		database->connection,
		"UPDATE simulations SET end_time = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), "
		"status = ?, results_summary = ? WHERE simulation_id = ?",
		-1, &statement, NULL);
	if (result == SQLITE_OK) {
		sqlite3_bind_text(statement, 1, status, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 2, results, -1, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 3, database->simulation);
		result = sqlite3_step(statement);
	}
	if (result != SQLITE_DONE)
		failed = database_fail(database, result, error);
	sqlite3_finalize(statement);
	/* Nobody will ask a log that is gone at once. */
	if (failed || in_memory(database))
		return failed;
	failed = database_execute(database, database_indices, error);
	return failed ? failed : give_journal_up(database, error);
}
