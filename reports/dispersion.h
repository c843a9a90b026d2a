/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dispersion: how sure a share is that was estimated from one run.
 *
 * Samples of one function come in bursts, so they carry less than independent draws would. The
 * recording is cut into equal blocks of time; the dispersion φ of a share over the blocks says by
 * how much the variance exceeds the binomial one, and the number of samples is divided by it:
 *
 *     φ = 1/(B-1) Σ_b (k_b - n_b p)² / (n_b p (1-p)),   n_eff = n / max(1, φ)
 *
 * Samples that stand for unequal values count as (Σw)²/Σw² equal ones first. The interval is
 * Wilson's, at 95 %, on (p, n_eff). It speaks of this run only: runs differ by more than that.
 * Source: Wilson 1927, JASA 22:209; McCullagh & Nelder, Generalized Linear Models, 4.5 (φ).
 */
#pragma once

#include "reports/call_tree.h"

enum {
	DISPERSION_BLOCKS = 32
};

/* The recording cut into equal blocks of time; empty ones are there, with no samples. */
struct dispersion_blocks {
	uint64_t start_ns;
	uint64_t block_ns; /* > 0 */
	uint32_t samples[DISPERSION_BLOCKS];
	double equal_samples; /* (Σw)²/Σw²: as many equal samples would say as much */
};

void dispersion_blocks_init(struct dispersion_blocks *blocks, const struct profile *profile,
			    uint16_t metric);

/*
 * Returns φ for counts per block, at least 1. With fewer than two blocks that have samples, or
 * none or all of the samples in @counts, there is nothing to measure: 1.
 *
 * @counts  DISPERSION_BLOCKS rows
 */
double dispersion_phi(const struct dispersion_blocks *blocks, const uint32_t *counts);

/*
 * Calls @add for each block of time with the number of samples below (and at) each node.
 * Cost: DISPERSION_BLOCKS passes over the tree.
 */
void dispersion_each_block(const struct dispersion_blocks *blocks, const struct profile *profile,
			   const struct call_tree *tree,
			   void (*add)(void *context, int block, const uint32_t *samples_of_node),
			   void *context);

struct interval {
	double low, high; /* shares, 0 ... 1 */
};

/* Wilson's 95 % interval for share @share of @samples (effective ones; 0 gives 0 ... 1). */
struct interval dispersion_interval(double share, double samples);
