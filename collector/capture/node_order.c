/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_order: see node_order.h. */
#include "collector/capture/node_order.h"

#include "collector/base/xalloc.h"

#include <stdatomic.h>

#define PATIENCE_NS 500000000u /* with a node that is being written */

struct begun {
	uint32_t number;
	uint64_t since_ns; /* when it was seen first */
};

void node_order_init(struct node_order *order, const struct probe_memory *memory)
{
	*order = (struct node_order){.memory = memory, .limit = 1};
}

void node_order_done(struct node_order *order)
{
	free(order->ready);
	free(order->begun);
	*order = (struct node_order){0};
}

static bool is_written(const struct node_order *order, uint32_t number)
{
	return atomic_load_explicit(&order->memory->nodes[number].address, memory_order_acquire);
}

static void add_ready(struct node_order *order, uint32_t number)
{
	xgrow(order->ready, order->ready_count, order->ready_capacity);
	order->ready[order->ready_count++] = (struct node_dated){
		.time_ns = order->memory->nodes[number].time_ns,
		.number = number,
	};
}

/* Forgets those that were taken. */
static void drop_taken(struct node_order *order)
{
	size_t left = order->ready_count - order->next;

	for (size_t i = 0; i < left; i++)
		order->ready[i] = order->ready[order->next + i];
	order->ready_count = left;
	order->next = 0;
}

static void look_at_begun(struct node_order *order, uint64_t now_ns, bool is_last)
{
	size_t left = 0;

	for (size_t i = 0; i < order->begun_count; i++) {
		const struct begun *begun = &order->begun[i];

		if (is_written(order, begun->number))
			add_ready(order, begun->number);
		else if (is_last || now_ns - begun->since_ns >= PATIENCE_NS)
			order->unwritten++;
		else
			order->begun[left++] = *begun;
	}
	order->begun_count = left;
}

static void look_at_new(struct node_order *order, uint64_t now_ns)
{
	const struct probe_memory *memory = order->memory;
	uint32_t limit = atomic_load(&memory->header->node_count);

	if (limit > memory->node_limit)
		limit = memory->node_limit;
	for (; order->limit < limit; order->limit++) {
		if (is_written(order, order->limit)) {
			add_ready(order, order->limit);
			continue;
		}
		xgrow(order->begun, order->begun_count, order->begun_capacity);
		order->begun[order->begun_count++] = (struct begun){order->limit, now_ns};
	}
}

/* By time, then by number. */
static int compare(const void *left, const void *right)
{
	const struct node_dated *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

void node_order_look(struct node_order *order, uint64_t now_ns, bool is_last)
{
	drop_taken(order);
	look_at_new(order, now_ns);
	look_at_begun(order, now_ns, is_last);
	if (order->ready_count)
		qsort(order->ready, order->ready_count, sizeof(*order->ready), compare);
}

const struct node_dated *node_order_next(const struct node_order *order)
{
	return order->next < order->ready_count ? &order->ready[order->next] : NULL;
}

void node_order_take(struct node_order *order)
{
	order->next++;
}

bool node_order_is_waiting(const struct node_order *order)
{
	return order->begun_count;
}
