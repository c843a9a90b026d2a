/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all learners do; how they learn is their algorithm's. */
#include "sim/decision/decision.h"

#include "sim/allocate.h"
#include "sim/decision/dqn.h"
#include "sim/decision/ppo.h"

#include <stdlib.h>
#include <string.h>

static const struct algorithm *const algorithms[ALGORITHM_COUNT] = {
	[ALGORITHM_DQN] = &algorithm_dqn,
	[ALGORITHM_DDQN] = &algorithm_ddqn,
	[ALGORITHM_PPO] = &algorithm_ppo,
};

static void add_layer(struct trainer *trainer, struct layer layer)
{
	trainer->layers[trainer->layer_count++] = layer;
}

static void add_dense(struct trainer *trainer, size_t inputs, size_t outputs, bool relu)
{
	add_layer(trainer,
		  (struct layer){.kind = &layer_dense, .inputs = inputs, .outputs = outputs});
	if (relu)
		add_layer(
			trainer,
			(struct layer){.kind = &layer_relu, .inputs = outputs, .outputs = outputs});
}

/* Two hidden layers of the configured width. */
static void lay_small(struct trainer *trainer)
{
	size_t hidden = trainer->parameters.hidden;
	add_dense(trainer, trainer->state_length, hidden, true);
	add_dense(trainer, hidden, hidden, true);
	add_dense(trainer, hidden, trainer->action_count, false);
}

/* The original's: convolutions to 32, 64, 64 maps, then 512 and 256. */
static void lay_seed(struct trainer *trainer, size_t channels, size_t cells)
{
	static const size_t filters[] = {32, 64, 64};
	struct layer_window window = {.channels = channels, .cell_stride = 1};
	while (window.side * window.side < cells)
		window.side++;
	window.channel_stride = cells;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		window.filters = filters[i];
		size_t outputs = cells * window.filters;
		add_layer(trainer, (struct layer){.kind = &layer_convolution,
						  .inputs = cells * window.channels,
						  .outputs = outputs,
						  .window = window});
		add_layer(
			trainer,
			(struct layer){.kind = &layer_relu, .inputs = outputs, .outputs = outputs});
		window.channels = window.cell_stride = filters[i];
		window.channel_stride = 1;
	}
	add_dense(trainer, cells * window.channels, 512, true);
	add_dense(trainer, 512, 256, true);
	add_dense(trainer, 256, trainer->action_count, false);
}

static const struct matrix_kernels *kernels(const struct trainer *trainer)
{
	return trainer->parameters.matrix == MATRIX_OPENBLAS ? &matrix_openblas : matrix_own();
}

void trainer_workspace(const struct trainer *trainer, struct workspace *workspace,
		       size_t maximum_rows)
{
	workspace_init(workspace, trainer->layers, trainer->layer_count, maximum_rows,
		       kernels(trainer));
}

static void make_gradient(struct gradient *gradient, const struct layer *layers, size_t count,
			  size_t rows)
{
	struct network shape;
	network_init(&shape, layers, count);
	gradient_init(gradient, &shape, rows);
	network_done(&shape);
}

static void make_rooms(struct trainer *trainer)
{
	size_t batch = trainer->parameters.batch, count = trainer->layer_count;
	bool critic = trainer->algorithm->critic;
	memcpy(trainer->critic_layers, trainer->layers, sizeof(trainer->layers));
	if (count > 0)
		trainer->critic_layers[count - 1].outputs = 1;
	trainer_workspace(trainer, &trainer->online, batch);
	workspace_init(&trainer->target, critic ? trainer->critic_layers : trainer->layers, count,
		       batch, kernels(trainer));
	make_gradient(&trainer->gradient, trainer->layers, count, batch);
	if (critic)
		make_gradient(&trainer->critic_gradient, trainer->critic_layers, count, batch);
}

void trainer_init(struct trainer *trainer, const struct learning_parameters *parameters,
		  size_t channels, size_t cells, uint32_t action_count)
{
	const struct algorithm *algorithm = algorithms[parameters->algorithm];
	uint32_t batch = parameters->batch, memory = algorithm->memory(parameters);
	size_t rows = batch > memory || !algorithm->critic ? batch : memory;
	size_t state_length = channels * cells;
	*trainer = (struct trainer){
		.parameters = *parameters,
		.algorithm = algorithm,
		.state_length = state_length,
		.action_count = action_count,
		.rows = allocate(rows, sizeof(size_t)),
		.goals = allocate(rows, sizeof(float)),
		.factors = allocate(rows, sizeof(float)),
		.weights = allocate(rows, sizeof(float)),
		.next_allowed = allocate(rows, sizeof(uint32_t)),
		.next_actions = allocate(rows, sizeof(uint32_t)),
		.states = allocate(batch * state_length, sizeof(float)),
		.nexts = allocate(batch * state_length, sizeof(float)),
	};
	if (parameters->network == NETWORK_SMALL)
		lay_small(trainer);
	if (parameters->network == NETWORK_SEED)
		lay_seed(trainer, channels, cells);
	make_rooms(trainer);
}

void trainer_done(struct trainer *trainer)
{
	gradient_done(&trainer->critic_gradient);
	gradient_done(&trainer->gradient);
	workspace_done(&trainer->target);
	workspace_done(&trainer->online);
	free(trainer->next_actions);
	free(trainer->next_allowed);
	free(trainer->weights);
	free(trainer->factors);
	free(trainer->goals);
	free(trainer->nexts);
	free(trainer->states);
	free(trainer->rows);
}

