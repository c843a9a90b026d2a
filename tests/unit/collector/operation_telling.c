/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/operation_telling.c: shared memory in, events out. */
#include "collector/capture/operation_telling.h"

#include <criterion/criterion.h>
#include <string.h>

static struct probe_memory memory;
static struct operation_telling telling;
static struct error error;

/* Stacks up to number 9 were told. */
static bool is_told(const void *context, uint32_t node)
{
	(void)context;
	return node && node < 10;
}

static void setup(void)
{
	static const struct probe_memory_options options = {.modes = WIRE_MODE_LOCKS,
							    .period_ns = 1};

	cr_assert_eq(probe_memory_make(&memory, &options, &error), 0, "%s", error.text);
	telling = (struct operation_telling){.memory = &memory, .is_node_told = is_told};
	memory.processes[0].pid = 500;
}

static void teardown(void)
{
	operation_telling_done(&telling);
	probe_memory_done(&memory);
}

TestSuite(operation_telling, .init = setup, .fini = teardown);

/* Tells the next event, of the last look when none was begun. */
static bool next(struct event *event)
{
	if (!telling.taken)
		operation_telling_look(&telling, true);
	return operation_telling_next(&telling, event);
}

static struct wire_subject *subject(uint32_t number, uint32_t kind)
{
	memory.subjects[number] = (struct wire_subject){
		.state = WIRE_ROW_VALID, .kind = kind, .process = 1, .identity = 0x1234};
	return &memory.subjects[number];
}

static struct wire_operation *operation(uint32_t number, uint32_t node)
{
	memory.operations[number] = (struct wire_operation){.state = WIRE_ROW_VALID,
							    .kind = WIRE_OPERATION_LOCK,
							    .subject = 3,
							    .node = node,
							    .count = 2,
							    .total_ns = 100,
							    .longest_ns = 70};
	return &memory.operations[number];
}

Test(operation_telling, tells_a_subject_with_its_text_and_how_often_slots_took_it)
{
	struct wire_count *counts = (struct wire_count *)memory.counts;
	struct event event;

	memcpy((char *)memory.texts + 5, "/bin/x", 6);
	subject(3, WIRE_SUBJECT_MUTEX)->text = 5;
	memory.subjects[3].text_bytes = 6;
	memory.header->slot_limit = 2;
	counts[7] = (struct wire_count){.key = 1, .count = 40, .subject = 3};
	counts[WIRE_COUNTS_MOST + 9] = (struct wire_count){.key = 1, .count = 2, .subject = 3};
	/* Everybody's row, and a lock that had no place. */
	counts[(size_t)memory.slot_count * WIRE_COUNTS_MOST] =
		(struct wire_count){.key = 1, .count = 100, .subject = 3};
	counts[WIRE_COUNTS_MOST - 1] = (struct wire_count){.count = 5};
	cr_assert(next(&event));
	cr_assert_eq(event.kind, EVENT_SUBJECT);
	cr_assert_eq(event.pid, 500);
	cr_assert_eq(event.subject.taken, 142);
	cr_assert_eq(event.subject.text_bytes, 6);
	cr_assert_eq(memcmp(event.subject.text, "/bin/x", 6), 0);
	cr_assert_eq(telling.taken_elsewhere, 5);
	cr_assert_not(next(&event));
}

Test(operation_telling, tells_an_operation_with_its_thread_and_metric)
{
	struct event event;

	operation(17, 4)->thread = 1;
	memory.operations[17].other = 5;
	memory.threads[0] = (struct wire_thread){.process = 1, .pid = 500, .tid = 501};
	cr_assert(next(&event));
	cr_assert_eq(event.kind, EVENT_OPERATION);
	cr_assert_eq(event.pid, 500);
	cr_assert_eq(event.tid, 501);
	cr_assert_eq(event.operation.node, 4);
	cr_assert_eq(event.operation.other, 5);
	cr_assert_str_eq(event.operation.amounts[0].metric->name, "lock-wait");
	cr_assert_eq(event.operation.amounts[0].weight, 100);
	cr_assert_null(event.operation.amounts[1].metric);
	cr_assert_not(next(&event));
}

