/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_operations: sections about locks, files and SQL; see document_sections.h. */
#include "reports/document_sections.h"

#include "reports/operations.h"

#include <math.h>

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	SUBJECTS = 20
};

enum cell {
	NAME,
	KIND_NAME,
	COUNT,
	AMOUNT,
	TIME,
	MEDIAN,
	P99,
	LONGEST,
	FSYNC,
	TAKEN,
	PLACE,
	OTHER
};

struct part_column {
	enum cell cell;
	uint32_t operations; /* that the cell is of; 0: all of its part */
	struct document_column shown;
};

/* One table: what was done to subjects of some kinds. */
struct part {
	const char *id, *caption;
	uint32_t subjects, operations; /* sets of 1 << enum, as operations_measure takes them */
	const struct part_column *columns;
	int column_count;
};

enum {
	MOST_COLUMNS = 12
};

static void add_stack(json_t *row, const struct operations *operations, uint32_t stack)
{
	char text[400] = "";

	if (stack)
		operations_stack_text(operations->report, stack, text, sizeof(text));
	document_text(row, text);
}

/* The share of durations below which a cell's lies; NAN, an empty cell, where nothing was done. */
static double duration_of(const struct operations *operations, const struct operations_group *group,
			  uint32_t kinds, double share)
{
	return operations_amounts_of(group, kinds).count
		       ? operations_percentile(operations, group, kinds, share)
		       : NAN;
}

static void add_cell(json_t *row, const struct operations *operations,
		     const struct operations_group *group, const struct part_column *column)
{
	uint32_t kinds = column->operations ? column->operations : operations->kinds;
	struct operations_amounts amounts = operations_amounts_of(group, kinds);
	const struct operations_site *site = group->site_count ? &group->sites[0] : NULL;

	switch (column->cell) {
	case NAME:
		document_text(row, group->label);
		break;
	case KIND_NAME:
		document_text(row, group->kind ? profile_subject_kinds[group->kind] : "");
		break;
	case COUNT:
		document_count(row, amounts.count);
		break;
	case AMOUNT:
		document_number(row, (double)amounts.amount);
		break;
	case TIME:
		document_number(row, (double)amounts.total_ns);
		break;
	case MEDIAN:
		document_number(row, duration_of(operations, group, kinds, 0.5));
		break;
	case P99:
		document_number(row, duration_of(operations, group, kinds, 0.99));
		break;
	case LONGEST:
		document_number(row, (double)amounts.longest_ns);
		break;
	case FSYNC:
		document_number(row, (double)amounts.part_ns);
		break;
	case TAKEN:
		document_count(row, group->taken);
		break;
	case PLACE:
		add_stack(row, operations, site ? site->stack : 0);
		break;
	case OTHER:
		add_stack(row, operations, site ? site->other : 0);
		break;
	}
}

static json_t *add_table(json_t *section, const struct part *part)
{
	struct document_column columns[MOST_COLUMNS];

	for (int i = 0; i < part->column_count; i++)
		columns[i] = part->columns[i].shown;
	return document_table(section, part->id, part->caption, columns, part->column_count);
}

static void add_part(json_t *section, const struct report *report, const struct part *part)
{
	struct operations operations;
	json_t *table = NULL;
	size_t count = 0;

	operations_measure(&operations, report, part->subjects, part->operations);
	if (operations.all.count)
		table = add_table(section, part);
	else
		document_say(section, "%s: none.", part->caption);
	for (size_t i = 0; table && i < operations.count; i++) {
		json_t *row;

		if (!operations.groups[i].all.count || count++ >= SUBJECTS)
			continue;
		row = document_row(table);
		for (int column = 0; column < part->column_count; column++)
			add_cell(row, &operations, &operations.groups[i], &part->columns[column]);
	}
	if (count > SUBJECTS)
		document_note(section, "%s: … and %zu more.", part->caption, count - SUBJECTS);
	operations_done(&operations);
}

/* @key  of the profile's meta: 1 where this was counted, or a sentence why not */
static json_t *add_section(json_t *document, const struct report *report, const char *key,
			   const char *title, const char *missing)
{
	json_t *section = document_section(document, key, title);
	const char *why = profile_text(report->profile, key, "");

	if (*why || profile_number(report->profile, key, 0) != 1) {
		document_miss(section, *why ? why : missing);
		return NULL;
	}
	document_say(section, operations_have_gaps(report->profile)
				      ? "Not every one was counted; none is sampled."
				      : "Every one is counted, none is sampled.");
	return section;
}

#define SET(kind) OPERATIONS_KIND(PROFILE_OPERATION_##kind)
#define PART(name, caption, subjects, operations)                                                  \
	{                                                                                          \
#name, caption, subjects, operations, name##_columns, COLUMN_COUNT(name##_columns) \
	}

static const struct part_column locks_columns[] = {
	{NAME, 0, {"subject", "lock", "code", NULL}},
	{KIND_NAME, 0, {"kind", "kind", "text", NULL}},
	{COUNT, 0, {"count", "waits", "count", NULL}},
	{TIME, 0, {"total", "waited", "amount", "ns"}},
	{MEDIAN, 0, {"p50", "p50", "amount", "ns"}},
	{P99, 0, {"p99", "p99", "amount", "ns"}},
	{LONGEST, 0, {"longest", "longest", "amount", "ns"}},
	{TAKEN, 0, {"taken", "taken without waiting", "count", NULL}},
	{PLACE, 0, {"where", "mostly from", "code", NULL}},
	{OTHER, 0, {"other", "there held by", "code", NULL}},
};

