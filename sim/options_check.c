/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether options fit each other and this machine. */
#include "sim/options.h"

#include "sim/agent.h"
#include "sim/decision/decision.h"
#include "sim/decision/ppo.h"

#include <errno.h>
#include <unistd.h>

static int check_world(const struct parameters *parameters, struct error *error)
{
	const struct {
		const char *name;
		uint32_t side;
	} sides[] = {{"width", parameters->width}, {"height", parameters->height}};
	for (int i = 0; i < 2; i++)
		if (sides[i].side < parameters->world.radius)
			return fail(error, -EINVAL,
				    "--%s %u is a world smaller than the observation radius; take "
				    "at least %u",
				    sides[i].name, sides[i].side, parameters->world.radius);
	if (parameters->maximum_population < parameters->agents)
		return fail(error, -EINVAL,
			    "--max-population %u is less than the %u agents at the beginning; give "
			    "at least as many",
			    parameters->maximum_population, parameters->agents);
	return 0;
}

static int check_rules(const struct parameters *parameters, struct error *error)
{
	if (parameters->agent.minimum_share > parameters->agent.maximum_share)
		return fail(error, -EINVAL,
			    "--min-share %u is more than --max-share %u; give at most as much",
			    parameters->agent.minimum_share, parameters->agent.maximum_share);
	if (!parameters->agent.debt &&
	    parameters->agent.reproduction_cost > parameters->agent.reproduction_minimum)
		return fail(error, -EINVAL,
			    "--reproduction-cost %g is more than --reproduction-minimum %g, which "
			    "makes debts; give at most as much, or --debt on",
			    (double)parameters->agent.reproduction_cost,
			    (double)parameters->agent.reproduction_minimum);
	return 0;
}

/* The first agents draw their random choices by these weights. */
static int check_weights(const struct parameters *parameters, struct error *error)
{
	for (uint32_t type = 0; type < TYPE_COUNT; type++) {
		struct genome genome;
		float sum = 0;
		genome_first(&genome, parameters, type);
		for (int action = 0; action < ACTION_COUNT; action++)
			sum += genome.weights[action];
		if (parameters->by_type[type] > 0 && !(sum > 0))
			return fail(error, -EINVAL,
				    "the seven action weights of %s agents are all 0; give at "
				    "least one of them more, --move-weight 1 for instance",
				    agent_type_names[type]);
	}
	return 0;
}

static int check_learning(const struct learning_parameters *learning, struct error *error)
{
	bool ppo = learning->algorithm == ALGORITHM_PPO;
	uint32_t memory = ppo ? PPO_ROLLOUT : learning->memory;
	if (learning->batch > memory)
		return fail(error, -EINVAL,
			    "--batch %u is more than the %u transitions that are remembered; give "
			    "at most as many%s",
			    learning->batch, memory, ppo ? "" : ", or more --memory");
	if (learning->epsilon_minimum > learning->epsilon_start)
		return fail(error, -EINVAL,
			    "--epsilon-minimum %g is more than --epsilon-start %g; give at most as "
			    "much",
			    (double)learning->epsilon_minimum, (double)learning->epsilon_start);
	return 0;
}

/* What the learners of so many agents take when their memories are full. */
static double learners_bytes(const struct parameters *parameters, uint32_t agents)
{
	const struct learning_parameters *learning = &parameters->learning;
	struct learning_parameters one = *learning;
	struct trainer trainer;
	if (learning->network == NETWORK_NONE)
		return 0;
	one.batch = 1;
	trainer_init(&trainer, &one, CHANNEL_COUNT, observation_cells(parameters->world.radius),
		     ACTION_COUNT);
	double bytes = trainer_learner_bytes(&trainer);
	trainer_done(&trainer);
	return bytes * (learning->sharing == SHARING_TYPE ? TYPE_COUNT : agents);
}

/* What the agents themselves take: in the world, in its index, and what they decided by. */
static double agents_bytes(const struct parameters *parameters, uint32_t agents)
{
	const struct world_parameters *world = &parameters->world;
	double each = (double)sizeof(struct agent) +
		      (double)observation_storage_of(world->observation, world->radius).bytes;
	if (parameters->learning.network != NETWORK_NONE)
		each += (double)observation_length(world->radius) * sizeof(float);
	return each * agents;
}

static double present_bytes(void)
{
	return (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
}

bool options_may_outgrow(const struct options *options, struct error *warning)
{
	const struct parameters *parameters = &options->parameters;
	uint32_t most = parameters->maximum_population;
	double needed = agents_bytes(parameters, most) + learners_bytes(parameters, most);
	double present = present_bytes();
	if (needed <= present)
		return false;
	fail(warning, 0,
	     "%u agents, which --max-population allows, and what they learn by take up to %.1f GB "
	     "of memory, and this machine has %.1f GB; a birth for which there is none ends the "
	     "run",
	     most, needed / 1e9, present / 1e9);
	return true;
}

int options_check(const struct options *options, struct error *error)
{
	const struct parameters *parameters = &options->parameters;
	int failed = options_check_effect(options, error);
	if (!failed)
		failed = check_world(parameters, error);
	if (!failed)
		failed = check_rules(parameters, error);
	if (!failed)
		failed = check_weights(parameters, error);
	if (!failed)
		failed = check_learning(&parameters->learning, error);
	if (failed)
		return failed;
	double agents = agents_bytes(parameters, parameters->agents);
	double learners = learners_bytes(parameters, parameters->agents);
	double present = present_bytes();
	if (agents + learners > present)
		return fail(
			error, -ENOMEM,
			"%u agents need %.1f GB of memory, what they learn by %.1f GB, and this "
			"machine has %.1f GB; try fewer --agents%s",
			parameters->agents, agents / 1e9, learners / 1e9, present / 1e9,
			learners > agents ? ", less --memory or a smaller network" : "");
	return 0;
}
