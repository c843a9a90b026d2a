/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heap_estimate: what windows of time, in which probes were in an allocator, stand for.
 *
 * A probe costs the program much, so in a window a program that computes all the time does less
 * than elsewhere. What it did is reckoned by its own CPU time, that is without what probes took; or
 * by time, where windows are more alike in that and the program has time left.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What there was between two moments. */
struct heap_span {
	double ns;
	double cpu_ns; /* of the processes, with what probes took */
	double hits;   /* of probes */
	double bytes;  /* asked for, in windows */
};

struct heap_windows {
	struct heap_span *list;
	size_t count, capacity;
	struct heap_span sum;
};

void heap_windows_add(struct heap_windows *windows, const struct heap_span *window);
void heap_windows_done(struct heap_windows *windows);

struct heap_estimate {
	bool is_by_time;
	bool is_drowned;   /* probes took so much in windows that what is left is not known */
	double looks;	   /* windows, as many as would say as much if all were full ones */
	double stretch;	   /* the whole, in parts of the windows; at least that when drowned */
	double half_width; /* of the interval of all bytes, at 95 %; -1: cannot be told */
};

/* CPU time of a hit, from the entry into the kernel to the way back, and the standard error of it;
 * INFINITY: nobody knows it. */
struct heap_cost {
	double hit_ns, error_ns;
};

/*
 * Settles what the windows of a recording stand for.
 *
 * @whole   of the recording, with hits outside of windows too
 * @rate    bytes between samples
 *
 * After a hit the program is slower for a moment, as the kernel was in its caches: that is taken to
 * be 15 ± 20 % of a hit (from programs with known amounts, docs/memory.md), and no tick finds it.
 *
 * The interval comes from the sampling, from how windows differ, for a ratio of two sums, with
 * Student's t, and from the cost of a hit. Source: W. G. Cochran, "Sampling Techniques", 3rd
 * edition (1977), section 2.11.
 */
struct heap_estimate heap_estimate_make(const struct heap_windows *windows,
					const struct heap_span *whole, const struct heap_cost *cost,
					uint64_t rate);
