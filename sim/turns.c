/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The phases of a step, over all agents. */
#include "sim/turns.h"

#include "sim/allocate.h"
#include "sim/environment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void observer_init(struct observer *observer, const struct trainer *trainer, size_t length)
{
	*observer = (struct observer){
		.states = allocate(TURNS_CHUNK * length, sizeof(float)),
	};
	trainer_workspace(trainer, &observer->workspace, TURNS_CHUNK);
}

void observer_done(struct observer *observer)
{
	workspace_done(&observer->workspace);
	perception_done(&observer->perception);
	free(observer->states);
}

static void upkeep(struct environment *environment, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		agent_upkeep(environment, &environment->agents[i]);
}

/* The square that an agent is in. */
static uint32_t square_of(const struct places *places, const struct agent *agent)
{
	return (uint32_t)(agent->y / places->side) * places->columns +
	       (uint32_t)(agent->x / places->side);
}

/* Squares of the world, about as many as agents: counting goes through both once. */
static void lay_squares(struct places *places, const struct environment *environment,
			uint32_t count)
{
	const struct parameters *parameters = &environment->parameters;
	float area = (float)parameters->width * (float)parameters->height / (float)(count + 1);
	places->side = fmaxf(sqrtf(area), FIELD_TILE_SIDE);
	places->columns = (uint32_t)((float)parameters->width / places->side) + 1;
	uint32_t rows = (uint32_t)((float)parameters->height / places->side) + 1;
	uint32_t squares = places->columns * rows;
	if (count > places->slot_capacity) {
		places->slot_capacity = count + count / 2;
		free(places->slots);
		places->slots = allocate(places->slot_capacity, sizeof(uint32_t));
	}
	if (squares + 1 > places->end_capacity) {
		places->end_capacity = squares + squares / 2 + 1;
		free(places->ends);
		places->ends = allocate(places->end_capacity, sizeof(uint32_t));
	}
	memset(places->ends, 0, (squares + 1) * sizeof(uint32_t));
	places->squares = squares;
}

/* The living, square by square; in a square in the order of birth. */
static void sort_by_place(struct environment *environment, uint32_t count)
{
	struct places *places = &environment->places;
	lay_squares(places, environment, count);
	for (uint32_t i = 0; i < count; i++)
		if (environment->agents[i].alive)
			places->ends[square_of(places, &environment->agents[i]) + 1]++;
	for (uint32_t square = 0; square < places->squares; square++)
		places->ends[square + 1] += places->ends[square];
	for (uint32_t i = 0; i < count; i++)
		if (environment->agents[i].alive)
			places->slots[places->ends[square_of(places, &environment->agents[i])]++] =
				i;
}

void places_done(struct places *places)
{
	free(places->slots);
	free(places->ends);
	*places = (struct places){0};
}

/* NULL without a network. */
static float *state_of(const struct environment *environment, uint32_t slot)
{
	if (environment->trainer.layer_count == 0)
		return NULL;
	return &environment->states[slot * environment->tensor_length];
}

static void decide_one_by_one(struct environment *environment, struct observer *observer,
			      const uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		agent_decide(environment, &environment->agents[slots[i]], observer,
			     state_of(environment, slots[i]));
}

/* All agents of a chunk that share a learner are decided for in one evaluation. */
static void decide_in_batches(struct environment *environment, struct observer *observer,
			      const uint32_t *slots, uint32_t slot_count)
{
	struct choice choices[TURNS_CHUNK];
	struct agent *asking[TURNS_CHUNK];
	/* A bit for each who was not decided for yet. */
	uint32_t left = (uint32_t)((UINT64_C(1) << slot_count) - 1);
	while (left) {
		const struct decision *decision =
			environment->agents[slots[__builtin_ctz(left)]].decision;
		uint32_t count = 0;
		for (uint32_t i = 0; i < slot_count; i++) {
			struct agent *agent = &environment->agents[slots[i]];
			if (!(left & 1U << i) || agent->decision != decision)
				continue;
			left &= ~(1U << i);
			asking[count] = agent;
			agent_ask(agent, &choices[count]);
			memcpy(&observer->states[count * environment->tensor_length],
			       state_of(environment, slots[i]),
			       environment->tensor_length * sizeof(float));
			count++;
		}
		decision_decide(decision, &observer->workspace, observer->states, choices, count);
		for (uint32_t i = 0; i < count; i++)
			agent_answer(environment, asking[i], &choices[i]);
	}
}

