/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls: what was counted of the functions that were probed, summed over threads.
 */
#pragma once

#include "reports/calls_estimate.h"
#include "reports/report.h"

/* One probed function. */
struct calls_row {
	uint32_t probe;
	uint32_t symbol;	   /* of the function */
	char *name;		   /* what the row is called, any bytes (calls_name.h) */
	struct profile_timing sum; /* over threads, as seen; min_ns and max_ns are extremes */
	struct calls_figure calls, step_calls, total_ns, self_ns; /* of the whole recording */
	double scale;						  /* all calls for each timed one */
	bool is_scaled;	     /* they are not the same, and scale is known */
	bool is_step;	     /* each of its calls is one */
	bool is_cut;	     /* a step function that was not timed to the end: scale is not known */
	uint64_t left;	     /* calls that ended without a return: longjmp, exception */
	uint64_t ended;	     /* calls that their thread left as it ended, without its process */
	uint64_t tail_calls; /* that ended as another function took their place: what it did is
				not in their time */
	uint64_t withheld;   /* calls for whose returns no probe was allowed to wait */
	bool is_late; /* its probe came later than the first call may have: a library that was
		       * loaded later, or one of the hottest */
	const char *inlined; /* where it was inlined besides: what is executed there is not
				counted; NULL: nowhere; borrowed from the profile */
	const struct profile_timing *threads; /* its rows in the profile, borrowed */
	uint32_t thread_count;
	const struct profile_bucket *buckets; /* likewise */
	uint32_t bucket_count;
};

struct calls {
	struct calls_row *rows; /* one a probe, ordered by total time, then calls */
	uint32_t count;
	uint32_t *row_of_probe; /* index into rows */
	uint64_t step_count;
	bool lacks_steps;  /* a step function's probe was taken off: steps end with that */
	uint64_t added_ns; /* what all probes have cost the program, estimated from their costs */
};

void calls_measure(struct calls *calls, const struct report *report);
void calls_done(struct calls *calls);

/*
 * Returns the duration below which a share of the calls lie: the middle of the histogram's bucket,
 * within 1.6 % of the exact figure.
 *
 * @share  0 ... 1
 */
double calls_percentile(const struct calls_row *row, double share);

/* Returns calls per step, of those while steps ran; NAN where a part of them is not known. */
double calls_per_step(const struct calls *calls, const struct calls_row *row);

/* Returns how many calls of a probed function another function took the place of, where its exits
 * are probed: what that did is not in their time. */
uint64_t calls_tail_calls(const struct profile *profile, uint32_t probe);

/* Returns where a probed function was inlined besides; NULL: nowhere. Borrowed from the profile. */
const char *calls_inlined(const struct profile *profile, uint32_t probe);

/* What is to be said of so many. */
#define CALLS_TAIL_CALLS                                                                           \
	"%" PRIu64 " of its calls ended in a jump to another function (tail call), and what that " \
	"did is not in its time, because its exits are probed"

/* Says whether each of a row's durations is only known to be at least what was measured: minimum,
 * mean, percentiles and maximum lack what other functions did in the place of this one. */
bool calls_durations_are_least(const struct calls_row *row);

/* Says whether a function was timed, not only counted. */
bool calls_is_timed(const struct report *report, const struct calls_row *row);

/*
 * Writes what restricts a row's figures, "" when nothing does: a sentence without its function.
 * Returns @text.
 */
const char *calls_restriction(const struct report *report, const struct calls_row *row, char *text,
			      size_t bytes);
