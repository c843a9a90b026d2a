/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/lines.c, lines_hits.c and lines_hint.c. */
#include "reports/lines_hint.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

/* make() of /src/a.c:10 with fill() of /src/a.c:2 and copy() of /src/b.h:5 inlined into it. */
static struct profile *profile;
static struct report report;
static struct lines lines;
static uint32_t make, fill, copy, stack;

static uint32_t function(const char *name, const char *file, uint32_t line)
{
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);

	return profile_function(profile, name, NULL, module, profile_file_name(profile, file), line,
				true);
}

static uint32_t frame(uint64_t address, const struct profile_line *rows, uint32_t count)
{
	uint32_t id = profile_frame(
		profile, profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL), address);

	profile_frame_set_lines(profile, id, rows, count);
	return id;
}

static void setup(void)
{
	uint32_t in_copy;

	profile = new_profile();
	profile_metric_add(profile, "allocations", "count", 1);
	profile_metric_add(profile, "allocated", "bytes", 1);
	profile_thread_add(profile, 1, 1, "sim");
	make = function("make", "/src/a.c", 10);
	fill = function("fill", "/src/a.c", 2);
	copy = function("copy", "/src/b.h", 5);
	frame(0x1000, (struct profile_line[]){{fill, 3}, {make, 12}}, 2);
	in_copy = frame(0x1010, (struct profile_line[]){{copy, 6}, {make, 14}}, 2);
	stack = profile_stack(profile, 0, in_copy);
}

/* A function whose lines were counted, called @calls times. */
static void count_make(uint64_t calls)
{
	uint32_t id = frame(0x0ff0, &(struct profile_line){make, 10}, 1);

	profile_hit_function_add(profile, &(struct profile_hit_function){.frame = id,
									 .calls = calls,
									 .counted_calls = calls});
}

static void add_hits(const char *file, uint32_t line, uint64_t hits, enum profile_hit_label label)
{
	profile_line_hits_add(profile,
			      &(struct profile_line_hits){.file = profile_file_name(profile, file),
							  .line = line,
							  .hits = hits,
							  .label = (uint8_t)label});
}

static void sample(uint32_t metric, uint64_t value)
{
	uint64_t time_ns = profile->samples_count + 1;

	profile_sample_add(profile, &(struct profile_sample){.time_ns = time_ns,
							     .thread = 1,
							     .stack = stack,
							     .metric = (uint16_t)metric,
							     .value = value});
}

static void measure(enum lines_inlined inlined)
{
	report_init(&report, profile);
	lines_measure(&lines, &report, inlined, NULL, 10);
}

static const struct line_row *row_of(uint32_t symbol, uint32_t line)
{
	for (uint32_t i = 0; i < lines.count; i++)
		if (lines.rows[i].symbol == symbol && lines.rows[i].line == line)
			return &lines.rows[i];
	return NULL;
}

static void teardown(void)
{
	lines_done(&lines);
	report_done(&report);
}

TestSuite(lines, .init = setup, .fini = teardown);

Test(lines, functions_are_found_by_all_of_their_name_then_by_file_then_by_parts)
{
	uint32_t step = function("phys::World::step(double)", "/src/b.h", 20);
	uint32_t other = function("ai::step(int)", "/src/c.cc", 3);
	uint32_t whole = function("fill::make(int)", "/src/c.cc", 8);
	char text[100];
	bool *wanted;

	measure(LINES_IN_SOURCE);
	wanted = lines_find(&report, "step");
	cr_assert(wanted[step] && wanted[other] && !wanted[make]);
	free(wanted);
	wanted = lines_find(&report, "World::step");
	cr_assert(wanted[step] && !wanted[other]);
	free(wanted);
	wanted = lines_find(&report, "make");
	cr_assert(wanted[make] && !wanted[whole], "what is called so goes before what ends so");
	free(wanted);
	wanted = lines_find(&report, "b.h");
	cr_assert(wanted[step] && wanted[copy] && !wanted[other]);
	free(wanted);
	cr_assert_null(lines_find(&report, "stop"));
	cr_assert_str_eq(lines_near(&report, "World::stop", text, sizeof(text)),
			 "phys::World::step");
	cr_assert_str_eq(lines_near(&report, "c.cpp", text, sizeof(text)), "c.cc");
}

Test(lines, the_time_of_a_hit_is_said_to_hold_the_probes_and_how_much_they_took)
{
	char text[LINES_HIT_TIME];

	measure(LINES_IN_SOURCE);
	profile_set_number(profile, "target_cpu_ns", 2000000000);
	cr_expect_str_eq(lines_hit_time(profile, text),
			 "time per hit is that of this recording, with what the probes took, which "
			 "was not measured and may be most of it");
	profile_set_number(profile, "hits_cost_ns", 50000000);
	cr_expect_str_eq(
		lines_hit_time(profile, text),
		"time per hit is that of this recording, with what the probes took (in all "
		"about 2.5 % of the program's CPU time)");
}

Test(lines, hits_go_to_the_function_declared_last_before_the_line)
{
	count_make(1);
	add_hits("/src/a.c", 3, 30, PROFILE_HIT_EXACT);
	add_hits("/src/a.c", 14, 10, PROFILE_HIT_DERIVED);
	add_hits("/src/b.h", 6, 60, PROFILE_HIT_ESTIMATED);
	sample(0, 1);
	measure(LINES_IN_SOURCE);
	cr_assert(lines.has_hits);
	cr_assert_eq(row_of(fill, 3)->hits, 30);
	cr_assert_eq(row_of(make, 14)->hits, 10);
	cr_assert_eq(row_of(make, 14)->label, PROFILE_HIT_DERIVED);
	cr_assert_eq(row_of(copy, 6)->hits, 60);
	cr_assert_eq(row_of(copy, 6)->label, PROFILE_HIT_ESTIMATED);
}

