/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/live_table.c: samples of the moment, summed up. */
#include "collector/live_table.h"

#include <criterion/criterion.h>
#include <string.h>

static struct profile *profile;
static struct live_table table;
static struct live_sums sums;
static uint32_t module, thread;

static void setup(void)
{
	profile = profile_new();
	module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/engine", NULL);
	thread = profile_thread_add(profile, 1, 1, "one");
	profile_metric_add(profile, "cpu", "ns", 4000000);
}

static void teardown(void)
{
	live_table_done(&table);
	profile_free(profile);
}

TestSuite(live_table, .init = setup, .fini = teardown);

/* Returns a frame in which @outer has called @inner inline; @inner NULL: in @outer itself. */
static uint32_t frame(const char *outer, const char *inner, uint64_t address)
{
	struct profile_line lines[2];
	uint32_t count = 0, row = profile_frame(profile, module, address);

	if (inner)
		lines[count++].function =
			profile_function(profile, inner, NULL, module, 0, 0, true);
	lines[count++].function = profile_function(profile, outer, NULL, module, 0, 0, true);
	profile_frame_set_lines(profile, row, lines, count);
	return row;
}

static void sampled(uint64_t time_ns, uint32_t stack, uint64_t value)
{
	live_table_add(&table, &(struct profile_sample){.time_ns = time_ns,
							.value = value,
							.thread = thread,
							.stack = stack,
							.ending = PROFILE_ENDING_COMPLETE});
}

static const struct live_function *row(const char *name)
{
	for (size_t i = 0; i < sums.function_count; i++)
		if (!strcmp(sums.functions[i].name, name))
			return &sums.functions[i];
	return NULL;
}

static void expect(const char *name, uint64_t self, uint64_t total)
{
	const struct live_function *function = row(name);

	cr_assert_not_null(function, "%s", name);
	cr_assert_eq(function->self, self, "%s: %lu", name, function->self);
	cr_assert_eq(function->total, total, "%s: %lu", name, function->total);
}

Test(live_table, a_function_has_itself_and_all_that_it_calls)
{
	uint32_t outer = profile_stack(profile, 0, frame("main", NULL, 0x10));
	uint32_t inner = profile_stack(profile, outer, frame("work", NULL, 0x20));

	sampled(1, outer, 2);
	sampled(2, inner, 3);
	sampled(3, inner, 4);
	live_table_sum(&table, profile, &sums);
	expect("main", 2, 9);
	expect("work", 7, 7);
	cr_assert_eq(sums.weight, 9);
	cr_assert_eq(sums.samples, 3);
	cr_assert_str_eq(row("work")->module, "/bin/engine");
}

Test(live_table, recursion_counts_once_and_an_inlined_function_is_the_innermost)
{
	uint32_t first = profile_stack(profile, 0, frame("descend", NULL, 0x10));
	uint32_t second = profile_stack(profile, first, frame("descend", NULL, 0x14));
	uint32_t last = profile_stack(profile, second, frame("descend", "leaf", 0x18));

	sampled(1, last, 5);
	live_table_sum(&table, profile, &sums);
	expect("descend", 0, 5);
	expect("leaf", 5, 5);
}

Test(live_table, what_is_older_than_the_window_is_forgotten)
{
	uint32_t old = profile_stack(profile, 0, frame("before", NULL, 0x10));
	uint32_t new = profile_stack(profile, 0, frame("now", NULL, 0x20));

	for (uint64_t time = 0; time < 100; time++)
		sampled(time, time < 90 ? old : new, 1);
	live_table_forget(&table, 80);
	live_table_sum(&table, profile, &sums);
	expect("before", 10, 10);
	expect("now", 10, 10);
	live_table_forget(&table, 95);
	live_table_sum(&table, profile, &sums);
	cr_assert_null(row("before"));
	expect("now", 5, 5);
	live_table_forget(&table, 200);
	live_table_sum(&table, profile, &sums);
	cr_assert_eq(sums.samples, 0);
	cr_assert_eq(sums.function_count, 0);
}

Test(live_table, frames_that_have_no_name_yet_are_told_as_such)
{
	uint32_t stack = profile_stack(profile, 0, profile_frame(profile, module, 0x10));

	stack = profile_stack(profile, stack, profile_frame(profile, module, 0x20));
	sampled(1, stack, 3);
	live_table_sum(&table, profile, &sums);
	cr_assert_eq(sums.function_count, 1);
	expect(LIVE_UNNAMED, 3, 3);
}

Test(live_table, the_busiest_thread_comes_first)
{
	uint32_t stack = profile_stack(profile, 0, frame("main", NULL, 0x10));

	sampled(1, stack, 1);
	thread = profile_thread_add(profile, 1, 2, "two");
	sampled(2, stack, 5);
	profile_thread_add(profile, 1, 3, "idle");
	live_table_sum(&table, profile, &sums);
	cr_assert_eq(sums.thread_count, 2);
	cr_assert_str_eq(sums.threads[0].name, "two");
	cr_assert_eq(sums.threads[1].weight, 1);
}
