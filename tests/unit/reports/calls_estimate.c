/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/calls_estimate.h"

#include "reports/calls.h"
#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>
#include <math.h>

static struct profile *profile;
static struct report report;
static struct calls calls;

static uint32_t add_probe(const char *name, struct profile_probe probe)
{
	probe.frame = profile->stacks[add_stack(profile, name, 1)].frame;
	return profile_probe_add(profile, &probe);
}

/* A function of `calls` calls, all of them timed at 10 ns, but for what @probe says. */
static uint32_t add_function(const char *name, struct profile_probe probe, uint64_t count)
{
	uint32_t number = add_probe(name, probe);

	profile_timing_add(profile, &(struct profile_timing){.probe = number,
							     .calls = count,
							     .step_calls = count,
							     .returns = count,
							     .sum_ns = 10 * count,
							     .outer_ns = 10 * count,
							     .self_ns = 10 * count,
							     .min_ns = 10,
							     .max_ns = 10});
	profile_bucket_add(profile, &(struct profile_bucket){number, 10, count});
	return number;
}

static const struct calls_row *row(uint32_t probe)
{
	return &calls.rows[calls.row_of_probe[probe]];
}

static void set_up(void)
{
	profile = new_profile();
}

static void measure(void)
{
	report_init(&report, profile);
	calls_measure(&calls, &report);
}

static void tear_down(void)
{
	calls_done(&calls);
	report_done(&report);
}

TestSuite(calls_estimate, .init = set_up, .fini = tear_down);

static const struct profile_probe exact = {.mode = PROFILE_PROBE_TIME};
static const struct profile_probe steps = {.mode = PROFILE_PROBE_STEP};
static const struct profile_probe estimated = {.mode = PROFILE_PROBE_COUNT,
					       .is_partial = true,
					       .estimated_calls = 1000,
					       .calls_margin = 50};
static const struct profile_probe lost = {.mode = PROFILE_PROBE_COUNT, .is_partial = true};

Test(calls_estimate, what_was_seen_whole_is_as_it_was_counted)
{
	uint32_t observe = add_function("observe", exact, 20);

	measure();
	cr_expect_eq(row(observe)->calls.value, 20);
	cr_expect_eq(row(observe)->total_ns.value, 200);
	cr_expect_not(row(observe)->calls.is_estimate);
	cr_expect_not(row(observe)->total_ns.is_estimate);
}

Test(calls_estimate, times_of_windows_stand_for_all_calls)
{
	uint32_t observe = add_function("observe", estimated, 20);

	profile_step_add(profile, &(struct profile_step){.probe = observe, .end_ns = 10});
	measure();
	cr_expect(row(observe)->calls.is_estimate);
	cr_expect_float_eq(row(observe)->calls.margin, 50, 1e-9);
	cr_expect_float_eq(row(observe)->total_ns.value, 10000, 1e-6);
	cr_expect_float_eq(row(observe)->total_ns.margin, 500, 1e-6, "all took the same");
	cr_expect_float_eq(calls_per_step(&calls, row(observe)), 1000, 1e-6);
}

Test(calls_estimate, an_estimate_lacks_what_came_before_a_late_probe)
{
	uint32_t late = add_function("late", estimated, 20);
	uint32_t early = add_function("early", estimated, 20);
	char key[64];

	snprintf(key, sizeof(key), "late.%u", late);
	profile_set_number(profile, key, 1);
	measure();
	cr_expect(row(late)->calls.is_estimate && row(late)->calls.is_least);
	cr_expect(row(late)->total_ns.is_estimate && row(late)->total_ns.is_least);
	cr_expect_not(row(early)->calls.is_least || row(early)->total_ns.is_least);
}

Test(calls_estimate, what_was_lost_is_at_least_what_was_seen_and_has_no_ratio)
{
	uint32_t observe = add_function("observe", lost, 20), act = add_function("act", exact, 5);

	profile_edge_add(profile, &(struct profile_edge){act, observe, 20, 200});
	profile_step_add(profile, &(struct profile_step){.probe = act, .end_ns = 10});
	measure();
	cr_expect(row(observe)->calls.is_least);
	cr_expect(row(observe)->total_ns.is_least);
	cr_expect(row(act)->self_ns.is_most, "its callee's time is in it");
	cr_expect(isnan(calls_per_step(&calls, row(observe))));
	cr_expect(calls_per_call(&calls, &profile->call_edges[0]).is_least);
}

