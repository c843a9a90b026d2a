/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each kind of row as the values of its table's columns. */
#include "sim/database_buffer.h"
#include "sim/genome.h"

#include <stddef.h>

#define INTEGER(number)                                                                            \
	{                                                                                          \
		.integer = (number)                                                                \
	}
#define REAL(number)                                                                               \
	{                                                                                          \
		.real = (number)                                                                   \
	}
#define TEXT(string)                                                                               \
	{                                                                                          \
		.text = (string)                                                                   \
	}

void database_log_agent(struct database *database, const struct agent_row *row)
{
	char genome[GENOME_TEXT_CAPACITY], weights[GENOME_JSON_CAPACITY];
	if (!database)
		return;
	genome_print(row->genome, genome);
	genome_print_weights(row->genome, weights);
	const union value values[] = {
		INTEGER(row->agent),
		INTEGER(row->birth_step),
		TEXT(row->type),
		REAL(row->x),
		REAL(row->y),
		REAL(row->resources),
		REAL(row->health),
		INTEGER(row->generation),
		INTEGER(row->parent),
		TEXT(database_keep(database, genome)),
		TEXT(database_keep(database, weights)),
	};
	database_append(database, TABLE_AGENTS, values);
}

void database_log_death(struct database *database, const struct agent_death_row *row)
{
	const union value values[] = {INTEGER(row->step), TEXT(row->cause), INTEGER(row->agent)};
	database_append(database, TABLE_AGENT_DEATHS, values);
}

void database_log_agent_state(struct database *database, const struct agent_state_row *row)
{
	const union value values[] = {
		INTEGER(row->step),
		INTEGER(row->agent),
		REAL(row->x),
		REAL(row->y),
		REAL(row->resources),
		REAL(row->health),
		INTEGER(row->starvation_counter),
		INTEGER(row->defending),
		REAL(row->total_reward),
		INTEGER(row->age),
	};
	database_append(database, TABLE_AGENT_STATES, values);
}

void database_log_resource_state(struct database *database, const struct resource_state_row *row)
{
	const union value values[] = {
		INTEGER(row->step), INTEGER(row->resource), REAL(row->amount),
		REAL(row->x),	    REAL(row->y),
	};
	database_append(database, TABLE_RESOURCE_STATES, values);
}

void database_log_step(struct database *database, const struct step_row *row)
{
	const struct step_totals *now = &row->now, *before = &row->before;
	uint64_t batches = now->batches - before->batches;
	uint64_t batched_moves = now->batched_moves - before->batched_moves;
	const union value values[] = {
		INTEGER(row->step),
		INTEGER(row->agents),
		INTEGER(row->by_type[0]),
		INTEGER(row->by_type[1]),
		INTEGER(row->by_type[2]),
		REAL(row->total_resources),
		REAL(row->agent_resources),
		INTEGER((int64_t)(now->births - before->births)),
		INTEGER((int64_t)(now->deaths - before->deaths)),
		INTEGER(row->maximum_generation),
		REAL(row->efficiency),
		REAL(row->entropy),
		REAL(row->health),
		REAL(row->age),
		REAL(row->reward),
		INTEGER((int64_t)now->attacks),
		INTEGER((int64_t)now->successful_attacks),
		REAL(now->shared),
		INTEGER((int64_t)(now->attacks - before->attacks)),
		INTEGER((int64_t)(now->successful_attacks - before->successful_attacks)),
		REAL(now->shared - before->shared),
		REAL(now->gathered - before->gathered),
		REAL(row->consumed),
		REAL(row->diversity),
		REAL(row->dominance),
		INTEGER((int64_t)(now->observations - before->observations)),
		INTEGER((int64_t)(now->bilinear_points - before->bilinear_points)),
		INTEGER((int64_t)(now->nearest_points - before->nearest_points)),
		INTEGER((int64_t)(now->rebuilds - before->rebuilds)),
		INTEGER((int64_t)(now->moves - before->moves)),
		INTEGER((int64_t)batches),
		INTEGER((int64_t)batched_moves),
		REAL(batches > 0 ? (double)batched_moves / (double)batches : 0),
		INTEGER((int64_t)(now->dirty_regions - before->dirty_regions)),
		INTEGER((int64_t)(now->regions - before->regions)),
		INTEGER((int64_t)(now->preferred_regions - before->preferred_regions)),
	};
	database_append(database, TABLE_SIMULATION_STEPS, values);
}

void database_log_action(struct database *database, const struct action_row *row)
{
	const union value values[] = {
		INTEGER(row->step),	     INTEGER(row->agent),	 TEXT(row->action),
		INTEGER(row->target),	     INTEGER(row->succeeded),	 REAL(row->amount),
		REAL(row->resources_before), REAL(row->resources_after), REAL(row->reward),
	};
	database_append(database, TABLE_AGENT_ACTIONS, values);
}

void database_log_interaction(struct database *database, const struct interaction_row *row)
{
	const union value values[] = {
		INTEGER(row->step),   INTEGER(row->source), TEXT(row->target_type),
		INTEGER(row->target), TEXT(row->type),
	};
	database_append(database, TABLE_INTERACTIONS, values);
}

void database_log_learning(struct database *database, const struct learning_row *row)
{
	const union value values[] = {
		INTEGER(row->step),   INTEGER(row->agent),    TEXT(row->learner),
		INTEGER(row->action), TEXT(row->action_name), REAL(row->reward),
	};
	database_append(database, TABLE_LEARNING_EXPERIENCES, values);
}

void database_log_health_incident(struct database *database, const struct health_row *row)
{
	const union value values[] = {
		INTEGER(row->step), INTEGER(row->agent), REAL(row->before),
		REAL(row->after),   TEXT(row->cause),	 INTEGER(row->source),
	};
	database_append(database, TABLE_HEALTH_INCIDENTS, values);
}

void database_log_reproduction(struct database *database, const struct reproduction_row *row)
{
	const union value values[] = {
		INTEGER(row->step),
		INTEGER(row->parent),
		INTEGER(row->offspring),
		INTEGER(row->failure == NULL),
		REAL(row->resources_before),
		REAL(row->resources_after),
		TEXT(row->failure),
		INTEGER(row->parent_generation),
		REAL(row->x),
		REAL(row->y),
	};
	database_append(database, TABLE_REPRODUCTION_EVENTS, values);
}

void database_log_social_interaction(struct database *database, const struct social_row *row)
{
	const union value values[] = {
		INTEGER(row->step),	     INTEGER(row->initiator),
		INTEGER(row->recipient),     TEXT(row->ally ? "ally" : "enemy"),
		REAL(row->transferred),	     REAL(row->distance),
		REAL(row->initiator_before), REAL(row->initiator_after),
		REAL(row->recipient_before), REAL(row->recipient_after),
	};
	database_append(database, TABLE_SOCIAL_INTERACTIONS, values);
}
