/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log against the counts of the run that wrote it, and files one cannot log to. */
#include "sim/database_writer.h"
#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/simprof-database-XXXXXX";
static struct error error;
static struct database_parameters logging;
static const struct genome genome;

static void make(void)
{
	int file = mkstemp(path);
	cr_assert(file >= 0);
	close(file);
	database_parameters_default(&logging);
}

/* The file, and what SQLite has beside it while somebody has it open. */
static void drop(void)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

TestSuite(database, .init = make, .fini = drop);

static double ask(const char *sql)
{
	sqlite3 *connection;
	sqlite3_stmt *statement;
	cr_assert_eq(sqlite3_open_v2(path, &connection, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s",
		     sql, sqlite3_errmsg(connection));
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sql);
	double answer = sqlite3_column_double(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(connection);
	return answer;
}

static struct database *open_log(void)
{
	struct database *database = NULL;
	cr_assert_eq(database_open(path, &logging, "{}", &database, &error), 0, "%s", error.text);
	return database;
}

/* 120 steps of 60 agents whose lives are short. */
static void run(struct environment *environment, struct database *database)
{
	struct parameters parameters;
	parameters_default(&parameters, 60);
	parameters.agent.attack_damage = 2; /* weak, so that lives end in every way */
	parameters.width = parameters.height = 50;
	parameters.resources = 25;
	parameters.agent.starting_health = 8;
	parameters.agent.starvation_threshold = 10;
	parameters.learning.memory = 200;
	cr_assert_eq(environment_init(environment, &parameters, database, NULL), 0);
	for (int step = 0; step < 120; step++)
		cr_assert_eq(environment_step(environment, &error), 0);
}

static void check_rows(struct database *database)
{
	for (int table = 0; table < TABLE_COUNT; table++) {
		char sql[128];
		uint64_t rows = database_rows(database, table);
		if (table == TABLE_AGENT_DEATHS)
			snprintf(sql, sizeof(sql),
				 "SELECT count(*) FROM agents WHERE death_time NOT NULL");
		else
			snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s",
				 database_table_names[table]);
		cr_assert_gt(rows, 0, "%s", database_table_names[table]);
		cr_assert_eq(ask(sql), rows, "%s", database_table_names[table]);
	}
}

Test(database, holds_what_the_counters_say)
{
	static struct environment environment;
	struct database *database = open_log();
	run(&environment, database);
	const struct counters *counters = &environment.counters;
	cr_assert_eq(database_finish(database, "completed", "{\"x\": 1}", &error), 0);
	check_rows(database);
	cr_assert_eq(ask("SELECT count(*) FROM agent_actions"), counters->turns);
	cr_assert_eq(ask("SELECT count(*) FROM agent_actions WHERE action_type = 'attack'"),
		     counters->attempted[ACTION_ATTACK]);
	cr_assert_eq(ask("SELECT sum(succeeded) FROM agent_actions WHERE action_type = 'move'"),
		     counters->succeeded[ACTION_MOVE]);
	cr_assert_eq(ask("SELECT count(*) FROM agents"), 60 + counters->births);
	cr_assert_eq(ask("SELECT count(*) FROM agents WHERE death_cause = 'combat'"),
		     counters->deaths[DEATH_COMBAT]);
	cr_assert_eq(ask("SELECT count(*) FROM agents WHERE death_cause = 'starvation'"),
		     counters->deaths[DEATH_STARVATION]);
	cr_assert_eq(ask("SELECT count(*) FROM simulation_steps"), 120);
	cr_assert_eq(ask("SELECT sum(births) FROM simulation_steps"), counters->births);
	cr_assert_eq(ask("SELECT sum(observations) FROM simulation_steps"), counters->observations);
	cr_assert_eq(ask("SELECT sum(bilinear_points) FROM simulation_steps"),
		     counters->bilinear_points);
	cr_assert_gt(counters->bilinear_points, 0);
	cr_assert_eq(ask("SELECT sum(nearest_points) FROM simulation_steps"), 0);
	cr_assert_eq(ask("SELECT sum(index_individual_updates) FROM simulation_steps"),
		     counters->succeeded[ACTION_MOVE]);
	cr_assert_eq(ask("SELECT sum(index_batches) FROM simulation_steps"), 0);
	cr_assert_eq(ask("SELECT sum(success) FROM reproduction_events"), counters->births);
	cr_assert_eq(ask("SELECT count(*) FROM reproduction_events"),
		     counters->attempted[ACTION_REPRODUCE]);
	cr_assert_eq(ask("SELECT count(*) FROM social_interactions"),
		     counters->succeeded[ACTION_SHARE]);
	cr_assert_eq(ask("SELECT count(*) FROM resource_states"), 120 * 25);
	cr_assert_float_eq(ask("SELECT sum(resources_transferred) FROM social_interactions"),
			   counters->shared, 1e-3);
	cr_assert_float_eq(
		ask("SELECT sum(amount) FROM agent_actions WHERE action_type = 'gather'"),
		counters->gathered, 1e-2);
	cr_assert_float_eq(ask("SELECT sum(health_before - health_after) FROM health_incidents "
			       "WHERE cause = 'combat'"),
			   counters->damage, 1e-2);
	cr_assert_eq(
		ask("SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL"),
		10);
	cr_assert_eq(ask("SELECT count(*) FROM simulations WHERE status = 'completed' AND "
			 "end_time NOT NULL AND results_summary = '{\"x\": 1}'"),
		     1);
	environment_done(&environment);
	database_close(database);
}

