/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary: the answer in one screen: what ran, the functions that cost most, and how far the
 * data may be trusted.
 */
#pragma once

#include "reports/report.h"

#include <jansson.h>

enum {
	SUMMARY_ROWS = 10
};

/* Writes text for people. @width, @colour as for table_write. */
void summary_write(const struct report *report, FILE *stream, int width, bool colour);

/* Writes one table of the first @limit functions. */
void summary_functions(const struct report *report, const struct functions *functions,
		       enum functions_order order, uint32_t limit, FILE *stream, int width,
		       bool colour);

/* Writes that there are no samples, and why; of a report about waits that it is for want of them.
 */
void summary_empty(const struct report *report, FILE *stream);

/* Writes the trust line, bad items in red. */
void summary_trust(const struct report *report, FILE *stream, bool colour);

/* What ran, and the trust items with the numbers behind them. Owned by the caller. */
json_t *summary_head_json(const struct report *report);

/* An array of the first @limit rows. Owned by the caller. */
json_t *summary_functions_json(const struct report *report, const struct functions *functions,
			       uint32_t limit);

/* The whole summary. Owned by the caller. */
json_t *summary_json(const struct report *report);
