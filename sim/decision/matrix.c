/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One source for all instruction sets: the bodies are inlined into functions that the compiler
 * translates for one set each. -ffp-contract=off keeps it from fusing a product and a sum.
 */
#include "sim/decision/matrix.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

enum {
	LANES = 8,
	DEPTH = 256, /* rows of b that stay in the cache while all rows of a meet them */
	TILE = 64,   /* columns of a transposed tile */
};

#define INLINE static inline __attribute__((always_inline))

/* Eight floats, anywhere in an array of floats. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

typedef uint8_t small_places __attribute__((vector_size(LANES)));
typedef uint32_t places
	__attribute__((vector_size(LANES * sizeof(uint32_t)), aligned(4), may_alias));

/* The places of the bits of each byte, and how many there are. */
static small_places bit_places[1 << LANES];
static uint8_t bit_counts[1 << LANES];

/* Made before main, so that threads find them there. */
__attribute__((constructor)) static void make_tables(void)
{
	for (unsigned byte = 0; byte < 1U << LANES; byte++)
		for (unsigned bit = 0; bit < LANES; bit++)
			if (byte & 1U << bit)
				bit_places[byte][bit_counts[byte]++] = (uint8_t)bit;
}

/* What is not zero of a part of a row of a. */
struct terms {
	const float *values;
	size_t count;
	uint32_t places[DEPTH + LANES]; /* of the values, and rows of b */
};

/* A bit for each of four numbers that is not zero. */
INLINE unsigned not_zero(const float *a)
{
	return (unsigned)_mm_movemask_ps(_mm_cmpneq_ps(_mm_loadu_ps(a), _mm_setzero_ps()));
}

/* No branch depends on a number: which of them are zero nobody can foresee. */
INLINE void collect(struct terms *terms, const float *a, size_t length)
{
	size_t count = 0, i = 0;
	for (; i + LANES <= length; i += LANES) {
		unsigned bits = not_zero(&a[i]) | not_zero(&a[i + 4]) << 4;
		*(places *)&terms->places[count] =
			__builtin_convertvector(bit_places[bits], places) + (uint32_t)i;
		count += bit_counts[bits];
	}
	for (; i < length; i++) {
		terms->places[count] = (uint32_t)i;
		count += a[i] != 0;
	}
	terms->values = a;
	terms->count = count;
}

/* c[0 .. 8 vectors) += the terms times the same columns of b. @vectors is a constant. */
INLINE void add_columns(float *c, const struct terms *terms, const float *b, size_t stride,
			const size_t vectors)
{
	lanes sums[8];
#pragma GCC unroll 8
	for (size_t v = 0; v < vectors; v++)
		sums[v] = *(const lanes *)&c[v * LANES];
	for (size_t i = 0; i < terms->count; i++) {
		const float *row = &b[terms->places[i] * stride];
		float value = terms->values[terms->places[i]];
#pragma GCC unroll 8
		for (size_t v = 0; v < vectors; v++)
			sums[v] += value * *(const lanes *)&row[v * LANES];
	}
#pragma GCC unroll 8
	for (size_t v = 0; v < vectors; v++)
		*(lanes *)&c[v * LANES] = sums[v];
}

INLINE void add_row(float *c, const struct terms *terms, const float *b, size_t stride, size_t n)
{
	size_t j = 0;
	for (; j + 8 * LANES <= n; j += 8 * LANES)
		add_columns(&c[j], terms, &b[j], stride, 8);
	if (j + 4 * LANES <= n) {
		add_columns(&c[j], terms, &b[j], stride, 4);
		j += 4 * LANES;
	}
	if (j + 3 * LANES <= n) {
		add_columns(&c[j], terms, &b[j], stride, 3);
		j += 3 * LANES;
	}
	for (; j + LANES <= n; j += LANES)
		add_columns(&c[j], terms, &b[j], stride, 1);
	if (j == n)
		return;
	for (size_t i = 0; i < terms->count; i++) {
		const size_t place = terms->places[i];
		for (size_t rest = j; rest < n; rest++)
			c[rest] += terms->values[place] * b[place * stride + rest];
	}
}

