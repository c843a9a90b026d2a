/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The default of every rule's number. */
#include "sim/parameters.h"

uint32_t parameters_resources_for(uint32_t agents)
{
	return (uint32_t)(((uint64_t)agents * 2 + 2) / 3);
}

uint32_t parameters_maximum_population_for(uint32_t agents)
{
	uint32_t limit = agents + agents / 2;
	return limit > 300 ? limit : 300;
}

void parameters_split(struct parameters *parameters)
{
	for (uint32_t type = 0; type < PARAMETERS_TYPES; type++)
		parameters->by_type[type] =
			(parameters->agents + PARAMETERS_TYPES - 1 - type) / PARAMETERS_TYPES;
}

void parameters_default(struct parameters *parameters, uint32_t agents)
{
	*parameters = (struct parameters){
		.seed = 1234567890,
		.agents = agents,
		.resources = parameters_resources_for(agents),
		.maximum_population = parameters_maximum_population_for(agents),
		.width = 100,
		.height = 100,
		.threads = 1,
		.agent =
			{
				.initial_resources = 5,
				.offspring_resources = 5,
				.starting_health = 100,
				.base_consumption = 0.15F,
				.starvation_threshold = 100,
				.maximum_movement = 8,
				.gathering_range = 30,
				.maximum_gather = 3,
				.share_range = 30,
				.minimum_share = 1,
				.maximum_share = 5,
				.share_keeps = 5,
				.attack_range = 20,
				.attack_damage = 12,
				.attack_health_exponent = 1,
				.combat_kills = true,
				.defense_factor = 0.5F,
				.defense_turns = 3,
				.defense_healing = 1,
				.reproduction_minimum = 8,
				.reproduction_cost = 3,
				.reproduction_chance = 0.5F,
			},
		.reward =
			{
				.per_resource = 0.1F,
				.per_health = 0.5F,
				.alive = 0.1F,
				.dead = -10,
				.acted = 0.05F,
				.attack = 0.1F,
				.per_gathered = 0.1F,
				.per_shared = 0.05F,
				.reproduce = 0.5F,
				.defend = 0.02F,
				.pass = 0.01F,
			},
		.resource =
			{
				.maximum = 30,
				.regeneration_chance = 0.1F,
				.regeneration_amount = 2,
			},
		.types = {{0.4F, 0.4F, 0.2F, 0.3F, 0.05F},
			  {0.7F, 0.2F, 0.05F, 0.05F, 0.25F},
			  {0.55F, 0.3F, 0.125F, 0.15F, 0.15F}},
		.type_parameters = true,
		.genome =
			{
				.evolves = true,
				.crossover = true,
				.partner_range = 30,
				.mutation_rate = 0.1F,
				.mutation_strength = 0.2F,
				.weights = {0.25F, 0.1F, 0.3F, 0.2F, 0.4F, 0.15F, 0.05F},
			},
		.learning =
			{
				.network = NETWORK_SMALL,
				.n_step = 1,
				.hidden = 24,
				.learning_rate = 0.001F,
				.discount = 0.95F,
				.memory = 2000,
				.batch = 32,
				.train_every = 16,
				.target_rate = 0.005F,
				.gradient_limit = 1,
				.epsilon_start = 1,
				.epsilon_minimum = 0.01F,
				.epsilon_decay = 0.995F,
			},
		.world = {.index = SPATIAL_HASH,
			  .resource_index = SPATIAL_SAME,
			  .index_flush = PARAMETERS_INDEX_BATCH,
			  .observation = OBSERVATION_SPARSE,
			  .radius = PARAMETERS_RADIUS,
			  .looks = LOOKS_THREE},
	};
	parameters_split(parameters);
}
