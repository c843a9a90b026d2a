/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of the seven actions, one function each. */
#include "sim/action.h"

#include "sim/curriculum.h"
#include "sim/environment.h"

#include <math.h>

const char *const action_names[ACTION_COUNT] = {
	"defend", "attack", "gather", "share", "move", "reproduce", "pass",
};

/* What is special about the agent's type. */
static const struct type_parameters *type_of(const struct environment *environment,
					     const struct agent *agent)
{
	static const struct type_parameters plain = {.gather_efficiency = 1};
	const struct parameters *parameters = &environment->parameters;
	return parameters->type_parameters ? &parameters->types[agent->type] : &plain;
}

static bool somebody_else(const void *context, uint32_t slot)
{
	const struct agent *agent = context;
	return slot != agent->slot;
}

static float distance(const struct agent *agent, const struct agent *other)
{
	float dx = other->x - agent->x, dy = other->y - agent->y;
	return sqrtf(dx * dx + dy * dy);
}

/* What is possible by itself, whatever is open now. */
static void find_possible(const struct environment *environment, const struct agent *agent,
			  struct action_options *options)
{
	const struct agent_parameters *rule = &environment->parameters.agent;
	struct spatial_filter others = {.accept = somebody_else, .context = agent};
	float reach = fmaxf(rule->attack_range, rule->share_range);
	options->neighbour = spatial_index_get_nearest(&environment->agent_index, agent->x,
						       agent->y, reach, &others);
	options->resource = resources_nearest_holding(
		&environment->resources, agent->x, agent->y, rule->gathering_range,
		type_of(environment, agent)->gather_threshold);
	options->allowed = 1U << ACTION_MOVE | 1U << ACTION_PASS;
	if (agent->resource_level >= 0)
		options->allowed |= 1U << ACTION_DEFEND;
	if (options->resource != SPATIAL_NONE)
		options->allowed |= 1U << ACTION_GATHER;
	if (agent->resource_level >= rule->reproduction_minimum &&
	    environment->living < environment->parameters.maximum_population)
		options->allowed |= 1U << ACTION_REPRODUCE;
	if (options->neighbour == SPATIAL_NONE)
		return;
	float away = distance(agent, &environment->agents[options->neighbour]);
	if (away <= rule->attack_range)
		options->allowed |= 1U << ACTION_ATTACK;
	if (away <= rule->share_range &&
	    agent->resource_level >= rule->share_keeps + (float)rule->minimum_share)
		options->allowed |= 1U << ACTION_SHARE;
}

void action_find_options(const struct environment *environment, const struct agent *agent,
			 struct action_options *options)
{
	find_possible(environment, agent, options);
	if (environment->parameters.curriculum)
		options->allowed &= curriculum_actions(environment->step);
}

/* Logs a change of health that has just been made. */
static void log_health(struct environment *environment, const struct agent *agent, float before,
		       const char *cause, uint32_t source)
{
	database_log_health_incident(environment->database,
				     &(struct health_row){.step = environment->step,
							  .agent = agent->number,
							  .source = source,
							  .cause = cause,
							  .before = before,
							  .after = agent->health});
}

static void defend(struct environment *environment, struct agent *agent,
		   const struct action_options *options, struct action_outcome *outcome)
{
	(void)options;
	const struct agent_parameters *rule = &environment->parameters.agent;
	float before = agent->health;
	agent->defense_timer = rule->defense_turns;
	agent->health = fminf(before + rule->defense_healing, rule->starting_health);
	outcome->succeeded = true;
	outcome->amount = agent->health - before;
	outcome->reward = environment->parameters.reward.defend;
	if (agent->health != before)
		log_health(environment, agent, before, "healing", 0);
}

/* Heat where somebody was hit, and its call for help. */
static void mark_damage(struct environment *environment, const struct agent *target, float damage)
{
	if (damage <= 0)
		return;
	fields_add(&environment->fields, FIELD_DAMAGE_HEAT, target->x, target->y,
		   damage / environment->parameters.agent.starting_health);
	fields_raise(&environment->fields, FIELD_ALLY_SIGNAL + target->type, target->x, target->y,
		     1);
}