INLINE void multiply(float *c, const float *a, const float *b, size_t m, size_t k, size_t n)
{
	struct terms terms;
	for (size_t begin = 0; begin < k; begin += DEPTH) {
		size_t length = k - begin < DEPTH ? k - begin : DEPTH;
		for (size_t row = 0; row < m; row++) {
			collect(&terms, &a[row * k + begin], length);
			add_row(&c[row * n], &terms, &b[begin * n], n, n);
		}
	}
}

INLINE void add_scaled(float *c, const float *b, float value, size_t n)
{
	size_t j = 0;
	for (; j + LANES <= n; j += LANES)
		*(lanes *)&c[j] += value * *(const lanes *)&b[j];
	for (; j < n; j++)
		c[j] += value * b[j];
}

INLINE void multiply_first_transposed(float *c, const float *a, const float *b, size_t m, size_t k,
				      size_t n)
{
	struct terms terms;
	for (size_t begin = 0; begin < k; begin += TILE) {
		size_t length = k - begin < TILE ? k - begin : TILE;
		for (size_t row = 0; row < m; row++) {
			collect(&terms, &a[row * k + begin], length);
			for (size_t i = 0; i < terms.count; i++)
				add_scaled(&c[(begin + terms.places[i]) * n], &b[row * n],
					   terms.values[terms.places[i]], n);
		}
	}
}

INLINE void transpose(float *tile, const float *b, size_t rows, size_t columns, size_t stride)
{
	for (size_t row = 0; row < rows; row++)
		for (size_t column = 0; column < columns; column++)
			tile[column * TILE + row] = b[row * stride + column];
}

INLINE void multiply_second_transposed(float *c, const float *a, const float *b, size_t m, size_t k,
				       size_t n)
{
	float tile[DEPTH * TILE];
	struct terms terms;
	for (size_t left = 0; left < k; left += TILE) {
		size_t width = k - left < TILE ? k - left : TILE;
		for (size_t begin = 0; begin < n; begin += DEPTH) {
			size_t length = n - begin < DEPTH ? n - begin : DEPTH;
			transpose(tile, &b[left * n + begin], width, length, n);
			for (size_t row = 0; row < m; row++) {
				collect(&terms, &a[row * n + begin], length);
				add_row(&c[row * k + left], &terms, tile, TILE, width);
			}
		}
	}
}

/* The three functions of one instruction set, and their row. */
#define FAMILY(set, attributes)                                                                    \
	attributes static void multiply_##set(float *c, const float *a, const float *b, size_t m,  \
					      size_t k, size_t n)                                  \
	{                                                                                          \
		multiply(c, a, b, m, k, n);                                                        \
	}                                                                                          \
	attributes static void multiply_first_transposed_##set(                                    \
		float *c, const float *a, const float *b, size_t m, size_t k, size_t n)            \
	{                                                                                          \
		multiply_first_transposed(c, a, b, m, k, n);                                       \
	}                                                                                          \
	attributes static void multiply_second_transposed_##set(                                   \
		float *c, const float *a, const float *b, size_t m, size_t k, size_t n)            \
	{                                                                                          \
		multiply_second_transposed(c, a, b, m, k, n);                                      \
	}                                                                                          \
	const struct matrix_kernels matrix_##set = {                                               \
		.name = #set,                                                                      \
		.multiply = multiply_##set,                                                        \
		.multiply_first_transposed = multiply_first_transposed_##set,                      \
		.multiply_second_transposed = multiply_second_transposed_##set,                    \
	}

FAMILY(portable, );
FAMILY(avx2, __attribute__((target("avx2"))));

const struct matrix_kernels *matrix_own(void)
{
	return __builtin_cpu_supports("avx2") ? &matrix_avx2 : &matrix_portable;
}