static void run_learners(enum network_variant network, enum sharing_variant sharing)
{
	static struct environment environment;
	struct parameters parameters;
	struct database *database = open_log();
	parameters_default(&parameters, 60);
	parameters.width = parameters.height = 50;
	parameters.resources = 25;
	parameters.agent.starting_health = 8;
	parameters.agent.starvation_threshold = 4;
	parameters.learning.network = network;
	parameters.learning.sharing = sharing;
	parameters.learning.memory = 64;
	cr_assert_eq(environment_init(&environment, &parameters, database, &error), 0);
	for (int step = 0; step < 30 && environment.living > 0; step++)
		cr_assert_eq(environment_step(&environment, &error), 0);
	cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
	environment_done(&environment);
	database_close(database);
}

Test(database, an_experience_has_its_learner_and_the_reward_that_one_got)
{
	run_learners(NETWORK_SMALL, SHARING_TYPE);
	cr_assert_eq(ask("SELECT count(*) FROM learning_experiences"),
		     ask("SELECT count(*) FROM agent_actions"));
	cr_assert_eq(ask("SELECT count(*) FROM learning_experiences JOIN agents USING (agent_id) "
			 "WHERE module_id != agent_type"),
		     0);
	/* Who died in the step in which it acted was rewarded 10.1 less. */
	cr_assert_eq(ask("SELECT count(*) FROM learning_experiences l JOIN agent_actions a USING "
			 "(step_number, agent_id) JOIN agents g USING (agent_id) WHERE "
			 "abs(l.reward - a.reward + 10.1 * ifnull(g.death_time = step_number, 0)) "
			 "> 1e-4"),
		     0);
	cr_assert_gt(ask("SELECT count(*) FROM learning_experiences JOIN agents USING (agent_id) "
			 "WHERE death_time = step_number"),
		     0);
}

Test(database, an_experience_of_an_agent_with_a_learner_of_its_own_has_its_number)
{
	run_learners(NETWORK_SMALL, SHARING_AGENT);
	cr_assert_gt(ask("SELECT count(*) FROM learning_experiences"), 0);
	cr_assert_eq(ask("SELECT count(*) FROM learning_experiences WHERE module_id != "
			 "CAST(agent_id AS TEXT) OR typeof(module_id) != 'text'"),
		     0);
}

