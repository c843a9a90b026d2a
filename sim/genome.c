/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights: inherited, crossed, mutated, drawn from. */
#include "sim/genome.h"

#include "sim/agent.h"

#include <stdio.h>
#include <string.h>

bool genome_is_like(const struct genome *one, const struct genome *other)
{
	return memcmp(one->weights, other->weights, sizeof(one->weights)) == 0;
}

/* Not to be done twice: the sum of what sums to 1 is off by rounding. */
static void normalise(float *weights)
{
	float sum = 0;
	for (int i = 0; i < ACTION_COUNT; i++)
		sum += weights[i];
	for (int i = 0; i < ACTION_COUNT && sum > 0; i++)
		weights[i] /= sum;
}

void genome_first(struct genome *genome, const struct parameters *parameters, uint32_t type)
{
	*genome = (struct genome){.number = type + 1, .type = type};
	if (!parameters->genome.evolves) {
		for (int i = 0; i < ACTION_COUNT; i++)
			genome->weights[i] = 1.0F / ACTION_COUNT;
		return;
	}
	memcpy(genome->weights, parameters->genome.weights, sizeof(genome->weights));
	if (parameters->type_parameters) {
		genome->weights[ACTION_SHARE] = parameters->types[type].share_weight;
		genome->weights[ACTION_ATTACK] = parameters->types[type].attack_weight;
	}
	normalise(genome->weights);
}

void genome_cross(struct genome *child, const struct genome *one, const struct genome *other,
		  struct random *random)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		child->weights[i] =
			random_below(random, 2) == 0 ? one->weights[i] : other->weights[i];
	if (!genome_is_like(child, one) && !genome_is_like(child, other))
		normalise(child->weights);
}

void genome_mutate(struct genome *genome, const struct genome_parameters *parameters,
		   struct random *random)
{
	bool changed = false;
	for (int i = 0; i < ACTION_COUNT; i++) {
		if (!random_chance(random, parameters->mutation_rate))
			continue;
		float span = 2 * random_unit(random) - 1, before = genome->weights[i];
		genome->weights[i] *= 1 + parameters->mutation_strength * span;
		changed |= genome->weights[i] != before;
	}
	if (changed)
		normalise(genome->weights);
}

void genome_print(const struct genome *genome, char text[GENOME_TEXT_CAPACITY])
{
	char parents[32] = "none";
	if (genome->parents[1])
		snprintf(parents, sizeof(parents), "%u_%u", genome->parents[0], genome->parents[1]);
	else if (genome->parents[0])
		snprintf(parents, sizeof(parents), "%u", genome->parents[0]);
	snprintf(text, GENOME_TEXT_CAPACITY, "%s:%u:%s:%u", agent_type_names[genome->type],
		 genome->generation, parents, genome->step);
}

void genome_print_weights(const struct genome *genome, char text[GENOME_JSON_CAPACITY])
{
	int length = 0;
	for (int i = 0; i < ACTION_COUNT; i++)
		length += snprintf(&text[length], (size_t)(GENOME_JSON_CAPACITY - length),
				   "%s\"%s\": %.6g", i == 0 ? "{" : ", ", action_names[i],
				   genome->weights[i]);
	snprintf(&text[length], (size_t)(GENOME_JSON_CAPACITY - length), "}");
}
