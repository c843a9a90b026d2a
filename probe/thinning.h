/* SPDX-License-Identifier: MIT */
/*
 * thinning: which allocations are taken when only a sample of them is, and what each stands for.
 *
 * Every byte that is asked for is hit with the same small chance, so that hits are R bytes apart in
 * the mean (WIRE memory_rate), and an allocation is taken when any of its s bytes is hit. The bytes
 * until the next hit are drawn anew at each hit; nothing else has to be looked at, since what is
 * left of an exponential distance is distributed as the whole. So an allocation is taken with
 * probability p = 1 - exp(-s / R), and stands for 1 / p allocations and s / p bytes: sums of these
 * are unbiased, whatever the sizes and their order.
 *
 * Nothing of the mathematical library is used: it may not be in the program.
 *
 * Source: D. G. Horvitz, D. J. Thompson, "A Generalization of Sampling Without Replacement From a
 * Finite Universe", JASA 47 (1952); docs/methods.md.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Draws the bytes that pass until the next hit: 0 when the next byte is hit. The allocation that
 * makes what is left negative is taken.
 *
 * @state  of the random numbers, not 0; changed. Source: G. Marsaglia, "Xorshift RNGs", Journal of
 *         Statistical Software 8 (2003); the multiplication is S. Vigna's, xorshift64*.
 * @rate   > 0
 */
int64_t thinning_gap(uint64_t *state, uint64_t rate);

/* What a taken allocation stands for, in the parts of wire_tally. */
struct thinning_weight {
	uint64_t count, bytes;
};

/* @bytes  that were asked for; for none, one is sampled in its place and none is counted */
struct thinning_weight thinning_weight(uint64_t bytes, uint64_t rate);

/* How many of the blocks that were taken and not yet forgotten have an address of each hash. A
 * count that has been full stays so: a free that asks in vain costs a look at the shadow. */
extern _Atomic uint8_t thinning_filter[1u << 16];

static inline _Atomic uint8_t *thinning_count(uint64_t address)
{
	return &thinning_filter[address * 0x9e3779b97f4a7c15u >> 48];
}

/* Returns false only when the block at this address was certainly not taken. */
static inline bool thinning_may_know(uint64_t address)
{
	return atomic_load_explicit(thinning_count(address), memory_order_relaxed);
}

void thinning_remember(uint64_t address);
void thinning_forget(uint64_t address);
