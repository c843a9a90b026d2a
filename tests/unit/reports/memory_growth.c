/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/memory_growth.c: what grows is told from what does not. */
#include "reports/memory_growth.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct profile *profile;
static struct memory memory;
static struct memory_growth growth;
static uint32_t calls, live, site;

enum {
	LOOKS = 120
};

static void setup(void)
{
	uint32_t module, frame;

	profile = profile_new();
	calls = profile_metric_add(profile, "allocations", "count", 1);
	live = profile_metric_add(profile, "live", "bytes", 1);
	profile->metrics[live].is_level = true;
	module = profile_module(profile, PROFILE_MODULE_ELF, "/x", NULL);
	frame = profile_frame(profile, module, 1);
	site = profile_stack(profile, 0, frame);
	profile_set_number(profile, "duration_ns", LOOKS * 1000);
}

static void teardown(void)
{
	memory_growth_done(&growth);
	memory_done(&memory);
	profile_free(profile);
}

TestSuite(memory_growth, .init = setup, .fini = teardown);

/* A look at every microsecond finds what @bytes says. */
static void look(int looks, int64_t (*bytes)(int look))
{
	int64_t before = 0;

	for (int i = 0; i < looks; i++) {
		int64_t now = bytes(i);

		profile_change_add(profile,
				   &(struct profile_sample){.time_ns = (uint64_t)(i + 1) * 1000,
							    .stack = site,
							    .metric = (uint16_t)live,
							    .value = (uint64_t)(now - before)});
		before = now;
	}
	profile_levels_end(profile);
	profile_sample_add(profile, &(struct profile_sample){.time_ns = (uint64_t)looks * 1000,
							     .stack = site,
							     .metric = (uint16_t)calls,
							     .value = 1});
	cr_assert(memory_measure(&memory, profile));
	memory_growth_measure(&growth, &memory, profile);
}

static int64_t leak(int i)
{
	return 100000 + i * 500 + i * 7919 % 400;
}

static int64_t noise(int i)
{
	return 100000 + i * 7919 % 400;
}

/* A cache that is full after a quarter of the time, and let go at the end. */
static int64_t cache(int i)
{
	return i > LOOKS * 19 / 20 ? 10 : i < LOOKS / 4 ? i * 4000 : LOOKS * 1000;
}

/* Large steps up and down: neither can be said. */
static int64_t waves(int i)
{
	return 100000 + 300 * i + i * 7919 % 90000;
}

Test(memory_growth, what_grows_with_every_part_grows)
{
	look(LOOKS, leak);
	cr_assert_eq(growth.all.verdict, MEMORY_GROWS);
	cr_assert_eq(growth.sites[0].verdict, MEMORY_GROWS);
	cr_assert_float_eq(growth.all.growth, 500 * LOOKS * (0.9 - 1.0 / 3), 2000);
}

Test(memory_growth, what_only_varies_does_not)
{
	look(LOOKS, noise);
	cr_assert_eq(growth.all.verdict, MEMORY_DOES_NOT_GROW);
	cr_assert_eq(growth.sites[0].verdict, MEMORY_DOES_NOT_GROW);
}

Test(memory_growth, filling_a_cache_and_taking_down_are_not_growth)
{
	look(LOOKS, cache);
	cr_assert_eq(growth.all.verdict, MEMORY_DOES_NOT_GROW);
	cr_assert_eq(growth.all.growth, 0);
}

/* Grows and is given back, by much in turn, and stays at the end. */
static int64_t tides(int i)
{
	return i >= LOOKS * 2 / 3 ? 1000 : i / 8 % 2 ? 50000 : 2000;
}

Test(memory_growth, no_more_can_be_lost_than_there_was)
{
	look(LOOKS, tides);
	cr_assert_geq(growth.all.low, -50000);
	cr_assert_leq(growth.all.low, growth.all.growth);
	cr_assert_geq(growth.sites[0].low, -50000);
}

Test(memory_growth, of_what_varies_more_than_it_grows_nobody_can_tell)
{
	look(LOOKS, waves);
	cr_assert_eq(growth.all.verdict, MEMORY_CANNOT_TELL);
}

Test(memory_growth, too_short_a_recording_tells_nothing)
{
	look(5, leak);
	cr_assert_eq(growth.parts, 0);
	cr_assert_eq(growth.all.verdict, MEMORY_CANNOT_TELL);
}

static int64_t once(int i)
{
	(void)i;
	return 100000;
}

Test(memory_growth, looks_that_found_no_change_are_looks)
{
	profile_set_number(profile, "memory.look_gap_ns", 2000);
	look(1, once);
	cr_assert_eq(growth.parts, 16);
	cr_assert_eq(growth.all.verdict, MEMORY_DOES_NOT_GROW);
	cr_assert_eq(growth.all.growth, 0);
}

Test(memory_growth, with_few_of_them_nobody_can_tell)
{
	profile_set_number(profile, "memory.look_gap_ns", LOOKS * 100);
	look(1, once);
	cr_assert_eq(growth.parts, 0);
	cr_assert_eq(growth.all.verdict, MEMORY_CANNOT_TELL);
}

