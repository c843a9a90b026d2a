/* SPDX-License-Identifier: MIT */
/*
 * live: which blocks of memory are in use, with the size of each and the stack that allocated it.
 *
 * A shadow of the heap: 8 bytes for each granule of it, found by three loads. No lock, no atomic:
 * an entry is written after the real allocation and taken before the real free, and in between one
 * thread owns the block; the allocator orders the rest. The granule is 32 bytes for the C library,
 * whose blocks begin at least that far apart, else 8: what is remembered of a block costs a quarter
 * of the smallest block's memory, or as much as the block. In a forked child the shadow is empty.
 */
#pragma once

#include "probe/probe.h"
#include "probe/wire.h"

#define LIVE_RECENT    128u
#define LIVE_BORN_BITS WIRE_CLOCK_BITS

struct live_block {
	uint64_t bytes;
	uint32_t node;			/* 0: no block */
	uint32_t recent : 7;		/* its place among those that its thread allocated last */
	uint32_t born : LIVE_BORN_BITS; /* by the clock, which wraps */
};

/* @is_libc  the blocks come from the C library itself */
void live_prepare(bool is_libc);

/*
 * Remembers a block. Returns the block that was remembered at its place before and never freed, if
 * any. When there is no memory, that is counted.
 */
struct live_block live_put(uint64_t address, struct live_block block);

/* Has what is remembered of a block fetched into the cache: where many are in use it lies far away,
 * and a walk of the stack is about as long as the way. */
void live_fetch(uint64_t address);

/* Takes a block out. Returns it, node 0 when it is not known. */
struct live_block live_take(uint64_t address);

/* Returns how much memory the shadow takes. Cost: four system calls at most for 4 MB of heap. */
uint64_t live_resident(void);

/* Returns the block that contains an address, node 0 when there is none that begins within 64 KB
 * below it. */
struct live_block live_around(uint64_t address);
