/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * agent: one inhabitant of the world and its turn.
 *
 * Agents live in one array of the environment, in the order of their births, which is also the
 * order of their turns. An agent's place in it (`slot`) is its id in the spatial index and changes
 * when the dead are cleared away at the end of a step; its `number` never changes.
 */
#pragma once

#include "sim/genome.h"
#include "sim/action.h"
#include "sim/observation.h"
#include "sim/random.h"

#include <stdbool.h>
#include <stdint.h>

struct choice;
struct decision;
struct environment;
struct observer;

enum agent_type {
	TYPE_SYSTEM,
	TYPE_INDEPENDENT,
	TYPE_CONTROL,
	TYPE_COUNT,
};

extern const char *const agent_type_names[TYPE_COUNT];

/* What an agent is doing in this step. */
struct turn {
	bool acted; /* and has not learnt from it yet */
	enum action action;
	uint32_t allowed;      /* bit per action, when it decided */
	uint32_t next_allowed; /* after it acted */
	float log_probability; /* of the action, see struct choice */
	bool explored;
	float resources_before; /* when it decided */
	float health_before;
	struct action_outcome outcome;
};

struct agent {
	uint32_t number; /* from 1, by birth */
	uint32_t slot;
	enum agent_type type;
	bool alive;
	bool hit;	   /* since its last turn */
	bool looked_ahead; /* its last look, after it acted, is what it decides by next */
	float x;
	float y;
	float resource_level;	     /* >= 0 */
	float health;		     /* 0 .. the starting health; 0 is dead */
	uint32_t defense_timer;	     /* turns of protection left; defends while > 0 */
	uint32_t starvation_counter; /* turns in a row with nothing left */
	uint32_t generation;	     /* 0 for the first agents */
	uint32_t birth_step;
	uint32_t orientation; /* degrees clockwise from north (lower y): 0, 90, 180 or 270 */
	float total_reward;
	float epsilon;		  /* probability that the next decision is a random one */
	uint64_t last_transition; /* number in the learner's memory; 0 before the first */
	struct genome genome;
	struct random random; /* of this step: seeded by seed, number and step */
	struct turn turn;
	struct decision *decision;	 /* its learner; owned by the environment */
	struct observation *observation; /* owned by the environment */
};

/* Starts the agent's random numbers of this step. */
void agent_draw_afresh(const struct environment *environment, struct agent *agent);

/* The parts of a turn, in this order; sim/turns.h says when. */

/* Begins a step: protection runs down, the agent consumes and may starve. */
void agent_upkeep(struct environment *environment, struct agent *agent);

/*
 * A living agent looks at the world, as often as configured before a choice, and finds out what it
 * could do. Changes nothing but the agent and the observer.
 *
 * @state  receives what it saw, a tensor; untouched if it looked ahead
 */
void agent_look(const struct environment *environment, struct agent *agent,
		struct observer *observer, float *state);

/* What the agent asks its learner. */
void agent_ask(struct agent *agent, struct choice *choice);

/* Takes the answer; exploration fades with every choice. */
void agent_answer(const struct environment *environment, struct agent *agent,
		  const struct choice *choice);

/* Asks, lets the learner decide, and takes the answer. @state is what it saw. */
void agent_decide(const struct environment *environment, struct agent *agent,
		  struct observer *observer, const float *state);

/*
 * Does what was chosen. If it is possible no longer nothing happens: the action counts as attempted
 * and fails.
 */
void agent_act(struct environment *environment, struct agent *agent);

/*
 * An agent that acted, and lives, looks at what has become of the world and finds out what it could
 * do next. Changes nothing but the agent and the observer.
 *
 * @next  receives what it sees, a tensor
 */
void agent_look_again(const struct environment *environment, struct agent *agent,
		      struct observer *observer, float *next);

/*
 * An agent that acted is rewarded, remembers and learns; what it did is logged.
 *
 * @state  what it saw when it decided
 * @next   what it saw after all had acted; anything if it did not live to see it
 */
void agent_learn(struct environment *environment, struct agent *agent, const float *state,
		 const float *next);

/* Health as a share of the starting health. */
float agent_health_ratio(const struct environment *environment, const struct agent *agent);
