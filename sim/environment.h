/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * environment: the world, its clock, and everything that lives in it.
 *
 * A step is: every agent that was alive at its beginning takes a turn (turns.h says how); then
 * environment_update() lets resources grow, logs the step, clears the dead away and brings the
 * index up to date.
 */
#pragma once

#include "sim/action.h"
#include "sim/agent.h"
#include "sim/database.h"
#include "sim/decision/decision.h"
#include "sim/error.h"
#include "sim/field.h"
#include "sim/parameters.h"
#include "sim/resources.h"
#include "sim/spatial/spatial_service.h"
#include "sim/turns.h"
#include "sim/workers.h"

enum death_cause {
	DEATH_STARVATION,
	DEATH_COMBAT,
	DEATH_CAUSE_COUNT,
};

extern const char *const death_cause_names[DEATH_CAUSE_COUNT];

/* What really happened, since the beginning. */
struct counters {
	uint64_t turns;
	uint64_t observations;
	uint64_t bilinear_points; /* cells that the resource layer wrote, spreading resources */
	uint64_t nearest_points;  /* cells that it read from the mapped grid */
	uint64_t attempted[ACTION_COUNT];
	uint64_t succeeded[ACTION_COUNT];
	uint64_t births; /* without the first agents */
	uint64_t deaths[DEATH_CAUSE_COUNT];
	double gathered;
	double shared;
	double damage;
	double regenerated;
};

struct environment {
	struct parameters parameters;
	uint32_t step;	      /* of the turns being taken, from 0 */
	struct agent *agents; /* living ones and those that died in this step */
	uint32_t agent_count;
	uint32_t agent_capacity;
	uint32_t living;
	uint32_t numbers; /* agents ever */
	struct resources resources;
	struct spatial_index agent_index;
	struct spatial_service indices; /* all, by name */
	struct trainer trainer;
	struct decision decisions[TYPE_COUNT]; /* one learner for each type */
	struct counters counters;
	struct database *database; /* borrowed; NULL: nothing is logged */
	struct fields fields;
	struct observation_storage storage;
	size_t tensor_length;	    /* floats of an observation */
	struct spatial_found found; /* for queries */
	struct places places;
	struct workers workers;
	struct observer *observers; /* one for each worker */
	float *states;		    /* what agents saw when they decided, by slot */
	uint32_t state_capacity;
	float *nexts;		    /* what a block of them saw afterwards */
	struct observation **spare; /* observations of the dead, for the newborn */
	uint32_t spare_count;
	uint32_t spare_capacity;
	double last_resources;	 /* their sum at the end of the last step */
	uint32_t *genome_counts; /* by genome number, for the metrics; zero between steps */
	size_t genome_capacity;
	struct step_totals last; /* the counters at the end of the last step, for the differences */
	double learner_bytes;	 /* what an agent's own learner takes at most; 0: they are shared */
	double short_bytes;	 /* what was left when that was too little for a birth; 0: never */
};

/*
 * Makes a world: resources and agents at random places, the types in turn (so equal thirds).
 *
 * @database  borrowed until environment_done(); NULL for none
 * Returns 0, or what the resource layer's file or OpenBLAS reported with the sentence; then there
 * is no world.
 */
int environment_init(struct environment *environment, const struct parameters *parameters,
		     struct database *database, struct error *error);

void environment_done(struct environment *environment);

/*
 * One step. Returns 0, or with the sentence what the database reported, -ENOSPC, -EIO ..., or
 * -ENOMEM: an agent that was to be born would have learnt by itself, and there is no memory for
 * that.
 */
int environment_step(struct environment *environment, struct error *error);

/* The second half of a step: growth, log, clearing away, index; then the clock goes on. */
void environment_update(struct environment *environment);

/*
 * What there is to see for an agent now. Changes the agent's memory and @perception, nothing else:
 * different agents may look at the same time with perceptions of their own.
 *
 * Returns the tensor, tensor_length floats; valid until the next look of this agent or with
 * this perception.
 */
const float *environment_observe(const struct environment *environment, struct agent *agent,
				 struct perception *perception);

/*
 * A new agent, at the end of the order of turns; it acts from the next step on.
 *
 * @parent  NULL for the first agents
 * Returns it; valid until the end of the step. NULL when there is no room for it, which those who
 * keep to the population limit never see, or no memory for a learner of a child's own, which the
 * step then reports.
 */
struct agent *environment_add_agent(struct environment *environment, enum agent_type type, float x,
				    float y, float resource_level, const struct agent *parent);

/* The agent dies: it is found no longer and takes no turn any more. */
void environment_kill(struct environment *environment, struct agent *agent, enum death_cause cause);

/* True for positions inside of the world, its borders included. */
bool environment_contains(const struct environment *environment, float x, float y);
