/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_estimate: see heap_estimate.h. */
#include "collector/capture/heap_estimate.h"

#include "collector/base/student.h"
#include "collector/base/xalloc.h"

#include <math.h>
#include <stdlib.h>

#define MOST_BUSY	 0.7  /* of a window that processes are busy which keep their pace, */
#define PACE_OFF	 1.33 /* and how much more or less they do in it than elsewhere */
#define AFTERWARDS	 0.15 /* of the cost of a hit, what comes after it, */
#define AFTERWARDS_ERROR 0.1  /* and the standard error of that */
#define MOST_OFF	 4    /* standard errors of what probes took: less is nothing */
#define LEAST_WINDOWS	 5    /* full ones */
#define NORMAL_95	 1.959964

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

/* Whether the processes do in windows what they do without probes in the same time: they have time
 * left, and it is not others that they wait for. */
static bool keeps_pace(const struct heap_windows *windows, const struct heap_span *whole,
		       double hit_ns)
{
	double here = own_ns(&windows->sum, hit_ns) * whole->ns;
	double all = own_ns(whole, hit_ns) * windows->sum.ns;

	return windows->sum.cpu_ns < MOST_BUSY * windows->sum.ns && here * PACE_OFF >= all &&
	       all * PACE_OFF >= here;
}

/* How far the stretch is off where a hit costs a standard error more than it is believed to. */
static double stretch_error(const struct heap_windows *windows, const struct heap_span *whole,
			    const struct heap_cost *cost, const struct heap_estimate *estimate)
{
	double dearer_ns = cost->hit_ns + cost->error_ns, off = 0;

	if (!estimate->is_by_time)
		off = own_ns(whole, dearer_ns) / own_ns(&windows->sum, dearer_ns) -
		      estimate->stretch;
	return off;
}

/* How many windows of one extent would say as much: those in which the processes did nothing say
 * nothing. Source: L. Kish, "Survey Sampling" (1965), section 8.2. */
static double full_windows(const struct heap_windows *windows, double hit_ns, bool is_by_time)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < windows->count; i++) {
		double each = fmax(extent(&windows->list[i], hit_ns, is_by_time), 0);

		sum += each;
		squares += each * each;
	}
	return squares > 0 ? sum * sum / squares : 0;
}

/* Half of the interval of all bytes; -1: windows are too few. */
static double half_width(const struct heap_windows *windows, const struct heap_estimate *estimate,
			 double hit_ns, double stretch_off, uint64_t rate)
{
	double factor = estimate->stretch, squares = 0, off = windows->sum.bytes * stretch_off;
	double count = estimate->looks, normal = NORMAL_95;

	if (factor > 1) {
		if (count < LEAST_WINDOWS)
			return -1;
		squares = deviation(windows, hit_ns, estimate->is_by_time) * count / (count - 1) *
			  (1 - 1 / factor);
		normal = student_95((uint32_t)(count - 1));
	}
	squares += (double)rate * windows->sum.bytes;
	return normal * sqrt(factor * factor * squares + off * off);
}

/* Whether the cost of a hit is known so badly that the processes' own may be next to nothing. */
static bool is_covered(const struct heap_windows *windows, const struct heap_cost *cost)
{
	return windows->sum.hits * cost->error_ns * MOST_OFF > own_ns(&windows->sum, cost->hit_ns);
}

/* With what comes after a hit, which no tick finds. */
static struct heap_cost whole_cost(const struct heap_cost *cost)
{
	return (struct heap_cost){cost->hit_ns * (1 + AFTERWARDS),
				  hypot(cost->error_ns, cost->hit_ns * AFTERWARDS_ERROR)};
}

/* Probes took so much that only the least that windows stand for can be told: as if hits had cost
 * little, and with as much less as windows differ. */
static void tell_least(const struct heap_windows *windows, const struct heap_span *whole,
		       const struct heap_cost *cost, uint64_t rate, struct heap_estimate *estimate)
{
	double cheap_ns = fmax(cost->hit_ns - NORMAL_95 * cost->error_ns, 0), half;

	estimate->looks = full_windows(windows, cheap_ns, false);
	estimate->stretch = own_ns(whole, cheap_ns) / fmax(own_ns(&windows->sum, cheap_ns), 1);
	half = half_width(windows, estimate, cheap_ns, 0, rate);
	if (half < 0)
		estimate->stretch = 1;
	estimate->stretch = fmax(estimate->stretch - half / fmax(windows->sum.bytes, 1), 1);
	estimate->half_width = -1;
}

struct heap_estimate heap_estimate_make(const struct heap_windows *windows,
					const struct heap_span *whole,
					const struct heap_cost *direct, uint64_t rate)
{
	struct heap_cost cost = whole_cost(direct);
	double hit_ns = cost.hit_ns, seen, off;
	bool covered = is_covered(windows, &cost), has_pace = keeps_pace(windows, whole, hit_ns);
	struct heap_estimate estimate = {
		.is_by_time = has_pace && (covered || deviation(windows, hit_ns, true) <
							      deviation(windows, hit_ns, false)),
		.is_drowned = !has_pace && covered,
	};

	if (estimate.is_drowned) {
		tell_least(windows, whole, direct, rate, &estimate);
		return estimate;
	}
	seen = extent(&windows->sum, hit_ns, estimate.is_by_time);
	estimate.stretch = fmax(extent(whole, hit_ns, estimate.is_by_time) / fmax(seen, 1), 1);
	estimate.looks = full_windows(windows, hit_ns, estimate.is_by_time);
	off = stretch_error(windows, whole, &cost, &estimate);
	estimate.half_width = half_width(windows, &estimate, hit_ns, off, rate);
	return estimate;
}
