/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * comparison: what changed between two groups of recordings, function by function, and what cannot
 * be told.
 *
 * A run's cost of a function is its sampled cost, per step of the simulation where all runs have
 * steps, else per run; never a share, because halving one function raises all other shares. Half a
 * sample is added, so that a function without samples has a logarithm. The total is tested first,
 * by itself; then a family that is fixed before the costs are looked at: every function with at
 * least COMPARISON_SHARE of all runs together and COMPARISON_SAMPLES samples, and one row for all
 * others. The p values of the family are adjusted together (statistics.h).
 *
 * The verdict is by the interval of the change and a margin within which nobody cares: 3 % of the
 * function, or 0.5 % of the program where that is more.
 *
 *     beyond the margin, adjusted p at most alpha   regressed or improved
 *     within the margin                             unchanged
 *     anything else                                 inconclusive, about so many runs are needed
 *
 * Where one function costs more and another less, code may just have moved between them
 * (comparison_moved.h).
 *
 * With one run on a side the errors come from within the runs; runs differ by more than that. Such
 * a comparison is unreplicated: good for looking, never for deciding; what would have regressed or
 * improved has changed, and that is not tested.
 */
#pragma once

#include "reports/comparison_run.h"
#include "reports/statistics.h"

#define COMPARISON_SHARE   0.005
#define COMPARISON_SAMPLES 25

enum comparison_verdict {
	COMPARISON_REGRESSED,
	COMPARISON_IMPROVED,
	COMPARISON_CHANGED, /* either of them, by the intervals of one run a side */
	COMPARISON_INCONCLUSIVE,
	COMPARISON_UNCHANGED,
	COMPARISON_VERDICTS
};

/* "regressed", ... and the mark before it. */
extern const char *const comparison_verdict_names[COMPARISON_VERDICTS];
extern const char *const comparison_verdict_marks[COMPARISON_VERDICTS];

enum comparison_presence {
	COMPARISON_BOTH,
	COMPARISON_NEW,	    /* no base run has a sample of it, or of what it calls */
	COMPARISON_REMOVED, /* no new run has */
};

struct comparison_options {
	enum functions_order order; /* which cost is tested: self or total */
	bool paired;		    /* run i of one side was made beside run i of the other */
	bool holm;		    /* adjust against any false finding, not against their share */
	double alpha;		    /* 0.05 */
	double function_margin;	    /* 0.03 */
	double program_margin;	    /* 0.005 */
};

extern const struct comparison_options comparison_defaults;

struct comparison_row {
	const struct comparison_function *function; /* NULL: the total, or all other functions */
	double base, fresh;			    /* mean cost per run or step, in units */
	struct statistics_change change;	    /* of the cost that is tested */
	struct statistics_change other;		    /* of the other one of self and total */
	double p_adjusted;
	double grid;	    /* by which the interval is wider, because samples are whole */
	double margin;	    /* of the logarithm */
	double detectable;  /* smallest change of the logarithm that would have been found; INFINITY
			     */
	double runs_needed; /* a side, when inconclusive; 0 unknown */
	double samples;	    /* mean number in a run, of the side that has fewer */
	enum comparison_verdict verdict;
	enum comparison_presence presence;
	const struct comparison_function *moved; /* code went there or came from there, or NULL */
	const struct comparison_function *maybe; /* or may have: that cannot be told; or NULL */
	double together_base, together_fresh;	 /* cost with that one's, where either is there */
	bool together_more;			 /* and that both together cost more is certain */
};

struct comparison {
	struct comparison_options options;
	const struct comparison_names *names;
	const struct comparison_run *const *base;
	const struct comparison_run *const *fresh;
	size_t base_count, fresh_count;
	bool per_step;
	bool replicated;
	struct comparison_row total;
	struct comparison_row *rows; /* ordered: by verdict, then by cost */
	size_t rows_count;
	size_t others_count;		      /* functions in the row of all others */
	size_t verdicts[COMPARISON_VERDICTS]; /* of the rows */
};

/*
 * Says whether the times of runs can be compared at all: same metric, same setting
 * (comparison_setting.h), all of them whole and with samples. Returns 0, or -EINVAL with @error for
 * the first that cannot. The metric must be the same and there must be samples even when @forced.
 */
int comparison_check(const struct comparison_run *const *runs, size_t count, bool forced,
		     struct error *error);

/* The same for what was counted: no samples are wanted. */
int comparison_check_whole(const struct comparison_run *const *runs, size_t count, bool forced,
			   struct error *error);

/*
 * Compares. Both counts are at least 1, and equal when the options say paired. The runs and names
 * are borrowed until comparison_done.
 */
void comparison_make(struct comparison *comparison, const struct comparison_options *options,
		     const struct comparison_names *names, const struct comparison_run *const *base,
		     size_t base_count, const struct comparison_run *const *fresh,
		     size_t fresh_count);
void comparison_done(struct comparison *comparison);

/* Run @i of both sides, the base first. */
const struct comparison_run *comparison_run_at(const struct comparison *comparison, size_t i);

/* Whether any of the runs has a sample of @function, or of what it calls. */
bool comparison_occurs(const struct comparison_run *const *runs, size_t count, uint32_t function);

/*
 * Tests and judges by itself a cost that is no single function's.
 *
 * @costs   in units, of whole runs, the base first
 * @margin  in units per run or step
 */
void comparison_test_costs(const struct comparison *comparison, struct comparison_row *row,
			   double *costs, double margin);

/* True when something regressed for certain: never of an unreplicated comparison. */
bool comparison_is_worse(const struct comparison *comparison);
