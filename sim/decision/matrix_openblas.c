/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The products by OpenBLAS, which is loaded when somebody wants it and not linked: its constructor
 * starts a thread for each processor, each of them asks for 128 MB until it gets them, and its
 * destructor waits for them. Where memory is short (ulimit -v) a program that is linked with it
 * never ends, whether it multiplies or not.
 */
#include "sim/decision/matrix.h"

#include <cblas.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	BUFFER_BYTES = 144 << 20, /* of each thread that multiplies; 128 MB in OpenBLAS 0.3.21 */
	PRIMING = 64,		  /* rows and columns, enough for a product that needs the buffer */
};

static __typeof__(cblas_sgemm) *sgemm;
static __typeof__(cblas_sgemv) *sgemv;

static void openblas_multiply(float *c, const float *a, const float *b, size_t m, size_t k,
			      size_t n)
{
	const blasint rows = (blasint)m, depth = (blasint)k, columns = (blasint)n;
	if (m == 1)
		sgemv(CblasRowMajor, CblasTrans, depth, columns, 1, b, columns, a, 1, 1, c, 1);
	else
		sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, columns, depth, 1, a, depth,
		      b, columns, 1, c, columns);
}

static void openblas_multiply_first_transposed(float *c, const float *a, const float *b, size_t m,
					       size_t k, size_t n)
{
	const blasint rows = (blasint)m, depth = (blasint)k, columns = (blasint)n;
	sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, depth, columns, rows, 1, a, depth, b,
	      columns, 1, c, columns);
}

static void openblas_multiply_second_transposed(float *c, const float *a, const float *b, size_t m,
						size_t k, size_t n)
{
	const blasint rows = (blasint)m, width = (blasint)k, columns = (blasint)n;
	sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, width, columns, 1, a, columns, b,
	      columns, 1, c, width);
}

const struct matrix_kernels matrix_openblas = {
	.name = "openblas",
	.multiply = openblas_multiply,
	.multiply_first_transposed = openblas_multiply_first_transposed,
	.multiply_second_transposed = openblas_multiply_second_transposed,
};

/* OpenBLAS does not fail without its buffers, it tries for ever. */
static bool has_room_for(size_t bytes)
{
	void *room =
		mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return false;
	munmap(room, bytes);
	return true;
}

int matrix_load_openblas(uint32_t threads, struct error *error)
{
	static float product[PRIMING * PRIMING];
	if (sgemm)
		return 0;
	if (!has_room_for((size_t)threads * BUFFER_BYTES))
		return fail(
			error, -ENOMEM,
			"OpenBLAS needs %d MB of memory for each of %u threads; raise ulimit -v, "
			"or take --blas own",
			BUFFER_BYTES >> 20, threads);
	/* Threads are ours: it is to start none. */
	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	void *library = dlopen("libopenblas.so.0", RTLD_NOW);
	if (!library)
		return fail(error, -ENOENT,
			    "cannot load OpenBLAS (%s); install libopenblas0, or "
			    "take --blas own",
			    dlerror());
	sgemv = (__typeof__(sgemv))dlsym(library, "cblas_sgemv");
	sgemm = (__typeof__(sgemm))dlsym(library, "cblas_sgemm");
	if (!sgemm || !sgemv)
		return fail(error, -ENOENT,
			    "libopenblas.so.0 has no cblas_sgemm; install "
			    "libopenblas0, or take --blas own");
	openblas_multiply(product, product, product, PRIMING, PRIMING, PRIMING);
	return 0;
}
