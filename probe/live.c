/* SPDX-License-Identifier: MIT */
/*
 * live: see live.h. Source: madvise(2), MADV_WIPEONFORK.
 *
 *     address   bits 34..46       22..33           shift..21
 *               roots[8192] ───→  leaves[4096] ─→  entries of 4 MB of address space
 *
 * Entry, from its lowest bit:
 *     2    where in the granule the block begins, in units of 8 bytes
 *     20   node; 0: no block begins here
 *     7    place among its thread's last allocations
 *     23   time of its birth
 *     12   size; LARGE: the next granule, which is this block's alone, has it in its entry, above
 *          24 bits of 0
 */
#include "probe/live.h"

#include "probe/footprint.h"
#include "probe/raw.h"
#include "probe/tally.h"
#include "probe/wire.h"

#include <linux/mman.h>
#include <sys/mman.h>

#define ADDRESS_BITS 47
#define ROOT_SHIFT   34
#define LEAF_SHIFT   22
#define ROOTS	     (1u << (ADDRESS_BITS - ROOT_SHIFT))
#define LEAVES	     (1u << (ROOT_SHIFT - LEAF_SHIFT))
#define NODE_SHIFT   2
#define RECENT_SHIFT 22
#define BORN_SHIFT   29
#define SIZE_SHIFT   52
#define LARGE	     4095u
#define LARGE_SHIFT  24

#define FARTHEST_BYTES (64u << 10) /* that live_around looks below an address */

_Static_assert(WIRE_NODES_MOST <= 1u << (RECENT_SHIFT - NODE_SHIFT) &&
		       LIVE_RECENT <= 1u << (BORN_SHIFT - RECENT_SHIFT) &&
		       LIVE_BORN_BITS <= SIZE_SHIFT - BORN_SHIFT,
	       "everything fits");

typedef uint64_t *leaf; /* entries */

static leaf *_Atomic roots[ROOTS];
static unsigned int granule_shift = 5;

void live_prepare(bool is_libc)
{
	granule_shift = is_libc ? 5 : 3;
}

