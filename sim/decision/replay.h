/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay: the last transitions, to learn from in random order.
 *
 * A ring; the oldest transition makes room for the newest. Observations lie in two dense matrices,
 * one row per transition, so that 2 x 8,788 bytes a transition is what it costs and a row is found
 * without a search.
 * Source: L.-J. Lin, "Self-Improving Reactive Agents Based on Reinforcement Learning, Planning and
 * Teaching", Machine Learning 8, 1992.
 */
#pragma once

#include "sim/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step of one agent's life: in `state` it did `action`, got `reward`, and was in `next`. */
struct transition {
	const float *state; /* state_length; borrowed, may be of the memory itself */
	const float *next;
	uint32_t action;
	float reward;
	uint32_t allowed;      /* bit per action possible in `state` */
	uint32_t next_allowed; /* bit per action possible in `next` */
	float log_probability; /* of the action, where it was chosen by probabilities */
	uint64_t previous;     /* number of the same agent's transition before this one, or 0 */
};

struct replay_entry {
	uint32_t action;
	float reward;
	uint32_t allowed;
	uint32_t next_allowed;
	float log_probability;
	uint64_t following; /* number of the same agent's next transition; 0: none yet */
	bool terminal;	    /* nothing came after: the agent died */
};

struct replay {
	size_t state_length;
	size_t capacity;
	uint64_t stored; /* ever; the newest is in row (stored - 1) % capacity */
	float *states;
	float *nexts;
	struct replay_entry *entries;
	/* Prioritised: a binary tree of sums, leaf of row i at leaves + i. NULL when uniform. */
	double *sums;
	size_t leaves;
	float highest; /* weight ever given */
};

/* @prioritised  draws by weights, replay_draw(); else uniformly, replay_sample() */
void replay_init(struct replay *replay, size_t capacity, size_t state_length, bool prioritised);

void replay_done(struct replay *replay);

/* Copies a transition in; returns its number, counted from 1. */
uint64_t replay_store(struct replay *replay, const struct transition *transition);

/*
 * The transition with this number, or NULL when it was overwritten; 0 is no transition's number.
 */
struct replay_entry *replay_find(struct replay *replay, uint64_t number);

/* How many there are to choose from. */
size_t replay_count(const struct replay *replay);

/*
 * Draws different rows, uniformly. @count is at most replay_count().
 * Source: R. W. Floyd's algorithm in J. Bentley, "Programming Pearls: A Sample of Brilliance",
 * CACM 30(9), 1987. O(count^2), which for a batch of 32 is less than one miss of the cache.
 */
void replay_sample(const struct replay *replay, struct random *random, size_t *rows, size_t count);

/* Sets what a row's share in the drawing is proportional to; new rows have the highest so far. */
void replay_weigh(struct replay *replay, size_t row, float weight);

/*
 * Draws rows with probabilities proportional to their weights, one from each of @count equal parts
 * of the sum; rows may repeat. O(count log capacity).
 *
 * @probabilities  receives the probability of each
 * Source: T. Schaul et al., "Prioritized Experience Replay", ICLR 2016, section 3.3 and B.2.1.
 */
void replay_draw(const struct replay *replay, struct random *random, size_t *rows,
		 float *probabilities, size_t count);
