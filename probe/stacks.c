/* SPDX-License-Identifier: MIT */
/* stacks: see stacks.h. */
#include "probe/stacks.h"

#include "probe/clock.h"

/* The memory may hold anything: no walk along a chain is without end. */
#define LONGEST_CHAIN 4096

_Atomic uint32_t stacks_root;

static struct wire_node *nodes;
static _Atomic uint32_t *buckets;
static uint32_t node_limit;
static uint32_t bucket_mask;

bool stacks_prepare(void)
{
	uint64_t node_bytes, bucket_bytes;

	nodes = probe_region(WIRE_NODES, &node_bytes);
	buckets = probe_region(WIRE_BUCKETS, &bucket_bytes);
	if (!nodes || !buckets || bucket_bytes != probe.wire->regions[WIRE_BUCKETS].bytes)
		return false;
	node_limit = (uint32_t)(node_bytes / sizeof(*nodes));
	if (node_limit > WIRE_NODES_MOST)
		node_limit = WIRE_NODES_MOST;
	bucket_mask = (uint32_t)(bucket_bytes / sizeof(*buckets)) - 1;
	return node_limit > 1 && !(bucket_mask & (bucket_mask + 1));
}

/* Takes the next number; 0 when there is none. */
static uint32_t claim(uint32_t parent)
{
	_Atomic uint32_t *count = &probe.wire->node_count;
	uint32_t number = node_limit;

	if (atomic_load_explicit(count, memory_order_relaxed) < node_limit)
		number = atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
	if (number >= node_limit || !number) {
		probe_refuse(WIRE_REFUSED_NODE);
		return 0;
	}
	nodes[number].parent = parent;
	nodes[number].time_ns = clock_now_ns();
	return number;
}

static void publish(uint32_t number, uint64_t address)
{
	atomic_store_explicit(&nodes[number].address, address, memory_order_release);
}

void stacks_begin(uint32_t row)
{
	uint32_t number = claim(0);

	if (number)
		publish(number, row);
	atomic_store(&stacks_root, number);
}

/* Looks along a chain up to @end; returns the number or 0. */
static uint32_t find(uint32_t head, uint32_t end, uint32_t parent, uint64_t address)
{
	for (int i = 0; head && head != end && head < node_limit && i < LONGEST_CHAIN; i++) {
		const struct wire_node *node = &nodes[head];

		if (node->parent == parent &&
		    atomic_load_explicit(&node->address, memory_order_relaxed) == address)
			return head;
		head = node->next;
	}
	return 0;
}

uint32_t stacks_node(uint32_t parent, uint64_t address)
{
	uint64_t hash = (address ^ (uint64_t)parent << 40) * 0x9e3779b97f4a7c15u;
	_Atomic uint32_t *bucket = &buckets[(hash >> 32) & bucket_mask];
	uint32_t head = atomic_load_explicit(bucket, memory_order_acquire);
	uint32_t searched = 0, made = 0, found;

	for (;;) {
		found = find(head, searched, parent, address);
		if (found)
			return found;
		if (!made) {
			made = claim(parent);
			if (!made)
				return parent;
		}
		nodes[made].next = head;
		publish(made, address);
		searched = head;
		if (atomic_compare_exchange_weak_explicit(bucket, &head, made, memory_order_acq_rel,
							  memory_order_acquire))
			return made;
	}
}
