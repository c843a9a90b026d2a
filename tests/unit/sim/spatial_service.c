/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Indices that follow another through everything, and their names. */
#include "sim/spatial/spatial_service.h"

#include "sim/random.h"

#include <criterion/criterion.h>
#include <errno.h>

enum {
	ALL_KINDS = (1U << SPATIAL_COUNT) - 1,
};

static struct spatial_service service;
static struct spatial_index leader;
static struct random dice;

static void make(void)
{
	random_seed(&dice, 4, 1);
	spatial_index_init(&leader, spatial_structures[SPATIAL_HASH], SPATIAL_INCREMENTAL);
	for (int i = 0; i < 200; i++)
		spatial_index_add(&leader, random_unit(&dice) * 100, random_unit(&dice) * 100);
	spatial_index_update(&leader);
	cr_assert_eq(spatial_service_register(&service, "agents", &leader), 0);
}

static void drop(void)
{
	spatial_service_done(&service);
	spatial_index_done(&leader);
}

TestSuite(spatial_service, .init = make, .fini = drop);

static void expect_same_answers(void)
{
	struct spatial_found expected = {0}, found = {0};
	for (int i = 0; i < 50; i++) {
		float x = random_unit(&dice) * 100, y = random_unit(&dice) * 100;
		spatial_index_get_nearby(&leader, x, y, 15, &expected);
		uint32_t nearest = spatial_index_get_nearest(&leader, x, y, 15, NULL);
		for (uint32_t j = 1; j < service.count; j++) {
			const struct spatial_named *named = &service.named[j];
			spatial_index_get_nearby(named->index, x, y, 15, &found);
			cr_assert_eq(found.count, expected.count, "%s", named->name);
			for (size_t k = 0; k < found.count; k++)
				cr_assert_eq(found.ids[k], expected.ids[k], "%s", named->name);
			cr_assert_eq(spatial_index_get_nearest(named->index, x, y, 15, NULL),
				     nearest, "%s", named->name);
		}
	}
	spatial_found_done(&expected);
	spatial_found_done(&found);
}

/* Births, deaths and moves of a step. */
static void live(void)
{
	for (int i = 0; i < 60; i++) {
		uint32_t id = random_below(&dice, leader.count);
		bool present = leader.x[id] == leader.x[id];
		float x = random_unit(&dice) * 100, y = random_unit(&dice) * 100;
		if (i % 10 == 0)
			spatial_index_add(&leader, x, y);
		else if (present && i % 10 == 1)
			spatial_index_remove(&leader, id);
		else if (present)
			spatial_index_move(&leader, id, x, y);
	}
}

static void expect_same_life(enum spatial_update updates)
{
	cr_assert_eq(spatial_service_follow(&service, "agents", ALL_KINDS, updates), 0);
	cr_assert_eq(service.count, 4);
	for (int step = 0; step < 20; step++) {
		live();
		expect_same_answers();
		spatial_index_compact(&leader);
		expect_same_answers();
		spatial_index_update(&leader);
	}
	spatial_index_clear(&leader);
	expect_same_answers();
	for (int i = 0; i < 100; i++)
		spatial_index_add(&leader, random_unit(&dice) * 100, random_unit(&dice) * 100);
	expect_same_answers();
}

Test(spatial_service, followers_answer_as_their_leader_when_they_rebuild)
{
	expect_same_life(SPATIAL_REBUILD);
}

Test(spatial_service, followers_answer_as_their_leader_when_their_moves_wait)
{
	expect_same_life(SPATIAL_BATCHED);
}

Test(spatial_service, who_follows_late_gets_those_who_are_there)
{
	for (uint32_t id = 0; id < 100; id += 3)
		spatial_index_remove(&leader, id);
	cr_assert_eq(spatial_service_follow(&service, "agents", ALL_KINDS, SPATIAL_REBUILD), 0);
	expect_same_answers();
}

Test(spatial_service, names_are_found_and_given_once)
{
	cr_assert_eq(spatial_service_find(&service, "agents"), &leader);
	cr_assert_null(spatial_service_find(&service, "agents_hash"));
	cr_assert_eq(
		spatial_service_follow(&service, "agents", 1U << SPATIAL_HASH, SPATIAL_REBUILD), 0);
	const struct spatial_index *hash = spatial_service_find(&service, "agents_hash");
	cr_assert_neq(hash, &leader);
	cr_assert_eq(hash->count, leader.count);
	cr_assert_eq(spatial_service_register(&service, "agents", &leader), -EEXIST);
	cr_assert_eq(
		spatial_service_follow(&service, "agents", 1U << SPATIAL_HASH, SPATIAL_REBUILD),
		-EEXIST);
	cr_assert_eq(spatial_service_follow(&service, "nobody", ALL_KINDS, SPATIAL_REBUILD),
		     -ENOENT);
	cr_assert_eq(spatial_service_register(&service, "a name as long as no index ever has one",
					      &leader),
		     -ENAMETOOLONG);
}
