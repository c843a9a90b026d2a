/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The products, against sums in double and against each other. */
#include "sim/decision/matrix.h"

#include "sim/random.h"

#include <criterion/criterion.h>
#include <string.h>

enum {
	M = 5,
	K = 300, /* more than fits at once */
	N = 271, /* no multiple of anything, all widths of columns */
};

static float a[M * K], b[K * N], c[M * N], result[K * N], other[K * N];

static void make(void)
{
	struct random numbers;
	random_seed(&numbers, 21, 1);
	for (int i = 0; i < M * K; i++)
		a[i] = random_chance(&numbers, 0.5F) ? 0 : 2 * random_unit(&numbers) - 1;
	for (int i = 0; i < K * N; i++)
		b[i] = 2 * random_unit(&numbers) - 1;
	for (int i = 0; i < M * N; i++)
		c[i] = random_chance(&numbers, 0.5F) ? 0 : 2 * random_unit(&numbers) - 1;
}

TestSuite(matrix, .init = make);

static void start(float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		values[i] = (float)(i % 7);
}

static void expect_products(const struct matrix_kernels *kernels)
{
	start(result, M * N);
	kernels->multiply(result, a, b, M, K, N);
	for (int i = 0; i < M * N; i++) {
		double sum = i % 7;
		for (int k = 0; k < K; k++)
			sum += (double)a[i / N * K + k] * (double)b[k * N + i % N];
		cr_assert_float_eq(result[i], sum, 1e-4, "%s", kernels->name);
	}
	start(result, K * N);
	kernels->multiply_first_transposed(result, a, c, M, K, N);
	for (int i = 0; i < K * N; i++) {
		double sum = i % 7;
		for (int m = 0; m < M; m++)
			sum += (double)a[m * K + i / N] * (double)c[m * N + i % N];
		cr_assert_float_eq(result[i], sum, 1e-4, "%s", kernels->name);
	}
	start(result, M * K);
	kernels->multiply_second_transposed(result, c, b, M, K, N);
	for (int i = 0; i < M * K; i++) {
		double sum = i % 7;
		for (int n = 0; n < N; n++)
			sum += (double)c[i / K * N + n] * (double)b[i % K * N + n];
		cr_assert_float_eq(result[i], sum, 1e-4, "%s", kernels->name);
	}
}

Test(matrix, products_are_the_sums_they_are_defined_by)
{
	expect_products(&matrix_portable);
	struct error error;
	cr_assert_eq(matrix_load_openblas(1, &error), 0, "%s", error.text);
	expect_products(&matrix_openblas);
	expect_products(matrix_own());
}

Test(matrix, instruction_sets_agree_bit_by_bit)
{
	const struct matrix_kernels *own = matrix_own();
	start(result, K * N);
	start(other, K * N);
	matrix_portable.multiply(result, a, b, M, K, N);
	own->multiply(other, a, b, M, K, N);
	cr_assert_eq(memcmp(result, other, M * N * sizeof(float)), 0);
	matrix_portable.multiply_first_transposed(result, a, c, M, K, N);
	own->multiply_first_transposed(other, a, c, M, K, N);
	cr_assert_eq(memcmp(result, other, K * N * sizeof(float)), 0);
	matrix_portable.multiply_second_transposed(result, c, b, M, K, N);
	own->multiply_second_transposed(other, c, b, M, K, N);
	cr_assert_eq(memcmp(result, other, sizeof(result)), 0);
}

Test(matrix, sums_run_in_ascending_order_one_rounding_at_a_time)
{
	/* In float, with one rounding for each product and each sum; no fused operation. */
	start(result, M * N);
	matrix_own()->multiply(result, a, b, M, K, N);
	for (int i = 0; i < M * N; i++) {
		volatile float sum = (float)(i % 7);
		for (int k = 0; k < K; k++) {
			volatile float product = a[i / N * K + k] * b[k * N + i % N];
			sum = sum + product;
		}
		cr_assert_eq(result[i], sum);
	}
}

Test(matrix, a_row_comes_out_the_same_alone_and_among_others)
{
	memset(result, 0, sizeof(result));
	matrix_own()->multiply(result, a, b, M, K, N);
	for (int row = 0; row < M; row++) {
		memset(other, 0, sizeof(other));
		matrix_own()->multiply(other, &a[row * K], b, 1, K, N);
		cr_assert_eq(memcmp(other, &result[row * N], N * sizeof(float)), 0);
	}
}
