/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dispersion: see dispersion.h. */
#include "reports/dispersion.h"

#include "collector/base/xalloc.h"

#include <math.h>

static int block_of(const struct dispersion_blocks *blocks, const struct profile_sample *sample)
{
	uint64_t block = (sample->time_ns - blocks->start_ns) / blocks->block_ns;

	return block < DISPERSION_BLOCKS ? block : DISPERSION_BLOCKS - 1;
}

void dispersion_blocks_init(struct dispersion_blocks *blocks, const struct profile *profile,
			    uint16_t metric)
{
	uint64_t first = UINT64_MAX, last = 0;
	double sum = 0, squares = 0;

	*blocks = (struct dispersion_blocks){.block_ns = 1};
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		double value = call_tree_value(profile, sample);

		if (sample->metric != metric)
			continue;
		first = sample->time_ns < first ? sample->time_ns : first;
		last = sample->time_ns > last ? sample->time_ns : last;
		sum += value;
		squares += value * value;
	}
	if (first > last)
		return;
	blocks->start_ns = first;
	blocks->block_ns = (last - first) / DISPERSION_BLOCKS + 1;
	blocks->equal_samples = squares > 0 ? sum * sum / squares : 0;
	for (size_t i = 0; i < profile->samples_count; i++)
		if (profile->samples[i].metric == metric)
			blocks->samples[block_of(blocks, &profile->samples[i])]++;
}

double dispersion_phi(const struct dispersion_blocks *blocks, const uint32_t *counts)
{
	double all = 0, mine = 0, sum = 0, share;
	int used = 0;

	for (int i = 0; i < DISPERSION_BLOCKS; i++) {
		all += blocks->samples[i];
		mine += counts[i];
	}
	if (mine <= 0 || mine >= all)
		return 1;
	share = mine / all;
	for (int i = 0; i < DISPERSION_BLOCKS; i++) {
		double samples = blocks->samples[i], excess = counts[i] - samples * share;

		if (samples <= 0)
			continue;
		sum += excess * excess / (samples * share * (1 - share));
		used++;
	}
	return used > 1 && sum > used - 1 ? sum / (used - 1) : 1;
}

void dispersion_each_block(const struct dispersion_blocks *blocks, const struct profile *profile,
			   const struct call_tree *tree,
			   void (*add)(void *context, int block, const uint32_t *samples_of_node),
			   void *context)
{
	uint32_t *counts = xcalloc(tree->count, sizeof(*counts));
	size_t next = 0;

	/* Samples are ordered by time, so each block is a run of them. */
	for (int block = 0; block < DISPERSION_BLOCKS; block++) {
		memset(counts, 0, tree->count * sizeof(*counts));
		for (; next < profile->samples_count; next++) {
			if (tree->leaf_of_sample[next] == CALL_TREE_OTHER)
				continue;
			if (block_of(blocks, &profile->samples[next]) != block)
				break;
			counts[tree->leaf_of_sample[next]]++;
		}
		for (uint32_t i = tree->count - 1; i > 0; i--)
			counts[tree->nodes[i].parent] += counts[i];
		add(context, block, counts);
	}
	free(counts);
}

struct interval dispersion_interval(double share, double samples)
{
	const double z = 1.959964; /* 97.5 % quantile of the normal distribution */
	double centre, half, scale;

	if (samples <= 0)
		return (struct interval){0, 1};
	scale = 1 + z * z / samples;
	centre = (share + z * z / (2 * samples)) / scale;
	half = z / scale * sqrt(share * (1 - share) / samples + z * z / (4 * samples * samples));
	return (struct interval){
		centre > half ? centre - half : 0,
		centre + half < 1 ? centre + half : 1,
	};
}
