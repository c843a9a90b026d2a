/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/memory_source.c and memory_sum.c: shared memory in, events out. */
#include "collector/capture/memory_source.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct probe_memory memory;
static struct memory_source *source;
static struct source row;
static struct error error;
static struct event events[64];
static size_t event_count;

static void take(void *context, const struct event *event)
{
	(void)context;
	if (event_count < 64)
		events[event_count] = *event;
	event_count++;
}

static void setup(void)
{
	static const struct probe_memory_options options = {.modes = WIRE_MODE_MEMORY,
							    .period_ns = 1};

	cr_assert_eq(probe_memory_make(&memory, &options, &error), 0, "%s", error.text);
	source = memory_source_open(&memory, &options, &error);
	cr_assert_not_null(source);
	row = memory_source_row(source);
}

static void teardown(void)
{
	row.kind->close(row.self);
	probe_memory_done(&memory);
}

TestSuite(memory_source, .init = setup, .fini = teardown);

static void node(uint32_t number, uint32_t parent, uint64_t address)
{
	memory.nodes[number].parent = parent;
	memory.nodes[number].time_ns = number;
	memory.nodes[number].address = address;
	if (memory.header->node_count <= number)
		memory.header->node_count = number + 1;
}

static void process(uint32_t number, int32_t pid)
{
	memory.processes[number - 1].pid = pid;
	memory.header->process_count = number;
}

static struct wire_tally *tally(uint32_t slot, uint32_t number)
{
	uint32_t segment = number / WIRE_SEGMENT_TALLIES;
	_Atomic uint32_t *place = &memory.tally_rows[slot * WIRE_ROW_SEGMENTS + segment];

	if (!*place)
		*place = ++memory.header->segment_count;
	if (memory.header->slot_limit <= slot && slot < memory.slot_count)
		memory.header->slot_limit = slot + 1;
	return &memory.tallies[(*place - 1) * WIRE_SEGMENT_TALLIES + number % WIRE_SEGMENT_TALLIES];
}

static void finish(void)
{
	row.kind->stop(row.self);
	source_round(&row, 1, true, take, NULL);
}

/* The amount of a metric that was told of a node; 0 when none was. */
static uint64_t amount(uint32_t number, const char *metric)
{
	for (size_t i = 0; i < event_count; i++)
		if (events[i].kind == EVENT_NODE_AMOUNT && events[i].stack_id == number &&
		    !strcmp(events[i].amount.metric->name, metric))
			return events[i].amount.weight;
	return 0;
}

Test(memory_source, tells_roots_calls_and_endings_with_their_process)
{
	process(1, 500);
	node(1, 0, 1);
	node(2, 1, 0x5000);
	node(3, 1, WIRE_ENDING_TOO_DEEP);
	finish();
	cr_assert_eq(event_count, 3);
	cr_assert_eq(events[0].node.kind, EVENT_NODE_ROOT);
	cr_assert_eq(events[0].pid, 500);
	cr_assert_eq(events[1].node.kind, EVENT_NODE_CALL);
	cr_assert_eq(events[1].node.address, 0x5000);
	cr_assert_eq(events[1].node.parent, 1);
	cr_assert_eq(events[1].pid, 500);
	cr_assert_eq(events[2].node.kind, EVENT_NODE_ENDING);
	cr_assert_eq(events[2].node.ending, PROFILE_ENDING_TOO_DEEP);
}

Test(memory_source, sums_over_slots_and_frees_by_other_threads)
{
	process(1, 500);
	node(1, 0, 1);
	node(2, 1, 0x5000);
	*tally(3, 2) = (struct wire_tally){.allocations = 5, .bytes = 500};
	*tally(7, 2) = (struct wire_tally){.frees = 4, .freed_bytes = 450, .temporaries = 1};
	*tally(memory.slot_count, 2) = (struct wire_tally){.allocations = 1, .bytes = 20};
	finish();
	cr_assert_eq(amount(2, "allocations"), 6);
	cr_assert_eq(amount(2, "allocated"), 520);
	cr_assert_eq(amount(2, "live"), 70);
	cr_assert_eq(amount(2, "live-blocks"), 2);
	cr_assert_eq(amount(2, "temporaries"), 1);
}

Test(memory_source, tells_in_each_look_what_has_changed_since_the_last)
{
	process(1, 500);
	node(1, 0, 1);
	node(2, 1, 0x5000);
	*tally(3, 2) = (struct wire_tally){.allocations = 5, .bytes = 500};
	usleep(60000); /* until the first look is due */
	for (int round = 0; round < 3; round++)
		source_round(&row, 1, false, take, NULL);
	cr_assert_eq(amount(2, "allocated"), 500);
	cr_assert_eq(amount(2, "live"), 500);
	*tally(3, 2) =
		(struct wire_tally){.allocations = 6, .bytes = 510, .frees = 4, .freed_bytes = 400};
	event_count = 0;
	finish();
	cr_assert_eq(amount(2, "allocated"), 10);
	cr_assert_eq(amount(2, "live"), (uint64_t)-390, "a level goes down, too");
	cr_assert_eq(amount(2, "live-blocks"), (uint64_t)-3);
}