Test(database, attacks_that_hurt_nobody_are_no_incidents)
{
	static struct environment environment;
	struct parameters parameters;
	struct database *database = open_log();
	parameters_default(&parameters, 60);
	parameters.agent.attack_damage = 0;
	parameters.learning.network = NETWORK_NONE;
	cr_assert_eq(environment_init(&environment, &parameters, database, &error), 0);
	for (int step = 0; step < 10; step++)
		cr_assert_eq(environment_step(&environment, &error), 0);
	cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
	cr_assert_gt(environment.counters.attempted[ACTION_ATTACK], 0);
	cr_assert_eq(ask("SELECT count(*) FROM health_incidents"), 0);
	environment_done(&environment);
	database_close(database);
}

Test(database, without_a_network_there_are_no_experiences)
{
	run_learners(NETWORK_NONE, SHARING_TYPE);
	cr_assert_gt(ask("SELECT count(*) FROM agent_actions"), 0);
	cr_assert_eq(ask("SELECT count(*) FROM learning_experiences"), 0);
}

Test(database, rows_agree_with_each_other)
{
	static struct environment environment;
	struct database *database = open_log();
	run(&environment, database);
	cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
	/* Each step's agents are those whose states were logged. */
	cr_assert_eq(ask("SELECT count(*) FROM simulation_steps s WHERE total_agents != (SELECT "
			 "count(*) FROM agent_states a WHERE a.step_number = s.step_number) OR "
			 "total_agents != system_agents + independent_agents + control_agents"),
		     0);
	/* What one step ends with is what the next begins with, births and deaths added. */
	cr_assert_eq(ask("SELECT count(*) FROM simulation_steps a JOIN simulation_steps b ON "
			 "b.step_number = a.step_number + 1 WHERE b.total_agents != "
			 "a.total_agents + b.births - b.deaths"),
		     0);
	cr_assert_eq(ask("SELECT count(*) FROM interactions WHERE target_type = 'resource'"),
		     environment.counters.succeeded[ACTION_GATHER]);
	cr_assert_eq(
		ask("SELECT count(*) FROM health_incidents h LEFT JOIN agents a ON "
		    "a.agent_id = h.source_id WHERE h.cause = 'combat' AND a.agent_id IS NULL"),
		0);
	cr_assert_eq(ask("SELECT count(*) FROM agents WHERE (generation = 0) != "
			 "(parent_id IS NULL)"),
		     0);
	cr_assert_eq(ask("SELECT count(*) FROM social_interactions WHERE abs(initiator_resources_"
			 "before - initiator_resources_after - resources_transferred) > 1e-4 OR "
			 "abs(recipient_resources_after - recipient_resources_before - "
			 "resources_transferred) > 1e-4"),
		     0);
	cr_assert_eq(ask("SELECT count(DISTINCT subtype) FROM social_interactions"), 2);
	cr_assert_eq(ask("SELECT count(*) FROM social_interactions s JOIN agents a ON a.agent_id = "
			 "s.initiator_id JOIN agents b ON b.agent_id = s.recipient_id WHERE "
			 "(s.subtype = 'ally') != (a.agent_type = b.agent_type)"),
		     0);
	environment_done(&environment);
	database_close(database);
}

Test(database, buffers_a_thousand_rows_and_writes_them_in_one_transaction)
{
	struct database *database = open_log();
	struct resource_state_row row = {.resource = 1};
	struct action_row action = {.action = "pass"};
	database_log_action(database, &action);
	for (row.step = 0; row.step < 1000; row.step++)
		database_log_resource_state(database, &row);
	cr_assert_eq(database_flushes(database), 0);
	cr_assert_eq(ask("SELECT count(*) FROM resource_states"), 0);
	database_log_resource_state(database, &row);
	cr_assert_eq(database_flushes(database), 1);
	cr_assert_eq(ask("SELECT count(*) FROM resource_states"), 1000);
	cr_assert_eq(ask("SELECT count(*) FROM agent_actions"), 1);
	database_close(database);
	cr_assert_eq(ask("SELECT count(*) FROM simulations WHERE status = 'running' AND "
			 "end_time IS NULL"),
		     1);
}

