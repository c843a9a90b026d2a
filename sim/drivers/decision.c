/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim-decision: lets a learner choose, and learn from what it chose.
 *
 * States are made up, as full as those of a run: a fifth of the numbers is not zero. In each round
 * a choice is made for every agent, one by one or 32 at a time; then each is remembered, and the
 * learner trains when it is due.
 */
#include "sim/allocate.h"
#include "sim/decision/decision.h"
#include "sim/drivers/driver.h"
#include "sim/environment.h"

#include <stdlib.h>

struct choices {
	struct options engine;
	uint32_t rounds;
	bool train;
};

static const char *const engine_options[] = {
	"seed",	       "agents",	"network",	 "hidden",	 "algorithm", "decisions",
	"blas",	       "replay",	"n-step",	 "target-every", "memory",    "batch",
	"train-every", "learning-rate", "epsilon-start", "radius",	 NULL};

static const struct setting settings[] = {
	{NULL, "rounds", "N", SETTING_WHOLE, offsetof(struct choices, rounds), 1, 1e9, NULL,
	 "How often a choice is made for every agent"},
	{NULL, "train", "on|off", SETTING_SWITCH, offsetof(struct choices, train), 0, 0, NULL,
	 "Whether choices are remembered and learnt from"},
};

struct class
{
	const struct choices *choices;
	struct trainer trainer;
	struct decision decision;
	struct workspace workspace;
	struct random random;
	float *states; /* of all agents, now and after */
	float *nexts;
	struct choice *answers;
	uint64_t chosen[ACTION_COUNT];
};

/* Of all agents. */
static float *make_states(const struct parameters *parameters, struct random *random)
{
	size_t length = parameters->agents * observation_length(parameters->world.radius);
	float *states = allocate(length, sizeof(float));
	for (size_t i = 0; i < length; i++)
		states[i] = random_chance(random, 0.2F) ? random_unit(random) : 0;
	return states;
}

static void decide(struct class *class)
{
	const struct parameters *parameters = &class->choices->engine.parameters;
	bool batched = parameters->learning.decisions == DECISIONS_BATCHED;
	uint32_t agents = parameters->agents, size = batched ? TURNS_CHUNK : 1;
	for (uint32_t i = 0; i < agents; i++)
		class->answers[i] = (struct choice){.allowed = (1U << ACTION_COUNT) - 1,
						    .epsilon = parameters->learning.epsilon_start,
						    .random = &class->random};
	for (uint32_t begin = 0; begin < agents; begin += size)
		decision_decide(&class->decision, &class->workspace,
				&class->states[begin * class->trainer.state_length],
				&class->answers[begin],
				agents - begin < size ? agents - begin : size);
	for (uint32_t i = 0; i < agents; i++) {
		class->chosen[class->answers[i].action]++;
		decision_count(&class->decision, class->answers[i].explored);
	}
}

static void learn(struct class *class)
{
	uint32_t agents = class->choices->engine.parameters.agents;
	for (uint32_t i = 0; i < agents; i++) {
		const struct choice *answer = &class->answers[i];
		decision_remember(&class->decision,
				  &(struct transition){
					  .state = &class->states[i * class->trainer.state_length],
					  .next = &class->nexts[i * class->trainer.state_length],
					  .action = answer->action,
					  .reward = random_unit(&class->random),
					  .allowed = answer->allowed,
					  .next_allowed = answer->allowed,
					  .log_probability = answer->log_probability});
		decision_learn(&class->decision);
	}
}

static void make(struct class *class)
{
	const struct parameters *parameters = &class->choices->engine.parameters;
	trainer_init(&class->trainer, &parameters->learning, CHANNEL_COUNT,
		     observation_cells(parameters->world.radius), ACTION_COUNT);
	trainer_workspace(&class->trainer, &class->workspace, TURNS_CHUNK);
	decision_init(&class->decision, &class->trainer, parameters->seed, STREAM_LEARNERS);
	random_seed(&class->random, parameters->seed, STREAM_AGENTS);
	class->states = make_states(parameters, &class->random);
	class->nexts = make_states(parameters, &class->random);
	class->answers = allocate(parameters->agents, sizeof(struct choice));
}

static void drop(struct class *class)
{
	free(class->answers);
	free(class->nexts);
	free(class->states);
	decision_done(&class->decision);
	workspace_done(&class->workspace);
	trainer_done(&class->trainer);
}

int main(int argc, char **argv)
{
	static struct choices choices = {.rounds = 100, .train = true};
	struct class class = {.choices = &choices};
	const struct driver driver = {
		.summary = "Let a learner choose and learn.\vEnds with counts of what was done.",
		.engine = engine_options,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
	};
	options_default(&choices.engine);
	choices.engine.parameters.agents = 50;
	choices.engine.parameters.learning.epsilon_start = 0.1F;
	choices.engine.parameters.learning.epsilon_minimum = 0; /* epsilon does not fade here */
	driver_parse(&driver, &choices, argc, argv);
	struct error error;
	if (choices.engine.parameters.learning.matrix == MATRIX_OPENBLAS &&
	    matrix_load_openblas(1, &error) < 0)
		driver_fail(&error);
	make(&class);
	for (uint32_t round = 0; round < choices.rounds; round++) {
		decide(&class);
		if (choices.train)
			learn(&class);
	}
	driver_count("decisions", class.decision.decisions);
	driver_count("decisions at random", class.decision.explored);
	driver_count("forward passes", class.workspace.forward_passes +
					       class.trainer.online.forward_passes +
					       class.trainer.target.forward_passes);
	driver_count("remembered", class.decision.replay.stored);
	driver_count("trainings", class.decision.trainings);
	for (int action = 0; action < ACTION_COUNT; action++)
		driver_count(action_names[action], class.chosen[action]);
	drop(&class);
	return driver_end();
}