/* The second phase for a chunk of agents. */
static void decide(void *context, uint32_t worker, uint32_t begin, uint32_t end)
{
	struct environment *environment = context;
	struct observer *observer = &environment->observers[worker];
	const uint32_t *slots = environment->places.slots + begin;
	for (uint32_t i = 0; i < end - begin; i++)
		agent_look(environment, &environment->agents[slots[i]], observer,
			   state_of(environment, slots[i]));
	if (environment->parameters.learning.decisions == DECISIONS_BATCHED &&
	    environment->trainer.layer_count > 0)
		decide_in_batches(environment, observer, slots, end - begin);
	else
		decide_one_by_one(environment, observer, slots, end - begin);
}

static void act(struct environment *environment, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (environment->agents[i].alive)
			agent_act(environment, &environment->agents[i]);
}

/* Some agents of a block, which begins at a slot. */
struct block {
	struct environment *environment;
	uint32_t begin;
};

/* A chunk of a block looks again. */
static void look_again(void *context, uint32_t worker, uint32_t begin, uint32_t end)
{
	const struct block *block = context;
	struct environment *environment = block->environment;
	for (uint32_t i = begin; i < end; i++)
		agent_look_again(environment, &environment->agents[block->begin + i],
				 &environment->observers[worker],
				 &environment->nexts[i * environment->tensor_length]);
}

static void learn(struct environment *environment, uint32_t count)
{
	for (uint32_t begin = 0; begin < count; begin += TURNS_BLOCK) {
		struct block block = {environment, begin};
		uint32_t size = count - begin < TURNS_BLOCK ? count - begin : TURNS_BLOCK;
		workers_run(&environment->workers, look_again, &block, size, TURNS_PORTION);
		for (uint32_t i = 0; i < size; i++) {
			struct agent *agent = &environment->agents[begin + i];
			float *state = state_of(environment, begin + i);
			const float *next = &environment->nexts[i * environment->tensor_length];
			agent_learn(environment, agent, state, next);
			if (agent->looked_ahead && state)
				memcpy(state, next, environment->tensor_length * sizeof(*state));
		}
	}
}

void turns_move_state(struct environment *environment, uint32_t from, uint32_t to)
{
	float *state = state_of(environment, from);
	if (state && from != to && environment->agents[from].looked_ahead)
		memcpy(state_of(environment, to), state,
		       environment->tensor_length * sizeof(*state));
}

static void reserve_states(struct environment *environment, uint32_t count)
{
	if (count <= environment->state_capacity || environment->trainer.layer_count == 0)
		return;
	environment->state_capacity = count + count / 2;
	environment->states =
		reallocate(environment->states,
			   environment->state_capacity * environment->tensor_length, sizeof(float));
}

void turns_take(struct environment *environment)
{
	uint32_t count = environment->agent_count;
	reserve_states(environment, count);
	upkeep(environment, count);
	sort_by_place(environment, count);
	workers_run(&environment->workers, decide, environment, environment->living, TURNS_CHUNK);
	act(environment, count);
	learn(environment, count);
	struct counters *counters = &environment->counters;
	bool mapped = environment->parameters.world.resource_layer == RESOURCE_LAYER_MEMMAP;
	uint64_t *points = mapped ? &counters->nearest_points : &counters->bilinear_points;
	for (uint32_t i = 0; i < environment->workers.count; i++) {
		struct observer *observer = &environment->observers[i];
		counters->observations += observer->observations;
		*points += observer->perception.resource_points;
		observer->observations = observer->perception.resource_points = 0;
	}
}
