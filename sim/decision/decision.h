/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decision: a learner that chooses actions and gets better at it.
 *
 * What and how it learns is an algorithm, a row of functions (dqn.h, ppo.h). A learner knows no
 * agents: states are vectors, actions are numbers. It may serve one agent or many; many make its
 * memory of transitions fill faster, and nothing else.
 *
 * Learners of the same kind share a trainer: the layers of their networks, their parameters, and
 * the room for computing. Learners train one after the other; decisions may be taken by many
 * threads at the same time, each with a workspace of its own, as long as nobody trains.
 */
#pragma once

#include "sim/decision/adam.h"
#include "sim/decision/network.h"
#include "sim/decision/replay.h"
#include "sim/parameters.h"
#include "sim/random.h"

struct decision;

/* A choice to be made, and the answer. */
struct choice {
	/* Asked by the agent: */
	uint32_t allowed;      /* bit per possible action; at least one */
	float epsilon;	       /* probability of a random choice */
	const float *weights;  /* of a random choice, per action; NULL: all are equal */
	struct random *random; /* the agent's own numbers */
	/* Answered: */
	uint32_t action;
	float log_probability; /* of the action, where the algorithm is one of probabilities */
	bool explored;	       /* chosen at random */
};

struct algorithm {
	const char *name;
	bool critic; /* has a second network, which estimates what a state is worth */

	/* How many transitions it remembers. */
	uint32_t (*memory)(const struct learning_parameters *parameters);

	/* Chooses by what the network says of each action. */
	void (*choose)(const float *values, uint32_t action_count, struct choice *choice);

	/* True when a training is due, after a transition was remembered. */
	bool (*due)(const struct decision *decision);

	/* Trains once; sets the loss. */
	void (*train)(struct decision *decision);

	/* True for a transition that is learnt from no more; NULL where all are while remembered.
	 */
	bool (*learnt)(const struct decision *decision, uint64_t number);
};

/* What learners of one kind have in common. */
struct trainer {
	struct learning_parameters parameters;
	const struct algorithm *algorithm;
	size_t state_length;
	uint32_t action_count; /* at most 32 */
	struct layer layers[NETWORK_LAYERS_MAXIMUM];
	size_t layer_count; /* 0: no network, all choices are random and nothing is learnt */
	struct layer critic_layers[NETWORK_LAYERS_MAXIMUM];
	uint64_t explored; /* of all learners */
	uint64_t trainings;
	/* Room for one batch. */
	struct workspace online;
	struct workspace target;
	struct gradient gradient;
	size_t *rows;
	float *states;
	float *nexts;
	struct gradient critic_gradient;
	/* Of each row: */
	float *goals;		/* the sum of rewards; or what the state turned out to be worth */
	float *factors;		/* of the estimate that is added to it */
	float *weights;		/* in the loss; or the advantage */
	uint32_t *next_allowed; /* where the estimate is made */
	uint32_t *next_actions;
};

struct decision {
	struct trainer *trainer; /* borrowed */
	struct network online;
	struct network target;
	struct network critic;
	struct adam adam;
	struct adam critic_adam;
	struct replay replay;
	struct random random;
	uint64_t decisions;
	uint64_t explored; /* of these, at random */
	uint64_t trainings;
	float loss; /* of the last training */
};

/*
 * @channels      square maps that an observation consists of
 * @cells         of each map
 * @action_count  actions to choose from, at most 32
 */
void trainer_init(struct trainer *trainer, const struct learning_parameters *parameters,
		  size_t channels, size_t cells, uint32_t action_count);

void trainer_done(struct trainer *trainer);

/* What one learner takes, in bytes, when its memory is full. */
double trainer_learner_bytes(const struct trainer *trainer);

/* Makes room for a thread to decide in, for up to @maximum_rows at once. */
void trainer_workspace(const struct trainer *trainer, struct workspace *workspace,
		       size_t maximum_rows);

/*
 * Makes an untrained learner.
 *
 * @trainer  borrowed until decision_done()
 * @stream   of the seed's random numbers
 */
void decision_init(struct decision *decision, struct trainer *trainer, uint64_t seed,
		   uint64_t stream);

void decision_done(struct decision *decision);

/*
 * Chooses actions. The network is evaluated in any case, for exploring decisions included; an
 * answer does not depend on what else is asked at the same time. Changes nothing but workspace and
 * choices.
 *
 * @states   count x state_length
 * @choices  count questions, which are answered
 */
void decision_decide(const struct decision *decision, struct workspace *workspace,
		     const float *states, struct choice *choices, size_t count);

/* Counts a decision that was taken. */
void decision_count(struct decision *decision, bool explored);

/* Remembers a transition; returns its number, 0 where nothing is learnt. */
uint64_t decision_remember(struct decision *decision, const struct transition *transition);

/*
 * A remembered transition turned out to be an agent's last: nothing follows, and its reward changes
 * by @reward. One that is learnt from no more is remembered once again, as that, and a training
 * that is due by it is done. Does nothing when it has been forgotten meanwhile.
 */
void decision_end_life(struct decision *decision, uint64_t number, float reward);

/* Trains once if a training is due; to be called after each decision_remember(). */
void decision_learn(struct decision *decision);

/* A possible action, in proportion to the choice's weights. */
uint32_t decision_random_action(const struct choice *choice);

/* The possible action of the highest value, the first of several. */
uint32_t decision_best_action(const float *values, uint32_t action_count, uint32_t allowed);
