/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The phases of a step, over all agents. */
#include "sim/turns.h"

#include "sim/allocate.h"
#include "sim/environment.h"

#include <stdlib.h>
#include <string.h>

void observer_init(struct observer *observer, const struct trainer *trainer)
{
	*observer = (struct observer){
		.states = allocate(TURNS_CHUNK * OBSERVATION_LENGTH, sizeof(float)),
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

/* NULL without a network. */
static float *state_of(const struct environment *environment, uint32_t slot)
{
	if (environment->trainer.layer_count == 0)
		return NULL;
	return &environment->states[slot * OBSERVATION_LENGTH];
}

static void decide_one_by_one(struct environment *environment, struct observer *observer,
			      uint32_t begin, uint32_t end)
{
	for (uint32_t i = begin; i < end; i++)
		if (environment->agents[i].alive)
			agent_decide(environment, &environment->agents[i], observer,
				     state_of(environment, i));
}

/* All agents of a chunk that share a learner are decided for in one evaluation. */
static void decide_in_batches(struct environment *environment, struct observer *observer,
			      uint32_t begin, uint32_t end)
{
	struct choice choices[TURNS_CHUNK];
	struct agent *asking[TURNS_CHUNK];
	uint32_t left = 0; /* bit per agent of the chunk that was not decided for */
	for (uint32_t i = begin; i < end; i++)
		if (environment->agents[i].alive)
			left |= 1U << (i - begin);
	while (left) {
		const struct decision *decision =
			environment->agents[begin + (uint32_t)__builtin_ctz(left)].decision;
		uint32_t count = 0;
		for (uint32_t i = begin; i < end; i++) {
			struct agent *agent = &environment->agents[i];
			if (!(left & 1U << (i - begin)) || agent->decision != decision)
				continue;
			left &= ~(1U << (i - begin));
			asking[count] = agent;
			agent_ask(agent, &choices[count]);
			memcpy(&observer->states[count * OBSERVATION_LENGTH],
			       state_of(environment, i), OBSERVATION_LENGTH * sizeof(float));
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
	for (uint32_t i = begin; i < end; i++)
		if (environment->agents[i].alive)
			agent_look(environment, &environment->agents[i], observer,
				   state_of(environment, i));
	if (environment->parameters.learning.decisions == DECISIONS_BATCHED &&
	    environment->trainer.layer_count > 0)
		decide_in_batches(environment, observer, begin, end);
	else
		decide_one_by_one(environment, observer, begin, end);
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
				 &environment->nexts[i * OBSERVATION_LENGTH]);
}

static void learn(struct environment *environment, uint32_t count)
{
	for (uint32_t begin = 0; begin < count; begin += TURNS_BLOCK) {
		struct block block = {environment, begin};
		uint32_t size = count - begin < TURNS_BLOCK ? count - begin : TURNS_BLOCK;
		workers_run(&environment->workers, look_again, &block, size, TURNS_CHUNK);
		for (uint32_t i = 0; i < size; i++)
			agent_learn(environment, &environment->agents[begin + i],
				    state_of(environment, begin + i),
				    &environment->nexts[i * OBSERVATION_LENGTH]);
	}
}

static void reserve_states(struct environment *environment, uint32_t count)
{
	if (count <= environment->state_capacity || environment->trainer.layer_count == 0)
		return;
	environment->state_capacity = count + count / 2;
	free(environment->states);
	environment->states =
		allocate(environment->state_capacity * OBSERVATION_LENGTH, sizeof(float));
}

void turns_take(struct environment *environment)
{
	uint32_t count = environment->agent_count;
	reserve_states(environment, count);
	upkeep(environment, count);
	workers_run(&environment->workers, decide, environment, count, TURNS_CHUNK);
	act(environment, count);
	learn(environment, count);
	for (uint32_t i = 0; i < environment->workers.count; i++) {
		environment->counters.observations += environment->observers[i].observations;
		environment->observers[i].observations = 0;
	}
}
