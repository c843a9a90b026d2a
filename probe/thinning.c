/* SPDX-License-Identifier: MIT */
/* thinning: see thinning.h. */
#include "probe/thinning.h"

#include "probe/wire.h"

#define LN_2	  0.69314718055994530942
#define SQRT_2	  1.41421356237309504880
#define LARGEST	  40.0 /* exp(-40) is nothing beside 1 */
#define LOG_TERMS 12
#define EXP_TERMS 16

/* The natural logarithm of a normal number > 0: by its exponent, and the series of the area
 * tangent of (m - 1) / (m + 1) for its fraction m. */
static double logarithm(double value)
{
	union {
		double value;
		uint64_t bits;
	} parts = {.value = value};
	int exponent = (int)(parts.bits >> 52 & 0x7ff) - 1023;
	double ratio, square, sum = 0;

	parts.bits = (parts.bits & 0xfffffffffffff) | 0x3ff0000000000000;
	if (parts.value > SQRT_2) {
		parts.value /= 2;
		exponent++;
	}
	ratio = (parts.value - 1) / (parts.value + 1);
	square = ratio * ratio;
	for (int i = LOG_TERMS; i >= 0; i--)
		sum = sum * square + 1.0 / (2 * i + 1);
	return exponent * LN_2 + 2 * ratio * sum;
}

/* 1 - exp(-@value) for @value >= 0, without loss where it is small: by its power series, and for
 * larger values by 1 - exp(-2x) = (1 - exp(-x)) (2 - (1 - exp(-x))). */
static double chance(double value)
{
	double sum = 0;
	int halved = 0;

	if (value > LARGEST)
		return 1;
	while (value > 0.5) {
		value /= 2;
		halved++;
	}
	for (int i = EXP_TERMS; i > 0; i--)
		sum = (1 - sum) * value / i;
	for (; halved; halved--)
		sum *= 2 - sum;
	return sum;
}

int64_t thinning_gap(uint64_t *state, uint64_t rate)
{
	uint64_t random = *state;
	double uniform, gap;

	random ^= random >> 12;
	random ^= random << 25;
	random ^= random >> 27;
	*state = random;
	/* 53 bits, and never 0. */
	uniform = ((double)(random * 0x2545f4914f6cdd1du >> 11) + 0.5) * 0x1p-53;
	gap = -logarithm(uniform) * (double)rate;
	return gap < 0x1p62 ? (int64_t)gap : INT64_C(1) << 62;
}

struct thinning_weight thinning_weight(uint64_t bytes, uint64_t rate)
{
	double weight = 1 / chance((double)(bytes ? bytes : 1) / (double)rate);

	return (struct thinning_weight){
		.count = (uint64_t)(weight * (1 << WIRE_COUNT_SHIFT) + 0.5),
		.bytes = (uint64_t)((double)bytes * weight * (1 << WIRE_BYTES_SHIFT) + 0.5),
	};
}

_Atomic uint8_t thinning_filter[1u << 16];

void thinning_remember(uint64_t address)
{
	_Atomic uint8_t *count = thinning_count(address);
	uint8_t old = atomic_load(count);

	while (old != UINT8_MAX && !atomic_compare_exchange_weak(count, &old, old + 1))
		;
}

void thinning_forget(uint64_t address)
{
	_Atomic uint8_t *count = thinning_count(address);
	uint8_t old = atomic_load(count);

	while (old && old != UINT8_MAX && !atomic_compare_exchange_weak(count, &old, old - 1))
		;
}
