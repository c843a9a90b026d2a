/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * work: what a recording counted of the work that a program did: steps, calls, allocations, files,
 * SQL. None of it is sampled or timed, so the same work gives the same counts on any machine.
 *
 * Of the whole run, and of what did it: functions for calls and allocations (the one that called
 * the allocator), statements for SQL.
 */
#pragma once

#include "reports/report.h"

enum work_kind {
	WORK_STEPS,
	WORK_CALLS, /* of functions that were counted or timed, by function only */
	WORK_ALLOCATIONS,
	WORK_ALLOCATED,
	WORK_READS,
	WORK_READ_BYTES,
	WORK_WRITES,
	WORK_WRITTEN_BYTES,
	WORK_SYNCS,
	WORK_EXECUTIONS, /* of SQL statements */
	WORK_ROWS,	 /* that they gave or changed */
	WORK_TRANSACTIONS,
	WORK_KINDS
};

struct work_kind_row {
	const char *name;    /* "calls", "allocated bytes" */
	const char *subject; /* "function", "statement" */
};

extern const struct work_kind_row work_kinds[WORK_KINDS];

struct work_count {
	enum work_kind kind;
	uint32_t symbol; /* of the function; 0: of no function */
	char *statement; /* without literals, fit to be shown; NULL: of none */
	uint64_t value;
	bool exact; /* all were counted: no sample, no window of time, nothing lost */
};

struct work {
	struct work_count *rows; /* several of one function add up */
	size_t rows_count, rows_capacity;
};

void work_measure(struct work *work, const struct report *report);
void work_done(struct work *work);
