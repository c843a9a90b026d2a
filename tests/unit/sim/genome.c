/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inheritance: what children get, and what the metrics say of it. */
#include "sim/genome.h"

#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>
#include <string.h>

static struct environment environment;

static void make(void)
{
	world_make(&environment, 9);
}

static void drop(void)
{
	environment_done(&environment);
}

TestSuite(genome, .init = make, .fini = drop);

static float sum_of(const struct genome *genome)
{
	float sum = 0;
	for (int i = 0; i < ACTION_COUNT; i++)
		sum += genome->weights[i];
	return sum;
}

Test(genome, the_first_of_a_type_share_one_with_the_type_s_inclinations)
{
	struct parameters parameters;
	struct genome first;
	parameters_default(&parameters, 3);
	genome_first(&first, &parameters, TYPE_INDEPENDENT);
	/* Registry weights with share 0.05 and attack 0.25 for the Independent. */
	float sum = 0.25F + 0.25F + 0.3F + 0.05F + 0.4F + 0.15F + 0.05F;
	cr_assert_float_eq(first.weights[ACTION_ATTACK], 0.25 / sum, 1e-6);
	cr_assert_float_eq(first.weights[ACTION_SHARE], 0.05 / sum, 1e-6);
	cr_assert_float_eq(first.weights[ACTION_MOVE], 0.4 / sum, 1e-6);
	cr_assert_eq(environment.agents[0].genome.number, environment.agents[3].genome.number);
	cr_assert_neq(environment.agents[0].genome.number, environment.agents[1].genome.number);
}

Test(genome, crossing_takes_each_weight_from_one_parent_or_the_other)
{
	struct random random;
	random_seed(&random, 1, 1);
	struct genome one = {.weights = {2, 2, 2, 2, 2, 2, 2}}, other = {0}, child = {0};
	int from_one = 0;
	for (int i = 0; i < 1000; i++) {
		genome_cross(&child, &one, &other, &random);
		int taken = 0;
		for (int j = 0; j < ACTION_COUNT; j++)
			taken += child.weights[j] > 0;
		from_one += taken;
		float each = taken == ACTION_COUNT ? 2 : 1.0F / (float)taken;
		for (int j = 0; j < ACTION_COUNT; j++)
			cr_assert(child.weights[j] == 0 || child.weights[j] == each);
	}
	cr_assert(from_one > 3300 && from_one < 3700, "%d", from_one);
}

Test(genome, crossing_equals_and_mutating_by_nothing_change_no_bit)
{
	struct genome_parameters still = environment.parameters.genome;
	struct parameters parameters;
	struct random random;
	random_seed(&random, 1, 1);
	parameters_default(&parameters, 3);
	still.mutation_rate = 1;
	still.mutation_strength = 0;
	for (uint32_t type = 0; type < TYPE_COUNT; type++) {
		struct genome parent, child;
		genome_first(&parent, &parameters, type);
		child = parent;
		genome_cross(&child, &parent, &parent, &random);
		cr_assert_eq(memcmp(&child, &parent, sizeof(child)), 0, "type %u", type);
		genome_mutate(&child, &still, &random);
		cr_assert_eq(memcmp(&child, &parent, sizeof(child)), 0, "type %u", type);
	}
}

Test(genome, mutation_changes_a_tenth_of_the_weights_by_a_fifth_at_most)
{
	struct random random;
	random_seed(&random, 1, 1);
	const struct genome_parameters *rule = &environment.parameters.genome;
	const struct genome before = environment.agents[0].genome;
	int mutated = 0;
	for (int i = 0; i < 1000; i++) {
		struct genome after = before;
		genome_mutate(&after, rule, &random);
		cr_assert_float_eq(sum_of(&after), 1, 1e-6);
		mutated += memcmp(after.weights, before.weights, sizeof(after.weights)) != 0;
		for (int j = 0; j < ACTION_COUNT; j++) {
			float ratio = after.weights[j] / before.weights[j];
			cr_assert(ratio > 0.8F / 1.2F && ratio < 1.2F / 0.8F, "%g", ratio);
		}
	}
	/* 1 - 0.9^7 = 0.52 of the genomes have a weight that mutated. */
	cr_assert(mutated > 450 && mutated < 590, "%d", mutated);
}

