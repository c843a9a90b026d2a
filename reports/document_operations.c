/* SPDX-License-Identifier: GPL-3.0-or-later */
/* document_operations: sections about locks, files and SQL; see document_sections.h. */
#include "reports/document_sections.h"

#include "reports/operations.h"

#define COLUMN_COUNT(columns) ((int)(sizeof(columns) / sizeof(*(columns))))

enum {
	SUBJECTS = 20
};

/* One table: what was done to subjects of some kinds. */
struct part {
	const char *id, *caption;
	uint32_t subjects, operations; /* sets of 1 << enum, as operations_measure takes them */
};

static void add_group(json_t *table, const struct operations *operations,
		      const struct operations_group *group)
{
	char place[400] = "";
	json_t *row = document_row(table);

	document_text(row, group->label);
	document_text(row, group->kind ? profile_subject_kinds[group->kind] : "");
	document_count(row, group->all.count);
	document_number(row, (double)group->all.total_ns);
	document_number(row, operations_percentile(operations, group, operations->kinds, 0.5));
	document_number(row, operations_percentile(operations, group, operations->kinds, 0.99));
	document_number(row, (double)group->all.longest_ns);
	if (group->site_count)
		operations_stack_text(operations->report, group->sites[0].stack, place,
				      sizeof(place));
	document_text(row, place);
}

static void add_part(json_t *section, const struct report *report, const struct part *part)
{
	static const struct document_column columns[] = {
		{"subject", "subject", "code", NULL},	{"kind", "kind", "text", NULL},
		{"count", "times", "count", NULL},	{"total", "total", "amount", "ns"},
		{"p50", "p50", "amount", "ns"},		{"p99", "p99", "amount", "ns"},
		{"longest", "longest", "amount", "ns"}, {"where", "mostly from", "code", NULL},
	};
	struct operations operations;
	json_t *table = NULL;
	size_t count = 0;

	operations_measure(&operations, report, part->subjects, part->operations);
	if (operations.all.count)
		table = document_table(section, part->id, part->caption, columns,
				       COLUMN_COUNT(columns));
	else
		document_say(section, "%s: none.", part->caption);
	for (size_t i = 0; table && i < operations.count; i++) {
		if (!operations.groups[i].all.count)
			continue;
		if (count++ < SUBJECTS)
			add_group(table, &operations, &operations.groups[i]);
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

#define SET(kind) OPERATIONS_KIND(kind)

void document_add_operations(json_t *document, const struct report *report)
{
	static const struct part locks = {
		"locks", "Waits for locks",
		SET(PROFILE_SUBJECT_MUTEX) | SET(PROFILE_SUBJECT_RWLOCK) |
			SET(PROFILE_SUBJECT_SPIN) | SET(PROFILE_SUBJECT_SEMAPHORE),
		SET(PROFILE_OPERATION_LOCK) | SET(PROFILE_OPERATION_SHARE)};
	static const struct part awaits = {
		"awaits", "Waits for other threads",
		SET(PROFILE_SUBJECT_CONDITION) | SET(PROFILE_SUBJECT_SEMAPHORE) |
			SET(PROFILE_SUBJECT_BARRIER) | SET(PROFILE_SUBJECT_THREAD),
		SET(PROFILE_OPERATION_AWAIT)};
	static const struct part files = {"files", "Calls on files", SET(PROFILE_SUBJECT_FILE),
					  UINT32_MAX};
	static const struct part statements = {
		"statements", "SQL statements", SET(PROFILE_SUBJECT_STATEMENT),
		SET(PROFILE_OPERATION_EXECUTE) | SET(PROFILE_OPERATION_PREPARE)};
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
	if (section)
		add_part(section, report, &statements);
}
