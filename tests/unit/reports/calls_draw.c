/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of reports/calls_draw.c. */
#include "reports/calls_draw.h"

#include <criterion/criterion.h>

#include "tests/unit/reports/small_profile.h"

static struct report report;
static struct calls calls;
static struct calls_histogram histogram;

/* One function with one call in each of the given buckets. */
static void measure(const uint32_t *buckets, size_t count)
{
	struct profile *profile = new_profile();
	uint32_t stack = add_stack(profile, "observe", 1);
	uint32_t probe = profile_probe_add(
		profile, &(struct profile_probe){.frame = profile->stacks[stack].frame,
						 .mode = PROFILE_PROBE_TIME});

	profile_timing_add(profile, &(struct profile_timing){
					    .probe = probe,
					    .calls = count,
					    .returns = count,
					    .sum_ns = 1000 * count,
					    .min_ns = profile_bucket_start(buckets[0]),
					    .max_ns = profile_bucket_start(buckets[count - 1])});
	for (size_t i = 0; i < count; i++)
		profile_bucket_add(profile, &(struct profile_bucket){probe, buckets[i], 1});
	report_init(&report, profile);
	calls_measure(&calls, &report);
	calls_histogram_init(&histogram, &calls.rows[0]);
}

static void done(void)
{
	calls_histogram_done(&histogram);
	calls_done(&calls);
	report_done(&report);
}

Test(calls_draw, bars_hold_every_call_once_and_do_not_overlap)
{
	uint32_t buckets[1152];

	for (uint32_t i = 0; i < 1152; i++)
		buckets[i] = i;
	measure(buckets, 1152);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < histogram.count; i++) {
		sum += histogram.bars[i].count;
		cr_assert(histogram.bars[i].from_ns < histogram.bars[i].to_ns);
		if (i)
			cr_assert(histogram.bars[i].from_ns >= histogram.bars[i - 1].to_ns);
	}
	cr_expect_eq(sum, 1152);
	cr_expect_eq(histogram.count, 32 + 35 * 8, "whole nanoseconds, then eight an octave");
	done();
}

Test(calls_draw, an_empty_stretch_has_no_bars)
{
	measure((const uint32_t[]){40, 41, 400}, 3);
	cr_assert_eq(histogram.count, 2);
	cr_expect_eq(histogram.bars[0].count, 2);
	cr_expect(histogram.bars[0].from_ns <= (double)profile_bucket_start(40));
	cr_expect(histogram.bars[0].to_ns >= (double)profile_bucket_end(41));
	cr_expect_eq(histogram.bars[1].count, 1);
	cr_expect_float_eq(histogram.mean_ns, 1000, 1e-9);
	done();
}
