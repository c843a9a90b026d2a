/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/steps_contrast.h"
#include "reports/steps_write.h"

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
	cr_expect_eq(steps.rhythms[0].period, 137);
	cr_expect_eq(steps.rhythms[0].phase, 136);
	cr_expect_eq(steps.rhythms[0].raised, 10);
	cr_expect_eq(steps.slow_count, 10);
	cr_expect_eq(steps.compared_count, 10);
}

Test(steps, slow_steps_beside_the_period_are_not_typical)
{
	for (uint32_t i = 0; i < 400; i++)
		add_step(1000000 + noise(50000) + (i % 7 == 3 ? 1000000 : 0) +
			 (i % 50 == 0 ? 5000000 : 0));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.rhythms[0].period, 7);
	/* Of the eight of the other rhythm one is of both: 150. */
	cr_expect_eq(steps.compared_count, 56);
	cr_expect(steps.is_apart[0] && steps.is_apart[100] && steps.is_apart[150] &&
		  !steps.is_apart[3]);
	cr_expect_eq(steps.apart_count, 8);
	cr_expect_eq(steps.beside, 0);
}

Test(steps, finds_two_rhythms_beside_each_other)
{
	for (uint32_t i = 0; i < 1400; i++)
		add_step(1000000 + (noise(20) ? noise(50000) : noise(1000000)) +
			 (i % 137 == 136 ? 3000000 : 0) + (i % 50 == 7 ? 3000000 : 0));
	steps_measure(&steps, profile);
	cr_assert_eq(steps.rhythm_count, 2);
	cr_expect_eq(steps.rhythms[0].period, 50);
	cr_expect_eq(steps.rhythms[0].phase, 7);
	cr_expect_eq(steps.rhythms[0].count, 28);
	cr_expect_eq(steps.rhythms[1].period, 137);
	cr_expect_eq(steps.rhythms[1].phase, 136);
	cr_expect_eq(steps.rhythms[1].raised, 10);
	cr_expect_not(steps.rhythms[1].within);
	steps_compare(&steps, 1);
	cr_expect(steps.is_compared[136] && steps.is_apart[7]);
	cr_expect_eq(steps.compared_count, 10);
}

Test(steps, finds_a_rhythm_within_another)
{
	for (uint32_t i = 0; i < 1000; i++)
		add_step(1000000 + noise(50000) + (i % 10 == 9 ? 1000000 : 0) +
			 (i % 100 == 99 ? 5000000 : 0));
	steps_measure(&steps, profile);
	cr_assert_eq(steps.rhythm_count, 2);
	cr_expect_eq(steps.rhythms[0].period, 10);
	cr_expect_eq(steps.rhythms[0].count, 90);
	cr_expect_eq(steps.rhythms[0].raised, 90);
	cr_expect_eq(steps.rhythms[1].period, 100);
	cr_expect_eq(steps.rhythms[1].phase, 99);
	cr_expect_eq(steps.rhythms[1].within, 1);
	cr_expect_eq(steps.compared_count, 90);
	cr_expect(steps.is_apart[99]);
}

Test(steps, of_a_rhythm_the_steps_beyond_those_looked_at_are_known)
{
	for (uint32_t i = 0; i < 12000; i++)
		add_step(1000000 + noise(50000) + (i % 10 == 9 ? 1000000 : 0) +
			 (i % 100 == 99 ? 5000000 : 0));
	steps_measure(&steps, profile);
	cr_assert_eq(steps.rhythm_count, 2);
	cr_expect_eq(steps.compared_count, 1080);
	cr_expect_eq(steps.apart_count, 120);
	cr_expect_eq(steps.beside, 0);
}

Test(steps, claims_no_rhythm_beside_the_one_there_is)
{
	for (uint32_t i = 0; i < 2000; i++)
		add_step(1000000 + (noise(20) ? noise(50000) : 1000000) +
			 (i % 40 == 11 ? 1000000 + noise(4000000) : 0));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.rhythm_count, 1);
	cr_expect_eq(steps.rhythms[0].period, 40);
	cr_expect_gt(steps.beside, 50);
}

Test(steps, finds_it_where_every_tenth_step_is_disturbed)
{
	for (uint32_t i = 0; i < 1400; i++)
		add_step(1000000 + (noise(10) ? noise(50000) : noise(3000000)) +
			 (i % 137 == 136 ? 2000000 : 0));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.rhythms[0].period, 137);
	cr_expect_eq(steps.rhythms[0].phase, 136);
}

Test(steps, claims_no_period_in_noise)
{
	for (uint32_t i = 0; i < 2000; i++)
		add_step(1000000 + (noise(20) ? noise(50000) : 1000000));
	steps_measure(&steps, profile);
	cr_expect_eq(steps.rhythms[0].period, 0);
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

/* Every tenth step dumps, every 25th trains. */
Test(steps, each_rhythm_has_what_its_long_steps_do)
{
	struct steps_contrast contrast;
	struct report report;
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);

	for (uint32_t i = 0; i < 500; i++) {
		uint32_t first = (uint32_t)profile->samples_count;
		bool dumps = i % 10 == 3, trains = i % 25 == 24;

		add_step(4000000 + dumps * 5000000 + trains * 9000000);
		add_stack(profile, "main;step;work", 4);
		add_stack(profile, "main;step;dump", dumps ? 5 : 0);
		add_stack(profile, "main;step;train", trains ? 9 : 0);
		for (size_t j = first; j < profile->samples_count; j++) {
			profile->samples[j].thread = 1;
			profile->samples[j].time_ns =
				profile->steps[i].start_ns + 1 + 10000 * (j - first);
		}
	}
	report_init(&report, profile);
	steps_measure(&steps, profile);
	cr_assert_eq(steps.rhythm_count, 2);
	steps_contrast_measure(&contrast, &report, &steps);
	steps_write_text(&report, &steps, &contrast, 10, stream);
	fclose(stream);
	cr_expect(strstr(text, "every 10 steps a long one, from step 4 on: 50 of 50"), "%s", text);
	cr_expect(strstr(text, "every 25 steps a long one, from step 25 on: 20 of 20"));
	cr_expect(strstr(text, "long in the tables below are those of every 10\n"));
	cr_expect(strstr(text, "long steps (every 10) are long in main > step > dump: 5.00 ms of"));
	cr_expect(
		strstr(text, "long steps (every 25) are long in main > step > train: 9.00 ms of"));
	cr_expect_eq(steps.compared, 0);
	free(text);
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
