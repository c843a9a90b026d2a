/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Actor and critic. */
#include "sim/decision/ppo.h"

#include "sim/decision/elementary.h"

#include <math.h>
#include <string.h>

enum {
	EPOCHS = 10,
	ACTIONS_MAXIMUM = 32,
};

static const float LAMBDA = 0.95F;
static const float CLIP = 0.2F;
static const float ENTROPY_WEIGHT = 0.01F;
static const float VALUE_WEIGHT = 0.5F;

static uint32_t ppo_memory(const struct learning_parameters *parameters)
{
	(void)parameters;
	return PPO_ROLLOUT;
}

static bool ppo_due(const struct decision *decision)
{
	return decision->replay.stored > 0 && decision->replay.stored % PPO_ROLLOUT == 0;
}

static bool ppo_learnt(const struct decision *decision, uint64_t number)
{
	return number <= decision->trainings * PPO_ROLLOUT;
}

/* Logarithms of the probabilities of what is allowed; of the rest nothing is written. */
static void log_softmax(const float *values, uint32_t action_count, uint32_t allowed, double *logs)
{
	float highest = values[decision_best_action(values, action_count, allowed)];
	double sum = 0;
	for (uint32_t action = 0; action < action_count; action++)
		if (allowed & 1U << action)
			sum += elementary_exp((double)values[action] - highest);
	for (uint32_t action = 0; action < action_count; action++)
		if (allowed & 1U << action)
			logs[action] = (double)values[action] - highest - elementary_log(sum);
}

static void ppo_choose(const float *values, uint32_t action_count, struct choice *choice)
{
	double logs[ACTIONS_MAXIMUM], left = random_unit(choice->random);
	log_softmax(values, action_count, choice->allowed, logs);
	for (uint32_t action = 0; action < action_count; action++) {
		if (!(choice->allowed & 1U << action))
			continue;
		choice->action = action;
		choice->log_probability = (float)logs[action];
		left -= elementary_exp(logs[action]);
		if (left < 0)
			return;
	}
}

/* What the critic says of all rows; @values has room for them. */
static void evaluate(struct decision *decision, const float *states, float *values)
{
	struct trainer *trainer = decision->trainer;
	size_t batch = trainer->parameters.batch;
	for (size_t begin = 0; begin < PPO_ROLLOUT; begin += batch) {
		size_t rows = PPO_ROLLOUT - begin < batch ? PPO_ROLLOUT - begin : batch;
		memcpy(&values[begin],
		       network_forward(&decision->critic, &trainer->target,
				       &states[begin * trainer->state_length], rows),
		       rows * sizeof(*values));
	}
}

void ppo_estimate_advantages(struct decision *decision)
{
	const struct replay *replay = &decision->replay;
	float discount = decision->trainer->parameters.discount;
	float *advantages = decision->trainer->weights, *goals = decision->trainer->goals;
	float now[PPO_ROLLOUT], next[PPO_ROLLOUT];
	evaluate(decision, replay->states, now);
	evaluate(decision, replay->nexts, next);
	for (size_t row = PPO_ROLLOUT; row-- > 0;) {
		const struct replay_entry *entry = &replay->entries[row];
		float advantage = entry->reward - now[row];
		if (!entry->terminal)
			advantage += discount * next[row];
		if (!entry->terminal && entry->following != 0)
			advantage += discount * LAMBDA *
				     advantages[(entry->following - 1) % PPO_ROLLOUT];
		advantages[row] = advantage;
		goals[row] = advantage + now[row];
	}
}

