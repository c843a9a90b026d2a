/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node_order: the nodes of the shared tree of stacks (probe/wire.h) in the order of their times.
 *
 * A node's number is taken first, then it is dated and written. A thread that is set aside in
 * between, or waits for a page there, must not hold up those of others: what their addresses mean
 * is known only until their process ends. So a node that was begun is passed over, and told when it
 * is written; and what is written is told by time, as that of a smaller number may be later.
 *
 * A node is written before anything can be its child, and dated before its children are.
 */
#pragma once

#include "collector/capture/probe_memory.h"

/* A node that is written, with its time as it was then: the target can still change its own. */
struct node_dated {
	uint64_t time_ns;
	uint32_t number;
};

struct node_order {
	const struct probe_memory *memory;
	uint32_t limit;		  /* nodes from here on were not looked at */
	struct node_dated *ready; /* by time; those before `next` were taken */
	size_t ready_count, ready_capacity, next;
	struct begun *begun; /* nodes that are not written yet */
	size_t begun_count, begun_capacity;
	uint64_t unwritten; /* nodes that somebody began and never wrote */
};

/* Starts with a zero-initialised one. */
void node_order_init(struct node_order *order, const struct probe_memory *memory);
void node_order_done(struct node_order *order);

/*
 * Looks at what has been made and written.
 *
 * @now_ns   what has been begun half a second before is given up
 * @is_last  nobody writes any more: nothing is waited for
 */
void node_order_look(struct node_order *order, uint64_t now_ns, bool is_last);

/* Returns the next node to tell, NULL when there is none; the same until it is taken. Valid until
 * the next look. */
const struct node_dated *node_order_next(const struct node_order *order);
void node_order_take(struct node_order *order);

/* Says whether a node is waited for, whose amounts would be looked at too early. */
bool node_order_is_waiting(const struct node_order *order);
