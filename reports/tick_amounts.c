/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tick_amounts: see tick_amounts.h. */
#include "reports/tick_amounts.h"

#include "collector/base/xalloc.h"

#include <math.h>
#include <string.h>

/* Of a thread, below which chance would move its time to other stacks. */
#define ENOUGH_SAMPLES 20

#define MOST_NS 9e18

/* Threads whose samples are scaled by one factor. */
struct stratum {
	uint64_t samples;
	double sampled_ns;
	double exact_ns; /* as the kernel counted it */
};

static bool is_of_tick(const struct profile *profile)
{
	return !strcmp(profile_text(profile, "engine", ""), "tick") && profile->metrics_count &&
	       !strcmp(profile->metrics[0].unit, "ns");
}

bool tick_amounts_are_scaled(const struct profile *profile)
{
	return is_of_tick(profile) && profile->metrics[0].period == 1;
}

static double nominal_ns(const struct profile *profile, const struct profile_sample *sample)
{
	return (double)sample->value * (double)profile->metrics[0].period;
}

/* Returns the strata by thread, without what was counted; 0 is that of all threads together. */
static struct stratum *count_samples(const struct profile *profile)
{
	struct stratum *strata = xcalloc(profile->threads_count + 1, sizeof(*strata));

	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];

		if (sample->metric)
			continue;
		strata[sample->thread].samples++;
		strata[sample->thread].sampled_ns += nominal_ns(profile, sample);
	}
	return strata;
}

/* Takes what was counted, of threads or of all; those with few samples go into the first one. */
static void count_time(const struct profile *profile, struct stratum *strata)
{
	bool has_threads =
		profile->thread_times_count && !profile_number(profile, "off_cpu.lost_threads", 0);

	for (size_t i = 0; i < profile->thread_times_count && has_threads; i++) {
		const struct profile_thread_times *times = &profile->thread_times[i];

		strata[times->thread].exact_ns += (double)times->cpu_ns;
	}
	if (!has_threads)
		strata[0].exact_ns = (double)(profile_number(profile, "target_cpu_ns", 0) -
					      profile_number(profile, "unsampled_cpu_ns", 0));
	for (size_t i = 1; i < profile->threads_count; i++) {
		struct stratum *stratum = &strata[i];

		if (stratum->exact_ns > 0 && stratum->samples >= ENOUGH_SAMPLES)
			continue;
		strata[0].samples += stratum->samples;
		strata[0].sampled_ns += stratum->sampled_ns;
		strata[0].exact_ns += stratum->exact_ns;
		*stratum = (struct stratum){0};
	}
}

static double factor(const struct stratum *stratum)
{
	return stratum->sampled_ns > 0 && stratum->exact_ns > 0
		       ? stratum->exact_ns / stratum->sampled_ns
		       : 1;
}

void tick_amounts_scale(struct profile *profile)
{
	struct stratum *strata;

	if (!is_of_tick(profile) || profile_number(profile, "target_cpu_ns", 0) <= 0)
		return;
	strata = count_samples(profile);
	count_time(profile, strata);
	for (size_t i = 0; i < profile->samples_count; i++) {
		struct profile_sample *sample = &profile->samples[i];
		const struct stratum *own = &strata[sample->thread];

		if (sample->metric)
			continue;
		sample->value = (uint64_t)fmin(MOST_NS, round(nominal_ns(profile, sample) *
							      factor(own->samples ? own : strata)));
	}
	profile->metrics[0].period = 1;
	free(strata);
}
