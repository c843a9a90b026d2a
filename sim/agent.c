/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An agent's turn, part by part. */
#include "sim/agent.h"

#include "sim/environment.h"

#include <math.h>
#include <string.h>

const char *const agent_type_names[TYPE_COUNT] = {"System", "Independent", "Control"};

float agent_health_ratio(const struct environment *environment, const struct agent *agent)
{
	return agent->health / environment->parameters.agent.starting_health;
}

/* Takes the base consumption; the agent may starve. */
static void consume(struct environment *environment, struct agent *agent)
{
	const struct agent_parameters *rule = &environment->parameters.agent;
	agent->resource_level -= rule->base_consumption;
	if (!rule->debt)
		agent->resource_level = fmaxf(agent->resource_level, 0);
	agent->starvation_counter = agent->resource_level > 0 ? 0 : agent->starvation_counter + 1;
	if (agent->starvation_counter >= rule->starvation_threshold)
		environment_kill(environment, agent, DEATH_STARVATION);
}

static float reward_for(const struct environment *environment, const struct agent *agent,
			enum action action, const struct action_outcome *outcome,
			float resources_before, float health_before)
{
	const struct reward_parameters *rule = &environment->parameters.reward;
	return rule->per_resource * (agent->resource_level - resources_before) +
	       rule->per_health * (agent->health - health_before) + rule->alive +
	       (action == ACTION_PASS ? 0 : rule->acted) + outcome->reward;
}

static void log_turn(struct environment *environment, const struct agent *agent, enum action action,
		     const struct action_outcome *outcome, float resources_before, float reward)
{
	database_log_action(environment->database,
			    &(struct action_row){.step = environment->step,
						 .agent = agent->number,
						 .target = outcome->target,
						 .action = action_names[action],
						 .succeeded = outcome->succeeded,
						 .amount = outcome->amount,
						 .resources_before = resources_before,
						 .resources_after = agent->resource_level,
						 .reward = reward});
	if (outcome->succeeded && outcome->target != 0)
		database_log_interaction(
			environment->database,
			&(struct interaction_row){
				.step = environment->step,
				.source = agent->number,
				.target = outcome->target,
				.target_type = action == ACTION_GATHER ? "resource" : "agent",
				.type = action_names[action]});
}

void agent_draw_afresh(const struct environment *environment, struct agent *agent)
{
	random_seed(&agent->random, environment->parameters.seed,
		    STREAM_AGENTS + ((uint64_t)environment->step << 32) + agent->number);
}

void agent_upkeep(struct environment *environment, struct agent *agent)
{
	agent->turn = (struct turn){0};
	if (!agent->alive)
		return;
	agent_draw_afresh(environment, agent);
	if (agent->defense_timer > 0)
		agent->defense_timer--;
	consume(environment, agent);
}

/* @seen  receives it, where anybody learns or decides by it; NULL when not */
static void observe(const struct environment *environment, struct agent *agent,
		    struct observer *observer, float *seen)
{
	const float *tensor = environment_observe(environment, agent, &observer->perception);
	observer->observations++;
	if (seen && agent->decision->trainer->layer_count > 0)
		memcpy(seen, tensor, environment->tensor_length * sizeof(*seen));
}

void agent_look(const struct environment *environment, struct agent *agent,
		struct observer *observer, float *state)
{
	/* The original looks three times a turn; the second look, for the choice, is its own. */
	if (environment->parameters.world.looks == LOOKS_THREE)
		observe(environment, agent, observer, NULL);
	if (!agent->looked_ahead)
		observe(environment, agent, observer, state);
	agent->looked_ahead = false;
	struct action_options options;
	action_find_options(environment, agent, &options);
	agent->turn.allowed = options.allowed;
	agent->turn.resources_before = agent->resource_level;
	agent->turn.health_before = agent->health;
}

void agent_ask(struct agent *agent, struct choice *choice)
{
	*choice = (struct choice){
		.allowed = agent->turn.allowed,
		.epsilon = agent->epsilon,
		.weights = agent->genome.weights,
		.random = &agent->random,
	};
}

void agent_answer(const struct environment *environment, struct agent *agent,
		  const struct choice *choice)
{
	const struct learning_parameters *rule = &environment->parameters.learning;
	agent->epsilon = fmaxf(agent->epsilon * rule->epsilon_decay, rule->epsilon_minimum);
	agent->turn.action = choice->action;
	agent->turn.log_probability = choice->log_probability;
	agent->turn.explored = choice->explored;
}

void agent_decide(const struct environment *environment, struct agent *agent,
		  struct observer *observer, const float *state)
{
	struct choice choice;
	agent_ask(agent, &choice);
	decision_decide(agent->decision, &observer->workspace, state, &choice, 1);
	agent_answer(environment, agent, &choice);
}

void agent_act(struct environment *environment, struct agent *agent)
{
	struct turn *turn = &agent->turn;
	struct action_options options;
	action_find_options(environment, agent, &options);
	turn->acted = true;
	environment->counters.turns++;
	decision_count(agent->decision, turn->explored);
	action_perform(environment, agent, turn->action, &options, &turn->outcome);
	agent->hit = false;
}

void agent_look_again(const struct environment *environment, struct agent *agent,
		      struct observer *observer, float *next)
{
	if (!agent->turn.acted || !agent->alive)
		return;
	observe(environment, agent, observer, next);
	agent->looked_ahead = environment->parameters.world.looks == LOOKS_ONE;
	struct action_options options;
	action_find_options(environment, agent, &options);
	agent->turn.next_allowed = options.allowed;
}

static void log_learning(struct environment *environment, const struct agent *agent, float reward)
{
	bool shared = environment->parameters.learning.sharing == SHARING_TYPE;
	enum action action = agent->turn.action;
	database_log_learning(
		environment->database,
		&(struct learning_row){.step = environment->step,
				       .agent = agent->number,
				       .action = action,
				       .learner = shared ? agent_type_names[agent->type] : NULL,
				       .action_name = action_names[action],
				       .reward = reward});
}

void agent_learn(struct environment *environment, struct agent *agent, const float *state,
		 const float *next)
{
	const struct reward_parameters *rule = &environment->parameters.reward;
	struct turn *turn = &agent->turn;
	if (!turn->acted)
		return;
	turn->acted = false;
	float reward = reward_for(environment, agent, turn->action, &turn->outcome,
				  turn->resources_before, turn->health_before);
	agent->total_reward += reward;
	log_turn(environment, agent, turn->action, &turn->outcome, turn->resources_before, reward);
	agent->last_transition = decision_remember(
		agent->decision, &(struct transition){.state = state,
						      .next = next,
						      .action = turn->action,
						      .reward = reward,
						      .allowed = turn->allowed,
						      .log_probability = turn->log_probability,
						      .previous = agent->last_transition,
						      .next_allowed = turn->next_allowed});
	if (agent->last_transition == 0)
		return;
	/* Rewarded for being alive, which it was when it acted; what came of it is known now. */
	float loss = agent->alive ? 0 : rule->dead - rule->alive;
	if (!agent->alive)
		decision_end_life(agent->decision, agent->last_transition, loss);
	log_learning(environment, agent, reward + loss);
	decision_learn(agent->decision);
}
