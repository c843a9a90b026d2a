/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/flame_change.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

Test(flame_change, colours_go_to_the_ends_at_half_and_twice_and_pale_without_certainty)
{
	struct flame_node_change change = {.base = 1000000, .fresh = 2000000, .certainty = 4};

	cr_assert_eq(flame_change_colour(&change), 0xa50026);
	change.fresh = 9000000;
	cr_assert_eq(flame_change_colour(&change), 0xa50026);
	change.fresh = 500000;
	cr_assert_eq(flame_change_colour(&change), 0x364b9a);
	change.certainty = 0;
	cr_assert_eq(flame_change_colour(&change), 0xe4e4e4);
	change = (struct flame_node_change){.base = 1000, .fresh = 1010, .certainty = 4};
	cr_assert_eq(flame_change_colour(&change), 0xfeda8b);
}

/* @runs a side of main;step;hot and main;gone or main;new, with a little noise. */
static void add_runs(struct profile *profile, uint32_t runs)
{
	for (uint32_t i = 0; i < 2 * runs; i++) {
		size_t first = profile->samples_count;

		profile_thread_add(profile, 0, 0, "run");
		add_stack(profile, "main;step;hot", (i < runs ? 100 : 150) + i % 3);
		add_stack(profile, i < runs ? "main;gone" : "main;new", 50);
		for (size_t sample = first; sample < profile->samples_count; sample++)
			profile->samples[sample].thread = i + 1;
	}
}

static void check_runs(uint32_t runs, bool certain)
{
	struct profile *profile = new_profile();
	struct flame_change change = {
		.profile = profile, .base_runs = runs, .fresh_runs = runs, .per = "run"};
	struct flame_node_change *changes;
	struct call_tree *tree;

	add_runs(profile, runs);
	tree = call_tree_build(profile, &(struct call_tree_options){0});
	changes = flame_change_measure(&change, tree);
	for (uint32_t i = 1; i < tree->count; i++) {
		const char *name = profile->functions[tree->nodes[i].symbol].name;

		cr_assert_eq(changes[i].base + changes[i].fresh, tree->nodes[i].total);
		if (!strcmp(name, "gone"))
			cr_assert(changes[i].base == 50 * runs && !changes[i].fresh);
		if (!strcmp(name, "new"))
			cr_assert(!changes[i].base && changes[i].fresh == 50 * runs);
		if (!strcmp(name, "step"))
			cr_assert_eq(changes[i].base_self + changes[i].fresh_self, 0);
		if (!strcmp(name, "hot"))
			cr_assert_eq(changes[i].certainty >= 3, certain);
	}
	free(changes);
	call_tree_free(tree);
	flame_change_done(&change);
	profile_free(profile);
}

Test(flame_change, both_sides_add_up_and_runs_make_certain)
{
	check_runs(8, true);
}

Test(flame_change, one_run_a_side_makes_nothing_certain)
{
	check_runs(1, false);
}

/* Runs become slower from pair to pair; in each pair the new one costs a tenth more. */
static uint8_t certainty_of_drift(bool paired)
{
	struct profile *profile = new_profile();
	struct flame_change change = {.profile = profile,
				      .base_runs = 8,
				      .fresh_runs = 8,
				      .per = "run",
				      .paired = paired};
	struct flame_node_change *changes;
	struct call_tree *tree;
	uint8_t certainty;

	for (uint32_t i = 0; i < 16; i++) {
		size_t first = profile->samples_count;
		uint32_t base = 100 * (1 + i % 8);

		profile_thread_add(profile, 0, 0, "run");
		add_stack(profile, "hot", i < 8 ? base : base * 11 / 10);
		for (size_t sample = first; sample < profile->samples_count; sample++)
			profile->samples[sample].thread = i + 1;
	}
	tree = call_tree_build(profile, &(struct call_tree_options){0});
	changes = flame_change_measure(&change, tree);
	certainty = changes[1].certainty;
	free(changes);
	call_tree_free(tree);
	flame_change_done(&change);
	profile_free(profile);
	return certainty;
}

Test(flame_change, pairs_show_what_drift_hides_from_groups)
{
	cr_assert_geq(certainty_of_drift(true), 3);
	cr_assert_eq(certainty_of_drift(false), 0);
}

Test(flame_change, what_moved_is_neither_new_nor_gone_and_neither_is_what_it_calls)
{
	struct profile *profile = new_profile();
	struct flame_change change = {
		.profile = profile, .base_runs = 1, .fresh_runs = 1, .per = "run"};
	struct flame_node_change *changes;
	struct call_tree *tree;

	profile_thread_add(profile, 0, 0, "base");
	profile_thread_add(profile, 0, 0, "new");
	add_stack(profile, "main;cool;helper;root", 10);
	add_stack(profile, "main;dropped", 10);
	for (size_t i = 0; i < profile->samples_count; i++)
		profile->samples[i].thread = 1;
	add_stack(profile, "main;cool", 10);
	for (size_t i = 20; i < profile->samples_count; i++)
		profile->samples[i].thread = 2;
	change.moved = xcalloc(profile->functions_count, sizeof(*change.moved));
	for (uint32_t i = 1; i < profile->functions_count; i++)
		change.moved[i] = !strcmp(profile->functions[i].name, "helper");
	tree = call_tree_build(profile, &(struct call_tree_options){0});
	changes = flame_change_measure(&change, tree);
	for (uint32_t i = 1; i < tree->count; i++) {
		const char *name = profile->functions[tree->nodes[i].symbol].name;

		cr_assert_eq(changes[i].moved, !strcmp(name, "helper") || !strcmp(name, "root"),
			     "%s", name);
	}
	free(changes);
	call_tree_free(tree);
	flame_change_done(&change);
	profile_free(profile);
}