Test(database, a_second_run_is_another_simulation_in_the_same_file)
{
	for (int i = 0; i < 2; i++) {
		struct database *database = open_log();
		database_log_agent(
			database,
			&(struct agent_row){.agent = 1, .type = "System", .genome = &genome});
		cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
		database_close(database);
	}
	cr_assert_eq(ask("SELECT count(*) FROM agents WHERE agent_id = 1"), 2);
	cr_assert_eq(ask("SELECT count(DISTINCT simulation_id) FROM agents"), 2);
}

Test(database, the_first_error_stays_and_what_was_written_before_too)
{
	struct database *database = open_log();
	struct action_row action = {.action = "pass"};
	database_log_action(database, &action);
	database_flush(database);
	cr_assert_eq(database_status(database, &error), 0);
	/* A second agent of the same number violates the table's key: the next flush fails. */
	database_log_agent(database,
			   &(struct agent_row){.agent = 1, .type = "System", .genome = &genome});
	database_log_agent(database,
			   &(struct agent_row){.agent = 1, .type = "System", .genome = &genome});
	database_log_action(database, &action);
	database_flush(database);
	cr_assert_lt(database_status(database, &error), 0);
	cr_assert_not_null(strstr(error.text, "UNIQUE"));
	database_log_action(database, &action);
	cr_assert_lt(database_finish(database, "completed", "{}", &error), 0);
	cr_assert_eq(database_rows(database, TABLE_AGENT_ACTIONS), 1);
	database_close(database);
	cr_assert_eq(ask("SELECT count(*) FROM agent_actions"), 1);
	cr_assert_eq(ask("SELECT count(*) FROM agents"), 0);
}

/* As the logger thread leaves it when it fails while the last row of a buffer is filled in. */
Test(database, a_full_buffer_that_cannot_be_written_takes_no_more)
{
	logging.buffer_rows = 3;
	struct database *database = open_log();
	struct action_row action = {.action = "pass"};
	for (int i = 0; i < 3; i++)
		database_log_action(database, &action);
	atomic_store(&database->failed, -EIO);
	for (int i = 0; i < 5; i++) {
		database_log_action(database, &action);
		cr_assert_eq(database->filling->buffers[TABLE_AGENT_ACTIONS].rows, 3);
	}
	database_close(database);
	cr_assert_eq(ask("SELECT count(*) FROM agent_actions"), 0);
}

static void expect_refusal(int code, const char *part)
{
	struct database *database = NULL;
	cr_assert_eq(database_open(path, &logging, "{}", &database, &error), code, "%s",
		     error.text);
	cr_assert_not_null(strstr(error.text, part), "%s", error.text);
	cr_assert_not_null(strstr(error.text, path), "%s", error.text);
	cr_assert_null(database);
}

Test(database, refuses_a_file_that_is_no_database)
{
	FILE *file = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is a letter\n", file);
	fclose(file);
	expect_refusal(-EINVAL, "no SQLite database");
}

Test(database, refuses_somebody_else_s_database)
{
	sqlite3 *connection;
	sqlite3_open(path, &connection);
	sqlite3_exec(connection, "CREATE TABLE letters (text)", NULL, NULL, NULL);
	sqlite3_close(connection);
	expect_refusal(-EEXIST, "another program");
	cr_assert_eq(ask("SELECT count(*) FROM sqlite_schema"), 1);
}

