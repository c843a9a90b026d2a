/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reports_splits: how often a comparison errs, on real recordings.
 *
 *     reports_splits same SPLITS FILE...                     random halves of runs of one program
 *     reports_splits gate 200 FILE...                        the same, judged by a gate
 *     reports_splits found FUNCTION RUNS SPLITS BASE... -- NEW...   RUNS of each side at random
 *
 * The first prints in what share of splits any function was flagged by `compare` and, for the same
 * splits, by a test of two proportions on pooled samples, as flame graph differs compare: both with
 * Benjamini and Hochberg's adjustment at 5 %. The second prints in how many splits a gate failed,
 * and the change that it would have seen. The third prints in what share FUNCTION was found to have
 * regressed, and in what share any other function was flagged.
 */
#include "reports/comparison_level.h"
#include "reports/gate.h"

#include "collector/base/xalloc.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static uint64_t random_state = 20240607;

static size_t random_below(size_t limit)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (random_state >> 33) % limit;
}

static void shuffle(const struct comparison_run **runs, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below(i);
		const struct comparison_run *swap = runs[i - 1];

		runs[i - 1] = runs[j];
		runs[j] = swap;
	}
}

/* Whether a test of two proportions on all samples of a side flags any function of the family. */
static bool pooled_flags(const struct comparison *comparison)
{
	double base_all = 0, fresh_all = 0, *p = xcalloc(comparison->rows_count, sizeof(*p));
	size_t count = 0;
	bool any = false;

	for (size_t i = 0; i < comparison->base_count; i++)
		base_all += comparison->base[i]->samples;
	for (size_t i = 0; i < comparison->fresh_count; i++)
		fresh_all += comparison->fresh[i]->samples;
	for (size_t i = 0; i < comparison->rows_count; i++) {
		const struct comparison_function *function = comparison->rows[i].function;
		double base = 0, fresh = 0, share, z;

		if (!function)
			continue;
		for (size_t run = 0; run < comparison->base_count; run++)
			base += comparison_run_cost(comparison->base[run], function->id)
					.self_samples;
		for (size_t run = 0; run < comparison->fresh_count; run++)
			fresh += comparison_run_cost(comparison->fresh[run], function->id)
					 .self_samples;
		share = (base + fresh) / (base_all + fresh_all);
		z = (fresh / fresh_all - base / base_all) /
		    sqrt(share * (1 - share) * (1 / base_all + 1 / fresh_all));
		p[count++] = 2 * gsl_cdf_ugaussian_Q(fabs(z));
	}
	statistics_benjamini_hochberg(p, count);
	for (size_t i = 0; i < count; i++)
		any = any || p[i] <= 0.05;
	free(p);
	return any;
}

static size_t flagged(const struct comparison *comparison)
{
	return comparison->verdicts[COMPARISON_REGRESSED] +
	       comparison->verdicts[COMPARISON_IMPROVED];
}

static void same(const struct comparison_names *names, const struct comparison_run **runs,
		 size_t count, int splits)
{
	int by_runs = 0, pooled = 0;

	for (int i = 0; i < splits; i++) {
		struct comparison comparison;

		shuffle(runs, count);
		comparison_make(&comparison, &comparison_defaults, names, runs, count / 2,
				runs + count / 2, count - count / 2);
		by_runs += flagged(&comparison) > 0;
		pooled += pooled_flags(&comparison);
		comparison_done(&comparison);
	}
	printf("%.1f%% %.1f%%\n", 100.0 * by_runs / splits, 100.0 * pooled / splits);
}

static void gate(const struct comparison_names *names, const struct comparison_run **runs,
		 size_t count)
{
	struct comparison_options options = gate_comparison_options(0.01, 0.03);
	struct gate_calibration calibration;

	gate_self_test(&calibration, &options, names, runs, count);
	printf("%zu %.1f%%\n", calibration.false_alarms,
	       100 * gate_detectable(&calibration, &options, count / 2));
}

static void found(const struct comparison_names *names, const char *function, size_t runs_a_side,
		  int splits, const struct comparison_run **base, size_t base_count,
		  const struct comparison_run **fresh, size_t fresh_count)
{
	int hits = 0, others = 0;

	for (int i = 0; i < splits; i++) {
		struct comparison comparison;
		size_t hit = 0;

		shuffle(base, base_count);
		shuffle(fresh, fresh_count);
		comparison_make(&comparison, &comparison_defaults, names, base, runs_a_side, fresh,
				runs_a_side);
		for (size_t row = 0; row < comparison.rows_count; row++)
			hit += comparison.rows[row].function &&
			       comparison.rows[row].verdict == COMPARISON_REGRESSED &&
			       !strcmp(comparison.rows[row].function->name, function);
		hits += hit > 0;
		others += flagged(&comparison) > hit;
		comparison_done(&comparison);
	}
	printf("%.1f%% %.1f%%\n", 100.0 * hits / splits, 100.0 * others / splits);
}

int main(int count, char **arguments)
{
	bool is_found = count > 5 && !strcmp(arguments[1], "found");
	int first = is_found ? 5 : 3, divider = 0;
	struct comparison_run *loaded = xcalloc(count, sizeof(*loaded));
	const struct comparison_run **runs = xcalloc(count, sizeof(*runs));
	struct comparison_names names = {0};
	struct error error;
	const char **paths = xcalloc(count, sizeof(*paths));
	size_t runs_count = 0, loaded_count, i;

	if (count < 5 ||
	    (!is_found && strcmp(arguments[1], "same") && strcmp(arguments[1], "gate"))) {
		fputs("usage: reports_splits same|gate SPLITS FILE... | found FUNCTION RUNS SPLITS "
		      "BASE... -- NEW...\n",
		      stderr);
		return 1;
	}
	for (int argument = first; argument < count; argument++) {
		if (!strcmp(arguments[argument], "--")) {
			divider = runs_count;
			continue;
		}
		runs[runs_count] = &loaded[runs_count];
		paths[runs_count++] = arguments[argument];
	}
	if (comparison_runs_load(loaded, paths, runs_count, &loaded_count, &names, &error)) {
		fprintf(stderr, "reports_splits: %s\n", error.text);
		return 1;
	}
	if (is_found)
		found(&names, arguments[2], strtoul(arguments[3], NULL, 10),
		      strtol(arguments[4], NULL, 10), runs, divider, runs + divider,
		      runs_count - divider);
	else if (!strcmp(arguments[1], "gate"))
		gate(&names, runs, runs_count);
	else
		same(&names, runs, runs_count, strtol(arguments[2], NULL, 10));
	for (i = 0; i < runs_count; i++)
		comparison_run_done(&loaded[i]);
	comparison_names_done(&names);
	free(loaded);
	free(runs);
	free(paths);
	return 0;
}
