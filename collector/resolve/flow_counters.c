/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flow_counters: see flow_counters.h. */
#include "collector/resolve/flow_counters.h"

#include "collector/base/xalloc.h"

#include <math.h>
#include <string.h>

#define MOST_ARCS     3	 /* of a block */
#define ROUNDS	      8	 /* that a loop is taken to have */
#define DEEPEST_LOOP  8	 /* that makes a difference */
#define STEPPED_PRICE 20 /* emulated ones */

static uint32_t find(uint32_t *parents, uint32_t place)
{
	while (parents[place] != place)
		place = parents[place] = parents[parents[place]];
	return place;
}

static void join(uint32_t *parents, uint32_t a, uint32_t b)
{
	parents[find(parents, a)] = find(parents, b);
}

static bool tells_branch(const struct flow_block *block)
{
	return block->end == FLOW_BRANCH && block->has_place && block->condition != EXITS_ALWAYS;
}

/* ---- places -------------------------------------------------------------------------------- */

static uint32_t in_of(const struct flow *flow, uint32_t block)
{
	return block == FLOW_OUTSIDE ? 2 * flow->count : 2 * block;
}

/* Connects the places between which nothing can be counted. */
static void connect(struct flow_counters *counters, const struct flow *flow)
{
	uint32_t outside = 2 * flow->count;

	counters->place_count = outside + 1;
	counters->places = xcalloc(counters->place_count, sizeof(*counters->places));
	for (uint32_t i = 0; i < counters->place_count; i++)
		counters->places[i] = i;
	for (uint32_t i = 0; i < flow->count; i++) {
		const struct flow_block *block = &flow->blocks[i];

		if (block->is_root)
			join(counters->places, 2 * i, outside);
		if (block->end == FLOW_LEAVE || block->end == FLOW_CALL)
			join(counters->places, 2 * i + 1, outside);
		for (uint32_t k = 0; k < block->edge_count && !tells_branch(block); k++)
			join(counters->places, 2 * i + 1,
			     in_of(flow, flow->edges[block->first_edge + k].to));
	}
	for (uint32_t i = 0; i < counters->place_count; i++)
		counters->places[i] = find(counters->places, i);
}

static void add_arc(struct flow_counters *counters, uint32_t from, uint32_t to, uint32_t block,
		    uint32_t edge)
{
	counters->arcs[counters->arc_count++] =
		(struct flow_arc){counters->places[from], counters->places[to], block, edge, false};
}

static void make_arcs(struct flow_counters *counters, const struct flow *flow)
{
	counters->arcs = xcalloc((size_t)flow->count * MOST_ARCS, sizeof(*counters->arcs));
	for (uint32_t i = 0; i < flow->count; i++) {
		const struct flow_block *block = &flow->blocks[i];

		if (block->is_dead)
			continue;
		add_arc(counters, 2 * i, 2 * i + 1, i, FLOW_OUTSIDE);
		for (uint32_t k = 0; k < block->edge_count && tells_branch(block); k++) {
			uint32_t edge = block->first_edge + k;

			add_arc(counters, 2 * i + 1, in_of(flow, flow->edges[edge].to), i, edge);
		}
	}
}

/* ---- choice -------------------------------------------------------------------------------- */

struct offer {
	uint32_t first_arc, block;
	double cost;
};

static double cost_of(const struct flow_block *block)
{
	double rounds = pow(ROUNDS, block->depth < DEEPEST_LOOP ? block->depth : DEEPEST_LOOP);

	if (!block->has_place)
		return INFINITY;
	return rounds * (block->is_emulated ? 1 : STEPPED_PRICE);
}

static int compare_offers(const void *left, const void *right)
{
	const struct offer *a = left, *b = right;

	if (a->cost != b->cost)
		return a->cost > b->cost ? -1 : 1;
	return (a->block > b->block) - (a->block < b->block);
}

static uint32_t arcs_of(const struct flow_counters *counters, uint32_t first)
{
	uint32_t end = first;

	while (end < counters->arc_count &&
	       counters->arcs[end].block == counters->arcs[first].block)
		end++;
	return end - first;
}

/* Gives a block a probe. */
static void probe(struct flow_counters *counters, struct flow_arc *arcs, uint32_t count)
{
	counters->is_probed[arcs->block] = true;
	counters->probe_count++;
	for (uint32_t i = 0; i < count; i++)
		arcs[i].is_counted = true;
}

