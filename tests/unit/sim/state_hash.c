/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever changes in a world changes its hash. */
#include "sim/state_hash.h"

#include "tests/unit/sim/world.h"

#include <criterion/criterion.h>

static struct environment environment;

static void make(void)
{
	world_make(&environment, 6);
}

static void drop(void)
{
	environment_done(&environment);
}

TestSuite(state_hash, .init = make, .fini = drop);

/* Changes one bit, expects another hash, changes it back, expects the first hash. */
#define EXPECT_PART_OF_HASH(place)                                                                 \
	do {                                                                                       \
		uint64_t before = state_hash(&environment);                                        \
		unsigned char *byte = (unsigned char *)&(place);                                   \
		*byte ^= 1;                                                                        \
		cr_assert_neq(state_hash(&environment), before, #place);                           \
		*byte ^= 1;                                                                        \
		cr_assert_eq(state_hash(&environment), before, #place);                            \
	} while (0)

Test(state_hash, knows_the_complete_state)
{
	struct agent *agent = &environment.agents[5];
	EXPECT_PART_OF_HASH(environment.step);
	EXPECT_PART_OF_HASH(environment.numbers);
	EXPECT_PART_OF_HASH(agent->number);
	EXPECT_PART_OF_HASH(agent->type);
	EXPECT_PART_OF_HASH(agent->x);
	EXPECT_PART_OF_HASH(agent->y);
	EXPECT_PART_OF_HASH(agent->resource_level);
	EXPECT_PART_OF_HASH(agent->health);
	EXPECT_PART_OF_HASH(agent->defense_timer);
	EXPECT_PART_OF_HASH(agent->starvation_counter);
	EXPECT_PART_OF_HASH(agent->generation);
	EXPECT_PART_OF_HASH(agent->birth_step);
	EXPECT_PART_OF_HASH(agent->total_reward);
	EXPECT_PART_OF_HASH(agent->epsilon);
	EXPECT_PART_OF_HASH(agent->last_transition);
	EXPECT_PART_OF_HASH(agent->random.state[3]);
	EXPECT_PART_OF_HASH(agent->orientation);
	EXPECT_PART_OF_HASH(agent->observation->memory[100]);
	fields_raise(&environment.fields, FIELD_TRAILS, 20, 30, 1);
	EXPECT_PART_OF_HASH(environment.fields.present[0]->values[0]);
	EXPECT_PART_OF_HASH(environment.fields.present[0]->place);
	EXPECT_PART_OF_HASH(environment.resources.amount[0]);
	EXPECT_PART_OF_HASH(environment.resources.x[0]);
	EXPECT_PART_OF_HASH(environment.resources.y[0]);
	EXPECT_PART_OF_HASH(environment.resources.random.state[0]);
	EXPECT_PART_OF_HASH(environment.decisions[2].online.parameters[0]);
	EXPECT_PART_OF_HASH(environment.decisions[1].target.parameters[77]);
	EXPECT_PART_OF_HASH(environment.decisions[0].adam.mean[5]);
	EXPECT_PART_OF_HASH(environment.decisions[0].adam.variance[6]);
	EXPECT_PART_OF_HASH(environment.decisions[0].random.state[1]);
}
