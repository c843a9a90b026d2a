/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/memory.c. */
#include "reports/memory.h"

#include <criterion/criterion.h>

static struct profile *profile;
static struct memory memory;

static void setup(void)
{
	profile = profile_new();
}

static void teardown(void)
{
	memory_done(&memory);
	profile_free(profile);
}

TestSuite(memory, .init = setup, .fini = teardown);

/* A stack of one frame whose function is @name at @line. */
static uint32_t stack_at(uint32_t parent, const char *name, uint32_t line, uint64_t address)
{
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/x", NULL);
	uint32_t frame = profile_frame(profile, module, address);
	struct profile_line row = {profile_function(profile, name, NULL, module, 0, 0, true), line};

	profile_frame_set_lines(profile, frame, &row, 1);
	return profile_stack(profile, parent, frame);
}

static void sample(uint32_t stack, uint32_t metric, uint64_t value)
{
	profile_sample_add(profile, &(struct profile_sample){.time_ns = profile->samples_count,
							     .stack = stack,
							     .metric = (uint16_t)metric,
							     .value = value});
}

Test(memory, a_profile_without_such_metrics_has_none)
{
	profile_metric_add(profile, "cpu", "ns", 1);
	cr_assert(!memory_measure(&memory, profile));
}

Test(memory, adds_up_what_stacks_have_at_one_line_and_leaves_other_metrics_out)
{
	uint32_t cpu = profile_metric_add(profile, "cpu", "ns", 1);
	uint32_t calls = profile_metric_add(profile, "allocations", "count", 1);
	uint32_t live = profile_metric_add(profile, "live", "bytes", 1);
	uint32_t one = stack_at(stack_at(0, "main", 1, 1), "make", 7, 2);
	uint32_t other = stack_at(stack_at(0, "start", 1, 3), "make", 7, 4);
	uint32_t third = stack_at(0, "make", 8, 5);

	sample(one, calls, 5);
	sample(other, calls, 6);
	sample(third, calls, 20);
	sample(one, cpu, 1000);
	sample(other, live, 64);
	cr_assert(memory_measure(&memory, profile));
	cr_assert_eq(memory.count, 2);
	cr_assert_eq(memory.amounts[MEMORY_ALLOCATIONS], 31);
	memory_sort(&memory, MEMORY_LIVE);
	cr_assert_eq(memory.sites[0].line, 7);
	cr_assert_eq(memory.sites[0].amounts[MEMORY_ALLOCATIONS], 11);
	cr_assert_eq(memory.sites[0].amounts[MEMORY_LIVE], 64);
	cr_assert_eq(memory.sites[0].stacks[MEMORY_ALLOCATIONS], other);
	memory_sort(&memory, MEMORY_ALLOCATIONS);
	cr_assert_eq(memory.sites[0].line, 8);
}

/* What is said where nothing was found, in a profile that has the number @key. */
static const char *nothing(const char *key, int64_t number)
{
	static char text[200];

	profile_set_number(profile, key, number);
	return memory_say_nothing(profile, text, sizeof(text));
}

Test(memory, why_there_are_no_allocations_is_told_by_what_is_known)
{
	cr_assert(strstr(nothing("duration_ns", 1), "record with collector run --memory"));
	cr_assert(strstr(nothing("memory.processes", 1), "an allocator inside it is not"));
	cr_assert(strstr(nothing("memory.rate", 524288), "sample of allocations is empty: one in "
							 "about 524288 bytes"));
	cr_assert(strstr(nothing("memory.no_room", 1), "limited (ulimit -v)"));
}

Test(memory, an_empty_sample_of_a_running_program_is_told_as_such)
{
	profile_set_number(profile, "memory.attached", 1);
	cr_assert(strstr(nothing("memory.rate", 524288), "sample of allocations is empty"));
}

