/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deciding and learning with a Q-network. */
#include "sim/decision/dqn.h"

#include "sim/decision/elementary.h"

#include <math.h>
#include <string.h>

static void dqn_choose(const float *values, uint32_t action_count, struct choice *choice)
{
	choice->explored = random_chance(choice->random, choice->epsilon);
	choice->action = choice->explored
				 ? decision_random_action(choice)
				 : decision_best_action(values, action_count, choice->allowed);
}

static bool dqn_due(const struct decision *decision)
{
	const struct learning_parameters *parameters = &decision->trainer->parameters;
	return replay_count(&decision->replay) >= parameters->batch &&
	       decision->replay.stored % parameters->train_every == 0;
}

static const float PRIORITY_EXPONENT = 0.6F;
static const float SMALLEST_ERROR = 1e-6F;

static float power(float base, float exponent)
{
	return (float)elementary_exp((double)exponent * elementary_log(base));
}

/* Rows, and what each counts in the loss. */
static void draw(struct decision *decision)
{
	struct trainer *trainer = decision->trainer;
	size_t batch = trainer->parameters.batch;
	float largest = 0, beta = 0.4F + 0.6F * (float)decision->trainings / 100000;
	if (trainer->parameters.replay == REPLAY_UNIFORM) {
		replay_sample(&decision->replay, &decision->random, trainer->rows, batch);
		for (size_t i = 0; i < batch; i++)
			trainer->weights[i] = 1;
		return;
	}
	replay_draw(&decision->replay, &decision->random, trainer->rows, trainer->weights, batch);
	for (size_t i = 0; i < batch; i++) {
		float chance = trainer->weights[i] * (float)replay_count(&decision->replay);
		trainer->weights[i] = power(chance, -(beta < 1 ? beta : 1));
		largest = fmaxf(largest, trainer->weights[i]);
	}
	for (size_t i = 0; i < batch; i++)
		trainer->weights[i] /= largest;
}

/* Follows an agent for up to n steps: their rewards, and where the estimate is to be made. */
static size_t look_ahead(struct decision *decision, size_t i)
{
	struct trainer *trainer = decision->trainer;
	const struct replay *replay = &decision->replay;
	size_t row = trainer->rows[i];
	float sum = 0, factor = 1;
	for (uint32_t step = 1;; step++) {
		const struct replay_entry *entry = &replay->entries[row];
		sum += factor * entry->reward;
		factor *= trainer->parameters.discount;
		trainer->next_allowed[i] = entry->next_allowed;
		if (entry->terminal)
			factor = 0;
		if (entry->terminal || entry->following == 0 || step >= trainer->parameters.n_step)
			break;
		row = (entry->following - 1) % replay->capacity;
	}
	trainer->goals[i] = sum;
	trainer->factors[i] = factor;
	return row;
}

static void gather_batch(struct decision *decision)
{
	struct trainer *trainer = decision->trainer;
	const struct replay *replay = &decision->replay;
	size_t length = trainer->state_length, bytes = length * sizeof(float);
	draw(decision);
	for (size_t i = 0; i < trainer->parameters.batch; i++) {
		size_t last = look_ahead(decision, i);
		memcpy(&trainer->states[i * length], &replay->states[trainer->rows[i] * length],
		       bytes);
		memcpy(&trainer->nexts[i * length], &replay->nexts[last * length], bytes);
	}
}

/* Adds the estimates of what follows to the goals. */
static void estimate(struct decision *decision)
{
	struct trainer *trainer = decision->trainer;
	size_t batch = trainer->parameters.batch, actions = trainer->action_count;
	bool twice = trainer->algorithm == &algorithm_ddqn;
	const float *values;
	if (twice) {
		values =
			network_forward(&decision->online, &trainer->online, trainer->nexts, batch);
		for (size_t i = 0; i < batch; i++)
			trainer->next_actions[i] = decision_best_action(
				&values[i * actions], (uint32_t)actions, trainer->next_allowed[i]);
	}
	values = network_forward(&decision->target, &trainer->target, trainer->nexts, batch);
	for (size_t i = 0; i < batch; i++) {
		if (trainer->factors[i] == 0)
			continue;
		uint32_t action =
			twice ? trainer->next_actions[i]
			      : decision_best_action(&values[i * actions], (uint32_t)actions,
						     trainer->next_allowed[i]);
		trainer->goals[i] += trainer->factors[i] * values[i * actions + action];
	}
}

/* Derivatives of the loss by the network's outputs; returns the loss. */
static float smooth_l1(struct decision *decision, const float *values)
{
	struct trainer *trainer = decision->trainer;
	struct replay *replay = &decision->replay;
	uint32_t actions = trainer->action_count, batch = trainer->parameters.batch;
	float *derivative = trainer->gradient.outputs[trainer->layer_count - 1];
	float loss = 0;
	memset(derivative, 0, (size_t)batch * actions * sizeof(*derivative));
	for (uint32_t i = 0; i < batch; i++) {
		size_t place = (size_t)i * actions + replay->entries[trainer->rows[i]].action;
		float difference = values[place] - trainer->goals[i];
		float size = fabsf(difference), weight = trainer->weights[i];
		loss += weight * (size < 1 ? 0.5F * difference * difference : size - 0.5F);
		derivative[place] =
			weight * (size < 1 ? difference : copysignf(1, difference)) / (float)batch;
		if (replay->sums)
			replay_weigh(replay, trainer->rows[i],
				     power(size + SMALLEST_ERROR, PRIORITY_EXPONENT));
	}
	return loss / (float)batch;
}

static void follow_block(float *restrict target, const float *restrict online, float rate)
{
	for (size_t i = 0; i < PARAMETER_BLOCK; i++)
		target[i] += rate * (online[i] - target[i]);
}

static void follow(struct network *target, const struct network *online, float rate)
{
	for (size_t i = 0; i < target->parameter_count; i += PARAMETER_BLOCK)
		follow_block(&target->parameters[i], &online->parameters[i], rate);
}

static void dqn_train(struct decision *decision)
{
	struct trainer *trainer = decision->trainer;
	const struct learning_parameters *parameters = &trainer->parameters;
	size_t batch = parameters->batch;
	gather_batch(decision);
	estimate(decision);
	const float *values =
		network_forward(&decision->online, &trainer->online, trainer->states, batch);
	decision->loss = smooth_l1(decision, values);
	network_backward(&decision->online, &trainer->online, trainer->states, batch,
			 &trainer->gradient);
	gradient_clip(trainer->gradient.parameters, decision->online.parameter_count,
		      parameters->gradient_limit);
	adam_step(&decision->adam, decision->online.parameters, trainer->gradient.parameters);
	if (parameters->target_every == 0)
		follow(&decision->target, &decision->online, parameters->target_rate);
	else if ((decision->trainings + 1) % parameters->target_every == 0)
		network_copy(&decision->target, &decision->online);
}

static uint32_t dqn_memory(const struct learning_parameters *parameters)
{
	return parameters->memory;
}

const struct algorithm algorithm_dqn = {
	.name = "dqn",
	.memory = dqn_memory,
	.choose = dqn_choose,
	.due = dqn_due,
	.train = dqn_train,
};

const struct algorithm algorithm_ddqn = {
	.name = "ddqn",
	.memory = dqn_memory,
	.choose = dqn_choose,
	.due = dqn_due,
	.train = dqn_train,
};