/* Adds a block's arcs to the forest, all or none; returns whether it stays one. */
static bool plant(uint32_t *forest, const struct flow_arc *arcs, uint32_t count)
{
	uint32_t ends[2 * MOST_ARCS], parents[2 * MOST_ARCS];

	for (uint32_t i = 0; i < 2 * count; i++) {
		uint32_t place = i % 2 ? arcs[i / 2].to : arcs[i / 2].from;

		ends[i] = find(forest, place);
		parents[i] = i;
		for (uint32_t k = 0; k < i; k++)
			if (ends[k] == ends[i])
				join(parents, i, k);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (find(parents, 2 * i) == find(parents, 2 * i + 1))
			return false;
		join(parents, 2 * i, 2 * i + 1);
	}
	for (uint32_t i = 0; i < count; i++)
		join(forest, arcs[i].from, arcs[i].to);
	return true;
}

static const char *choose(struct flow_counters *counters, const struct flow *flow)
{
	struct offer *offers = xcalloc(flow->count, sizeof(*offers));
	uint32_t *forest = xcalloc(counters->place_count, sizeof(*forest)), count = 0;
	const char *problem = NULL;

	for (uint32_t i = 0; i < counters->place_count; i++)
		forest[i] = i;
	for (uint32_t i = 0; i < counters->arc_count; i += arcs_of(counters, i))
		offers[count++] = (struct offer){i, counters->arcs[i].block,
						 cost_of(&flow->blocks[counters->arcs[i].block])};
	qsort(offers, count, sizeof(*offers), compare_offers);
	for (uint32_t i = 0; i < count && !problem; i++) {
		struct flow_arc *arcs = &counters->arcs[offers[i].first_arc];
		uint32_t arc_count = arcs_of(counters, offers[i].first_arc);

		if (offers[i].block && plant(forest, arcs, arc_count))
			continue;
		if (!flow->blocks[offers[i].block].has_place)
			problem = "a piece of it has no instruction that can be probed";
		probe(counters, arcs, arc_count);
	}
	free(offers);
	free(forest);
	return problem;
}

const char *flow_counters_choose(struct flow_counters *counters, const struct flow *flow)
{
	const char *problem;

	*counters = (struct flow_counters){
		.is_probed = xcalloc(flow->count, sizeof(*counters->is_probed))};
	connect(counters, flow);
	make_arcs(counters, flow);
	problem = choose(counters, flow);
	if (problem)
		flow_counters_done(counters);
	return problem;
}

void flow_counters_done(struct flow_counters *counters)
{
	free(counters->is_probed);
	free(counters->arcs);
	free(counters->places);
	*counters = (struct flow_counters){0};
}

/* ---- solution ------------------------------------------------------------------------------ */

/* All in whole numbers that may be below 0 where the counts contradict each other. */
struct solving {
	const struct flow_counters *counters;
	int64_t *excess;	   /* by place: what came less what left */
	uint32_t *unknown;	   /* by place: arcs at it */
	int64_t *arcs;		   /* hits */
	bool *is_known;		   /* by arc */
	uint32_t *first, *arcs_at; /* by place, and behind the last: indices into the other */
};

static void settle(struct solving *solving, uint32_t arc, int64_t hits)
{
	const struct flow_arc *row = &solving->counters->arcs[arc];

	solving->arcs[arc] = hits;
	solving->is_known[arc] = true;
	solving->excess[row->from] -= hits;
	solving->excess[row->to] += hits;
}

static void list_arcs(struct solving *solving)
{
	const struct flow_counters *counters = solving->counters;
	uint32_t *next;

	solving->first = xcalloc(counters->place_count + 2, sizeof(*solving->first));
	solving->arcs_at = xcalloc(2 * (size_t)counters->arc_count, sizeof(*solving->arcs_at));
	next = solving->first + 1;
	for (uint32_t i = 0; i < counters->arc_count; i++) {
		next[counters->arcs[i].from + 1]++;
		next[counters->arcs[i].to + 1]++;
	}
	for (uint32_t i = 0; i < counters->place_count; i++)
		next[i + 1] += next[i];
	for (uint32_t i = 0; i < counters->arc_count; i++) {
		solving->arcs_at[next[counters->arcs[i].from]++] = i;
		solving->arcs_at[next[counters->arcs[i].to]++] = i;
	}
}

