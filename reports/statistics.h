/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * statistics: has it changed, by how much, how sure is that, and how small a change would have been
 * seen.
 *
 * All take logarithms of costs, so a difference d is the ratio exp(d). Runs are the replicates,
 * never the samples in a run: those come in bursts, and runs differ by more than their samples
 * tell. Two independent groups of runs are compared by Welch's t; pairs of neighbouring runs by
 * Wilcoxon's signed ranks, which needs no normal distribution. Small groups get exact p values, for
 * which nothing but exchangeable runs is assumed.
 *
 * All p values are two-sided. Sources:
 *   Welch 1947, Biometrika 34:28                 t for groups of unequal variance
 *   Fisher 1935, The Design of Experiments 21    permutation of the groups
 *   Wilcoxon 1945, Biometrics Bulletin 1:80      signed ranks
 *   Hodges & Lehmann 1963, Ann. Math. Stat. 34:598   estimate and interval of signed ranks
 *   Fisher 1935, The Design of Experiments 26    two treatments in blocks
 *   Benjamini & Hochberg 1995, JRSS B 57:289     share of false findings
 *   Holm 1979, Scand. J. Stat. 6:65              any false finding
 *   Pocock 1977, Biometrika 64:191               several looks at growing data
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	STATISTICS_EXACT_GROUP = 10, /* runs a side up to which all splits are enumerated */
	STATISTICS_EXACT_PAIRS = 25, /* pairs up to which signed ranks are counted */
	STATISTICS_LOOKS = 5,
};

struct statistics_change {
	double estimate;  /* difference of the logarithms, second minus first */
	double low, high; /* interval at the level asked for; -INFINITY ... INFINITY when the data
			     cannot give one */
	double p;	  /* 1 when the data cannot tell anything */
	double error;	  /* standard error of the estimate */
	double freedom;	  /* degrees of freedom of that error */
	double p_floor;	  /* smallest p that so many runs can give at all */
};

/*
 * Compares two independent groups of logarithms. With at most STATISTICS_EXACT_GROUP in each group
 * p is that of all splits of the runs into two such groups (of the difference of means), else
 * Welch's. The interval is Welch's.
 *
 * @first, @second  at least one each; with fewer than two on a side nothing but the estimate is
 * known
 * @level           of the interval, e.g. 0.95
 */
struct statistics_change statistics_groups(const double *first, size_t first_count,
					   const double *second, size_t second_count, double level);

/*
 * Compares pairs: the estimate is the median of the Walsh averages, the interval the one that
 * inverts the signed-rank test, p that of the signed ranks; zero differences are left out of it.
 * Exact up to STATISTICS_EXACT_PAIRS, above that the normal approximation.
 *
 * @differences  second minus first of each pair, logarithms
 */
struct statistics_change statistics_pairs(const double *differences, size_t count, double level);

/* One value of a block design: which block it is of, and whether of the second treatment. */
struct statistics_plot {
	double value;
	size_t block;
	bool is_second;
};

/*
 * Compares two treatments in blocks of different level: least squares of level of the block plus
 * difference. Values of blocks that had one treatment only say nothing. With no more values than
 * it takes, nothing but the estimate is known; with no block that had both the estimate is NAN.
 *
 * @blocks  their number
 */
struct statistics_change statistics_blocks(const struct statistics_plot *plots, size_t count,
					   size_t blocks, double level);

/* The change of one run against one run, from standard errors within the runs. */
struct statistics_change statistics_single(double first, double first_error, double second,
					   double second_error, double level);

/*
 * Median with the narrowest interval between two order statistics that has at least the level
 * (sign test); freedom and error are 0.
 */
struct statistics_change statistics_median(const double *differences, size_t count, double level);

/*
 * The smallest change that would be found with probability 0.8: its interval at @level would lie
 * beyond @margin, and its p below @alpha. INFINITY when none would be.
 */
double statistics_detectable(const struct statistics_change *change, double margin, double level,
			     double alpha);

/*
 * About how many runs a side would shrink the interval's half width to @half_width, if runs went on
 * to vary as they did; 0 when that cannot be said.
 *
 * @paired  the runs are pairs
 * @spread  standard deviation of one run (of one pair's difference)
 */
double statistics_runs_needed(double spread, bool paired, double half_width, double level);

/* About how many runs a side make an interval that many @times narrower than that of @runs; the
 * mean of 1 / runs of both sides where they differ. */
double statistics_runs_narrower(double runs, bool paired, double times, double level);

/* Runs a side with which the exact tests can give a p of @alpha at all. */
double statistics_runs_of_floor(bool paired, double alpha);

/* Adjusts @count p values in place so that comparing them with q bounds the expected share of false
 * findings by q (Benjamini and Hochberg), or the probability of any by q (Holm). */
void statistics_benjamini_hochberg(double *p, size_t count);
void statistics_holm(double *p, size_t count);

/*
 * The level of each of @looks (1 ... STATISTICS_LOOKS) equally spaced looks at growing data for
 * which all together err with probability @alpha. Pocock's constants for 0.05 and 0.01, else
 * alpha / looks, which always holds.
 */
double statistics_look_alpha(double alpha, int looks);
