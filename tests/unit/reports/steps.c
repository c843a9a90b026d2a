/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/steps_contrast.h"

#include <criterion/criterion.h>

#include "tests/unit/reports/small_profile.h"

static struct profile *profile;
static struct steps steps;
static uint64_t clock_ns;

/* Numbers without order, the same in every run. */
static uint32_t noise(uint32_t below)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 8) % below;
}

static void setup(void)
{
	profile = new_profile();
	clock_ns = 0;
	profile_thread_add(profile, 10, 10, "main");
	profile_probe_add(profile, &(struct profile_probe){.mode = PROFILE_PROBE_STEP});
}

static void add_step(uint64_t duration_ns)
{
	profile_step_add(profile, &(struct profile_step){.thread = 1,
							 .start_ns = clock_ns,
							 .end_ns = clock_ns + duration_ns});
	clock_ns += duration_ns + 10;
}

static void teardown(void)
{
	steps_done(&steps);
	profile_free(profile);
}

TestSuite(steps, .init = setup, .fini = teardown);

Test(steps, quantiles_of_known_durations)
{
	for (uint32_t i = 1; i <= 101; i++)
		add_step(1000 * i);
	steps_measure(&steps, profile);
	/* a ramp has no steady part of its own: all that counts is that nothing is left out */
	cr_expect_eq(steps.count, 101);
	cr_expect_float_eq(steps.max_ns, 101000, 1);
}

Test(steps, the_cost_of_probes_is_no_part_of_a_step)
{
	profile_step_add(profile,
			 &(struct profile_step){.thread = 1, .end_ns = 1000, .probe_ns = 400});
	steps_measure(&steps, profile);
	cr_expect_float_eq(steps.median_ns, 600, 1e-9);
}

Test(steps, finds_the_period_of_a_planted_stall)
{
	for (uint32_t i = 0; i < 1400; i++)
		add_step(1000000 + noise(50000) + (i % 137 == 136 ? 500000 : 0));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.period, 137);
	cr_expect_eq(steps.phase, 136);
	cr_expect_eq(steps.on_period, 10);
	cr_expect_eq(steps.slow_count, 10);
	cr_expect_eq(steps.compared_count, 10);
}

Test(steps, slow_steps_beside_the_period_are_not_typical)
{
	for (uint32_t i = 0; i < 400; i++)
		add_step(1000000 + noise(50000) + (i % 7 == 3 ? 1000000 : 0) +
			 (i % 50 == 0 ? 5000000 : 0));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.period, 7);
	cr_expect_eq(steps.compared_count, 57);
	cr_expect(steps.is_apart[0] && steps.is_apart[100] && !steps.is_apart[3]);
	/* Of eight one is both: 150. */
	cr_expect_eq(steps.apart_count, 7);
}

Test(steps, finds_it_where_every_tenth_step_is_disturbed)
{
	for (uint32_t i = 0; i < 1400; i++)
		add_step(1000000 + (noise(10) ? noise(50000) : noise(3000000)) +
			 (i % 137 == 136 ? 2000000 : 0));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.period, 137);
	cr_expect_eq(steps.phase, 136);
}

Test(steps, claims_no_period_in_noise)
{
	for (uint32_t i = 0; i < 2000; i++)
		add_step(1000000 + (noise(20) ? noise(50000) : 1000000));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.period, 0);
	cr_expect_gt(steps.slow_count, 50);
	cr_expect_eq(steps.compared_count, steps.slow_count);
}

Test(steps, tells_warm_up_and_change_apart)
{
	for (uint32_t i = 0; i < 600; i++)
		add_step((i < 40 ? 3000000 : i < 400 ? 1000000 : 2000000) + noise(100000));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.warm_up, 40);
	cr_assert_eq(steps.segment_count, 3);
	cr_expect_eq(steps.segments[2].first, 400);
	cr_expect_float_eq(steps.segments[1].median_ns, 1050000, 20000);
}

Test(steps, steady_durations_are_not_cut)
{
	for (uint32_t i = 0; i < 500; i++)
		add_step(1000000 + noise(100000));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.segment_count, 1);
	cr_expect_eq(steps.warm_up, 0);
	cr_expect_eq(steps.slow_count, 0);
}

