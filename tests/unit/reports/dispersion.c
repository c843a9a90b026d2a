/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/dispersion.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>
#include <math.h>

/* Reference: the formula in decimal arithmetic of 50 digits. */
Test(dispersion, interval_is_wilsons)
{
	static const struct {
		double part, samples, low, high;
	} known[] = {
		{50, 100, 0.4038315, 0.5961685},
		{0, 10, 0, 0.2775328},
		{10, 10, 0.7224672, 1},
		{315, 1000, 0.2869639, 0.3444520},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct interval interval =
			dispersion_interval(known[i].part / known[i].samples, known[i].samples);

		cr_assert_float_eq(interval.low, known[i].low, 1e-6, "%zu: %f", i, interval.low);
		cr_assert_float_eq(interval.high, known[i].high, 1e-6, "%zu: %f", i, interval.high);
	}
}

Test(dispersion, interval_of_no_samples_is_everything)
{
	struct interval interval = dispersion_interval(0, 0);

	cr_assert_eq(interval.low, 0);
	cr_assert_eq(interval.high, 1);
}

static struct dispersion_blocks even_blocks(uint32_t samples)
{
	struct dispersion_blocks blocks = {.block_ns = 1};

	for (int i = 0; i < DISPERSION_BLOCKS; i++)
		blocks.samples[i] = samples;
	return blocks;
}

Test(dispersion, phi_of_an_even_share_is_one)
{
	struct dispersion_blocks blocks = even_blocks(100);
	uint32_t counts[DISPERSION_BLOCKS];

	for (int i = 0; i < DISPERSION_BLOCKS; i++)
		counts[i] = 30;
	cr_assert_eq(dispersion_phi(&blocks, counts), 1);
}

Test(dispersion, phi_of_a_burst_is_the_excess_of_its_variance)
{
	struct dispersion_blocks blocks = even_blocks(100);
	uint32_t counts[DISPERSION_BLOCKS] = {0};
	double expected = 0, share = 0.5;

	/* all samples of the first half of the blocks, none of the second */
	for (int i = 0; i < DISPERSION_BLOCKS / 2; i++)
		counts[i] = 100;
	for (int i = 0; i < DISPERSION_BLOCKS; i++)
		expected += pow(counts[i] - 100 * share, 2) / (100 * share * (1 - share));
	expected /= DISPERSION_BLOCKS - 1;
	cr_assert_float_eq(dispersion_phi(&blocks, counts), expected, 1e-9);
	cr_assert_gt(expected, 100);
}

Test(dispersion, phi_of_nothing_or_everything_is_one)
{
	struct dispersion_blocks blocks = even_blocks(10);
	uint32_t none[DISPERSION_BLOCKS] = {0};

	cr_assert_eq(dispersion_phi(&blocks, none), 1);
	cr_assert_eq(dispersion_phi(&blocks, blocks.samples), 1);
}

Test(dispersion, blocks_cover_the_recording_evenly)
{
	struct profile *profile = new_profile();
	struct dispersion_blocks blocks;

	add_stack(profile, "main", 3200);
	dispersion_blocks_init(&blocks, profile, 0);
	for (int i = 0; i < DISPERSION_BLOCKS; i++)
		cr_assert_eq(blocks.samples[i], 100, "block %d: %u", i, blocks.samples[i]);
	cr_assert_float_eq(blocks.equal_samples, 3200, 1e-6);
	profile_free(profile);
}

Test(dispersion, unequal_values_count_as_fewer_samples)
{
	struct profile *profile = new_profile();
	struct dispersion_blocks blocks;

	add_stack(profile, "main", 2);
	profile->samples[0].value = 3;
	dispersion_blocks_init(&blocks, profile, 0);
	cr_assert_float_eq(blocks.equal_samples, 16.0 / 10, 1e-9);
	profile_free(profile);
}

struct seen {
	uint32_t root, leaf;
	int blocks;
};

static void see(void *user, int block, const uint32_t *samples_of_node)
{
	struct seen *seen = user;

	cr_assert_eq(block, seen->blocks++);
	seen->root += samples_of_node[0];
	seen->leaf += samples_of_node[2];
}

Test(dispersion, every_sample_is_in_one_block)
{
	struct profile *profile = new_profile();
	struct dispersion_blocks blocks;
	struct call_tree *tree;
	struct seen seen = {0};

	add_stack(profile, "main", 70);
	add_stack(profile, "main;step", 30);
	tree = call_tree_build(profile, &(struct call_tree_options){0});
	dispersion_blocks_init(&blocks, profile, 0);
	dispersion_each_block(&blocks, profile, tree, see, &seen);
	cr_assert_eq(seen.blocks, DISPERSION_BLOCKS);
	cr_assert_eq(seen.root, 100);
	cr_assert_eq(seen.leaf, 30);
	call_tree_free(tree);
	profile_free(profile);
}