Test(operation_telling, passes_over_rows_that_are_begun_or_nonsense)
{
	struct event event;

	subject(3, WIRE_SUBJECT_KINDS);
	subject(4, WIRE_SUBJECT_MUTEX)->state = WIRE_ROW_CLAIMED;
	operation(1, 44); /* a stack that nobody told */
	operation(2, 4)->kind = 0;
	operation(5, 4)->state = WIRE_ROW_CLAIMED;
	memory.spreads[1] = (struct wire_spread){.key = 3ull << 32 | 1 << 16 | 60000, .count = 1};
	memory.spreads[2] = (struct wire_spread){.key = ~0ull, .count = 1};
	cr_assert_not(next(&event));
}

Test(operation_telling, bounds_what_a_target_may_have_written)
{
	struct event event;

	subject(3, WIRE_SUBJECT_FILE)->text = 0xfffffff0;
	memory.subjects[3].text_bytes = 100;
	memory.subjects[3].process = 0xffffffff;
	memory.subjects[3].node = 77;
	operation(1, 4)->subject = 0xffffffff;
	memory.operations[1].thread = 0xffffffff;
	memory.operations[1].other = 77;
	memory.operations[1].longest_ns = ~0ull;
	memory.operations[1].part_ns = ~0ull;
	cr_assert(next(&event));
	cr_assert_eq(event.subject.text_bytes, 0);
	cr_assert_eq(event.subject.node, 0);
	cr_assert_eq(event.pid, 0);
	cr_assert(next(&event));
	cr_assert_eq(event.operation.subject, 0);
	cr_assert_eq(event.operation.other, 0);
	cr_assert_eq(event.pid, 0);
	cr_assert_eq(event.operation.longest_ns, ((uint64_t)1 << 53) - 1);
	cr_assert_eq(event.operation.part_ns, 100);
}

Test(operation_telling, tells_histograms)
{
	struct event event;

	memory.spreads[9] = (struct wire_spread){.key = 3ull << 32 | 1 << 16 | 12, .count = 8};
	cr_assert(next(&event));
	cr_assert_eq(event.kind, EVENT_SPREAD);
	cr_assert_eq(event.spread.subject, 3);
	cr_assert_eq(event.spread.kind, WIRE_OPERATION_LOCK);
	cr_assert_eq(event.spread.bucket, 11);
	cr_assert_eq(event.spread.count, 8);
}

Test(operation_telling, says_what_was_lost)
{
	struct profile *profile = profile_new();

	memory.header->refused[WIRE_REFUSED_OPERATION] = 3;
	operation_telling_describe(&telling, profile);
	cr_assert_eq(profile_number(profile, "operations.lost_operation", 0), 3);
	profile_free(profile);
}

static int count(bool is_last)
{
	struct event event;
	int events = 0;

	operation_telling_look(&telling, is_last);
	while (operation_telling_next(&telling, &event))
		events++;
	return events;
}

Test(operation_telling, tells_what_came_since_the_look_before)
{
	struct wire_operation *row = operation(17, 4);
	struct event event;

	subject(3, WIRE_SUBJECT_MUTEX);
	memory.spreads[9] = (struct wire_spread){.key = 3ull << 32 | 1 << 16 | 12, .count = 2};
	cr_assert_eq(count(false), 2, "the operation is new");
	cr_assert_eq(count(false), 1);
	cr_assert_eq(count(false), 0);
	row->count += 3;
	row->total_ns += 50;
	row->longest_ns = 90;
	memory.spreads[9].count += 3;
	operation_telling_look(&telling, false);
	cr_assert(next(&event));
	cr_assert_eq(event.operation.number, 17);
	cr_assert_eq(event.operation.count, 3);
	cr_assert_eq(event.operation.total_ns, 50);
	cr_assert_eq(event.operation.longest_ns, 90);
	cr_assert_eq(event.operation.amounts[0].weight, 50);
	cr_assert(next(&event));
	cr_assert_eq(event.spread.count, 3);
	cr_assert_not(next(&event));
	row->count = row->total_ns = 0;
	cr_assert_eq(count(true), 0, "what only grows did not shrink");
}

Test(operation_telling, waits_for_names_and_stacks_but_in_the_last_look)
{
	subject(3, WIRE_SUBJECT_MUTEX)->node = 77; /* a stack that is not told yet */
	operation(17, 4);
	memory.spreads[9] = (struct wire_spread){.key = 3ull << 32 | 1 << 16 | 12, .count = 2};
	cr_assert_eq(count(false), 0);
	cr_assert_eq(count(false), 0);
	memory.subjects[3].node = 5;
	cr_assert_eq(count(false), 3);
	memory.subjects[4] = memory.subjects[3];
	memory.subjects[4].node = 77;
	cr_assert_eq(count(false), 0);
	cr_assert_eq(count(true), 1);
}