Test(memory, few_samples_of_a_running_program_tell_no_shares_nor_do_many_in_few_looks)
{
	static const struct {
		int64_t samples, looks;
		bool are_few;
	} cases[] = {{1, 1, true}, {99, 50, true}, {5000, 4, true}, {100, 5, false}};

	profile_metric_add(profile, "allocations", "count", 1);
	profile_set_number(profile, "memory.attached", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		profile_set_number(profile, "memory.samples", cases[i].samples);
		profile_set_number(profile, "memory.windows", cases[i].looks);
		cr_assert(memory_measure(&memory, profile));
		cr_assert_eq(memory_has_few_samples(&memory), cases[i].are_few, "%zu", i);
	}
}

Test(memory, a_profile_that_does_not_tell_its_samples_is_not_said_to_have_few)
{
	profile_metric_add(profile, "allocations", "count", 1);
	profile_set_number(profile, "memory.attached", 1);
	cr_assert(memory_measure(&memory, profile));
	cr_assert(!memory_has_few_samples(&memory));
}

Test(memory, a_stack_that_was_not_named_is_a_site_of_its_own)
{
	uint32_t calls = profile_metric_add(profile, "allocations", "count", 1);
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/x", NULL);

	sample(profile_stack(profile, 0, profile_frame(profile, module, 10)), calls, 1);
	sample(profile_stack(profile, 0, profile_frame(profile, module, 11)), calls, 1);
	sample(0, calls, 3); /* no stack at all */
	cr_assert(memory_measure(&memory, profile));
	cr_assert_eq(memory.count, 3);
	cr_assert_eq(memory.amounts[MEMORY_ALLOCATIONS], 5);
}

Test(memory, counts_what_has_no_whole_stack)
{
	uint32_t calls = profile_metric_add(profile, "allocations", "count", 1);

	profile_sample_add(profile, &(struct profile_sample){.stack = stack_at(0, "make", 1, 1),
							     .metric = (uint16_t)calls,
							     .value = 4,
							     .ending = PROFILE_ENDING_TRUNCATED});
	cr_assert(memory_measure(&memory, profile));
	cr_assert_eq(memory.cut, 4);
}

Test(memory, of_what_was_not_written_nobody_says_that_all_was_counted)
{
	profile_set_text(profile, "state", "complete");
	cr_assert_not(memory_has_gaps(profile));
	profile_set_number(profile, "lost.write_failed", 3);
	cr_assert(memory_has_gaps(profile));
	profile_set_number(profile, "lost.write_failed", 0);
	profile_set_text(profile, "state", "recording");
	cr_assert(memory_has_gaps(profile));
}

Test(memory, says_why_what_was_asked_for_was_refused)
{
	char text[200];

	profile_set_text(profile, "refused.memory", "allocations were not counted: x is static");
	cr_assert_str_eq(memory_say_nothing(profile, text, sizeof(text)),
			 "allocations were not counted: x is static");
}

Test(memory, numbers_lose_the_digits_that_a_sample_does_not_support)
{
	uint64_t amounts[MEMORY_AMOUNTS] = {[MEMORY_ALLOCATIONS] = 543210,
					    [MEMORY_ALLOCATED] = 5432100,
					    [MEMORY_TEMPORARIES] = 543,
					    [MEMORY_LIVE_BLOCKS] = 7};

	cr_assert_eq(memory_round(543210, 0), 543210);
	cr_assert_eq(memory_round(543210, 9.9), 543210);
	cr_assert_eq(memory_round(543210, 12345), 540000);
	cr_assert_eq(memory_round(543210, 99000000), 500000);
	cr_assert_eq(memory_round(7, 1000), 7);
	cr_assert_eq(memory_round(0, 1000), 0);
	cr_assert_eq(memory_blocks(&memory, amounts, MEMORY_ALLOCATIONS), 543210);
	memory = (struct memory){.rate = 1000, .stretch = 1};
	/* One in a hundred was sampled: 14,446 to both sides. */
	cr_assert_eq(memory_blocks(&memory, amounts, MEMORY_ALLOCATIONS), 540000);
	cr_assert_eq(memory_blocks(&memory, amounts, MEMORY_TEMPORARIES), 500);
	cr_assert_eq(memory_blocks(&memory, amounts, MEMORY_LIVE_BLOCKS), 7);
}
