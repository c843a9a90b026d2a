/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A multiply and rotate over 64-bit words with the final mix of SplitMix64. Not against attackers:
 * for telling states apart.
 */
#include "sim/state_hash.h"

#include "sim/environment.h"

#include <string.h>

static uint64_t add_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash << 29 | hash >> 35;
}

static uint64_t add_floats(uint64_t hash, const float *values, size_t count)
{
	size_t i = 0;
	for (; i + 2 <= count; i += 2) {
		uint64_t word;
		memcpy(&word, &values[i], sizeof(word));
		hash = add_word(hash, word);
	}
	if (i < count) {
		uint32_t bits;
		memcpy(&bits, &values[i], sizeof(bits));
		hash = add_word(hash, bits);
	}
	return add_word(hash, count);
}

static uint64_t add_random(uint64_t hash, const struct random *random)
{
	for (int i = 0; i < 4; i++)
		hash = add_word(hash, random->state[i]);
	return hash;
}

static uint64_t add_agent(uint64_t hash, const struct agent *agent,
			  const struct observation_storage *storage, bool explores)
{
	float remembered[OBSERVATION_CELLS_MAXIMUM];
	const float numbers[] = {agent->x,
				 agent->y,
				 agent->resource_level,
				 agent->health,
				 explores ? agent->epsilon : 0,
				 agent->total_reward};
	hash = add_word(hash, agent->number);
	hash = add_word(hash, (uint64_t)agent->type << 32 | agent->defense_timer);
	hash = add_word(hash, (uint64_t)agent->starvation_counter << 32 | agent->generation);
	hash = add_word(hash, agent->birth_step);
	hash = add_word(hash, agent->last_transition);
	hash = add_floats(hash, numbers, sizeof(numbers) / sizeof(numbers[0]));
	hash = add_word(hash, agent->orientation);
	hash = add_word(hash, agent->genome.number);
	hash = add_floats(hash, agent->genome.weights, ACTION_COUNT);
	storage->remembered(agent->observation, storage->radius, remembered);
	hash = add_floats(hash, remembered, observation_cells(storage->radius));
	return add_random(hash, &agent->random);
}

/* What an agent saw that it has not decided by yet. */
static uint64_t add_seen(uint64_t hash, const struct environment *environment, uint32_t slot)
{
	hash = add_word(hash, environment->agents[slot].looked_ahead);
	if (!environment->agents[slot].looked_ahead || environment->trainer.layer_count == 0)
		return hash;
	size_t length = environment->tensor_length;
	return add_floats(hash, &environment->states[slot * length], length);
}

/* A sum, because the order in which tiles came to be is no part of the state. */
static uint64_t add_fields(uint64_t hash, const struct fields *fields)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < fields->present_count; i++) {
		const struct field_tile *tile = fields->present[i];
		uint64_t part = add_word(tile->place, tile->filled);
		part = add_floats(part, tile->values, FIELD_COUNT * FIELD_TILE_CELLS);
		sum += random_split_mix(&part);
	}
	return add_word(hash, sum);
}

static uint64_t add_decision(uint64_t hash, const struct decision *decision)
{
	size_t count = decision->online.parameter_count;
	/* Without a network nobody draws from the learner's random numbers. */
	if (count == 0)
		return hash;
	hash = add_word(hash, count);
	hash = add_floats(hash, decision->online.parameters, count);
	hash = add_floats(hash, decision->target.parameters, decision->target.parameter_count);
	hash = add_floats(hash, decision->adam.mean, count);
	hash = add_floats(hash, decision->adam.variance, count);
	hash = add_floats(hash, decision->critic.parameters, decision->critic.parameter_count);
	hash = add_word(hash, decision->replay.stored);
	return add_random(hash, &decision->random);
}

uint64_t state_hash(const struct environment *environment)
{
	const struct resources *resources = &environment->resources;
	uint64_t hash = add_word(environment->step, environment->numbers);
	/* Where nobody chooses with probability epsilon it is no part of the state. */
	bool explores =
		environment->trainer.layer_count > 0 && !environment->trainer.algorithm->critic;
	for (uint32_t i = 0; i < environment->agent_count; i++)
		hash = add_agent(hash, &environment->agents[i], &environment->storage, explores);
	bool ahead = environment->parameters.world.looks == LOOKS_ONE;
	for (uint32_t i = 0; i < environment->agent_count && ahead; i++)
		hash = add_seen(hash, environment, i);
	hash = add_fields(hash, &environment->fields);
	hash = add_floats(hash, resources->x, resources->count);
	hash = add_floats(hash, resources->y, resources->count);
	hash = add_floats(hash, resources->amount, resources->count);
	hash = add_random(hash, &resources->random);
	for (uint32_t type = 0; type < TYPE_COUNT; type++)
		hash = add_decision(hash, &environment->decisions[type]);
	bool own = environment->parameters.learning.sharing == SHARING_AGENT;
	for (uint32_t i = 0; i < environment->agent_count && own; i++)
		hash = add_decision(hash, environment->agents[i].decision);
	return random_split_mix(&hash);
}