static void normalise(float *values, size_t count)
{
	double sum = 0, squares = 0;
	for (size_t i = 0; i < count; i++)
		sum += values[i];
	double mean = sum / (double)count;
	for (size_t i = 0; i < count; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	double deviation = sqrt(squares / (double)count) + 1e-8;
	for (size_t i = 0; i < count; i++)
		values[i] = (float)((values[i] - mean) / deviation);
}

double ppo_actor_loss(const struct decision *decision, size_t row, const float *values,
		      float *derivative, size_t rows)
{
	const struct trainer *trainer = decision->trainer;
	const struct replay_entry *entry = &decision->replay.entries[row];
	uint32_t actions = trainer->action_count;
	double logs[ACTIONS_MAXIMUM], entropy = 0, advantage = trainer->weights[row];
	log_softmax(values, actions, entry->allowed, logs);
	for (uint32_t action = 0; action < actions; action++)
		if (entry->allowed & 1U << action)
			entropy -= elementary_exp(logs[action]) * logs[action];
	double ratio = elementary_exp(logs[entry->action] - (double)entry->log_probability);
	double limit = advantage > 0 ? 1 + (double)CLIP : 1 - (double)CLIP;
	bool clipped = advantage > 0 ? ratio > limit : ratio < limit;
	for (uint32_t action = 0; action < actions; action++) {
		derivative[action] = 0;
		if (!(entry->allowed & 1U << action))
			continue;
		double probability = elementary_exp(logs[action]), slope = 0;
		if (!clipped)
			slope = -advantage * ratio * ((action == entry->action) - probability);
		slope += (double)ENTROPY_WEIGHT * probability * (logs[action] + entropy);
		derivative[action] = (float)(slope / (double)rows);
	}
	return -advantage * (clipped ? limit : ratio) - (double)ENTROPY_WEIGHT * entropy;
}

static void descend(struct network *network, const struct workspace *workspace,
		    struct gradient *gradient, struct adam *adam, const float *states, size_t rows,
		    float limit)
{
	network_backward(network, workspace, states, rows, gradient);
	gradient_clip(gradient->parameters, network->parameter_count, limit);
	adam_step(adam, network->parameters, gradient->parameters);
}

static double train_batch(struct decision *decision, const size_t *order, size_t rows)
{
	struct trainer *trainer = decision->trainer;
	size_t length = trainer->state_length, last = trainer->layer_count - 1;
	float limit = trainer->parameters.gradient_limit;
	float *worth = trainer->critic_gradient.outputs[last];
	double loss = 0;
	for (size_t i = 0; i < rows; i++)
		memcpy(&trainer->states[i * length], &decision->replay.states[order[i] * length],
		       length * sizeof(float));
	const float *values =
		network_forward(&decision->online, &trainer->online, trainer->states, rows);
	for (size_t i = 0; i < rows; i++)
		loss += ppo_actor_loss(decision, order[i], &values[i * trainer->action_count],
				       &trainer->gradient.outputs[last][i * trainer->action_count],
				       rows);
	descend(&decision->online, &trainer->online, &trainer->gradient, &decision->adam,
		trainer->states, rows, limit);
	values = network_forward(&decision->critic, &trainer->target, trainer->states, rows);
	for (size_t i = 0; i < rows; i++) {
		float error = values[i] - trainer->goals[order[i]];
		loss += (double)(VALUE_WEIGHT * error * error);
		worth[i] = 2 * VALUE_WEIGHT * error / (float)rows;
	}
	descend(&decision->critic, &trainer->target, &trainer->critic_gradient,
		&decision->critic_adam, trainer->states, rows, limit);
	return loss;
}

static void shuffle(size_t *order, struct random *random)
{
	for (size_t i = 0; i < PPO_ROLLOUT; i++)
		order[i] = i;
	for (size_t i = PPO_ROLLOUT - 1; i > 0; i--) {
		size_t other = random_below(random, (uint32_t)i + 1), kept = order[i];
		order[i] = order[other];
		order[other] = kept;
	}
}

static void ppo_train(struct decision *decision)
{
	struct trainer *trainer = decision->trainer;
	size_t batch = trainer->parameters.batch;
	double loss = 0;
	ppo_estimate_advantages(decision);
	normalise(trainer->weights, PPO_ROLLOUT);
	for (int epoch = 0; epoch < EPOCHS; epoch++) {
		shuffle(trainer->rows, &decision->random);
		loss = 0;
		for (size_t begin = 0; begin < PPO_ROLLOUT; begin += batch)
			loss += train_batch(decision, &trainer->rows[begin],
					    PPO_ROLLOUT - begin < batch ? PPO_ROLLOUT - begin
									: batch);
	}
	decision->loss = (float)(loss / PPO_ROLLOUT);
}

const struct algorithm algorithm_ppo = {
	.name = "ppo",
	.critic = true,
	.memory = ppo_memory,
	.choose = ppo_choose,
	.due = ppo_due,
	.train = ppo_train,
	.learnt = ppo_learnt,
};
