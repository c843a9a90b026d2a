/* SPDX-License-Identifier: MIT */
/*
 * early: blocks for allocations that come before the real functions are known, as the look-up of
 * these may allocate itself. They are never given back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EARLY_BYTES 4096

extern uint8_t early_pool[EARLY_BYTES];

/* Returns a block of zeros, NULL when there is no room. */
void *early_allocate(size_t bytes);

static inline bool is_early(const void *block)
{
	return (uint64_t)block - (uint64_t)early_pool < EARLY_BYTES;
}

/* Returns how many bytes from a block on are blocks of ours at most. */
static inline size_t early_bytes(const void *block)
{
	return is_early(block) ? EARLY_BYTES - ((uint64_t)block - (uint64_t)early_pool) : 0;
}
