/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * functions: self and total cost of each function.
 *
 * Self is what was sampled in the function itself, total also what it called. A sample counts for
 * a function's total once, however often the function is on the stack, so recursion never makes
 * more than 100 %.
 */
#pragma once

#include "reports/dispersion.h"

enum functions_order {
	FUNCTIONS_BY_SELF,
	FUNCTIONS_BY_TOTAL
};

struct function_cost {
	uint64_t value; /* in periods of the metric */
	uint32_t samples;
	struct interval share; /* 95 %, of all, this run only */
};

struct function_row {
	uint32_t symbol;
	struct function_cost self;
	struct function_cost total;
};

struct functions {
	struct function_row *rows; /* ordered; every symbol that has a sample */
	uint32_t count;
	uint64_t value; /* of all samples */
	uint32_t samples;
};

/*
 * Measures every function of @tree. Intervals are computed for the first @limit rows, the only
 * ones that are going to be shown; the others have the interval 0 ... 1.
 */
void functions_measure(struct functions *functions, const struct profile *profile,
		       const struct call_tree *tree, uint16_t metric,
		       const struct symbol_table *symbols, enum functions_order order,
		       uint32_t limit);
void functions_done(struct functions *functions);

/* Orders the rows; ties by the other cost, then by label. */
void functions_sort(struct functions *functions, const struct symbol_table *symbols,
		    enum functions_order order);
