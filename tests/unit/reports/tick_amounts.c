/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/tick_amounts.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

#define PERIOD_NS 4000000

/* Has no samples yet. */
static struct profile *new_recording(int64_t cpu_ns)
{
	struct profile *profile = new_profile();

	profile->metrics[0].period = PERIOD_NS;
	profile_set_text(profile, "engine", "tick");
	profile_set_number(profile, "frequency_hz", 250);
	profile_set_number(profile, "target_cpu_ns", cpu_ns);
	return profile;
}

/* Adds a thread that was sampled @count times and, when waits were recorded, used @cpu_ns. */
static uint32_t add_thread(struct profile *profile, int count, uint64_t cpu_ns)
{
	uint32_t thread = profile_thread_add(profile, 10, 10 + (int)profile->threads_count, "t");

	for (int i = 0; i < count; i++)
		profile_sample_add(profile,
				   &(struct profile_sample){.time_ns = profile->samples_count,
							    .thread = thread,
							    .value = 1});
	if (cpu_ns)
		profile_thread_times_add(profile, &(struct profile_thread_times){
							  .thread = thread,
							  .cpu_ns = cpu_ns,
						  });
	return thread;
}

/* Returns what the samples of a thread, or of all (0), stand for. */
static double amount_ms(const struct profile *profile, uint32_t thread)
{
	double sum = 0;

	for (size_t i = 0; i < profile->samples_count; i++)
		if (!thread || profile->samples[i].thread == thread)
			sum += (double)profile->samples[i].value *
			       (double)profile->metrics[0].period / 1e6;
	return sum;
}

Test(tick_amounts, all_samples_together_stand_for_the_time_that_was_counted)
{
	struct profile *profile = new_recording(500000000);
	uint32_t one = add_thread(profile, 75, 0);

	add_thread(profile, 25, 0);
	profile_set_number(profile, "unsampled_cpu_ns", 20000000); /* that is told apart */
	tick_amounts_scale(profile);
	cr_assert(tick_amounts_are_scaled(profile));
	cr_assert_float_eq(amount_ms(profile, 0), 480, 1e-3);
	cr_assert_float_eq(amount_ms(profile, one), 360, 1e-3);
	tick_amounts_scale(profile);
	cr_assert_float_eq(amount_ms(profile, 0), 480, 1e-3, "a second time changes nothing");
	profile_free(profile);
}

Test(tick_amounts, a_thread_whose_time_was_counted_has_that)
{
	struct profile *profile = new_recording(900000000);
	uint32_t rare = add_thread(profile, 50, 300000000);
	uint32_t often = add_thread(profile, 100, 350000000);

	tick_amounts_scale(profile);
	cr_assert_float_eq(amount_ms(profile, rare), 300, 1e-3);
	cr_assert_float_eq(amount_ms(profile, often), 350, 1e-3);
	profile_free(profile);
}

Test(tick_amounts, threads_with_few_samples_share_what_they_have_used_together)
{
	struct profile *profile = new_recording(900000000);
	uint32_t busy = add_thread(profile, 100, 390000000);
	uint32_t three = add_thread(profile, 3, 9000000), one = add_thread(profile, 1, 1000000);

	add_thread(profile, 0, 6000000);
	tick_amounts_scale(profile);
	cr_assert_float_eq(amount_ms(profile, busy), 390, 1e-3);
	cr_assert_float_eq(amount_ms(profile, three), 12, 1e-3);
	cr_assert_float_eq(amount_ms(profile, one), 4, 1e-3);
	profile_free(profile);
}

Test(tick_amounts, times_of_some_threads_only_are_not_those_of_all)
{
	struct profile *profile = new_recording(500000000);

	add_thread(profile, 50, 100000000);
	add_thread(profile, 50, 0);
	profile_set_number(profile, "off_cpu.lost_threads", 1);
	tick_amounts_scale(profile);
	cr_assert_float_eq(amount_ms(profile, 0), 500, 1e-3);
	profile_free(profile);
}

Test(tick_amounts, other_samples_and_unknown_times_stay_as_they_are)
{
	struct profile *profile = new_recording(500000000);

	add_thread(profile, 100, 0);
	profile_set_text(profile, "engine", "cpu-clock");
	tick_amounts_scale(profile);
	cr_assert_not(tick_amounts_are_scaled(profile));
	cr_assert_float_eq(amount_ms(profile, 0), 400, 1e-3);
	profile_set_text(profile, "engine", "tick");
	profile_set_number(profile, "target_cpu_ns", 0);
	tick_amounts_scale(profile);
	cr_assert_float_eq(amount_ms(profile, 0), 400, 1e-3);
	profile_free(profile);
}

Test(tick_amounts, hostile_amounts_stay_within_their_range)
{
	struct profile *profile = new_recording(INT64_MAX);

	add_thread(profile, 30, 12000000000000000000u);
	profile->samples[0].value = UINT64_MAX;
	profile->metrics[0].period = INT64_MAX;
	tick_amounts_scale(profile);
	cr_assert_leq(profile->samples[0].value, INT64_MAX);
	profile_free(profile);
}
