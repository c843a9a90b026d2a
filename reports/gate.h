/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate: does a change pass? Counted work first, time second, and "cannot tell" is an answer.
 *
 * Counted work (steps, calls of probed functions, instructions under callgrind) is the same in
 * every run of the same work, so one recording decides, and a small margin holds. Where recordings
 * of one build differ in a count it is not deterministic, and nothing is concluded from it.
 * Baselines of counts are a file that people review (gate_baseline_*).
 *
 * Time is that of comparison.h with all chances of a false alarm bounded together: half of alpha
 * for the total, half for all functions (Holm). Time that cannot be told never fails a gate.
 */
#pragma once

#include "reports/comparison.h"

#include <jansson.h>

enum gate_verdict {
	GATE_PASSED,
	GATE_UNCLEAR,
	GATE_FAILED,
	GATE_VERDICTS
};

/* "passed", "cannot tell", "failed". */
extern const char *const gate_verdict_names[GATE_VERDICTS];

/* One thing that is gated. */
struct gate_item {
	char *name;	   /* "calls of step", "time in step", "instructions" */
	const char *class; /* "counted" or "time" */
	char *reason;	   /* a sentence with the numbers */
	enum gate_verdict verdict;
	bool minor; /* a time that cannot be told, of a function: does not make the gate unclear */
	const struct comparison_function *function; /* or NULL */
};

struct gate {
	struct gate_item *items;
	size_t items_count, items_capacity;
	size_t verdicts[GATE_VERDICTS];
	enum gate_verdict verdict; /* of all */
};

void gate_done(struct gate *gate);

/* One count, of one build. */
struct gate_count {
	char *name;	/* "steps", "instructions", "calls" */
	char *function; /* of "calls", "" of the others */
	char *module, *file;
	double value;
	bool steady; /* the same in all runs, and exact */
};

struct gate_counts {
	struct gate_count *rows;
	size_t rows_count, rows_capacity;
	char *machine;
};

void gate_counts_done(struct gate_counts *counts);

/* Takes the counts of recordings of one build. */
void gate_counts_take(struct gate_counts *counts, const struct comparison_names *names,
		      const struct comparison_run *const *runs, size_t runs_count);

/*
 * Adds the instructions of a file that `valgrind --tool=callgrind` wrote (events: Ir first).
 * Returns 0, or a negative errno with @error.
 */
int gate_counts_read_callgrind(struct gate_counts *counts, const char *path, struct error *error);

/* Reads a baseline. Returns 0, or a negative errno with @error. gate_counts_done in either case. */
int gate_baseline_read(struct gate_counts *counts, const char *path, struct error *error);
/* The baseline that is to be kept, owned by the caller: only steady counts, in a fixed order. */
json_t *gate_baseline_json(const struct gate_counts *counts);

/* Judges counts against the baseline; @margin is a ratio less one, 0.005. */
void gate_judge_counts(struct gate *gate, const struct gate_counts *base,
		       const struct gate_counts *fresh, double margin);

/* The options of a comparison whose false alarms are bounded by @alpha altogether. */
struct comparison_options gate_comparison_options(double alpha, double margin);

/* Judges a comparison made with them. */
void gate_judge_time(struct gate *gate, const struct comparison *comparison);

/* What a machine can see: random halves of recordings of one build. */
struct gate_self_test {
	size_t splits, false_alarms;
	double spread;	   /* standard deviation of the logarithm of a run's total */
	double detectable; /* change of the total, ratio less one, at half of the runs a side */
};

/* @runs  at least 4; reordered */
void gate_self_test(struct gate_self_test *test, const struct comparison_options *options,
		    const struct comparison_names *names, const struct comparison_run **runs,
		    size_t runs_count);