Test(lines, hits_of_a_file_without_a_known_function_are_nobodys)
{
	count_make(1);
	add_hits("/src/c.h", 6, 60, PROFILE_HIT_EXACT);
	sample(0, 1);
	measure(LINES_IN_SOURCE);
	for (uint32_t i = 0; i < lines.count; i++)
		cr_assert(!lines.rows[i].has_hits);
}

Test(lines, of_calls_that_were_all_outside_the_windows_nothing_is_known)
{
	count_make(10);
	profile->hit_functions[0].counted_calls = 0;
	add_hits("/src/a.c", 14, 0, PROFILE_HIT_ESTIMATED);
	sample(0, 1);
	measure(LINES_IN_SOURCE);
	cr_assert(!row_of(make, 14)->has_hits);
}

Test(lines, hits_of_inlined_code_are_not_those_of_its_call)
{
	count_make(1);
	add_hits("/src/a.c", 14, 10, PROFILE_HIT_EXACT);
	add_hits("/src/b.h", 6, 60, PROFILE_HIT_EXACT);
	sample(0, 1);
	measure(LINES_AT_CALL);
	cr_assert_eq(row_of(make, 14)->hits, 10);
	cr_assert_eq(row_of(make, 14)->self_samples, 1);
	cr_assert_null(row_of(copy, 6));
}

Test(lines, a_line_that_was_counted_and_never_sampled_is_a_row)
{
	count_make(1);
	add_hits("/src/a.c", 20, 0, PROFILE_HIT_EXACT);
	sample(0, 1);
	measure(LINES_IN_SOURCE);
	cr_assert_not_null(row_of(make, 20));
	cr_assert(row_of(make, 20)->has_hits);
	cr_assert_eq(row_of(make, 20)->hits, 0);
}

Test(lines, what_was_counted_has_no_interval)
{
	for (int i = 0; i < 20; i++)
		sample(2, i % 2 ? 700 : 1);
	report_init(&report, profile);
	report.metric = 2;
	lines_measure(&lines, &report, LINES_IN_SOURCE, NULL, 10);
	cr_assert_eq(row_of(copy, 6)->share.low, 1);
	cr_assert_eq(row_of(copy, 6)->share.high, 1);
}

Test(lines, allocations_count_at_the_line_and_at_those_that_called_it)
{
	sample(0, 1);
	sample(1, 7);
	sample(2, 700);
	measure(LINES_IN_SOURCE);
	cr_assert(lines.has_allocations);
	cr_assert_eq(lines.samples, 1);
	cr_assert_eq(row_of(copy, 6)->own_allocations, 7);
	cr_assert_eq(row_of(copy, 6)->allocations, 7);
	cr_assert_eq(row_of(copy, 6)->allocated, 700);
	cr_assert_eq(row_of(make, 14)->own_allocations, 0);
	cr_assert_eq(row_of(make, 14)->allocations, 7);
	cr_assert_null(row_of(fill, 3));
}

/* The first hint about make()'s line 14, NULL: none. */
static const char *hint_of_call(struct lines_hints *hints)
{
	lines_hints_find(hints, &report, &lines);
	for (size_t i = 0; i < hints->count; i++)
		if (&lines.rows[hints->rows[i].row] == row_of(make, 14))
			return hints->rows[i].text;
	return NULL;
}

Test(lines, a_loop_that_allocates_is_told_by_hits_and_allocations)
{
	struct lines_hints hints;
	const char *text;

	count_make(10);
	add_hits("/src/a.c", 14, 120, PROFILE_HIT_EXACT);
	sample(0, 1);
	sample(1, 120);
	sample(2, 12000);
	measure(LINES_IN_SOURCE);
	text = hint_of_call(&hints);
	cr_assert_not_null(text);
	cr_assert_str_eq(text, "allocates in a loop: executed 12.0 times for each of 10 calls of "
			       "its function, 1.00 allocations of 100 bytes each time");
	lines_hints_done(&hints);
}

Test(lines, a_line_that_runs_once_a_call_has_no_hint_of_a_loop)
{
	struct lines_hints hints;

	count_make(100);
	add_hits("/src/a.c", 14, 100, PROFILE_HIT_EXACT);
	sample(0, 1);
	sample(1, 100);
	sample(2, 10000);
	measure(LINES_IN_SOURCE);
	cr_assert_null(hint_of_call(&hints));
	lines_hints_done(&hints);
}

Test(lines, without_counted_calls_nothing_is_said_of_loops)
{
	struct lines_hints hints;

	sample(0, 1);
	sample(1, 1000);
	sample(2, 10000);
	measure(LINES_IN_SOURCE);
	lines_hints_find(&hints, &report, &lines);
	cr_assert_eq(hints.count, 0);
	lines_hints_done(&hints);
}

Test(lines, hits_that_may_be_none_are_nothing_to_divide_by)
{
	cr_expect(lines_know_hits(&(struct line_row){.has_hits = true, .hits = 5}));
	cr_expect(lines_know_hits(
		&(struct line_row){.has_hits = true, .hits = 50, .hits_margin = 5}));
	cr_expect_not(lines_know_hits(
		&(struct line_row){.has_hits = true, .hits = 50, .hits_margin = 50}));
	cr_expect_not(lines_know_hits(&(struct line_row){.has_hits = true}));
	cr_expect_not(lines_know_hits(&(struct line_row){.hits = 5}));
}
