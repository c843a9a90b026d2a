/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Averages, entropy and differences of one step. */
#include "sim/metrics.h"

#include "sim/allocate.h"
#include "sim/environment.h"

#include <math.h>
#include <stdlib.h>

static void log_agents(struct environment *environment, struct step_row *row)
{
	for (uint32_t i = 0; i < environment->agent_count; i++) {
		const struct agent *agent = &environment->agents[i];
		if (!agent->alive)
			continue;
		uint32_t age = environment->step - agent->birth_step;
		row->by_type[agent->type]++;
		row->agent_resources += agent->resource_level;
		row->health += agent->health;
		row->age += age;
		row->reward += agent->total_reward;
		if (agent->generation > row->maximum_generation)
			row->maximum_generation = agent->generation;
		database_log_agent_state(
			environment->database,
			&(struct agent_state_row){.step = environment->step,
						  .agent = agent->number,
						  .starvation_counter = agent->starvation_counter,
						  .age = age,
						  .defending = agent->defense_timer > 0,
						  .x = agent->x,
						  .y = agent->y,
						  .resources = agent->resource_level,
						  .health = agent->health,
						  .total_reward = agent->total_reward});
	}
	double living = environment->living > 0 ? environment->living : 1;
	row->agent_resources /= living;
	row->health /= living;
	row->age /= living;
	row->reward /= living;
}

/* Distinct genomes, and how many have the most frequent one, as shares of the living. */
static void count_genomes(struct environment *environment, struct step_row *row)
{
	size_t needed = (size_t)environment->numbers + TYPE_COUNT + 1;
	if (environment->genome_capacity < needed) {
		free(environment->genome_counts);
		environment->genome_capacity = 2 * needed;
		environment->genome_counts = allocate(2 * needed, sizeof(uint32_t));
	}
	uint32_t *counts = environment->genome_counts, distinct = 0, most = 0;
	for (uint32_t i = 0; i < environment->agent_count; i++) {
		const struct agent *agent = &environment->agents[i];
		if (!agent->alive)
			continue;
		uint32_t count = ++counts[agent->genome.number];
		distinct += count == 1;
		most = count > most ? count : most;
	}
	for (uint32_t i = 0; i < environment->agent_count; i++)
		counts[environment->agents[i].genome.number] = 0;
	double living = environment->living > 0 ? environment->living : 1;
	row->diversity = distinct / living;
	row->dominance = most / living;
}

static void log_resources(struct environment *environment, struct step_row *row)
{
	const struct resources *resources = &environment->resources;
	row->total_resources = resources_total(resources);
	for (uint32_t i = 0; i < resources->count; i++) {
		float amount = resources->amount[i];
		if (amount > 0) {
			double share = amount / row->total_resources;
			row->entropy -= share * log(share);
		}
		database_log_resource_state(environment->database,
					    &(struct resource_state_row){.step = environment->step,
									 .resource = i + 1,
									 .amount = amount,
									 .x = resources->x[i],
									 .y = resources->y[i]});
	}
	row->consumed = fmax(environment->last_resources - row->total_resources, 0);
	environment->last_resources = row->total_resources;
	row->efficiency =
		row->total_resources / ((double)resources->count * resources->parameters.maximum);
}

static struct step_totals totals_of(const struct environment *environment)
{
	const struct counters *counters = &environment->counters;
	const struct spatial_index *index = &environment->agent_index;
	struct step_totals totals = {
		.births = counters->births,
		.attacks = counters->attempted[ACTION_ATTACK],
		.successful_attacks = counters->succeeded[ACTION_ATTACK],
		.shared = counters->shared,
		.gathered = counters->gathered,
		.observations = counters->observations,
		.bilinear_points = counters->bilinear_points,
		.nearest_points = counters->nearest_points,
		.rebuilds = index->rebuilds,
		.moves = index->moves,
		.batches = index->batches,
		.batched_moves = index->batched_moves,
		.dirty_regions = index->dirtied_regions,
		.regions = index->batched_regions,
		.preferred_regions = index->preferred_regions,
	};
	for (int cause = 0; cause < DEATH_CAUSE_COUNT; cause++)
		totals.deaths += counters->deaths[cause];
	return totals;
}

void metrics_log_step(struct environment *environment)
{
	if (!environment->database)
		return;
	struct step_row row = {
		.step = environment->step,
		.agents = environment->living,
		.now = totals_of(environment),
		.before = environment->last,
	};
	log_agents(environment, &row);
	count_genomes(environment, &row);
	log_resources(environment, &row);
	database_log_step(environment->database, &row);
	database_flush_if_due(environment->database);
	environment->last = row.now;
}
