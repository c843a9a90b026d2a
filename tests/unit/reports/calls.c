/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/calls.h"

#include <criterion/criterion.h>

#include "tests/unit/reports/small_profile.h"

static struct report report;
static struct calls calls;

/* A function that is probed, at the frame that small_profile gives it. */
static uint32_t add_probe(struct profile *profile, const char *name, uint8_t mode)
{
	uint32_t stack = add_stack(profile, name, 1);

	return profile_probe_add(profile, &(struct profile_probe){
						  .frame = profile->stacks[stack].frame,
						  .mode = mode,
						  .count_ns = 10,
						  .time_ns = 100,
					  });
}

static void measure(struct profile *profile)
{
	report_init(&report, profile);
	calls_measure(&calls, &report);
}

static void done(void)
{
	calls_done(&calls);
	report_done(&report);
}

Test(calls, are_summed_over_threads)
{
	struct profile *profile = new_profile();
	uint32_t probe = add_probe(profile, "observe", PROFILE_PROBE_TIME);

	profile_timing_add(profile, &(struct profile_timing){.probe = probe,
							     .thread = 0,
							     .calls = 5,
							     .returns = 4,
							     .sum_ns = 40,
							     .min_ns = 5,
							     .max_ns = 20,
							     .open = 1});
	profile_timing_add(profile, &(struct profile_timing){.probe = probe,
							     .thread = 1,
							     .calls = 3,
							     .returns = 2,
							     .sum_ns = 60,
							     .min_ns = 3,
							     .max_ns = 50});
	measure(profile);
	cr_expect_eq(calls.rows[0].sum.calls, 8);
	cr_expect_eq(calls.rows[0].sum.sum_ns, 100);
	cr_expect_eq(calls.rows[0].sum.min_ns, 3);
	cr_expect_eq(calls.rows[0].sum.max_ns, 50);
	cr_expect_eq(calls.rows[0].left, 1, "neither returned nor open");
	cr_expect_eq(calls.rows[0].thread_count, 2);
	cr_expect_eq(calls.added_ns, 8 * 100);
	done();
}

Test(calls, that_are_only_counted_cost_less_and_are_not_missing_returns)
{
	struct profile *profile = new_profile();
	uint32_t probe = add_probe(profile, "observe", PROFILE_PROBE_COUNT);

	profile_timing_add(profile, &(struct profile_timing){.probe = probe, .calls = 5});
	measure(profile);
	cr_expect_eq(calls.rows[0].left, 0);
	cr_expect_eq(calls.added_ns, 50);
	cr_expect_not(calls_is_timed(&report, &calls.rows[0]));
	done();
}

Test(calls, percentiles_are_within_the_buckets_width)
{
	struct profile *profile = new_profile();
	uint32_t probe = add_probe(profile, "observe", PROFILE_PROBE_TIME);

	profile_timing_add(profile, &(struct profile_timing){.probe = probe,
							     .calls = 100,
							     .returns = 100,
							     .min_ns = 1000,
							     .max_ns = 20000});
	/* 90 of about a microsecond, 10 of about 20 */
	for (uint32_t bucket = 0; bucket < PROFILE_BUCKETS; bucket++) {
		if (profile_bucket_start(bucket) <= 1000 && 1000 <= profile_bucket_end(bucket))
			profile_bucket_add(profile, &(struct profile_bucket){probe, bucket, 90});
		if (profile_bucket_start(bucket) <= 20000 && 20000 <= profile_bucket_end(bucket))
			profile_bucket_add(profile, &(struct profile_bucket){probe, bucket, 10});
	}
	measure(profile);
	cr_expect_float_eq(calls_percentile(&calls.rows[0], 0.5), 1000, 32);
	cr_expect_float_eq(calls_percentile(&calls.rows[0], 0.9), 1000, 32);
	cr_expect_float_eq(calls_percentile(&calls.rows[0], 0.91), 20000, 640);
	cr_expect_float_eq(calls_percentile(&calls.rows[0], 1), 20000, 640);
	done();
}

Test(calls, per_step_are_those_of_steps)
{
	struct profile *profile = new_profile();
	uint32_t step = add_probe(profile, "step", PROFILE_PROBE_STEP);
	uint32_t observe = add_probe(profile, "observe", PROFILE_PROBE_TIME);

	profile_step_add(profile, &(struct profile_step){.probe = step, .end_ns = 10});
	profile_step_add(profile,
			 &(struct profile_step){.probe = step, .start_ns = 10, .end_ns = 20});
	profile_timing_add(profile,
			   &(struct profile_timing){
				   .probe = observe, .calls = 10, .step_calls = 6, .returns = 10});
	measure(profile);
	cr_expect_float_eq(calls_per_step(&calls, &calls.rows[calls.row_of_probe[observe]]), 3,
			   1e-9);
	done();
}

Test(calls, durations_that_are_mostly_the_probes_own_say_so)
{
	struct profile *profile = new_profile();
	uint32_t probe = add_probe(profile, "observe", PROFILE_PROBE_TIME);
	char text[800];

	profile_timing_add(profile, &(struct profile_timing){.probe = probe,
							     .calls = 5,
							     .returns = 5,
							     .sum_ns = 400,
							     .subtracted_ns = 500});
	measure(profile);
	cr_expect(strstr(calls_restriction(&report, &calls.rows[0], text, sizeof(text)),
			 "no more than an order of magnitude"));
	done();
}