Test(calls_estimate, what_callees_took_untimed_is_not_the_callers_own)
{
	uint32_t step = add_probe("step", steps), observe = add_function("observe", estimated, 20);

	profile_timing_add(profile, &(struct profile_timing){.probe = step,
							     .calls = 10,
							     .returns = 10,
							     .sum_ns = 20200,
							     .outer_ns = 20200,
							     .self_ns = 20000});
	profile_edge_add(profile, &(struct profile_edge){step, observe, 20, 200});
	measure();
	cr_expect_float_eq(row(step)->total_ns.value, 20200, 1e-9);
	cr_expect_float_eq(row(step)->self_ns.value, 20200 - 10000, 1e-6);
	cr_expect_float_eq(row(step)->self_ns.margin, 490, 1e-6);
	cr_expect(row(step)->self_ns.is_estimate);
	cr_expect_float_eq(calls_per_call(&calls, &profile->call_edges[0]).value, 100, 1e-9);
	cr_expect_float_eq(calls_edge_total(&calls, &profile->call_edges[0]).value, 10000, 1e-6);
	cr_expect_float_eq(calls_edge_calls(&calls, &profile->call_edges[0]).margin, 50, 1e-6);
}

Test(calls_estimate, calls_without_a_return_are_missing_in_edges)
{
	uint32_t outer = add_function("outer", exact, 10), jumper = add_probe("jumper", exact);

	profile_timing_add(profile, &(struct profile_timing){.probe = jumper,
							     .calls = 10,
							     .returns = 5,
							     .sum_ns = 50,
							     .outer_ns = 50,
							     .self_ns = 50});
	profile_edge_add(profile, &(struct profile_edge){outer, jumper, 5, 50});
	measure();
	cr_expect_eq(row(jumper)->left, 5);
	cr_expect(calls_edge_calls(&calls, &profile->call_edges[0]).is_least);
	cr_expect(calls_per_call(&calls, &profile->call_edges[0]).is_least);
	cr_expect_float_eq(calls_per_call(&calls, &profile->call_edges[0]).value, 0.5, 1e-9);
}

Test(calls_estimate, a_caller_that_was_not_seen_to_the_end_has_no_ratios)
{
	struct profile_probe taken_off = {.mode = PROFILE_PROBE_STEP, .is_partial = true};
	uint32_t step = add_function("step", taken_off, 10);
	uint32_t observe = add_function("observe", estimated, 20);

	profile_edge_add(profile, &(struct profile_edge){step, observe, 20, 200});
	profile_step_add(profile, &(struct profile_step){.probe = step, .end_ns = 10});
	measure();
	cr_expect(isnan(calls_per_step(&calls, row(observe))));
	cr_expect(isnan(calls_per_call(&calls, &profile->call_edges[0]).value));
	cr_expect_eq(calls_edge_calls(&calls, &profile->call_edges[0]).value, 20);
	cr_expect(calls_edge_calls(&calls, &profile->call_edges[0]).is_least);
	cr_expect(row(step)->self_ns.is_most);
	cr_expect_not(row(step)->self_ns.is_estimate);
}

Test(calls_estimate, times_that_few_calls_tell_are_at_least_what_was_seen)
{
	uint32_t observe = add_function("observe", estimated, 1), act;

	/* One of a hundred calls was interrupted for as long as a thousand take. */
	profile_timing_add(profile, &(struct profile_timing){.probe = observe,
							     .calls = 99,
							     .returns = 99,
							     .sum_ns = 990,
							     .outer_ns = 990,
							     .self_ns = 990});
	profile_bucket_add(profile, &(struct profile_bucket){observe, 10, 98});
	profile_bucket_add(profile, &(struct profile_bucket){observe, 400, 1});
	act = add_function("act", steps, 20);
	profile_edge_add(profile, &(struct profile_edge){act, observe, 100, 1000});
	measure();
	cr_expect_eq(row(observe)->calls.value, 1000);
	cr_expect(row(observe)->calls.is_estimate);
	cr_expect_eq(row(observe)->total_ns.value, 1000);
	cr_expect(row(observe)->total_ns.is_least);
	cr_expect_not(row(observe)->total_ns.is_estimate);
	cr_expect(row(observe)->self_ns.is_least);
	cr_expect(calls_edge_total(&calls, &profile->call_edges[0]).is_least);
	cr_expect_eq(calls_edge_calls(&calls, &profile->call_edges[0]).value, 1000);
	cr_expect(row(act)->self_ns.is_most, "what observe took while it was not timed is in it");
}