/* Maps memory and puts it where another thread may have put some meanwhile. */
static void *install(void *_Atomic *place, uint64_t bytes, bool is_wiped)
{
	void *expected = NULL;
	void *memory = raw_map(bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	if (raw_failed(memory))
		return NULL;
	if ((is_wiped && RAW_3(SYS_madvise, memory, bytes, MADV_WIPEONFORK)) ||
	    !atomic_compare_exchange_strong(place, &expected, memory))
		RAW_2(SYS_munmap, memory, bytes);
	return atomic_load(place);
}

/* Returns the entry of an address, NULL when there is none. */
static inline uint64_t *entry_of(uint64_t address)
{
	leaf *leaves;
	leaf entries;

	if (address >> ADDRESS_BITS)
		return NULL;
	leaves = atomic_load_explicit(&roots[address >> ROOT_SHIFT], memory_order_acquire);
	if (!leaves)
		return NULL;
	entries =
		__atomic_load_n(&leaves[(address >> LEAF_SHIFT) & (LEAVES - 1)], __ATOMIC_ACQUIRE);
	if (!entries)
		return NULL;
	return &entries[(address & ((1u << LEAF_SHIFT) - 1)) >> granule_shift];
}

static uint64_t *make_entry(uint64_t address)
{
	uint64_t bytes = (sizeof(uint64_t) << LEAF_SHIFT) >> granule_shift;
	leaf *leaves;

	if (address >> ADDRESS_BITS)
		return NULL;
	leaves = atomic_load(&roots[address >> ROOT_SHIFT]);
	if (!leaves)
		leaves = install((void *_Atomic *)&roots[address >> ROOT_SHIFT],
				 LEAVES * sizeof(leaf), false);
	if (!leaves ||
	    !install((void *_Atomic *)&leaves[(address >> LEAF_SHIFT) & (LEAVES - 1)], bytes, true))
		return NULL;
	return entry_of(address);
}

/* Returns where the size of a large block at @address stands, NULL when there is no place. */
static uint64_t *large_entry(uint64_t address)
{
	return entry_of(address + (1ull << granule_shift));
}

static uint64_t large_size(uint64_t address)
{
	const uint64_t *large = large_entry(address);

	/* Another block's entry there tells that this one was freed unseen. */
	return large && !(*large & ((1u << LARGE_SHIFT) - 1)) ? *large >> LARGE_SHIFT : LARGE;
}

static inline uint32_t node_of(uint64_t entry)
{
	return (uint32_t)(entry >> NODE_SHIFT) & (WIRE_NODES_MOST - 1);
}

static inline struct live_block unpack(uint64_t entry, uint64_t address)
{
	struct live_block block = {
		.bytes = entry >> SIZE_SHIFT,
		.node = node_of(entry),
		.recent = (uint32_t)(entry >> RECENT_SHIFT) & (LIVE_RECENT - 1),
		.born = (uint32_t)(entry >> BORN_SHIFT) & ((1u << LIVE_BORN_BITS) - 1),
	};

	if (__builtin_expect(block.bytes == LARGE && block.node, 0))
		block.bytes = large_size(address);
	return block;
}

/* Writes the size of a large block. Without memory for that it counts as the smallest large one. */
static void put_large(uint64_t address, uint64_t bytes)
{
	uint64_t next = address + (1ull << granule_shift);
	uint64_t *large = entry_of(next);

	if (!large)
		large = make_entry(next);
	if (large)
		*large = bytes << LARGE_SHIFT;
	else
		probe_refuse(WIRE_REFUSED_LIVE);
}

struct live_block live_put(uint64_t address, struct live_block block)
{
	uint64_t *entry = entry_of(address);
	uint64_t size = block.bytes < LARGE ? block.bytes : LARGE;
	struct live_block before = {0};

	if (__builtin_expect(!entry, 0))
		entry = make_entry(address);
	if (!entry) {
		probe_refuse(WIRE_REFUSED_LIVE);
		return before;
	}
	if (__builtin_expect(node_of(*entry), 0))
		before = unpack(*entry, address);
	*entry = size << SIZE_SHIFT | (uint64_t)block.born << BORN_SHIFT |
		 (uint64_t)block.recent << RECENT_SHIFT | (uint64_t)block.node << NODE_SHIFT |
		 (address >> 3 & 3);
	if (__builtin_expect(size == LARGE, 0))
		put_large(address, block.bytes);
	return before;
}

void live_fetch(uint64_t address)
{
	__builtin_prefetch(entry_of(address), 1);
}

struct live_block live_take(uint64_t address)
{
	uint64_t *entry = entry_of(address);
	struct live_block block = {0};

	if (!entry || !node_of(*entry) || (*entry & 3) != (address >> 3 & 3))
		return block;
	block = unpack(*entry, address);
	*entry = 0;
	return block;
}

struct live_block live_around(uint64_t address)
{
	uint64_t granule = 1ull << granule_shift, last = address & ~(granule - 1);

	for (uint64_t at = last; at + FARTHEST_BYTES > last && at; at -= granule) {
		const uint64_t *entry = entry_of(at);
		struct live_block block;
		uint64_t start;

		if (!entry || !node_of(*entry))
			continue;
		start = at + (*entry & 3) * 8;
		if (start > address)
			continue;
		block = unpack(*entry, at);
		return address - start < block.bytes ? block : (struct live_block){0};
	}
	return (struct live_block){0};
}

uint64_t live_resident(void)
{
	uint64_t entry_bytes = (sizeof(uint64_t) << LEAF_SHIFT) >> granule_shift, bytes = 0;

	for (uint32_t i = 0; i < ROOTS; i++) {
		leaf *leaves = atomic_load(&roots[i]);

		if (!leaves)
			continue;
		bytes += footprint_of(leaves, LEAVES * sizeof(leaf));
		for (uint32_t j = 0; j < LEAVES; j++)
			if (leaves[j])
				bytes += footprint_of(leaves[j], entry_bytes);
	}
	return bytes;
}
