/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flow_counters: which blocks of a function must be counted so that the hits of all follow, and
 * what follows.
 *
 * As often as control comes to a place it leaves it. With each block cut into "in" and "out", and
 * all that lies outside as one more place, hits of blocks and of branches are a flow through a
 * graph. A flow is known when it is counted on all arcs but those of a forest: each leaf of the
 * forest has one unknown arc, which follows; then there are new leaves. So the dearest arcs make
 * the forest, and the others are counted:
 *
 *     a block      one arc, counted by a probe anywhere in it
 *     a branch     two more; a probe on the jump counts all three, since the flags tell where it
 *                  goes
 *     all others   cannot be counted; the places that they connect count as one
 *
 * A call is connected with the outside: it need not come back. So nothing is assumed of what is
 * called, and the hits stay right when an exception or longjmp takes calls away.
 *
 * Source: Knuth and Stevenson, "Optimal measurement points for program frequency counts", BIT 13
 * (1973); Ball and Larus, "Optimally profiling and tracing programs", TOPLAS 16 (1994), 3.
 */
#pragma once

#include "collector/resolve/flow.h"

struct flow_arc {
	uint32_t from, to; /* places */
	uint32_t block;	   /* whose probe counts it */
	uint32_t edge;	   /* of the flow, or FLOW_OUTSIDE: the block itself */
	bool is_counted;
};

struct flow_counters {
	bool *is_probed; /* by block */
	uint32_t probe_count;
	/* private */
	struct flow_arc *arcs; /* of one block side by side */
	uint32_t arc_count;
	uint32_t *places; /* by "in" (2 * block), "out" (2 * block + 1) and outside (the last) */
	uint32_t place_count;
};

/* What a probe has counted. */
struct flow_count {
	uint64_t hits;
	uint64_t taken; /* of them, times the block's jump was taken */
};

/*
 * Chooses the blocks to probe: the function's first, where calls are seen, and of the others as
 * few as it takes. Those in loops and those whose probe is dear are avoided.
 *
 * Returns NULL, and flow_counters_done releases; or why the function cannot be counted: half a
 * sentence, static.
 */
const char *flow_counters_choose(struct flow_counters *counters, const struct flow *flow);
void flow_counters_done(struct flow_counters *counters);

/*
 * Adds up what has been counted.
 *
 * @counts  by block; only those of probed blocks are read
 * @blocks  receives hits by block
 * @edges   receives hits by edge of the flow; UINT64_MAX where they are not known
 * Returns by how much the counts contradict each other: by as many calls at most as were under way
 * when counting began or ended.
 */
uint64_t flow_counters_solve(const struct flow_counters *counters, const struct flow *flow,
			     const struct flow_count *counts, uint64_t *blocks, uint64_t *edges);
