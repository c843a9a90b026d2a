/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * comparison_fold: charges the code of some functions, in all runs, to the nearest caller that is
 * none of them, and tests what each caller and those callees cost together.
 *
 *     main ─ step ─ force (folded) ─ norm (folded)      step: its own code, force's and norm's
 */
#pragma once

#include "reports/comparison.h"

#include <uthash.h>

/* What a function became, by its own cost. */
struct fold_state {
	struct comparison_row *row; /* or NULL */
	double base, fresh;	    /* mean self cost per run or step */
	bool is_gone, is_new;
	bool is_folded; /* in this pass its code is charged to its callers */
};

/* What a folded function's code costs below one caller, and all callers' sums. */
struct fold_flow {
	UT_hash_handle hh;
	struct {
		uint32_t from, to;
	} key;
	double base, fresh; /* per run or step */
	double *costs;	    /* in units, by run */
};

/* A caller that folded code is charged to. */
struct fold_caller {
	UT_hash_handle hh;
	uint32_t function;
	double *sums;			  /* its own code and theirs, by run */
	double change;			  /* of theirs, */
	double amount;			  /* and without the signs of each */
	double gone;			  /* of that, by functions that are gone */
	const struct fold_caller *tested; /* itself, or all of which little was charged to each */
	struct comparison_row sum;
};

struct fold {
	struct comparison *comparison;
	struct fold_state *states; /* by function */
	struct fold_flow *flows;
	struct fold_caller *callers;
	struct fold_caller trifles; /* of which little was charged to each */
	size_t functions, runs;
};

/* Looks what changed in a comparison, borrowed, whose rows are judged. comparison_fold_done must
 * follow. */
void comparison_fold_begin(struct fold *fold, struct comparison *comparison);
void comparison_fold_done(struct fold *fold);

/* Charges the functions of which is_folded is set, and tests the sums. comparison_fold_forget must
 * follow. */
void comparison_fold_charge(struct fold *fold);
void comparison_fold_forget(struct fold *fold);

/* Returns the caller of a number, without anything charged to it if it is a new one; owned by
 * @fold. */
struct fold_caller *comparison_fold_caller(struct fold *fold, uint32_t function);

/* Tests the sums of a caller: its amount and change say what margin they have. */
void comparison_fold_test(const struct fold *fold, struct fold_caller *caller);

/* Says whether a row tells of a change in that direction, for certain; NULL: it tells of none. */
bool comparison_fold_says(const struct comparison_row *row, bool is_more);