double trainer_learner_bytes(const struct trainer *trainer)
{
	struct network shape;
	if (trainer->layer_count == 0)
		return 0;
	network_init(&shape, trainer->layers, trainer->layer_count);
	double networks = trainer->algorithm->critic ? 6 : 4; /* with the moments of Adam */
	double floats = networks * (double)shape.parameter_count +
			2.0 * trainer->algorithm->memory(&trainer->parameters) *
				(double)trainer->state_length;
	network_done(&shape);
	return floats * sizeof(float);
}

void decision_init(struct decision *decision, struct trainer *trainer, uint64_t seed,
		   uint64_t stream)
{
	const struct learning_parameters *parameters = &trainer->parameters;
	size_t count = trainer->layer_count;
	*decision = (struct decision){.trainer = trainer};
	random_seed(&decision->random, seed, stream);
	if (count == 0)
		return;
	network_init(&decision->online, trainer->layers, count);
	network_initialize(&decision->online, &decision->random);
	adam_init(&decision->adam, decision->online.parameter_count, parameters->learning_rate);
	if (trainer->algorithm->critic) {
		network_init(&decision->critic, trainer->critic_layers, count);
		network_initialize(&decision->critic, &decision->random);
		adam_init(&decision->critic_adam, decision->critic.parameter_count,
			  parameters->learning_rate);
	} else {
		network_init(&decision->target, trainer->layers, count);
		network_copy(&decision->target, &decision->online);
	}
	replay_init(&decision->replay, trainer->algorithm->memory(parameters),
		    trainer->state_length,
		    parameters->replay == REPLAY_PRIORITISED && !trainer->algorithm->critic);
}

void decision_done(struct decision *decision)
{
	replay_done(&decision->replay);
	adam_done(&decision->critic_adam);
	adam_done(&decision->adam);
	network_done(&decision->critic);
	network_done(&decision->target);
	network_done(&decision->online);
}

uint32_t decision_best_action(const float *values, uint32_t action_count, uint32_t allowed)
{
	uint32_t best = action_count;
	for (uint32_t action = 0; action < action_count; action++)
		if (allowed & 1U << action &&
		    (best == action_count || values[action] > values[best]))
			best = action;
	return best;
}

static uint32_t draw_equal(uint32_t allowed, struct random *random)
{
	uint32_t skip = random_below(random, (uint32_t)__builtin_popcount(allowed));
	while (skip-- > 0)
		allowed &= allowed - 1;
	return (uint32_t)__builtin_ctz(allowed);
}

uint32_t decision_random_action(const struct choice *choice)
{
	uint32_t action = 0;
	float sum = 0;
	for (uint32_t left = choice->allowed; choice->weights && left; left &= left - 1)
		sum += choice->weights[__builtin_ctz(left)];
	if (!choice->weights || !(sum > 0))
		return draw_equal(choice->allowed, choice->random);
	float drawn = random_unit(choice->random) * sum;
	for (uint32_t left = choice->allowed; left; left &= left - 1) {
		uint32_t next = (uint32_t)__builtin_ctz(left);
		if (choice->weights[next] == 0)
			continue;
		action = next;
		drawn -= choice->weights[next];
		if (drawn < 0)
			break;
	}
	return action;
}

void decision_decide(const struct decision *decision, struct workspace *workspace,
		     const float *states, struct choice *choices, size_t count)
{
	const struct trainer *trainer = decision->trainer;
	for (size_t i = 0; i < count && trainer->layer_count == 0; i++) {
		choices[i].action = decision_random_action(&choices[i]);
		choices[i].explored = true;
	}
	if (trainer->layer_count == 0)
		return;
	const float *values = network_forward(&decision->online, workspace, states, count);
	for (size_t i = 0; i < count; i++)
		trainer->algorithm->choose(&values[i * trainer->action_count],
					   trainer->action_count, &choices[i]);
}

void decision_count(struct decision *decision, bool explored)
{
	decision->decisions++;
	decision->explored += explored;
	decision->trainer->explored += explored;
}

uint64_t decision_remember(struct decision *decision, const struct transition *transition)
{
	if (decision->trainer->layer_count == 0)
		return 0;
	return replay_store(&decision->replay, transition);
}

/* The same again, for the trainings to come. */
static uint64_t remember_again(struct decision *decision, uint64_t number,
			       const struct replay_entry *entry)
{
	const struct replay *replay = &decision->replay;
	size_t place = (size_t)((number - 1) % replay->capacity) * replay->state_length;
	return decision_remember(decision,
				 &(struct transition){.state = &replay->states[place],
						      .next = &replay->nexts[place],
						      .action = entry->action,
						      .reward = entry->reward,
						      .allowed = entry->allowed,
						      .next_allowed = entry->next_allowed,
						      .log_probability = entry->log_probability});
}

void decision_end_life(struct decision *decision, uint64_t number, float reward)
{
	const struct algorithm *algorithm = decision->trainer->algorithm;
	if (number == 0)
		return;
	struct replay_entry *entry = replay_find(&decision->replay, number);
	if (!entry)
		return;
	bool again = algorithm->learnt && algorithm->learnt(decision, number);
	if (again)
		entry = replay_find(&decision->replay, remember_again(decision, number, entry));
	entry->terminal = true;
	entry->reward += reward;
	if (again)
		decision_learn(decision);
}

void decision_learn(struct decision *decision)
{
	const struct algorithm *algorithm = decision->trainer->algorithm;
	if (decision->trainer->layer_count == 0 || !algorithm->due(decision))
		return;
	algorithm->train(decision);
	decision->trainings++;
	decision->trainer->trainings++;
}
