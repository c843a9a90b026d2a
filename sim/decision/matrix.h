/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * matrix: the three products that a layer needs, forward and backward.
 *
 * Matrices are row-major and contiguous. Every sum runs over its index in ascending order, one
 * rounding per product and one per addition, starting from what is in the result. So a result
 * depends neither on how many rows are computed at once, nor on threads, nor on the vector
 * instructions the processor has: the kernels of the own family agree bit by bit. They are
 * vectorised over columns, and left out are products with a zero of the first matrix: most of an
 * observation and half of what passes a ReLU is zero.
 *
 * OpenBLAS is the other family. Its kernels are chosen by the processor and by the size of the
 * matrices and round differently: same results on one kind of processor, for the same batches.
 *
 * Cost on the own family: about 1 ns for 8 products of numbers that are not zero, with AVX2.
 */
#pragma once

#include "sim/error.h"

#include <stddef.h>
#include <stdint.h>

struct matrix_kernels {
	const char *name;

	/* c += a b, with a: m x k, b: k x n, c: m x n. */
	void (*multiply)(float *c, const float *a, const float *b, size_t m, size_t k, size_t n);

	/* c += a^T b, with a: m x k, b: m x n, c: k x n. */
	void (*multiply_first_transposed)(float *c, const float *a, const float *b, size_t m,
					  size_t k, size_t n);

	/* c += a b^T, with a: m x n, b: k x n, c: m x k. */
	void (*multiply_second_transposed)(float *c, const float *a, const float *b, size_t m,
					   size_t k, size_t n);
};

extern const struct matrix_kernels matrix_portable;
extern const struct matrix_kernels matrix_avx2;	    /* only where __builtin_cpu_supports("avx2") */
extern const struct matrix_kernels matrix_openblas; /* only after matrix_load_openblas() */

/* The fastest of the own family on this processor. */
const struct matrix_kernels *matrix_own(void);

/*
 * Loads OpenBLAS, which starts no threads of its own then; a second call does nothing.
 *
 * @threads  that will multiply at the same time
 * Returns 0, -ENOENT or -ENOMEM with the sentence: it is not there, or cannot have its buffers.
 */
int matrix_load_openblas(uint32_t threads, struct error *error);
