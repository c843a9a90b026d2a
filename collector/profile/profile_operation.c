/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_operation: subjects and operations of a profile; see profile.h. */
#include "collector/profile/profile.h"

#include "collector/base/xalloc.h"

const char *const profile_subject_kinds[PROFILE_SUBJECT_KINDS] = {
	[PROFILE_SUBJECT_MUTEX] = "mutex",	   [PROFILE_SUBJECT_RWLOCK] = "rwlock",
	[PROFILE_SUBJECT_SPIN] = "spin",	   [PROFILE_SUBJECT_CONDITION] = "condition",
	[PROFILE_SUBJECT_SEMAPHORE] = "semaphore", [PROFILE_SUBJECT_BARRIER] = "barrier",
	[PROFILE_SUBJECT_THREAD] = "thread",	   [PROFILE_SUBJECT_FILE] = "file",
	[PROFILE_SUBJECT_STATEMENT] = "statement", [PROFILE_SUBJECT_DATABASE] = "database",
};

const char *const profile_operation_kinds[PROFILE_OPERATION_KINDS] = {
	[PROFILE_OPERATION_LOCK] = "lock",
	[PROFILE_OPERATION_SHARE] = "share",
	[PROFILE_OPERATION_AWAIT] = "await",
	[PROFILE_OPERATION_OPEN] = "open",
	[PROFILE_OPERATION_CLOSE] = "close",
	[PROFILE_OPERATION_READ] = "read",
	[PROFILE_OPERATION_WRITE] = "write",
	[PROFILE_OPERATION_SYNC] = "sync",
	[PROFILE_OPERATION_COPY] = "copy",
	[PROFILE_OPERATION_STREAM_READ] = "stream-read",
	[PROFILE_OPERATION_STREAM_WRITE] = "stream-write",
	[PROFILE_OPERATION_PREPARE] = "prepare",
	[PROFILE_OPERATION_EXECUTE] = "execute",
	[PROFILE_OPERATION_TRANSACTION] = "transaction",
};

/* Appends a copy of a row that was changed now. */
#define ADD(profile, table, row)                                                                   \
	do {                                                                                       \
		xgrow((profile)->table, (profile)->table##_count, (profile)->table##_capacity);    \
		(profile)->table[(profile)->table##_count] = *(row);                               \
		(profile)->table[(profile)->table##_count++].revision =                            \
			++(profile)->operations_revision;                                          \
	} while (0)

uint32_t profile_subject_add(struct profile *profile, const struct profile_subject *subject)
{
	struct profile_subject row = *subject;

	row.name = xstrdup(subject->name);
	ADD(profile, subjects, &row);
	return (uint32_t)profile->subjects_count - 1;
}

void profile_subject_more(struct profile *profile, uint32_t id, uint64_t taken)
{
	profile->subjects[id].taken += taken;
	profile->subjects[id].revision = ++profile->operations_revision;
}

uint32_t profile_operation_add(struct profile *profile, const struct profile_operation *operation)
{
	ADD(profile, operations, operation);
	return (uint32_t)profile->operations_count - 1;
}

void profile_operation_more(struct profile *profile, uint32_t number,
			    const struct profile_operation *more)
{
	struct profile_operation *row = &profile->operations[number];

	row->count += more->count;
	row->total_ns += more->total_ns;
	row->amount += more->amount;
	row->part_ns += more->part_ns;
	if (row->longest_ns < more->longest_ns)
		row->longest_ns = more->longest_ns;
	row->revision = ++profile->operations_revision;
}

uint32_t profile_spread_add(struct profile *profile, const struct profile_spread *spread)
{
	ADD(profile, spreads, spread);
	return (uint32_t)profile->spreads_count - 1;
}

void profile_spread_more(struct profile *profile, uint32_t number, uint64_t count)
{
	profile->spreads[number].count += count;
	profile->spreads[number].revision = ++profile->operations_revision;
}
