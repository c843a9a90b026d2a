/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * turns: what all agents do in a step, in four phases.
 *
 *   upkeep   each living agent, in the order of birth: protection runs down, consumption, perhaps
 *            starvation
 *   decide   all living agents look at the world as it is now, and choose
 *   act      each, in the order of birth, does what it chose; later ones meet what earlier ones
 *            have done, and what became impossible meanwhile fails
 *   learn    all that acted look again; reward, transition, training, in the order of birth
 *
 * An agent looks three times, as in the original: twice before it chooses, the second time for the
 * choice alone, and once after all have acted. Or twice, which comes to the same. Or once, after
 * all have acted, and the next choice is made by what it saw then: before resources grew, fields
 * faded and others starved; only who was just born looks before its first choice.
 *
 * Looking and deciding change nothing that anybody else looks at, and each agent draws from random
 * numbers of its own. So agents may look and decide at the same time, one by one or many together,
 * and the result is the same. They do it square by square of the world, not in the order of birth:
 * neighbours look at the same agents, resources and fields, which are still in the cache then.
 */
#pragma once

#include "sim/decision/decision.h"
#include "sim/spatial/spatial_index.h"

struct environment;

enum {
	TURNS_CHUNK = 32,  /* agents that one observer looks after at a time; at most 32 */
	TURNS_BLOCK = 256, /* agents that look again before they learn */
	TURNS_PORTION = 8, /* of a block, for one observer at a time: all are to end together */
};

/*
 * What a look needs besides the world: one for each thread that looks. Zeroed, then
 * perception_done(). With fresh buffers everything in it is made anew for each look.
 */
struct perception {
	struct spatial_found found;
	float *buffer; /* an observation each */
	float *turned;
	uint64_t resource_points; /* cells that the resource layer has read or written, ever */
};

void perception_done(struct perception *perception);

/* The living by place, made anew in each step. Zeroed, then places_done(). */
struct places {
	uint32_t *slots; /* of agents, square by square, row by row */
	uint32_t slot_capacity;
	uint32_t *ends; /* where a square's slots end */
	uint32_t end_capacity;
	uint32_t squares;
	uint32_t columns;
	float side;
};

void places_done(struct places *places);

/* What somebody needs to look and to decide, for a chunk of agents. */
struct observer {
	struct perception perception;
	struct workspace workspace;
	float *states; /* TURNS_CHUNK x observation */
	uint64_t observations;
};

/* @length  floats of an observation */
void observer_init(struct observer *observer, const struct trainer *trainer, size_t length);

void observer_done(struct observer *observer);

/* An agent's slot changes at the end of a step: what it saw moves with it. */
void turns_move_state(struct environment *environment, uint32_t from, uint32_t to);

/* The four phases. */
void turns_take(struct environment *environment);
