/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf_cost: what one sample takes of the CPU time of whoever is sampled, measured here and now.
 *
 * A loop that reads the processor's clock is sampled for a moment; where it stood still, something
 * ran in its place. At a high frequency nearly all of these gaps are samples, so their median is
 * the cost of one: interrupt, registers and copy of a small stack. A deep stack costs more, and so
 * does what the interrupt drives out of the caches: the figure is a lower bound. (Against the CPU
 * time of a fixed amount of work: 15.5 µs by gaps, 18 to 19.5 µs by the clock.) While brief copies
 * are taken a sample costs less.
 */
#pragma once

#include "collector/capture/perf_source.h"

/*
 * Measures for some ten milliseconds of CPU time.
 *
 * @options  of the source that is going to be opened; frequency and start are chosen here
 * Returns nanoseconds, 0 when it cannot be told: no events, or too few samples came.
 */
uint64_t perf_cost_ns(const struct perf_source_options *options);
