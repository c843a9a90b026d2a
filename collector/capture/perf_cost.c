/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf_cost: see perf_cost.h. */
#include "collector/capture/perf_cost.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define TRIAL_HZ     5000
#define TRIAL_NS     15000000u
#define ROUND	     500  /* looks at the processor's clock between two at the time used */
#define LEAST_CYCLES 1500 /* of a gap; less is the loop itself */
#define GAPS	     1000
#define LEAST_GAPS   15

struct gaps {
	uint64_t cycles[GAPS];
	size_t count;
	double ns_per_cycle;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void find_gaps(struct gaps *gaps)
{
	uint64_t end_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) + TRIAL_NS;
	uint64_t start_ns = now_ns(CLOCK_MONOTONIC), start = __rdtsc();

	gaps->count = 0;
	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end_ns) {
		uint64_t before = __rdtsc();

		for (int i = 0; i < ROUND; i++) {
			uint64_t now = __rdtsc();

			if (now - before > LEAST_CYCLES && gaps->count < GAPS)
				gaps->cycles[gaps->count++] = now - before;
			before = now;
		}
	}
	gaps->ns_per_cycle =
		(double)(now_ns(CLOCK_MONOTONIC) - start_ns) / (double)(__rdtsc() - start);
}

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

uint64_t perf_cost_ns(const struct perf_source_options *options)
{
	struct perf_source_options trial = *options;
	struct perf_source *source;
	struct gaps gaps;
	uint64_t median;

	trial.frequency_hz = TRIAL_HZ;
	trial.start = PERF_START_NOW;
	source = perf_source_open(&trial, getpid(), NULL);
	if (!source)
		return 0;
	find_gaps(&gaps);
	perf_source_close(source);
	if (gaps.count < LEAST_GAPS)
		return 0;
	qsort(gaps.cycles, gaps.count, sizeof(*gaps.cycles), compare);
	median = gaps.cycles[gaps.count / 2];
	return (uint64_t)(gaps.ns_per_cycle * (double)median);
}