Test(memory_source, takes_from_before_the_peak_what_has_changed_since_and_else_what_stands)
{
	process(1, 500);
	memory.processes[0].epoch = 9;
	memory.processes[0].live = 100;
	memory.processes[0].peak = 1000;
	node(1, 0, 1);
	node(2, 1, 0x5000);
	node(3, 1, 0x6000);
	*tally(0, 2) = (struct wire_tally){.allocations = 8,
					   .bytes = 800,
					   .frees = 8,
					   .freed_bytes = 800,
					   .epoch = 9,
					   .peak_blocks = 7,
					   .peak_bytes = 700};
	*tally(0, 3) = (struct wire_tally){
		.allocations = 3, .bytes = 300, .epoch = 8, .peak_blocks = 1, .peak_bytes = 1};
	finish();
	cr_assert_eq(amount(2, "peak"), 700);
	cr_assert_eq(amount(2, "peak-blocks"), 7);
	cr_assert_eq(amount(3, "peak"), 300);
}

Test(memory_source, a_process_that_ends_at_its_peak_has_there_what_is_live)
{
	process(1, 500);
	memory.processes[0].epoch = 9;
	memory.processes[0].live = memory.processes[0].peak = 300;
	node(1, 0, 1);
	node(2, 1, 0x5000);
	*tally(0, 2) = (struct wire_tally){
		.allocations = 3, .bytes = 300, .epoch = 9, .peak_blocks = 1, .peak_bytes = 1};
	finish();
	cr_assert_eq(amount(2, "peak"), 300);
}

Test(memory_source, mappings_are_told_of_the_stack_that_made_them)
{
	process(1, 500);
	node(1, 0, 1);
	node(2, 1, 0x5000);
	node(3, 2, WIRE_REGIONS_OF);
	*tally(0, 3) = (struct wire_tally){
		.allocations = 2, .bytes = 8192, .frees = 1, .freed_bytes = 4096};
	finish();
	cr_assert_eq(amount(2, "mappings"), 2);
	cr_assert_eq(amount(2, "mapped"), 8192);
	cr_assert_eq(amount(2, "mapped-live"), 4096);
	cr_assert_eq(amount(2, "allocations"), 0);
	for (size_t i = 0; i < event_count; i++)
		cr_assert_neq(events[i].stack_id, 3);
}

Test(memory_source, a_free_without_its_allocation_leaves_nothing_below_zero)
{
	process(1, 500);
	node(1, 0, 1);
	node(2, 1, 0x5000);
	*tally(0, 2) = (struct wire_tally){.frees = 1, .freed_bytes = 50};
	finish();
	cr_assert_eq(amount(2, "live"), 0);
	cr_assert_eq(amount(2, "live-blocks"), 0);
}

Test(memory_source, a_node_that_is_being_written_holds_up_no_other_and_is_told_when_it_is_written)
{
	process(1, 500);
	node(1, 0, 1);
	node(2, 1, 0);
	node(3, 1, 0x6000);
	source_round(&row, 1, false, take, NULL);
	cr_assert_eq(event_count, 2);
	cr_assert_eq(events[1].stack_id, 3);
	node(2, 1, 0x5000);
	source_round(&row, 1, false, take, NULL);
	cr_assert_eq(event_count, 3);
	cr_assert_eq(events[2].stack_id, 2);
}

Test(memory_source, amounts_wait_for_a_node_that_is_being_written_but_not_at_the_end)
{
	process(1, 500);
	node(1, 0, 1);
	node(2, 1, 0x5000);
	node(3, 1, 0);
	tally(0, 2)->allocations = 7;
	usleep(60000); /* when it is first looked at amounts */
	source_round(&row, 1, false, take, NULL);
	cr_assert_eq(amount(2, "allocations"), 0);
	finish();
	cr_assert_eq(amount(2, "allocations"), 7);
}

/* Who took number 2 was set aside before it wrote its time; process 2 went on. */
Test(memory_source, nodes_are_told_in_the_order_of_their_times_not_of_their_numbers)
{
	process(1, 500);
	process(2, 501);
	node(1, 0, 1);
	node(2, 1, 0x5000);
	memory.nodes[2].time_ns = 100;
	node(3, 0, 2);
	node(4, 3, 0x6000);
	source_round(&row, 1, false, take, NULL);
	cr_assert_eq(event_count, 4);
	cr_assert_eq(events[1].stack_id, 3);
	cr_assert_eq(events[2].stack_id, 4);
	cr_assert_eq(events[3].stack_id, 2);
}

