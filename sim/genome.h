/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * genome: what an agent inherits, how much it is inclined to each action.
 *
 * The inclinations are weights that sum to 1. When an agent chooses at random it draws among what
 * is possible in proportion to them, so they decide what a newborn tries first.
 *
 * The first agents of a type share one genome. A child's is the parents' weights, crossed and
 * mutated; if they are the parent's or the partner's after all it is that one's genome, the same
 * number, else a new one.
 */
#pragma once

#include "sim/action.h"
#include "sim/parameters.h"
#include "sim/random.h"

#include <stddef.h>

struct genome {
	uint32_t number;     /* the same for equal genomes of one descent, from 1 */
	uint32_t type;	     /* enum agent_type of who had it first */
	uint32_t generation; /* of who had it first */
	uint32_t step;	     /* when it came to be */
	uint32_t parents[2]; /* numbers of agents; 0: none */
	float weights[ACTION_COUNT];
};

enum {
	GENOME_TEXT_CAPACITY = 80,
	GENOME_JSON_CAPACITY = 256,
};

/* The genome of the first agents of a type; all weights are equal when genomes do not evolve. */
void genome_first(struct genome *genome, const struct parameters *parameters, uint32_t type);

/*
 * Crosses: each weight is that of one parent or the other, with equal probability; then they are
 * normalised, unless all are one parent's: those are.
 *
 * @child  receives the weights; may not be a parent
 */
void genome_cross(struct genome *child, const struct genome *one, const struct genome *other,
		  struct random *random);

/*
 * Mutates: each weight, with the configured chance, is multiplied by 1 + U(-strength, strength);
 * then they are normalised, if one is another than before.
 */
void genome_mutate(struct genome *genome, const struct genome_parameters *parameters,
		   struct random *random);

/* True if the weights are the same, bit by bit. */
bool genome_is_like(const struct genome *one, const struct genome *other);

/* TYPE:GENERATION:PARENTS:STEP as in the original, parents joined by _, or none. */
void genome_print(const struct genome *genome, char text[GENOME_TEXT_CAPACITY]);

/* The weights as a JSON object by action. */
void genome_print_weights(const struct genome *genome, char text[GENOME_JSON_CAPACITY]);