/* Takes leaves off the forest until nothing is left. */
static void strip(struct solving *solving)
{
	const struct flow_counters *counters = solving->counters;
	uint32_t *leaves =
		xcalloc(counters->place_count + 2 * (size_t)counters->arc_count, sizeof(*leaves));
	size_t count = 0;

	for (uint32_t i = 0; i < counters->place_count; i++)
		if (solving->unknown[i] == 1)
			leaves[count++] = i;
	while (count) {
		uint32_t leaf = leaves[--count], at = solving->first[leaf], arc;

		if (solving->unknown[leaf] != 1)
			continue;
		while (solving->is_known[solving->arcs_at[at]])
			at++;
		arc = solving->arcs_at[at];
		settle(solving, arc,
		       counters->arcs[arc].from == leaf ? solving->excess[leaf]
							: -solving->excess[leaf]);
		for (int end = 0; end < 2; end++) {
			uint32_t place = end ? counters->arcs[arc].to : counters->arcs[arc].from;

			if (--solving->unknown[place] == 1)
				leaves[count++] = place;
		}
	}
	free(leaves);
}

/* Hits of the edges that are no arcs: a block with one of them has it all. */
static void fill_edges(const struct flow *flow, const uint64_t *blocks, uint64_t *edges)
{
	uint32_t *ways = xcalloc(flow->count, sizeof(*ways));

	for (uint32_t i = 0; i < flow->count; i++)
		ways[i] = flow->blocks[i].is_root;
	for (uint32_t i = 0; i < flow->edge_count; i++)
		if (flow->edges[i].to != FLOW_OUTSIDE)
			ways[flow->edges[i].to]++;
	for (uint32_t i = 0; i < flow->edge_count; i++) {
		const struct flow_edge *edge = &flow->edges[i];
		const struct flow_block *from = &flow->blocks[edge->from];

		if (tells_branch(from))
			continue;
		if (edge->to != FLOW_OUTSIDE && ways[edge->to] == 1)
			edges[i] = blocks[edge->to];
		else if (from->end == FLOW_ON || from->end == FLOW_CALL)
			edges[i] = blocks[edge->from];
	}
	free(ways);
}

/* Takes what the probes have counted; the arcs that are left are unknown. */
static void take_counts(struct solving *solving, const struct flow *flow,
			const struct flow_count *counts)
{
	for (uint32_t i = 0; i < solving->counters->arc_count; i++) {
		const struct flow_arc *arc = &solving->counters->arcs[i];
		const struct flow_count *count = &counts[arc->block];

		if (!arc->is_counted) {
			solving->unknown[arc->from]++;
			solving->unknown[arc->to]++;
		} else if (arc->edge == FLOW_OUTSIDE) {
			settle(solving, i, (int64_t)count->hits);
		} else {
			settle(solving, i,
			       (int64_t)(flow->edges[arc->edge].is_taken
						 ? count->taken
						 : count->hits - count->taken));
		}
	}
}

/* Hands the hits of arcs out; returns the worst contradiction: hits below 0, or a place that more
 * has left than has come to. */
static uint64_t give_hits(const struct solving *solving, uint64_t *blocks, uint64_t *edges)
{
	const struct flow_counters *counters = solving->counters;
	int64_t worst = 0;

	for (uint32_t i = 0; i < counters->place_count; i++)
		if (llabs(solving->excess[i]) > worst)
			worst = llabs(solving->excess[i]);
	for (uint32_t i = 0; i < counters->arc_count; i++) {
		const struct flow_arc *arc = &counters->arcs[i];
		int64_t hits = solving->arcs[i];

		if (-hits > worst)
			worst = -hits;
		*(arc->edge == FLOW_OUTSIDE ? &blocks[arc->block] : &edges[arc->edge]) =
			hits > 0 ? (uint64_t)hits : 0;
	}
	return (uint64_t)worst;
}

uint64_t flow_counters_solve(const struct flow_counters *counters, const struct flow *flow,
			     const struct flow_count *counts, uint64_t *blocks, uint64_t *edges)
{
	struct solving solving = {
		.counters = counters,
		.excess = xcalloc(counters->place_count, sizeof(*solving.excess)),
		.unknown = xcalloc(counters->place_count, sizeof(*solving.unknown)),
		.arcs = xcalloc(counters->arc_count, sizeof(*solving.arcs)),
		.is_known = xcalloc(counters->arc_count, sizeof(*solving.is_known)),
	};
	uint64_t contradiction;

	list_arcs(&solving);
	take_counts(&solving, flow, counts);
	strip(&solving);
	memset(blocks, 0, flow->count * sizeof(*blocks));
	memset(edges, 0xff, flow->edge_count * sizeof(*edges));
	contradiction = give_hits(&solving, blocks, edges);
	fill_edges(flow, blocks, edges);
	free(solving.excess);
	free(solving.unknown);
	free(solving.arcs);
	free(solving.is_known);
	free(solving.first);
	free(solving.arcs_at);
	return contradiction;
}
