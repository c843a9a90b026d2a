/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate: does a change pass? Counted work first, time second, and "cannot tell" is an answer.
 *
 * Counted work (work.h, and instructions under callgrind) is the same in every run of the same
 * work, so one recording decides, and a small margin holds. Where recordings of one build differ in
 * a count it is not deterministic, and nothing is concluded from it.
 *
 * Time is that of comparison.h with all chances of a false alarm bounded together: half of alpha
 * for the total, half for all functions (Holm). Time that cannot be told never fails a gate.
 */
#pragma once

#include "reports/comparison.h"

#include <jansson.h>
#include <uthash.h>

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
	bool is_part; /* of one function or statement */
	bool minor; /* a time that cannot be told, of a function: does not make the gate unclear */
	const struct comparison_function *function; /* or NULL */
};

struct gate {
	struct gate_item *items;
	size_t items_count, items_capacity;
	size_t verdicts[GATE_VERDICTS];
	size_t unsteady; /* counts of the base that are not judged, for they show nothing */
	enum gate_verdict verdict; /* of all */
	char *note; /* what is known of the machine and the builds, a sentence; or NULL */
};

void gate_done(struct gate *gate);

/* One count, of one build. */
struct gate_count {
	UT_hash_handle hh;
	char *key;     /* all that names it, private */
	char *name;    /* "steps", "instructions", "allocations" */
	char *subject; /* the function or the statement; "" of the whole run */
	char *module, *file;
	double value; /* the least of all runs */
	bool steady;  /* exact, and in all runs the same but for one in a thousand */
	size_t runs;  /* that had it */
};

struct gate_counts {
	struct gate_count **rows;
	size_t rows_count, rows_capacity;
	struct gate_count *index; /* uthash, by key */
	char *processor;	  /* on which instructions were counted; NULL: none yet */
};

void gate_counts_done(struct gate_counts *counts);

/* Returns the count of that name, new and 0 when there was none. */
struct gate_count *gate_counts_get(struct gate_counts *counts, const char *name,
				   const char *subject, const char *module, const char *file);

/* Takes the counts of recordings of one build. */
void gate_counts_take(struct gate_counts *counts, const struct comparison_names *names,
		      const struct comparison_run *const *runs, size_t runs_count);

/* Whether it is of the whole run, or at least GATE_SHARE of its whole where that was counted. */
bool gate_counts_has_large(const struct gate_counts *counts, const struct gate_count *row);

/* Adds to @counts the large ones of recordings of the base that it lacks. */
void gate_counts_complete(struct gate_counts *counts, const struct gate_counts *recorded);

/*
 * Makes counts of two builds comparable where one of them was made without debug information: then
 * functions of a module have source files on one side only. They are paired without; what inlined
 * functions allocated is theirs on one side and their caller's on the other, so there allocations
 * are left to the counts of the whole run.
 */
void gate_counts_pair(struct gate_counts *one, struct gate_counts *other);

/*
 * Adds the instructions of one run.
 *
 * @processor  where that was
 */
void gate_counts_add_instructions(struct gate_counts *counts, double instructions,
				  const char *processor);

/* What a machine can see, by recordings of one build on it. */
struct gate_calibration {
	char *machine; /* as comparison_run has it */
	size_t runs, splits, false_alarms;
	double alpha;	     /* bound on the share of splits that may fail */
	double spread;	     /* standard deviation of the logarithm of a run's total */
	double pairs_spread; /* of the difference of neighbouring runs' */
};

/* What is allowed: a file that people review and commit. */
struct gate_baseline {
	struct gate_counts counts;
	struct gate_calibration *calibrations; /* one a machine */
	size_t calibrations_count, calibrations_capacity;
};

void gate_baseline_done(struct gate_baseline *baseline);

/* Reads a baseline. Returns 0, or a negative errno with @error. gate_baseline_done in either case.
 */
int gate_baseline_read(struct gate_baseline *baseline, const char *path, struct error *error);

/*
 * The file that is to be kept, in a fixed order, owned by the caller: counts of functions and
 * statements those with GATE_SHARE of their kind, and all calls. Those that are not steady are
 * marked so, and known, but not judged.
 */
json_t *gate_baseline_json(const struct gate_baseline *baseline);

#define GATE_SHARE 0.01

/* Keeps @calibration, whose machine it copies, in the place of an older one of that machine. */
void gate_baseline_calibrate(struct gate_baseline *baseline,
			     const struct gate_calibration *calibration);
/* Returns what is known of a machine, or NULL. */
const struct gate_calibration *gate_baseline_find(const struct gate_baseline *baseline,
						  const char *machine);

/*
 * Judges counts against those of the baseline; @margin is a ratio less one, 0.005. What the
 * baseline lacks, itself and its whole, cannot be told, in one item. More steps fail as steps
 * alone: a count that grew with them passes; one that stayed while steps became fewer cannot be
 * told.
 */
void gate_judge_counts(struct gate *gate, const struct gate_counts *base,
		       const struct gate_counts *fresh, double margin);

/* An item that cannot be told when there is no other: nothing that was judged is no pass. */
void gate_judge_nothing(struct gate *gate);

/* The options of a comparison whose false alarms are bounded by @alpha altogether. */
struct comparison_options gate_comparison_options(double alpha, double margin);

/*
 * Judges a comparison made with them.
 *
 * @calibration  of its machine, or NULL. Runs of few vary by chance less than the machine does:
 *               then all intervals are widened to what it does. And no time fails on a machine
 *               whose self-test failed more often than it may.
 */
void gate_judge_time(struct gate *gate, const struct comparison *comparison,
		     const struct gate_calibration *calibration);

/* Adds to what is said of the machine what may be a mistake in the choice of the recordings. After
 * gate_judge_time. */
void gate_tell_doubts(struct gate *gate, const struct comparison *comparison);

/*
 * Random halves of recordings of one build, compared.
 *
 * @runs  at least 4, in the order in which they were made; shuffled. The calibration borrows the
 *        machine of the first
 */
void gate_self_test(struct gate_calibration *calibration, const struct comparison_options *options,
		    const struct comparison_names *names, const struct comparison_run **runs,
		    size_t runs_count);

/* The change of the total that so many runs a side would see on a calibrated machine, a ratio less
 * one; INFINITY: none. */
double gate_detectable(const struct gate_calibration *calibration,
		       const struct comparison_options *options, size_t runs_a_side);