static void attack(struct environment *environment, struct agent *agent,
		   const struct action_options *options, struct action_outcome *outcome)
{
	const struct agent_parameters *rule = &environment->parameters.agent;
	struct agent *target = &environment->agents[options->neighbour];
	float damage = rule->attack_damage;
	for (uint32_t i = 0; i < rule->attack_health_exponent; i++)
		damage *= agent_health_ratio(environment, agent);
	if (target->defense_timer > 0)
		damage *= rule->defense_factor;
	float before = target->health;
	target->health = fmaxf(before - damage, 0);
	outcome->succeeded = target->health < before;
	outcome->target = target->number;
	outcome->amount = before - target->health;
	outcome->reward = environment->parameters.reward.attack;
	environment->counters.damage += outcome->amount;
	target->hit = true;
	mark_damage(environment, target, outcome->amount);
	if (target->health != before)
		log_health(environment, target, before, death_cause_names[DEATH_COMBAT],
			   agent->number);
	if (target->health <= 0 && rule->combat_kills)
		environment_kill(environment, target, DEATH_COMBAT);
}

static void gather(struct environment *environment, struct agent *agent,
		   const struct action_options *options, struct action_outcome *outcome)
{
	const struct agent_parameters *rule = &environment->parameters.agent;
	const struct type_parameters *type = type_of(environment, agent);
	float taken = resources_take(&environment->resources, options->resource,
				     rule->maximum_gather * type->gather_efficiency);
	agent->resource_level += taken - rule->base_consumption * type->gather_cost;
	if (!rule->debt)
		agent->resource_level = fmaxf(agent->resource_level, 0);
	outcome->succeeded = taken > 0;
	outcome->target = options->resource + 1;
	outcome->amount = taken;
	outcome->reward = environment->parameters.reward.per_gathered * taken;
	environment->counters.gathered += taken;
	if (taken > 0)
		fields_raise(&environment->fields, FIELD_LANDMARKS,
			     environment->resources.x[options->resource],
			     environment->resources.y[options->resource],
			     taken / environment->parameters.agent.maximum_gather);
}

/* The poorest other agent in range, the earliest born of several. There is one. */
static struct agent *find_poorest(struct environment *environment, const struct agent *agent)
{
	struct spatial_found *found = &environment->found;
	uint32_t poorest = SPATIAL_NONE;
	spatial_index_get_nearby(&environment->agent_index, agent->x, agent->y,
				 environment->parameters.agent.share_range, found);
	for (size_t i = 0; i < found->count; i++) {
		uint32_t slot = found->ids[i];
		if (slot == agent->slot)
			continue;
		float level = environment->agents[slot].resource_level;
		if (poorest == SPATIAL_NONE ||
		    level < environment->agents[poorest].resource_level ||
		    (level == environment->agents[poorest].resource_level && slot < poorest))
			poorest = slot;
	}
	return &environment->agents[poorest];
}

static void share(struct environment *environment, struct agent *agent,
		  const struct action_options *options, struct action_outcome *outcome)
{
	(void)options;
	const struct agent_parameters *rule = &environment->parameters.agent;
	struct agent *target = find_poorest(environment, agent);
	uint32_t amounts = rule->maximum_share - rule->minimum_share + 1;
	float wanted = (float)(rule->minimum_share + random_below(&agent->random, amounts));
	float given = fminf(wanted, agent->resource_level - rule->share_keeps);
	struct social_row row = {
		.step = environment->step,
		.initiator = agent->number,
		.recipient = target->number,
		.ally = target->type == agent->type,
		.transferred = given,
		.distance = distance(agent, target),
		.initiator_before = agent->resource_level,
		.recipient_before = target->resource_level,
	};
	agent->resource_level -= given;
	target->resource_level += given;
	row.initiator_after = agent->resource_level;
	row.recipient_after = target->resource_level;
	database_log_social_interaction(environment->database, &row);
	outcome->succeeded = true;
	outcome->target = target->number;
	outcome->amount = given;
	outcome->reward = environment->parameters.reward.per_shared * given;
	environment->counters.shared += given;
}