static void add_steps(uint64_t count, uint64_t start, uint64_t each)
{
	for (uint64_t i = 0; i < count; i++)
		profile_step_add(profile, &(struct profile_step){.start_ns = start + i * each,
								 .end_ns = start + (i + 1) * each});
}

Test(memory_growth, goes_by_steps_where_there_are_any)
{
	add_steps(100, 0, 1200);
	look(LOOKS, leak);
	cr_assert_eq(growth.all.verdict, MEMORY_GROWS);
	cr_assert_eq(growth.steps, 48);
	cr_assert_float_eq(growth.all.growth / (double)growth.steps, 600, 20);
}

Test(memory_growth, steps_of_the_beginning_alone_do_not_speak_for_what_came_later)
{
	add_steps(100, 0, 300);
	look(LOOKS, leak);
	cr_assert_eq(growth.all.verdict, MEMORY_GROWS);
	cr_assert_eq(growth.steps, 0);
	cr_assert(growth.lacks_steps);
	cr_assert_float_eq(growth.all.growth, 500 * LOOKS * (0.9 - 1.0 / 3), 2000);
}

Test(memory_growth, steps_of_the_end_alone_do_not_speak_for_what_came_before)
{
	add_steps(100, LOOKS * 900, 100LL * LOOKS / 100);
	look(LOOKS, leak);
	cr_assert_eq(growth.steps, 0);
	cr_assert(growth.lacks_steps);
}

Test(memory_growth, a_part_in_which_nobody_looked_is_none)
{
	profile_set_number(profile, "memory.look_gap_ns", LOOKS * 1000 / 14);
	add_steps(40, 0, LOOKS * 1000 / 40);
	look(1, once);
	cr_assert_eq(growth.parts,
		     7); /* of three steps each, of which none is shorter than the gap */
	cr_assert_eq(growth.steps, 21);
}

static int64_t leap(int i)
{
	return leak(i) + (i > LOOKS / 2 ? 1000000 : 0);
}

Test(memory_growth, a_single_leap_is_not_in_the_interval_of_what_goes_on)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	look(LOOKS, leap);
	memory_growth_say(&growth, stream);
	fclose(stream);
	cr_assert_eq(growth.all.verdict, MEMORY_GROWS);
	cr_assert_gt(growth.all.growth, growth.all.high);
	cr_assert_not_null(strstr(text, "without single leaps"), "%s", text);
	free(text);
}

Test(memory_growth, of_several_processes_it_is_said_that_what_they_left_is_in_it)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	profile_set_number(profile, "memory.processes", 2);
	look(LOOKS, leak);
	memory_growth_say(&growth, stream);
	fclose(stream);
	cr_assert_not_null(strstr(text, "what processes left when they ended"), "%s", text);
	free(text);
}

Test(memory_growth, steps_that_reach_but_are_too_short_for_the_looks_are_not_called_missing)
{
	profile_set_number(profile, "memory.look_gap_ns", LOOKS * 1000 / 14);
	/* All of the judged ones together are as long as one look. */
	add_steps(10, 0, LOOKS * 400 / 10);
	add_steps(80, LOOKS * 400, LOOKS * 100 / 80);
	add_steps(10, LOOKS * 500, LOOKS * 500 / 10);
	look(1, once);
	cr_assert_eq(growth.steps, 0);
	cr_assert_not(growth.lacks_steps);
	cr_assert(growth.lacks_looks);
}

static uint32_t stack_of(const char *const *names, size_t count)
{
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/x", NULL), stack = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t function = profile_function(profile, names[i], NULL, module, 0, 0, true);
		uint32_t frame = profile_frame(profile, module, 100 + function);

		if (!profile->frames[frame].line_count)
			profile_frame_set_lines(profile, frame,
						&(struct profile_line){function, 10 + function}, 1);
		stack = profile_stack(profile, stack, frame);
	}
	return stack;
}

Test(memory_growth, beneath_a_wrapper_that_grows_stand_the_callers_that_most_of_it_comes_through)
{
	uint32_t cached = stack_of((const char *[]){"main", "cached", "my_alloc"}, 3);
	struct report report;
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	site = stack_of((const char *[]){"main", "leaky", "my_alloc"}, 3);
	profile_change_add(profile, &(struct profile_sample){.time_ns = 1,
							     .stack = cached,
							     .metric = (uint16_t)live,
							     .value = 2048});
	look(LOOKS, leak);
	report_init(&report, profile);
	memory_growth_write(&report, &memory, 10, stream);
	fclose(stream);
	report_done(&report);
	profile = NULL;
	cr_assert(strstr(text, ": my_alloc, line 1"), "%s", text);
	cr_assert(strstr(text, "KiB live through leaky, line 1"), "%s", text);
	cr_assert(strstr(text, " 2.00 KiB live through cached, line 1"), "%s", text);
	free(text);
}
