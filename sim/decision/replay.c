/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ring of transitions. */
#include "sim/decision/replay.h"

#include "sim/allocate.h"

#include <stdlib.h>
#include <string.h>

void replay_init(struct replay *replay, size_t capacity, size_t state_length, bool prioritised)
{
	*replay = (struct replay){
		.state_length = state_length,
		.capacity = capacity,
		.states = allocate(capacity * state_length, sizeof(float)),
		.nexts = allocate(capacity * state_length, sizeof(float)),
		.entries = allocate(capacity, sizeof(struct replay_entry)),
		.leaves = 1,
		.highest = 1,
	};
	while (replay->leaves < capacity)
		replay->leaves *= 2;
	if (prioritised)
		replay->sums = allocate(2 * replay->leaves, sizeof(double));
}

void replay_done(struct replay *replay)
{
	free(replay->sums);
	free(replay->states);
	free(replay->nexts);
	free(replay->entries);
}

uint64_t replay_store(struct replay *replay, const struct transition *transition)
{
	size_t row = replay->stored % replay->capacity, length = replay->state_length;
	memmove(&replay->states[row * length], transition->state, length * sizeof(float));
	memmove(&replay->nexts[row * length], transition->next, length * sizeof(float));
	replay->entries[row] = (struct replay_entry){
		.action = transition->action,
		.reward = transition->reward,
		.allowed = transition->allowed,
		.next_allowed = transition->next_allowed,
		.log_probability = transition->log_probability,
	};
	if (replay->sums)
		replay_weigh(replay, row, replay->highest);
	replay->stored++;
	struct replay_entry *previous = replay_find(replay, transition->previous);
	if (previous && transition->previous < replay->stored)
		previous->following = replay->stored;
	return replay->stored;
}

struct replay_entry *replay_find(struct replay *replay, uint64_t number)
{
	if (number == 0 || number + replay->capacity <= replay->stored)
		return NULL;
	return &replay->entries[(number - 1) % replay->capacity];
}

size_t replay_count(const struct replay *replay)
{
	return replay->stored < replay->capacity ? replay->stored : replay->capacity;
}

static bool contains(const size_t *rows, size_t count, size_t row)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i] == row)
			return true;
	return false;
}

void replay_sample(const struct replay *replay, struct random *random, size_t *rows, size_t count)
{
	size_t available = replay_count(replay);
	for (size_t i = 0; i < count; i++) {
		size_t last = available - count + i;
		size_t row = random_below(random, (uint32_t)last + 1);
		rows[i] = contains(rows, i, row) ? last : row;
	}
}

void replay_weigh(struct replay *replay, size_t row, float weight)
{
	size_t node = replay->leaves + row;
	replay->highest = weight > replay->highest ? weight : replay->highest;
	replay->sums[node] = weight;
	/* Sums are made anew, not changed by the difference: they never drift. */
	for (node /= 2; node > 0; node /= 2)
		replay->sums[node] = replay->sums[2 * node] + replay->sums[2 * node + 1];
}

void replay_draw(const struct replay *replay, struct random *random, size_t *rows,
		 float *probabilities, size_t count)
{
	double sum = replay->sums[1];
	for (size_t i = 0; i < count; i++) {
		double wanted = sum * ((double)i + random_unit(random)) / (double)count;
		size_t node = 1;
		while (node < replay->leaves) {
			node *= 2;
			/* Rounding may lead past the last one; what weighs nothing is not taken. */
			if (wanted >= replay->sums[node] && replay->sums[node + 1] > 0)
				wanted -= replay->sums[node++];
		}
		rows[i] = node - replay->leaves;
		probabilities[i] = (float)(replay->sums[node] / sum);
	}
}
