/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/flow_counters.c: walks through graphs, counted at the chosen blocks
 * only, must come out as if all had been counted. */
#include "collector/resolve/flow_counters.h"

#include <criterion/criterion.h>
#include <string.h>

#define MOST	   40
#define MOST_EDGES 200
#define STEPS	   100000

static uint64_t seed;

static uint32_t random_below(uint32_t limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % limit);
}

/* What really happened. */
struct truth {
	uint64_t blocks[MOST], edges[MOST_EDGES];
	struct flow_count counts[MOST];
};

static struct flow_block blocks[MOST];
static struct flow_edge edges[MOST_EDGES];
static struct flow flow = {.blocks = blocks, .edges = edges};

static void add_edges(uint32_t from, uint32_t count)
{
	blocks[from].first_edge = flow.edge_count;
	blocks[from].edge_count = count;
	for (uint32_t i = 0; i < count; i++) {
		bool leaves = blocks[from].end == FLOW_BRANCH && !i && !random_below(8);

		edges[flow.edge_count++] = (struct flow_edge){
			from, leaves ? FLOW_OUTSIDE : random_below(flow.count), !i};
	}
}

static void make_graph(uint32_t count)
{
	static const enum flow_end ends[] = {FLOW_ON,	FLOW_BRANCH, FLOW_BRANCH, FLOW_BRANCH,
					     FLOW_CALL, FLOW_SWITCH, FLOW_LEAVE};
	static const uint32_t ways[] = {
		[FLOW_ON] = 1, [FLOW_BRANCH] = 2, [FLOW_SWITCH] = 3, [FLOW_CALL] = 1};

	flow.count = count;
	flow.edge_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		enum flow_end end = i + 1 == count ? FLOW_LEAVE : ends[random_below(7)];

		blocks[i] = (struct flow_block){
			.end = end,
			.is_root = !i || !random_below(12),
			.has_place = true,
			.is_emulated = random_below(3),
			.condition = end == FLOW_BRANCH ? 4 : EXITS_ALWAYS,
			.depth = random_below(3),
		};
		add_edges(i, end == FLOW_LEAVE ? 0 : ways[end]);
	}
}

/* Walks from a root until the function is left, or a call does not come back. Returns false when
 * the walk does not end. */
static bool walk(struct truth *truth)
{
	uint32_t block = random_below(3) ? 0 : random_below(flow.count);

	if (!blocks[block].is_root)
		block = 0;
	for (int step = 0; step < STEPS; step++) {
		const struct flow_block *row = &blocks[block];
		uint32_t edge =
			row->first_edge + (row->edge_count ? random_below(row->edge_count) : 0);

		truth->blocks[block]++;
		truth->counts[block].hits++;
		if (row->end == FLOW_LEAVE || (row->end == FLOW_CALL && !random_below(6)))
			return true;
		truth->edges[edge]++;
		truth->counts[block].taken += edges[edge].is_taken;
		if (edges[edge].to == FLOW_OUTSIDE)
			return true;
		block = edges[edge].to;
	}
	return false;
}

Test(flow_counters, what_was_not_counted_follows)
{
	size_t judged = 0, probes = 0, all = 0;

	for (seed = 1; judged < 300; seed += 977) {
		static struct truth truth;
		uint64_t found_blocks[MOST], found_edges[MOST_EDGES];
		struct flow_counters counters;
		bool ends = true;

		memset(&truth, 0, sizeof(truth));
		make_graph(2 + random_below(MOST - 2));
		for (int i = 0; i < 20 && ends; i++)
			ends = walk(&truth);
		if (!ends)
			continue;
		cr_assert_null(flow_counters_choose(&counters, &flow));
		for (uint32_t i = 0; i < flow.count; i++)
			if (!counters.is_probed[i])
				truth.counts[i] = (struct flow_count){77, 7}; /* not to be read */
		cr_assert_eq(flow_counters_solve(&counters, &flow, truth.counts, found_blocks,
						 found_edges),
			     0);
		for (uint32_t i = 0; i < flow.count; i++)
			cr_assert_eq(found_blocks[i], truth.blocks[i], "block %u of graph %zu", i,
				     judged);
		for (uint32_t i = 0; i < flow.edge_count; i++)
			if (blocks[edges[i].from].end == FLOW_BRANCH)
				cr_assert_eq(found_edges[i], truth.edges[i], "edge %u of graph %zu",
					     i, judged);
		judged++;
		probes += counters.probe_count;
		all += flow.count;
		flow_counters_done(&counters);
	}
	cr_assert_lt(probes, all * 7 / 10, "%zu of %zu", probes, all);
}

/* 0: branch to 2 or 1   1: on to 2   2: leaves */
static void make_diamond(void)
{
	flow.count = 3;
	flow.edge_count = 3;
	memset(blocks, 0, sizeof(blocks));
	for (uint32_t i = 0; i < 3; i++)
		blocks[i] = (struct flow_block){.has_place = true, .condition = EXITS_ALWAYS};
	blocks[0].is_root = blocks[0].is_emulated = true;
	blocks[0].end = FLOW_BRANCH;
	blocks[0].edge_count = 2;
	blocks[0].condition = 4;
	blocks[1].first_edge = 2;
	blocks[1].edge_count = 1;
	blocks[2].end = FLOW_LEAVE;
	edges[0] = (struct flow_edge){0, 2, true};
	edges[1] = (struct flow_edge){0, 1, false};
	edges[2] = (struct flow_edge){1, 2, true};
}

Test(flow_counters, one_probe_on_the_jump_is_enough_for_a_diamond)
{
	struct flow_counters counters;

	make_diamond();
	cr_assert_null(flow_counters_choose(&counters, &flow));
	cr_assert_eq(counters.probe_count, 1);
	cr_assert(counters.is_probed[0]);
	flow_counters_done(&counters);
}

Test(flow_counters, an_entry_that_cannot_be_probed_is_refused)
{
	struct flow_counters counters;

	make_diamond();
	blocks[0].has_place = false;
	cr_assert_not_null(flow_counters_choose(&counters, &flow));
}

Test(flow_counters, tells_by_how_much_counts_contradict_each_other)
{
	uint64_t found_blocks[3], found_edges[3];
	struct flow_count counts[3] = {{.hits = 10}, {.hits = 11}, {.hits = 11}};
	struct flow_counters counters;

	make_diamond();
	blocks[0].end = FLOW_SWITCH;
	blocks[1].end = FLOW_LEAVE;
	blocks[1].edge_count = 0;
	cr_assert_null(flow_counters_choose(&counters, &flow));
	cr_assert_eq(counters.probe_count, 2);
	cr_assert_eq(flow_counters_solve(&counters, &flow, counts, found_blocks, found_edges), 1,
		     "one way of a switch was taken more often than the switch");
	flow_counters_done(&counters);
}