Test(memory_source, ages_that_share_a_bucket_are_one_row_and_none_is_lost)
{
	uint64_t counts[PROFILE_BUCKETS] = {0}, all = 0;
	struct profile *profile = profile_new();

	memory.header->slot_limit = 1;
	for (uint32_t i = 0; i < WIRE_AGES; i++)
		memory.shapes[0].ages[i] = i + 1;
	finish();
	row.kind->describe(row.self, profile);
	for (size_t i = 0; i < profile->spreads_count; i++) {
		const struct profile_spread *spread = &profile->spreads[i];

		if (spread->kind != PROFILE_SPREAD_AGE)
			continue;
		cr_assert_eq(counts[spread->bucket], 0, "the file keeps one row of a bucket");
		counts[spread->bucket] = spread->count;
		all += spread->count;
	}
	cr_assert_eq(counts[profile_bucket_of(64)], 65 + 66);
	cr_assert_eq(counts[profile_bucket_of(127)], 127 + 128);
	cr_assert_eq(all, WIRE_AGES * (WIRE_AGES + 1) / 2);
	profile_free(profile);
}

Test(memory_source, any_content_of_the_memory_is_survived)
{
	struct profile *profile;
	uint64_t state = 1;

	teardown();
	for (int round = 0; round < 50; round++) {
		setup();
		for (uint32_t i = 0; i < 5000; i++) {
			state = state * 6364136223846793005 + 1442695040888963407;
			memory.nodes[i].parent = (uint32_t)(state >> (32 + state % 30));
			memory.nodes[i].address = state % 5 ? state % 3000 : state;
			memory.nodes[i].time_ns = state;
			memory.tally_rows[i] = (uint32_t)(state >> (40 + state % 20));
			memory.processes[i % 2000].pid = (int32_t)(state >> 33);
		}
		memory.header->node_count = round % 2 ? UINT32_MAX : 5000;
		memory.header->slot_limit = memory.header->process_count = UINT32_MAX;
		finish();
		profile = profile_new();
		row.kind->describe(row.self, profile);
		profile_free(profile);
		teardown();
	}
	setup();
}

Test(memory_source, what_a_program_had_is_gone_when_its_process_executes_another)
{
	process(1, 500);
	process(2, 500);
	process(3, 501);
	memory.processes[0].peak = 300;
	memory.processes[1].peak = 400;
	memory.processes[2].peak = 900;
	for (int i = 0; i < 3; i++)
		memory.processes[i].live = memory.processes[i].peak;
	for (uint32_t i = 1; i <= 3; i++) {
		node(2 * i - 1, 0, i);
		node(2 * i, 2 * i - 1, 0x5000);
	}
	*tally(0, 2) =
		(struct wire_tally){.allocations = 4, .bytes = 300, .frees = 1, .freed_bytes = 50};
	*tally(0, 4) = (struct wire_tally){.allocations = 1, .bytes = 400};
	*tally(0, 6) = (struct wire_tally){.allocations = 1, .bytes = 900};
	finish();
	cr_assert_eq(amount(2, "allocated"), 300);
	cr_assert_eq(amount(2, "live"), 0);
	cr_assert_eq(amount(2, "live-blocks"), 0);
	cr_assert_eq(amount(2, "replaced"), 250);
	cr_assert_eq(amount(2, "replaced-blocks"), 3);
	cr_assert_eq(amount(2, "peak"), 0, "the other program had more");
	cr_assert_eq(amount(4, "peak"), 400);
	cr_assert_eq(amount(4, "live"), 400);
	cr_assert_eq(amount(6, "live"), 900, "another process");
	cr_assert_eq(amount(6, "peak"), 900);
}

Test(memory_source, what_a_program_had_is_gone_when_the_kernel_tells_of_another_without_the_probe)
{
	process(1, 500);
	process(2, 501);
	for (uint32_t i = 1; i <= 2; i++) {
		node(2 * i - 1, 0, i);
		node(2 * i, 2 * i - 1, 0x5000);
	}
	*tally(0, 2) = (struct wire_tally){.allocations = 1, .bytes = 300};
	*tally(0, 4) = (struct wire_tally){.allocations = 1, .bytes = 400};
	finish();
	memory_source_take_exec(source, 501, 2); /* the program that has the probe itself */
	memory_source_take_exec(source, 502, 9); /* one of which nothing is known */
	cr_assert_eq(amount(2, "live"), 300);
	cr_assert_eq(amount(4, "live"), 400);
	/* It may be told after all amounts were. */
	memory_source_take_exec(source, 500, 9);
	event_count = 0;
	source_round(&row, 1, true, take, NULL);
	cr_assert_eq(amount(2, "live"), -300);
	cr_assert_eq(amount(2, "replaced"), 300);
	cr_assert_eq(amount(4, "live"), 0, "has not changed");
}

Test(memory_source, a_forked_process_replaces_none)
{
	process(1, 500);
	process(2, 500);
	memory.processes[1].is_fork = 1;
	node(1, 0, 1);
	node(2, 1, 0x5000);
	*tally(0, 2) = (struct wire_tally){.allocations = 1, .bytes = 300};
	finish();
	cr_assert_eq(amount(2, "live"), 300);
}
