/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * operations: what threads did to locks, files and SQL statements, by subject and call site.
 *
 * Subjects that people cannot tell apart are one group: locks that were allocated at one place, one
 * variable in several processes. All figures are sums of what was counted; none is sampled.
 */
#pragma once

#include "reports/report.h"

struct operations_amounts {
	uint64_t count, total_ns, longest_ns;
	uint64_t amount;  /* bytes, rows */
	uint64_t part_ns; /* of total_ns, in fsync */
};

/* What was done from one stack. */
struct operations_site {
	uint32_t stack;
	uint32_t other; /* who released the lock or woke; 0 not known */
	struct operations_amounts amounts;
};

struct operations_group {
	char *label;	   /* "world_lock", "allocated in agent_new", "/etc/passwd" */
	uint8_t kind;	   /* enum profile_subject_kind; 0: others, for which there was no room */
	uint32_t number;   /* private */
	uint32_t subjects; /* of it */
	uint64_t taken;	   /* locks: times without waiting */
	struct operations_amounts all;
	struct operations_amounts kinds[PROFILE_OPERATION_KINDS];
	struct operations_site *sites; /* by time, the longest first */
	size_t site_count, site_capacity;
};

struct operations {
	const struct report *report;
	uint32_t kinds; /* of operations, a set of 1 << enum profile_operation_kind */
	uint32_t timed; /* of them, whose durations JSON tells; all, if the caller does not change
			   it */
	struct operations_group *groups;
	size_t count, capacity;
	uint32_t *group_of_subject; /* index + 1; 0: not among them */
	struct operations_amounts all;
	uint64_t taken; /* also of locks that a thread had no counter for: of no group */
	uint64_t cut;	/* operations whose stack does not reach its thread's root */
};

#define OPERATIONS_KIND(kind) (1u << (kind))

/* Kinds whose amount is the bytes that a program took from files, or gave to them. */
#define OPERATIONS_READING                                                                         \
	(OPERATIONS_KIND(PROFILE_OPERATION_READ) | OPERATIONS_KIND(PROFILE_OPERATION_STREAM_READ))
#define OPERATIONS_WRITING                                                                         \
	(OPERATIONS_KIND(PROFILE_OPERATION_WRITE) |                                                \
	 OPERATIONS_KIND(PROFILE_OPERATION_STREAM_WRITE) |                                         \
	 OPERATIONS_KIND(PROFILE_OPERATION_COPY))

/*
 * Measures operations of some kinds on subjects of some kinds (both sets of 1 << enum).
 * operations_done releases.
 */
void operations_measure(struct operations *operations, const struct report *report,
			uint32_t subject_kinds, uint32_t operation_kinds);
void operations_done(struct operations *operations);

/* Returns what was done to a group by operations of some kinds; the longest is of all kinds. */
struct operations_amounts operations_amounts_of(const struct operations_group *group,
						uint32_t kinds);

/*
 * Returns the duration below which a share of a group's operations lie: the middle of a bucket,
 * within 1.6 % of the exact figure; 0 when none is known.
 *
 * @kinds  of operations
 */
double operations_percentile(const struct operations *operations,
			     const struct operations_group *group, uint32_t kinds, double share);

/*
 * Writes what a call stack is for people: its innermost function with its line, and some callers,
 * "enter (locks.c:93) < visitor < start_thread". Those of C++'s standard library are left out,
 * unless there are no others. Returns
 * @text; "not known" for stack 0.
 */
const char *operations_stack_text(const struct report *report, uint32_t stack, char *text,
				  size_t bytes);

/* What recordings say about the completeness of their operations, in meta rows with numbers. */
struct operations_remark {
	const char *key;
	bool is_bad;
	const char *says;
};

enum {
	OPERATIONS_REMARKS = 12
};

extern const struct operations_remark operations_remarks[OPERATIONS_REMARKS];

/* Says whether something was not counted that should have been: one of the bad remarks is due. */
bool operations_have_gaps(const struct profile *profile);

/* Writes the trust line about operations: losses, cut stacks.
 *
 * @counted  what is, after "every" or, where something lacks, "not every" */
void operations_write_trust(const struct operations *operations, const char *counted, FILE *stream);