Test(steps, a_lasting_change_is_at_least_a_tenth)
{
	for (uint32_t i = 0; i < 900; i++)
		add_step((i < 300 ? 13500 : i < 600 ? 13900 : 20000) + noise(20));
	steps_measure(&steps, profile);
	cr_assert_eq(steps.segment_count, 2);
	cr_expect_eq(steps.segments[1].first, 600);
	cr_expect_eq(steps.segments[0].count, 600);
	cr_expect_eq(steps.warm_up, 0);
}

Test(steps, medians_of_nothing_do_not_change)
{
	for (uint32_t i = 0; i < 600; i++)
		add_step(noise(i < 300 ? 5 : 3) == 0 ? 10000 : 0);
	steps_measure(&steps, profile);
	cr_expect_eq(steps.segment_count, 1);
}

/* Ten steps of a millisecond, of which the last is ten times as long because of its stall. */
Test(steps, the_contrast_names_what_long_steps_do)
{
	struct steps_contrast contrast;
	struct report report;

	for (int i = 0; i < 30; i++)
		add_step(i == 29 ? 10000000 : 1000000 + noise(1000));
	for (int i = 0; i < 30; i++) {
		uint32_t first = (uint32_t)profile->samples_count;

		add_stack(profile, "main;step;work", 1);
		if (i == 29)
			add_stack(profile, "main;step;stall", 9);
		for (size_t j = first; j < profile->samples_count; j++) {
			profile->samples[j].thread = 1;
			profile->samples[j].time_ns = profile->steps[i].start_ns + 1 + (j - first);
		}
	}
	add_stack(profile, "main;outside", 1); /* of another process */
	report_init(&report, profile);
	steps_measure(&steps, profile);
	cr_assert_eq(steps.slow_count, 1);
	steps_contrast_measure(&contrast, &report, &steps);
	cr_expect_eq(contrast.samples, 39);
	cr_expect_eq(contrast.outside, 1);
	cr_expect_float_eq(contrast.excess, 9e6, 1);
	cr_assert_eq(contrast.path_count, 3);
	cr_expect_str_eq(report.symbols.symbols[contrast.path[2]].label, "stall");
	cr_expect_float_eq(contrast.path_excess, 9e6, 1);
	cr_expect_float_eq(contrast.duration_excess_ns, 9e6, 1e4);
	cr_expect(steps_contrast_explains(&contrast, &report));
	cr_expect_str_eq(report.symbols.symbols[contrast.rows[0].symbol].label, "stall");
	cr_expect_float_eq(contrast.rows[0].slow_self, 9e6, 1);
	steps_contrast_done(&contrast);
	symbol_table_done(&report.symbols);
}

/* Steps that are long for @wait_ns, of which each has @work samples in work, every tenth one more.
 */
static void measure_waits(uint64_t wait_ns, uint32_t work, struct report *report,
			  struct steps_contrast *contrast)
{
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t first = (uint32_t)profile->samples_count;

		add_step(work * 1000000 + noise(1000) + (i % 20 == 19 ? wait_ns : 0));
		add_stack(profile, "main;step;work", work + (i % 40 == 39));
		for (size_t j = first; j < profile->samples_count; j++) {
			profile->samples[j].thread = 1;
			profile->samples[j].time_ns = profile->steps[i].start_ns + 1 + (j - first);
		}
	}
	report_init(report, profile);
	steps_measure(&steps, profile);
	steps_contrast_measure(contrast, report, &steps);
}

Test(steps, long_waits_are_not_blamed_on_what_was_sampled)
{
	struct steps_contrast contrast;
	struct report report;

	measure_waits(20000000, 4, &report, &contrast);
	cr_assert_eq(steps.compared_count, 10);
	cr_expect_float_eq(contrast.duration_excess_ns, 20e6, 1e4);
	cr_expect_float_eq(contrast.excess, 0.5e6, 1);
	cr_expect_gt(contrast.excess_error, 0.5e6);
	cr_expect_eq(contrast.path_count, 0);
	cr_expect_not(steps_contrast_explains(&contrast, &report));
	steps_contrast_done(&contrast);
	symbol_table_done(&report.symbols);
}
