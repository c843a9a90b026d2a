/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xoshiro256** seeded by SplitMix64. */
#include "sim/random.h"

uint64_t random_split_mix(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15;
	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
	return mixed ^ mixed >> 31;
}

void random_seed(struct random *random, uint64_t seed, uint64_t stream)
{
	/* Mixed apart first: neighbouring seeds and neighbouring streams must not share states. */
	uint64_t key = random_split_mix(&seed);
	uint64_t state = key ^ random_split_mix(&stream);
	for (int i = 0; i < 4; i++)
		random->state[i] = random_split_mix(&state);
}

static uint64_t rotate_left(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

uint64_t random_next(struct random *random)
{
	uint64_t *state = random->state;
	uint64_t result = rotate_left(state[1] * 5, 7) * 9;
	uint64_t shifted = state[1] << 17;
	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= shifted;
	state[3] = rotate_left(state[3], 45);
	return result;
}

float random_unit(struct random *random)
{
	return (float)(random_next(random) >> 40) * 0x1p-24F;
}

uint32_t random_below(struct random *random, uint32_t bound)
{
	uint64_t product = (random_next(random) >> 32) * bound;
	if ((uint32_t)product < bound) {
		uint32_t threshold = -bound % bound;
		while ((uint32_t)product < threshold)
			product = (random_next(random) >> 32) * bound;
	}
	return product >> 32;
}

bool random_chance(struct random *random, float probability)
{
	return random_unit(random) < probability;
}
