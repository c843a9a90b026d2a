/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random: the engine's own random numbers, the same on every machine.
 *
 * Generator: xoshiro256** 1.0. D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number
 * Generators", ACM Transactions on Mathematical Software 47(4), 2021. Its state is filled by
 * SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators",
 * OOPSLA 2014), as its authors advise.
 *
 * Every agent, every learner and the resources draw from a stream of their own, so what one of them
 * draws never depends on how often another one drew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state[4];
};

/* Streams of one seed. Agents use STREAM_AGENTS + their number, learners STREAM_LEARNERS + type. */
enum random_stream {
	STREAM_PLACEMENT = 1,
	STREAM_RESOURCES = 2,
	STREAM_LEARNERS = 16,
	STREAM_AGENTS = 1 << 16,
};

/* Of agents that learn for themselves: + their number. Above all of the others. */
#define STREAM_OWN_LEARNERS (UINT64_C(1) << 63)

/* One step of SplitMix64; @state is advanced. */
uint64_t random_split_mix(uint64_t *state);

/* Starts the given stream of the given seed. */
void random_seed(struct random *random, uint64_t seed, uint64_t stream);

/* 64 random bits. */
uint64_t random_next(struct random *random);

/* Uniform in [0, 1), a multiple of 2^-24, so that every value is exact in a float. */
float random_unit(struct random *random);

/*
 * Uniform in [0, bound), without bias; @bound is at least 1.
 * Source: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29(1), 2019.
 */
uint32_t random_below(struct random *random, uint32_t bound);

/* True with the given probability. */
bool random_chance(struct random *random, float probability);
