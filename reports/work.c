/* SPDX-License-Identifier: GPL-3.0-or-later */
/* work: see work.h. */
#include "reports/work.h"

#include "reports/calls.h"
#include "reports/measured_steps.h"
#include "reports/memory.h"
#include "reports/operations.h"
#include "reports/text.h"

#include "collector/base/xalloc.h"

enum {
	STATEMENT_LIMIT = 300, /* bytes */
};

const struct work_kind_row work_kinds[WORK_KINDS] = {
	[WORK_STEPS] = {"steps", NULL},
	[WORK_CALLS] = {"calls", "function"},
	[WORK_ALLOCATIONS] = {"allocations", "function"},
	[WORK_ALLOCATED] = {"allocated bytes", "function"},
	[WORK_READS] = {"reads of files", NULL},
	[WORK_READ_BYTES] = {"bytes read from files", NULL},
	[WORK_WRITES] = {"writes to files", NULL},
	[WORK_WRITTEN_BYTES] = {"bytes written to files", NULL},
	[WORK_SYNCS] = {"syncs of files", NULL},
	[WORK_EXECUTIONS] = {"SQL executions", "statement"},
	[WORK_ROWS] = {"SQL rows", "statement"},
	[WORK_TRANSACTIONS] = {"SQL transactions", NULL},
};

void work_done(struct work *work)
{
	for (size_t i = 0; i < work->rows_count; i++)
		free(work->rows[i].statement);
	free(work->rows);
	*work = (struct work){0};
}

static void add(struct work *work, struct work_count row)
{
	xgrow(work->rows, work->rows_count, work->rows_capacity);
	work->rows[work->rows_count++] = row;
}

static void add_steps(struct work *work, const struct profile *profile, bool exact)
{
	uint64_t steps = profile->steps_count + profile_number(profile, "lost.steps", 0);

	if (steps)
		add(work, (struct work_count){.kind = WORK_STEPS, .value = steps, .exact = exact});
}

static void add_calls(struct work *work, const struct report *report)
{
	const struct profile *profile = report->profile;
	bool exact = !profile_number(profile, "lost.timed_threads", 0);
	struct calls calls;

	calls_measure(&calls, report);
	add_steps(work, profile, !calls.lacks_steps && !measured_steps_are_inlined(profile));
	for (uint32_t i = 0; i < calls.count; i++) {
		const struct calls_row *row = &calls.rows[i];

		add(work,
		    (struct work_count){
			    .kind = WORK_CALLS,
			    .symbol = row->symbol,
			    .value = row->sum.calls,
			    .exact = exact && !row->calls.is_estimate && !row->calls.is_least &&
				     !profile->probes[row->probe].is_partial,
		    });
	}
	calls_done(&calls);
}

static void add_memory(struct work *work, const struct profile *profile)
{
	static const struct {
		enum memory_amount amount;
		enum work_kind kind;
	} kinds[] = {{MEMORY_ALLOCATIONS, WORK_ALLOCATIONS}, {MEMORY_ALLOCATED, WORK_ALLOCATED}};
	struct memory memory;
	bool exact;

	if (!memory_measure(&memory, profile))
		return;
	exact = !memory.rate && !memory.is_attached && !memory_has_gaps(profile);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		add(work, (struct work_count){.kind = kinds[k].kind,
					      .value = memory.amounts[kinds[k].amount],
					      .exact = exact});
		for (size_t i = 0; i < memory.count; i++)
			if (memory.sites[i].amounts[kinds[k].amount])
				add(work, (struct work_count){
						  .kind = kinds[k].kind,
						  .symbol = memory.sites[i].symbol,
						  .value = memory.sites[i].amounts[kinds[k].amount],
						  .exact = exact,
					  });
	}
	memory_done(&memory);
}

/* ---- files and SQL ------------------------------------------------------------------------ */

#define KIND(name) OPERATIONS_KIND(PROFILE_OPERATION_##name)

static const struct {
	enum work_kind kind;
	uint32_t operations;  /* a set */
	bool is_amount;	      /* bytes or rows, not their number */
	const char *recorded; /* meta key */
} operation_kinds[] = {
	{WORK_READS, OPERATIONS_READING, false, "io"},
	{WORK_READ_BYTES, OPERATIONS_READING, true, "io"},
	{WORK_WRITES, OPERATIONS_WRITING, false, "io"},
	{WORK_WRITTEN_BYTES, OPERATIONS_WRITING, true, "io"},
	{WORK_SYNCS, KIND(SYNC), false, "io"},
	{WORK_EXECUTIONS, KIND(EXECUTE), false, "sql"},
	{WORK_ROWS, KIND(EXECUTE), true, "sql"},
	{WORK_TRANSACTIONS, KIND(TRANSACTION), false, "sql"},
};

static uint64_t sum_of(const struct operations_group *group, uint32_t kinds, bool is_amount)
{
	uint64_t sum = 0;

	for (int kind = 0; kind < PROFILE_OPERATION_KINDS; kind++)
		if (kinds >> kind & 1)
			sum += is_amount ? group->kinds[kind].amount : group->kinds[kind].count;
	return sum;
}

static void add_statement(struct work *work, struct work_count row, const char *label)
{
	struct obstack text;

	obstack_init(&text);
	row.statement = xstrdup(text_plain(&text, label, STATEMENT_LIMIT));
	obstack_free(&text, NULL);
	add(work, row);
}

static void add_operations(struct work *work, const struct report *report)
{
	const struct profile *profile = report->profile;
	struct operations operations;
	bool exact = !operations_have_gaps(profile);

	operations_measure(&operations, report, ~0U, ~0U);
	for (size_t k = 0; k < sizeof(operation_kinds) / sizeof(*operation_kinds); k++) {
		struct work_count all = {.kind = operation_kinds[k].kind, .exact = exact};

		if (!profile_meta_find(profile, operation_kinds[k].recorded))
			continue;
		for (size_t i = 0; i < operations.count; i++) {
			const struct operations_group *group = &operations.groups[i];
			struct work_count row = all;

			row.value = sum_of(group, operation_kinds[k].operations,
					   operation_kinds[k].is_amount);
			all.value += row.value;
			if (row.value && work_kinds[row.kind].subject && group->kind)
				add_statement(work, row, group->label);
		}
		add(work, all);
	}
	operations_done(&operations);
}

void work_measure(struct work *work, const struct report *report)
{
	*work = (struct work){0};
	add_calls(work, report);
	add_memory(work, report->profile);
	add_operations(work, report);
}
