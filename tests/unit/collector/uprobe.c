/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/capture/uprobe.c, its buckets, its trial and its stacks. */
#include "collector/capture/uprobe.h"
#include "collector/capture/uprobe_stacks.h"
#include "collector/profile/profile.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/requirements.h"

static struct error error;

Test(uprobe, every_duration_lies_in_its_bucket)
{
	for (uint64_t exact = 1; exact < 1ull << 39; exact += exact / 7 + 1) {
		uint32_t bucket = uprobe_bucket(exact);
		uint64_t start = profile_bucket_start(bucket), end = profile_bucket_end(bucket);

		cr_assert(start <= exact && exact <= end, "%lu in %u", exact, bucket);
		cr_assert_leq(end - start, start / 32);
	}
	cr_assert_eq(uprobe_bucket(0), 0);
	cr_assert_eq(uprobe_bucket(UINT64_MAX), UPROBE_BUCKETS - 1);
	cr_assert_eq(uprobe_bucket((1ull << 40) - 1), UPROBE_BUCKETS - 1);
	cr_assert_eq(UPROBE_BUCKETS, PROFILE_BUCKETS);
}

Test(uprobe, measures_what_its_probes_cost)
{
	struct uprobe *uprobe;
	const struct uprobe_cost *costs;

	require("root");
	require("bpf");
	uprobe = uprobe_open(1, UPROBE_BEST, &error);
	cr_assert_not_null(uprobe, "%s", error.text);
	costs = uprobe_costs(uprobe);
	for (int kind = 0; kind < UPROBE_KINDS; kind++) {
		cr_expect_gt(costs[kind].count_ns, 0);
		cr_expect_gt(costs[kind].time_ns, costs[kind].inside_ns);
	}
	uprobe_close(uprobe);
}

Test(uprobe, the_classic_way_measures_its_costs_too)
{
	struct uprobe *uprobe;

	require("root");
	require("bpf");
	uprobe = uprobe_open(1, UPROBE_CLASSIC, &error);
	cr_assert_not_null(uprobe, "%s", error.text);
	cr_expect(uprobe_is_classic(uprobe));
	cr_expect_gt(uprobe_costs(uprobe)[UPROBE_EMULATED].time_ns,
		     uprobe_costs(uprobe)[UPROBE_EMULATED].inside_ns);
	uprobe_close(uprobe);
}

Test(uprobe, names_the_remedy_without_privilege)
{
	require("root");
	require("bpf");
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_assert_null(uprobe_open(1, UPROBE_BEST, &error));
	cr_expect_eq(errno, EPERM);
	cr_expect_not_null(strstr(error.text, "run as root"), "%s", error.text);
}

Test(uprobe, bounds_the_number_of_functions)
{
	cr_assert_null(uprobe_open(UPROBE_FUNCTIONS + 1, UPROBE_BEST, &error));
	cr_expect_eq(errno, E2BIG);
}

/* ---- stacks ------------------------------------------------------------------------------- */

static uint8_t copy[64];

static struct event sample(int32_t tid, uint64_t time_ns, uint64_t ip, uint64_t sp)
{
	struct event event = {.kind = EVENT_SAMPLE, .tid = tid, .time_ns = time_ns};

	event.sample = (struct event_sample){
		.has_registers = EVENT_REGISTERS_64, .stack = copy, .stack_bytes = sizeof(copy)};
	event.sample.registers[16] = ip;
	event.sample.registers[7] = sp;
	return event;
}

static const struct uprobe_stack told = {
	.time_ns = 10000000,
	.tid = 7,
	.instruction_pointer = 0x7000,
	.stack_pointer = 0x100,
	.real_instruction = 0x4000,
	.real_stack = 0x110,
	.trampoline = 0x7000,
	.count = 1,
	.returns = {{0x108, 0x4000}},
};

Test(uprobe_stacks, correct_the_sample_they_belong_to)
{
	struct uprobe_stacks stacks = {0};
	struct event event = sample(7, 10000000 - 900, 0x7000, 0x100);

	uprobe_stacks_add(&stacks, &told);
	cr_assert(uprobe_stacks_correct(&stacks, &event));
	cr_expect_eq(event.sample.registers[16], 0x4000);
	cr_expect_eq(event.sample.registers[7], 0x110);
	cr_expect_eq(event.sample.stack, copy + 0x10);
	cr_expect_eq(event.sample.stack_bytes, sizeof(copy) - 0x10);
	cr_expect_eq(event.sample.trampoline, 0x7000);
	cr_expect_eq(event.sample.return_count, 1);
	cr_expect_eq(event.sample.returns[0].address, 0x4000);
	cr_expect_not(uprobe_stacks_correct(&stacks, &event), "once only");
	uprobe_stacks_done(&stacks);
}

Test(uprobe_stacks, leave_other_samples_alone)
{
	struct uprobe_stacks stacks = {0};
	struct event other_thread = sample(8, 10000000, 0x7000, 0x100);
	struct event other_place = sample(7, 10000000, 0x7000, 0x108);
	struct event other_time = sample(7, 12000000, 0x7000, 0x100);

	uprobe_stacks_add(&stacks, &told);
	cr_expect_not(uprobe_stacks_correct(&stacks, &other_thread));
	cr_expect_not(uprobe_stacks_correct(&stacks, &other_place));
	cr_expect_not(uprobe_stacks_correct(&stacks, &other_time));
	cr_expect_eq(other_time.sample.registers[16], 0x7000);
	uprobe_stacks_done(&stacks);
}
