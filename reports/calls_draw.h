/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls_draw: distributions of durations as charts.
 *
 * Durations lie on a logarithmic axis, eight bars an octave. A bar is made of whole buckets of the
 * recording's log-linear histogram, so its count is exact; its edges are theirs. The height is the
 * number of calls, logarithmic too, so that the one slow call in a million is seen.
 */
#pragma once

#include "reports/calls.h"

struct calls_bar {
	double from_ns, to_ns; /* from <= duration < to */
	uint64_t count;	       /* > 0 */
};

enum {
	CALLS_MARKS = 5
};

extern const char *const calls_mark_names[CALLS_MARKS]; /* p50 p90 p99 p99.9 max */

/* One function's durations. */
struct calls_histogram {
	const char *name; /* any bytes, borrowed */
	uint64_t calls;	  /* with a known duration */
	bool is_least;	  /* each of them is at least what was measured */
	double mean_ns;
	double marks_ns[CALLS_MARKS];
	struct calls_bar *bars; /* in order of duration, without gaps' empty bars */
	uint32_t count;
};

/* Measures a timed row with returns (> 0). Released by calls_histogram_done. */
void calls_histogram_init(struct calls_histogram *histogram, const struct calls_row *row);
void calls_histogram_done(struct calls_histogram *histogram);

/*
 * Draws one panel for each of @count (> 0) functions over one axis of durations. @title, @is_part
 * as for series_draw.
 */
void calls_draw(const struct calls_histogram *histograms, uint32_t count, const char *title,
		bool is_part, FILE *stream);