/*
 * How soon the index should take a move over: first of those who were hit and flee, most of all the
 * weak, last of those who have nobody near. It orders, and changes no answer.
 */
static enum spatial_priority priority_of(const struct environment *environment,
					 const struct agent *agent,
					 const struct action_options *options)
{
	if (environment->parameters.world.index_urgency == URGENCY_EQUAL)
		return SPATIAL_NORMAL;
	if (agent->hit)
		return agent_health_ratio(environment, agent) < 0.5F ? SPATIAL_CRITICAL
								     : SPATIAL_HIGH;
	return options->neighbour == SPATIAL_NONE ? SPATIAL_LOW : SPATIAL_NORMAL;
}

static void move(struct environment *environment, struct agent *agent,
		 const struct action_options *options, struct action_outcome *outcome)
{
	/* East, west, south, north: rows of the window grow to the south. */
	static const float directions[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
	static const uint32_t orientations[4] = {90, 270, 180, 0};
	uint32_t choice = random_below(&agent->random, 4);
	const float *direction = directions[choice];
	uint32_t farthest = environment->parameters.agent.maximum_movement;
	float length = (float)(1 + random_below(&agent->random, farthest));
	float x = agent->x + direction[0] * length, y = agent->y + direction[1] * length;
	if (!environment_contains(environment, x, y))
		return;
	agent->x = x;
	agent->y = y;
	agent->orientation = orientations[choice];
	spatial_index_move_urgently(&environment->agent_index, agent->slot, x, y,
				    priority_of(environment, agent, options));
	fields_raise(&environment->fields, FIELD_TRAILS, x, y, 1);
	outcome->succeeded = true;
	outcome->amount = length;
}

static void reproduce(struct environment *environment, struct agent *agent,
		      const struct action_options *options, struct action_outcome *outcome)
{
	(void)options;
	const struct agent_parameters *rule = &environment->parameters.agent;
	struct reproduction_row row = {
		.step = environment->step,
		.parent = agent->number,
		.parent_generation = agent->generation,
		.resources_before = agent->resource_level,
		.x = agent->x,
		.y = agent->y,
	};
	struct agent *child = NULL;
	if (random_chance(&agent->random, rule->reproduction_chance))
		child = environment_add_agent(environment, agent->type, agent->x, agent->y,
					      rule->offspring_resources, agent);
	else
		row.failure = "chance";
	if (!child && !row.failure)
		row.failure = "memory";
	if (child) {
		agent->resource_level -= rule->reproduction_cost;
		environment->counters.births++;
		row.offspring = child->number;
		outcome->succeeded = true;
		outcome->target = child->number;
		outcome->reward = environment->parameters.reward.reproduce;
	}
	row.resources_after = agent->resource_level;
	database_log_reproduction(environment->database, &row);
}

static void pass(struct environment *environment, struct agent *agent,
		 const struct action_options *options, struct action_outcome *outcome)
{
	(void)agent;
	(void)options;
	outcome->succeeded = true;
	outcome->reward = environment->parameters.reward.pass;
}

static void (*const rules[ACTION_COUNT])(struct environment *, struct agent *,
					 const struct action_options *, struct action_outcome *) = {
	[ACTION_DEFEND] = defend, [ACTION_ATTACK] = attack, [ACTION_GATHER] = gather,
	[ACTION_SHARE] = share,	  [ACTION_MOVE] = move,	    [ACTION_REPRODUCE] = reproduce,
	[ACTION_PASS] = pass,
};

void action_perform(struct environment *environment, struct agent *agent, enum action action,
		    const struct action_options *options, struct action_outcome *outcome)
{
	*outcome = (struct action_outcome){0};
	if (options->allowed & 1U << action)
		rules[action](environment, agent, options, outcome);
	environment->counters.attempted[action]++;
	environment->counters.succeeded[action] += outcome->succeeded;
}
