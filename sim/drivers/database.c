/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim-database: writes a log of rows that never happened.
 *
 * A record is a row of one table, or, mixed, what a turn leaves: an action, a state, an experience
 * and, every fifth time, an interaction.
 */
#include "sim/database.h"
#include "sim/drivers/driver.h"
#include "sim/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum pattern {
	PATTERN_MIXED,
	PATTERN_ACTIONS,
	PATTERN_STATES,
};

struct choices {
	struct options engine;
	uint32_t records;
	uint32_t pattern;
	uint32_t flush_every;
};

static const char *const engine_options[] = {"seed",
					     "database",
					     "database-buffer",
					     "database-interval",
					     "database-profile",
					     "database-thread",
					     NULL};
static const char *const patterns[] = {"mixed", "actions", "states", NULL};

static const struct setting settings[] = {
	{NULL, "records", "N", SETTING_WHOLE, offsetof(struct choices, records), 1, 1e9, NULL,
	 "Records that are logged"},
	{NULL, "pattern", "KIND", SETTING_CHOICE, offsetof(struct choices, pattern), 0, 0, patterns,
	 "Records: actions, states, or mixed as a turn leaves them"},
	{NULL, "flush-every", "N", SETTING_WHOLE, offsetof(struct choices, flush_every), 0, 1e9,
	 NULL, "Records between two flushes; 0: when a buffer is full"},
};

static void log_action(struct database *database, struct random *random, uint32_t record)
{
	database_log_action(database, &(struct action_row){.step = record / 100,
							   .agent = record % 100 + 1,
							   .action = "move",
							   .succeeded = true,
							   .amount = random_unit(random),
							   .resources_before = random_unit(random),
							   .resources_after = random_unit(random),
							   .reward = random_unit(random)});
}

static void log_state(struct database *database, struct random *random, uint32_t record)
{
	database_log_agent_state(database,
				 &(struct agent_state_row){.step = record / 100,
							   .agent = record % 100 + 1,
							   .age = record / 100,
							   .x = random_unit(random),
							   .y = random_unit(random),
							   .resources = random_unit(random),
							   .health = 100,
							   .total_reward = random_unit(random)});
}

static void log_rest_of_turn(struct database *database, struct random *random, uint32_t record)
{
	database_log_learning(database, &(struct learning_row){.step = record / 100,
							       .agent = record % 100 + 1,
							       .learner = "System",
							       .action = 4,
							       .action_name = "move",
							       .reward = random_unit(random)});
	if (record % 5 == 0)
		database_log_interaction(database,
					 &(struct interaction_row){.step = record / 100,
								   .source = record % 100 + 1,
								   .target = 1,
								   .target_type = "resource",
								   .type = "gather"});
}

static void write_records(struct database *database, const struct choices *choices)
{
	struct random random;
	random_seed(&random, choices->engine.parameters.seed, STREAM_AGENTS);
	for (uint32_t record = 0; record < choices->records; record++) {
		if (choices->pattern != PATTERN_STATES)
			log_action(database, &random, record);
		if (choices->pattern != PATTERN_ACTIONS)
			log_state(database, &random, record);
		if (choices->pattern == PATTERN_MIXED)
			log_rest_of_turn(database, &random, record);
		if (choices->flush_every > 0 && (record + 1) % choices->flush_every == 0)
			database_flush(database);
		else if (record % 100 == 99)
			database_flush_if_due(database);
	}
}

int main(int argc, char **argv)
{
	static struct choices choices = {.records = 5000};
	const struct driver driver = {
		.summary = "Log rows.\vEnds with counts of what was written.",
		.engine = engine_options,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
	};
	struct database *database = NULL;
	struct error error;
	options_default(&choices.engine);
	choices.engine.parameters.learning.network = NETWORK_NONE;
	driver_parse(&driver, &choices, argc, argv);
	bool logs = strcmp(choices.engine.database, "none") != 0;
	if (!logs && choices.flush_every > 0) {
		fail(&error, -EINVAL,
		     "--flush-every does nothing with --database none; leave it out, or take "
		     "another "
		     "--database");
		driver_fail(&error);
	}
	if (logs) {
		char *parameters = options_json(&choices.engine);
		int failed = database_open(choices.engine.database, &choices.engine.logging,
					   parameters, &database, &error);
		free(parameters);
		if (failed)
			driver_fail(&error);
	}
	write_records(database, &choices);
	if (database_finish(database, "completed", "{}", &error) < 0)
		driver_fail(&error);
	driver_count("records", choices.records);
	driver_count("transactions", database_flushes(database));
	driver_count("rows agent_actions", database_rows(database, TABLE_AGENT_ACTIONS));
	driver_count("rows agent_states", database_rows(database, TABLE_AGENT_STATES));
	driver_count("rows learning_experiences",
		     database_rows(database, TABLE_LEARNING_EXPERIENCES));
	driver_count("rows interactions", database_rows(database, TABLE_INTERACTIONS));
	database_close(database);
	return driver_end();
}
