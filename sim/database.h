/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * database: the log of what happened, in SQLite. The schema, sim/database.sql, is the format.
 *
 * Rows are collected per table and written together, all tables in one transaction, when one of
 * them has as many as the parameters say. Logging never fails at the place where something happens:
 * the first error is kept, later rows are dropped, and database_status() tells. Whatever an earlier
 * transaction wrote stays readable. Every function takes NULL for "nothing is logged".
 *
 * Texts in rows are borrowed until the flush: constants only, but for those said to be read at
 * once.
 */
#pragma once

#include "sim/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What SQLite trades for what, as the original's four profiles of pragmas. */
enum database_profile {
	PROFILE_BALANCED,
	PROFILE_PERFORMANCE,
	PROFILE_SAFETY,
	PROFILE_MEMORY,
	PROFILE_COUNT,
};

/* How the log is written. */
struct database_parameters {
	uint32_t buffer_rows; /* of a table, that are collected before all are written */
	float interval_s;     /* after which all are written in any case; 0: never */
	uint32_t profile;     /* enum database_profile */
	bool thread;	      /* a thread of its own writes */
};

enum database_table {
	TABLE_AGENTS,
	TABLE_AGENT_DEATHS, /* updates of agents, not a table of its own */
	TABLE_AGENT_STATES,
	TABLE_RESOURCE_STATES,
	TABLE_SIMULATION_STEPS,
	TABLE_AGENT_ACTIONS,
	TABLE_INTERACTIONS,
	TABLE_LEARNING_EXPERIENCES,
	TABLE_HEALTH_INCIDENTS,
	TABLE_REPRODUCTION_EVENTS,
	TABLE_SOCIAL_INTERACTIONS,
	TABLE_COUNT,
};

extern const char *const database_table_names[TABLE_COUNT];

struct database;
struct genome;

/* Rows as the tables of sim/database.sql have them; 0 for "none" where NULL is allowed. */

struct agent_row {
	uint32_t agent, birth_step, generation, parent;
	const char *type;
	float x, y, resources, health;
	const struct genome *genome; /* read at once */
};

struct agent_death_row {
	uint32_t agent, step;
	const char *cause;
};

struct agent_state_row {
	uint32_t step, agent, starvation_counter, age;
	bool defending;
	float x, y, resources, health, total_reward;
};

struct resource_state_row {
	uint32_t step, resource;
	float amount, x, y;
};

/* Counts at the end of a step; the first part is cumulative. */
struct step_totals {
	uint64_t births, deaths, attacks, successful_attacks, observations;
	uint64_t bilinear_points, nearest_points;
	/* Of the agents' index: */
	uint64_t rebuilds, moves, batches, batched_moves, dirty_regions, regions, preferred_regions;
	double shared, gathered;
};

struct step_row {
	uint32_t step, agents, by_type[3], maximum_generation;
	double total_resources, agent_resources, efficiency, entropy, health, age, reward,
		diversity, dominance, consumed;
	struct step_totals now, before;
};

struct action_row {
	uint32_t step, agent, target;
	const char *action;
	bool succeeded;
	float amount, resources_before, resources_after, reward;
};

struct interaction_row {
	uint32_t step, source, target;
	const char *target_type, *type;
};

struct learning_row {
	uint32_t step, agent, action;
	const char *learner; /* the type that shares it; NULL: the agent's own */
	const char *action_name;
	float reward;
};

struct health_row {
	uint32_t step, agent, source;
	const char *cause;
	float before, after;
};

struct reproduction_row {
	uint32_t step, parent, offspring, parent_generation;
	const char *failure; /* NULL: it succeeded */
	float resources_before, resources_after, x, y;
};

struct social_row {
	uint32_t step, initiator, recipient;
	bool ally;
	float transferred, distance, initiator_before, initiator_after, recipient_before,
		recipient_after;
};

/* 1000 rows, 30 s, balanced, no thread, as in the original. */
void database_parameters_default(struct database_parameters *logging);

/*
 * Opens a log, a new one or one of earlier runs, and begins a simulation in it.
 *
 * @path        file, or ":memory:"
 * @logging     how it is written; copied
 * @parameters  JSON object; copied
 * @database    receives the log
 * Returns 0, or a negative errno with the sentence: the file cannot be opened or written, is
 * locked, is no database, or is somebody else's.
 */
int database_open(const char *path, const struct database_parameters *logging,
		  const char *parameters, struct database **database, struct error *error);

void database_log_agent(struct database *database, const struct agent_row *row);
void database_log_death(struct database *database, const struct agent_death_row *row);
void database_log_agent_state(struct database *database, const struct agent_state_row *row);
void database_log_resource_state(struct database *database, const struct resource_state_row *row);
void database_log_step(struct database *database, const struct step_row *row);
void database_log_action(struct database *database, const struct action_row *row);
void database_log_interaction(struct database *database, const struct interaction_row *row);
void database_log_learning(struct database *database, const struct learning_row *row);
void database_log_health_incident(struct database *database, const struct health_row *row);
void database_log_reproduction(struct database *database, const struct reproduction_row *row);
void database_log_social_interaction(struct database *database, const struct social_row *row);

/* Writes all collected rows in one transaction, or hands them to the logger thread. */
void database_flush(struct database *database);

/* The same when the interval has passed since the last time; to be called once a step. */
void database_flush_if_due(struct database *database);

/* What a pragma is for this log's connection. Not while a logger thread writes. */
void database_pragma(const struct database *database, const char *name, char *text,
		     size_t capacity);

/* 0, or the first error since the log was opened. */
int database_status(struct database *database, struct error *error);

/* Rows written to a table by this run. */
uint64_t database_rows(struct database *database, enum database_table table);

/* Transactions that wrote rows. */
uint64_t database_flushes(struct database *database);

/*
 * Flushes, ends the simulation, makes the indices of a file. Others may have the file open, to read
 * it or to log in it. The log is to be freed afterwards, whatever is returned.
 *
 * @status   completed, interrupted or extinct
 * @results  JSON object
 */
int database_finish(struct database *database, const char *status, const char *results,
		    struct error *error);

/* Closes the file and frees the log. Rows not yet flushed are lost. */
void database_close(struct database *database);