Test(database, refuses_a_locked_file)
{
	sqlite3 *connection;
	database_close(open_log());
	sqlite3_open(path, &connection);
	sqlite3_exec(connection, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
	expect_refusal(-EBUSY, "locked");
	sqlite3_close(connection);
}

/* One that has read and keeps the file open, and one that is in the middle of reading. */
Test(database, is_complete_while_others_read_it)
{
	for (int reading = 0; reading < 2; reading++) {
		sqlite3 *connection;
		sqlite3_stmt *statement;
		drop();
		struct database *database = open_log();
		database_log_action(database, &(struct action_row){.action = "pass"});
		cr_assert_eq(sqlite3_open(path, &connection), SQLITE_OK);
		cr_assert_eq(sqlite3_prepare_v2(connection, "SELECT count(*) FROM agents", -1,
						&statement, NULL),
			     SQLITE_OK);
		cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
		if (!reading)
			sqlite3_reset(statement);
		cr_assert_eq(database_finish(database, "completed", "{}", &error), 0, "%s",
			     error.text);
		database_close(database);
		sqlite3_finalize(statement);
		sqlite3_close(connection);
		cr_assert_eq(ask("SELECT count(*) FROM agent_actions"), 1);
		cr_assert_eq(ask("SELECT count(*) FROM simulations WHERE status = 'completed'"), 1);
	}
}

Test(database, nothing_is_logged_to_none)
{
	database_log_action(NULL, &(struct action_row){.action = "pass"});
	database_flush(NULL);
	cr_assert_eq(database_status(NULL, &error), 0);
	cr_assert_eq(database_finish(NULL, "completed", "{}", &error), 0);
	cr_assert_eq(database_rows(NULL, TABLE_AGENT_ACTIONS), 0);
	database_close(NULL);
}

static void expect_pragma(const struct database *database, const char *name, const char *value)
{
	char text[32];
	database_pragma(database, name, text, sizeof(text));
	cr_assert_str_eq(text, value, "%s is %s, not %s", name, text, value);
}

Test(database, each_profile_s_pragmas_are_in_effect)
{
	/* As the original's: synchronous 0 off, 1 normal, 2 full; cache in -KiB. */
	static const struct {
		uint32_t profile;
		const char *synchronous, *journal, *cache, *page, *busy, *map;
	} rows[] = {
		{PROFILE_BALANCED, "1", "wal", "-204800", "4096", "30000", "0"},
		{PROFILE_PERFORMANCE, "0", "memory", "-1048576", "8192", "60000", "1073741824"},
		{PROFILE_SAFETY, "2", "wal", "-102400", "4096", "30000", "0"},
		{PROFILE_MEMORY, "1", "memory", "-51200", "4096", "15000", "0"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink(path);
		logging.profile = rows[i].profile;
		struct database *database = open_log();
		expect_pragma(database, "synchronous", rows[i].synchronous);
		expect_pragma(database, "journal_mode", rows[i].journal);
		expect_pragma(database, "cache_size", rows[i].cache);
		expect_pragma(database, "page_size", rows[i].page);
		expect_pragma(database, "busy_timeout", rows[i].busy);
		expect_pragma(database, "mmap_size", rows[i].map);
		expect_pragma(database, "foreign_keys", "1");
		expect_pragma(database, "temp_store", "2");
		cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
		database_close(database);
	}
}

Test(database, a_thread_writes_the_same_rows)
{
	static struct environment environment;
	logging.thread = true;
	logging.buffer_rows = 50; /* so that the queue is full again and again */
	struct database *database = open_log();
	run(&environment, database);
	cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
	check_rows(database);
	cr_assert_gt(database_flushes(database), 100);
	cr_assert_eq(ask("SELECT count(*) FROM agent_actions"), environment.counters.turns);
	/* In the order in which they happened. */
	cr_assert_eq(ask("SELECT count(*) FROM agent_actions a JOIN agent_actions b ON "
			 "b.action_id = a.action_id + 1 WHERE b.step_number < a.step_number"),
		     0);
	environment_done(&environment);
	database_close(database);
}

Test(database, a_thread_s_error_is_told)
{
	logging.thread = true;
	struct database *database = open_log();
	database_log_agent(database,
			   &(struct agent_row){.agent = 1, .type = "System", .genome = &genome});
	database_log_agent(database,
			   &(struct agent_row){.agent = 1, .type = "System", .genome = &genome});
	cr_assert_lt(database_finish(database, "completed", "{}", &error), 0);
	cr_assert_not_null(strstr(error.text, "UNIQUE"));
	database_close(database);
	cr_assert_eq(ask("SELECT count(*) FROM agents"), 0);
}

Test(database, genomes_and_their_metrics_agree)
{
	static struct environment environment;
	struct database *database = open_log();
	run(&environment, database);
	cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
	/* What the steps say of genomes is what the agents who lived at their ends had. */
	cr_assert_eq(
		ask("SELECT count(*) FROM simulation_steps s WHERE abs(genetic_diversity * "
		    "total_agents - (SELECT count(DISTINCT genome_id) FROM agent_states t JOIN "
		    "agents a USING (simulation_id, agent_id) WHERE t.step_number = "
		    "s.step_number)) > 1e-6"),
		0);
	cr_assert_eq(
		ask("SELECT count(*) FROM simulation_steps s WHERE abs(dominant_genome_ratio * "
		    "total_agents - (SELECT max(n) FROM (SELECT count(*) AS n FROM agent_states t "
		    "JOIN agents a USING (simulation_id, agent_id) WHERE t.step_number = "
		    "s.step_number GROUP BY genome_id))) > 1e-6"),
		0);
	cr_assert_gt(ask("SELECT count(DISTINCT genome_id) FROM agents"), 10);
	cr_assert_eq(ask("SELECT count(*) FROM agents WHERE abs((SELECT sum(value) FROM "
			 "json_each(action_weights)) - 1) > 1e-4"),
		     0);
	environment_done(&environment);
	database_close(database);
}

Test(database, batches_of_the_index_are_in_the_steps)
{
	static struct environment environment;
	struct database *database = open_log();
	struct parameters parameters;
	parameters_default(&parameters, 60);
	parameters.world.index_update = SPATIAL_BATCHED;
	parameters.world.index_urgency = URGENCY_DANGER;
	parameters.world.resource_layer = RESOURCE_LAYER_MEMMAP;
	cr_assert_eq(environment_init(&environment, &parameters, database, NULL), 0);
	for (int step = 0; step < 20; step++)
		cr_assert_eq(environment_step(&environment, &error), 0);
	cr_assert_eq(database_finish(database, "completed", "{}", &error), 0);
	const struct spatial_index *index = &environment.agent_index;
	cr_assert_eq(ask("SELECT sum(index_individual_updates) FROM simulation_steps"), 0);
	cr_assert_eq(ask("SELECT sum(index_batches) FROM simulation_steps"), index->batches);
	cr_assert_eq(ask("SELECT sum(index_batched_updates) FROM simulation_steps"),
		     index->batched_moves);
	cr_assert_eq(ask("SELECT sum(index_regions_processed) FROM simulation_steps"),
		     index->batched_regions);
	cr_assert_eq(ask("SELECT sum(index_dirty_regions) FROM simulation_steps"),
		     index->dirtied_regions);
	cr_assert_eq(ask("SELECT sum(index_regions_preferred) FROM simulation_steps"),
		     index->preferred_regions);
	cr_assert_eq(ask("SELECT count(*) FROM simulation_steps WHERE abs(index_average_batch * "
			 "index_batches - index_batched_updates) > 1e-6"),
		     0);
	cr_assert_eq(ask("SELECT sum(bilinear_points) FROM simulation_steps"), 0);
	cr_assert_eq(ask("SELECT sum(nearest_points) FROM simulation_steps"),
		     environment.counters.nearest_points);
	cr_assert_gt(environment.counters.nearest_points, 0);
	cr_assert_gt(index->preferred_regions, 0);
	cr_assert_geq(index->batches, 20);
	cr_assert_gt(index->batched_moves, index->batched_regions);
	environment_done(&environment);
	database_close(database);
}
