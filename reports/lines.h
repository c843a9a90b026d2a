/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lines: cost of single source lines.
 *
 * Self is what was sampled at the line, total also what it called; a sample counts once for a
 * line's total, however often the line is on the stack. Inlined code stands at its own lines, in
 * its own file, or with LINES_AT_CALL at the line of the function that it was inlined into.
 */
#pragma once

#include "reports/report.h"

enum lines_inlined {
	LINES_IN_SOURCE, /* inlined code at its own lines */
	LINES_AT_CALL	 /* charged to the line that calls it */
};

struct line_row {
	uint32_t symbol;
	uint32_t line;	      /* in the function's file; 0 unknown */
	uint64_t self, total; /* in periods */
	uint32_t self_samples, total_samples;
	struct interval share; /* of self, 95 %, this run */
};

struct lines {
	struct line_row *rows; /* by self, then total */
	uint32_t count;
	uint64_t value; /* of all samples of the metric */
	uint32_t samples;
};

/*
 * Measures the lines of those functions that @wanted says yes to; NULL: of all. Intervals are
 * computed for the first @limit rows; others have 0 ... 1.
 */
void lines_measure(struct lines *lines, const struct report *report, enum lines_inlined inlined,
		   const bool *wanted, uint32_t limit);
void lines_done(struct lines *lines);

/*
 * Says which functions @name means: those of that name (C++ names also without parameters), else
 * those declared in a file of that path, whole or its last parts.
 *
 * Returns an array with one element for each symbol, owned by the caller, or NULL when there is
 * none.
 */
bool *lines_find(const struct report *report, const char *name);
