/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_estimate: see heap_estimate.h. */
#include "collector/capture/heap_estimate.h"

#include "collector/base/xalloc.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_OWN     0.3 /* of the CPU time in a window, what is the processes' own */
#define MOST_BUSY     0.7 /* of a window that processes are busy which keep their pace, */
#define LEAST_PACE    0.5 /* and what they do in it, of what they do elsewhere */
#define LEAST_WINDOWS 5
#define NORMAL_95     1.959964

void heap_windows_add(struct heap_windows *windows, const struct heap_span *window)
{
	xgrow(windows->list, windows->count, windows->capacity);
	windows->list[windows->count++] = *window;
	windows->sum.ns += window->ns;
	windows->sum.cpu_ns += window->cpu_ns;
	windows->sum.hits += window->hits;
	windows->sum.bytes += window->bytes;
}

void heap_windows_done(struct heap_windows *windows)
{
	free(windows->list);
	*windows = (struct heap_windows){0};
}

/* The processes' CPU time in a span, without what probes took of it. */
static double own_ns(const struct heap_span *span, double hit_ns)
{
	return span->cpu_ns - span->hits * hit_ns;
}

/* How much of the whole a span has been. */
static double extent(const struct heap_span *span, double hit_ns, bool is_by_time)
{
	return is_by_time ? span->ns : own_ns(span, hit_ns);
}

/* How far windows are from what their extents would have in them, as a sum of squares. */
static double deviation(const struct heap_windows *windows, double hit_ns, bool is_by_time)
{
	double rate = windows->sum.bytes / fmax(extent(&windows->sum, hit_ns, is_by_time), 1);
	double squares = 0;

	for (size_t i = 0; i < windows->count; i++) {
		const struct heap_span *window = &windows->list[i];
		double off = window->bytes - rate * extent(window, hit_ns, is_by_time);

		squares += off * off;
	}
	return squares;
}

/* Whether probes took most of the CPU time in windows, so that the processes' own is not known
 * well. */
static bool is_covered(const struct heap_windows *windows, double hit_ns)
{
	return own_ns(&windows->sum, hit_ns) <= LEAST_OWN * windows->sum.cpu_ns;
}

/* Whether the processes do in windows what they do without probes in the same time: they have time
 * left, and it is not others that they wait for. */
static bool keeps_pace(const struct heap_windows *windows, const struct heap_span *whole,
		       double hit_ns)
{
	double pace = own_ns(whole, hit_ns) / fmax(whole->ns, 1);

	return windows->sum.cpu_ns < MOST_BUSY * windows->sum.ns &&
	       own_ns(&windows->sum, hit_ns) >= LEAST_PACE * pace * windows->sum.ns;
}

static double half_width(const struct heap_windows *windows, const struct heap_estimate *estimate,
			 double hit_ns, uint64_t rate)
{
	double factor = estimate->stretch, squares = 0;
	size_t count = windows->count;

	if (estimate->is_drowned || (factor > 1 && count < LEAST_WINDOWS))
		return -1;
	if (factor > 1)
		squares = deviation(windows, hit_ns, estimate->is_by_time) * (double)count /
			  (double)(count - 1) * (1 - 1 / factor);
	return NORMAL_95 * factor * sqrt((double)rate * windows->sum.bytes + squares);
}

struct heap_estimate heap_estimate_make(const struct heap_windows *windows,
					const struct heap_span *whole, double hit_ns, uint64_t rate)
{
	bool covered = is_covered(windows, hit_ns), has_pace = keeps_pace(windows, whole, hit_ns);
	struct heap_estimate estimate = {
		.is_by_time = has_pace && (covered || deviation(windows, hit_ns, true) <
							      deviation(windows, hit_ns, false)),
		.is_drowned = !has_pace && covered,
	};
	double seen = extent(&windows->sum, hit_ns, estimate.is_by_time);

	if (estimate.is_drowned) /* then it is less than this */
		seen = LEAST_OWN * windows->sum.cpu_ns;
	estimate.stretch = extent(whole, hit_ns, estimate.is_by_time) / fmax(seen, 1);
	estimate.stretch = fmax(estimate.stretch, 1);
	estimate.half_width = half_width(windows, &estimate, hit_ns, rate);
	return estimate;
}