static const struct part_column awaits_columns[] = {
	{NAME, 0, {"subject", "for", "code", NULL}},
	{KIND_NAME, 0, {"kind", "kind", "text", NULL}},
	{COUNT, 0, {"count", "waits", "count", NULL}},
	{TIME, 0, {"total", "waited", "amount", "ns"}},
	{MEDIAN, 0, {"p50", "p50", "amount", "ns"}},
	{P99, 0, {"p99", "p99", "amount", "ns"}},
	{LONGEST, 0, {"longest", "longest", "amount", "ns"}},
	{PLACE, 0, {"where", "mostly from", "code", NULL}},
	{OTHER, 0, {"other", "there woken by", "code", NULL}},
};

static const struct part_column files_columns[] = {
	{NAME, 0, {"subject", "file", "code", NULL}},
	{COUNT, 0, {"count", "calls", "count", NULL}},
	{TIME, 0, {"total", "total", "amount", "ns"}},
	{AMOUNT, OPERATIONS_READING, {"read", "read", "amount", "bytes"}},
	{AMOUNT, OPERATIONS_WRITING, {"written", "written", "amount", "bytes"}},
	{TIME, SET(SYNC), {"fsync", "in fsync", "amount", "ns"}},
	{MEDIAN, 0, {"p50", "p50", "amount", "ns"}},
	{P99, 0, {"p99", "p99", "amount", "ns"}},
	{LONGEST, 0, {"longest", "longest", "amount", "ns"}},
	{PLACE, 0, {"where", "mostly from", "code", NULL}},
};

/* Preparing is told by its number; durations are those of executing. */
static const struct part_column statements_columns[] = {
	{NAME, 0, {"subject", "statement", "code", NULL}},
	{COUNT, SET(EXECUTE), {"count", "executions", "count", NULL}},
	{AMOUNT, SET(EXECUTE), {"rows", "rows", "count", NULL}},
	{TIME, 0, {"total", "total", "amount", "ns"}},
	{MEDIAN, SET(EXECUTE), {"p50", "p50 of a step", "amount", "ns"}},
	{P99, SET(EXECUTE), {"p99", "p99 of a step", "amount", "ns"}},
	{FSYNC, 0, {"fsync", "in fsync", "amount", "ns"}},
	{COUNT, SET(PREPARE), {"prepared", "prepared", "count", NULL}},
	{PLACE, 0, {"where", "mostly from", "code", NULL}},
};

static const struct part_column transactions_columns[] = {
	{NAME, 0, {"subject", "database", "code", NULL}},
	{COUNT, 0, {"count", "transactions", "count", NULL}},
	{AMOUNT, 0, {"rows", "rows changed", "count", NULL}},
	{TIME, 0, {"total", "open", "amount", "ns"}},
	{MEDIAN, 0, {"p50", "p50", "amount", "ns"}},
	{P99, 0, {"p99", "p99", "amount", "ns"}},
	{LONGEST, 0, {"longest", "longest", "amount", "ns"}},
	{FSYNC, 0, {"fsync", "in fsync", "amount", "ns"}},
	{PLACE, 0, {"where", "mostly from", "code", NULL}},
};

#define SUBJECT(kind) OPERATIONS_KIND(PROFILE_SUBJECT_##kind)

void document_add_operations(json_t *document, const struct report *report)
{
	static const struct part locks =
		PART(locks, "Waits for locks",
		     SUBJECT(MUTEX) | SUBJECT(RWLOCK) | SUBJECT(SPIN) | SUBJECT(SEMAPHORE),
		     SET(LOCK) | SET(SHARE));
	static const struct part awaits =
		PART(awaits, "Waits for other threads",
		     SUBJECT(CONDITION) | SUBJECT(SEMAPHORE) | SUBJECT(BARRIER) | SUBJECT(THREAD),
		     SET(AWAIT));
	static const struct part files = PART(files, "Calls on files", SUBJECT(FILE), UINT32_MAX);
	static const struct part statements =
		PART(statements, "SQL statements", SUBJECT(STATEMENT), SET(EXECUTE) | SET(PREPARE));
	static const struct part transactions =
		PART(transactions, "Transactions", SUBJECT(DATABASE), SET(TRANSACTION));
	json_t *section;

	section = add_section(document, report, "locks", "Locks",
			      profile_text(report->profile, "refused.locks",
					   "waits for locks were not counted (--locks)"));
	if (section) {
		add_part(section, report, &locks);
		add_part(section, report, &awaits);
	}
	section = add_section(document, report, "io", "Files",
			      profile_text(report->profile, "refused.io",
					   "calls on files were not counted (--io)"));
	if (section)
		add_part(section, report, &files);
	section = add_section(document, report, "sql", "SQL",
			      profile_text(report->profile, "refused.sql",
					   "SQL statements were not counted (--sql)"));
	if (section) {
		add_part(section, report, &statements);
		add_part(section, report, &transactions);
	}
}