Test(calls_estimate,
     of_a_step_function_that_was_counted_to_the_end_the_calls_are_known_and_nothing_else)
{
	struct profile_probe counted = {
		.mode = PROFILE_PROBE_STEP, .is_partial = true, .estimated_calls = 10};
	uint32_t step = add_function("step", counted, 10);
	uint32_t observe = add_function("observe", exact, 20);

	profile->timings[step].returns = 4;
	profile_edge_add(profile, &(struct profile_edge){step, observe, 8, 80});
	profile_step_add(profile, &(struct profile_step){.probe = step, .end_ns = 10});
	measure();
	cr_expect_not(row(step)->calls.is_least);
	cr_expect_not(row(step)->calls.is_estimate);
	cr_expect_eq(row(step)->calls.value, 10);
	cr_expect_eq(row(step)->left, 0);
	cr_expect(row(step)->total_ns.is_least);
	cr_expect(row(step)->self_ns.is_least);
	cr_expect(isnan(calls_per_call(&calls, &profile->call_edges[0]).value));
	cr_expect(calls_edge_calls(&calls, &profile->call_edges[0]).is_least);
}

Test(calls_estimate, who_called_what_was_not_seen_is_not_known)
{
	uint32_t begin = add_function("begin", exact, 10), step = add_function("step", steps, 10);
	uint32_t observe = add_function("observe", estimated, 20);

	/* It was seen in `begin`, and fell back before the steps, of which few were seen. */
	profile_edge_add(profile, &(struct profile_edge){begin, observe, 18, 180});
	profile_edge_add(profile, &(struct profile_edge){step, observe, 2, 20});
	measure();
	for (int i = 0; i < 2; i++) {
		const struct profile_edge *edge = &profile->call_edges[i];

		cr_expect_eq(calls_edge_calls(&calls, edge).value, (double)edge->calls);
		cr_expect(calls_edge_calls(&calls, edge).is_least);
		cr_expect(calls_edge_total(&calls, edge).is_least);
		cr_expect(calls_per_call(&calls, edge).is_least);
		cr_expect_not(calls_edge_calls(&calls, edge).is_estimate);
	}
	cr_expect(row(begin)->self_ns.is_most);
	cr_expect(row(step)->self_ns.is_most);
	cr_expect_not(row(step)->self_ns.is_estimate);
	cr_expect_eq(row(step)->self_ns.value, 100, "nothing was taken off");
}

Test(calls_estimate, a_caller_that_fell_back_has_no_ratios_and_at_least_the_edges_that_were_seen)
{
	uint32_t act = add_function("act", estimated, 20),
		 observe = add_function("observe", exact, 50);

	profile_edge_add(profile, &(struct profile_edge){act, observe, 40, 400});
	measure();
	cr_expect(calls_edge_calls(&calls, &profile->call_edges[0]).is_least);
	cr_expect(isnan(calls_per_call(&calls, &profile->call_edges[0]).value));
}

Test(calls_estimate, own_time_with_untimed_callees_in_it_is_at_most_whatever_else_was_taken_off)
{
	uint32_t step = add_function("step", steps, 10);
	uint32_t act = add_function("act", estimated, 20),
		 observe = add_function("observe", lost, 20);

	profile->timings[step].self_ns = 50000;
	profile_edge_add(profile, &(struct profile_edge){step, act, 20, 200});
	profile_edge_add(profile, &(struct profile_edge){step, observe, 20, 200});
	measure();
	cr_expect(row(act)->total_ns.is_estimate);
	cr_expect(row(step)->self_ns.is_most);
	cr_expect_not(row(step)->self_ns.is_estimate);
	cr_expect_eq(row(step)->self_ns.margin, 0);
}

Test(calls_estimate, durations_of_which_probes_took_more_than_is_left_stand_for_no_others)
{
	uint32_t observe = add_function("observe", estimated, 20);

	profile->timings[0].subtracted_ns = 201;
	measure();
	cr_expect(row(observe)->calls.is_estimate);
	cr_expect(row(observe)->total_ns.is_least);
	cr_expect_not(row(observe)->total_ns.is_estimate);
	cr_expect_eq(row(observe)->total_ns.value, 200);
}

Test(calls_estimate, what_took_a_calls_place_is_missing_in_its_time_and_in_nothing_else)
{
	uint32_t act = add_function("act", exact, 20), observe = add_function("observe", exact, 20);
	char text[800];

	profile_edge_add(profile, &(struct profile_edge){act, observe, 20, 200});
	profile_set_number(profile, "tail_calls.1", 7);
	measure();
	cr_expect_not(row(observe)->calls.is_least);
	cr_expect(row(observe)->total_ns.is_least);
	cr_expect(row(observe)->self_ns.is_least);
	cr_expect(calls_durations_are_least(row(observe)));
	cr_expect_not(calls_durations_are_least(row(act)));
	cr_expect(row(act)->self_ns.is_most);
	cr_expect_not(calls_edge_calls(&calls, &profile->call_edges[0]).is_least);
	cr_expect(calls_edge_total(&calls, &profile->call_edges[0]).is_least);
	calls_restriction(&report, row(observe), text, sizeof(text));
	cr_expect_not_null(strstr(text, "7 of its calls ended in a jump to another function"));
}