Test(genome, a_child_has_weights_of_both_parents_the_nearest_of_the_type_being_the_partner)
{
	environment.parameters.genome.mutation_rate = 0;
	world_place(&environment, 0, 50, 50);
	world_place(&environment, 1, 50, 51); /* of another type */
	world_place(&environment, 3, 50, 60);
	world_place(&environment, 6, 50, 75);
	struct agent *parent = &environment.agents[0], *partner = &environment.agents[3];
	memset(partner->genome.weights, 0, sizeof(partner->genome.weights));
	partner->genome.weights[ACTION_PASS] = 1;
	partner->genome.number = 9999;
	int crossed = 0, partners = 0;
	for (int i = 0; i < 580; i++) {
		const struct agent *child =
			environment_add_agent(&environment, parent->type, 90, 90, 5, parent);
		const struct genome *genome = &child->genome;
		cr_assert_float_eq(sum_of(genome), 1, 1e-6);
		partners += genome->number == 9999;
		cr_assert_eq(genome_is_like(genome, &parent->genome),
			     genome->number == parent->genome.number);
		cr_assert_eq(genome_is_like(genome, &partner->genome), genome->number == 9999);
		if (genome->number == parent->genome.number || genome->number == 9999)
			continue;
		crossed++;
		cr_assert_eq(genome->parents[0], parent->number);
		cr_assert_eq(genome->parents[1], partner->number);
		cr_assert_eq(genome->generation, 1);
	}
	/* 1 in 128 is all of the parent's, and 1 in 128 all of the partner's. */
	cr_assert(crossed > 550 && crossed < 580, "%d", crossed);
	cr_assert(partners > 0 && partners < 20, "%d", partners);
}

Test(genome, without_mutation_there_are_as_many_as_types_however_many_are_born)
{
	static struct environment world;
	struct parameters parameters;
	struct error error;
	parameters_default(&parameters, 30);
	parameters.resources = 200;
	parameters.genome.mutation_rate = 0;
	parameters.learning.network = NETWORK_NONE;
	cr_assert_eq(environment_init(&world, &parameters, NULL, &error), 0);
	for (int step = 0; step < 60; step++)
		cr_assert_eq(environment_step(&world, &error), 0);
	cr_assert_gt(world.counters.births, 50);
	for (uint32_t i = 0; i < world.agent_count; i++)
		cr_assert_eq(world.agents[i].genome.number, world.agents[i].type + 1);
	environment_done(&world);
}

Test(genome, without_evolution_children_have_their_parent_s)
{
	environment.parameters.genome.evolves = false;
	struct agent *parent = &environment.agents[0];
	const struct agent *child =
		environment_add_agent(&environment, parent->type, 50, 50, 5, parent);
	cr_assert_eq(memcmp(&child->genome, &parent->genome, sizeof(child->genome)), 0);
}

Test(genome, is_printed_with_type_generation_parents_and_step)
{
	char text[GENOME_TEXT_CAPACITY], json[GENOME_JSON_CAPACITY];
	struct genome genome = {.type = TYPE_CONTROL,
				.generation = 3,
				.step = 12,
				.parents = {7, 9},
				.weights = {0.25F, 0.75F}};
	genome_print(&genome, text);
	cr_assert_str_eq(text, "Control:3:7_9:12");
	genome.parents[1] = 0;
	genome_print(&genome, text);
	cr_assert_str_eq(text, "Control:3:7:12");
	genome_print(&environment.agents[0].genome, text);
	cr_assert_str_eq(text, "System:0:none:0");
	genome_print_weights(&genome, json);
	cr_assert_not_null(strstr(json, "{\"defend\": 0.25, \"attack\": 0.75, \"gather\": 0"));
}
