/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_timing: probes, timings and steps of a profile; see profile.h. */
#include "collector/profile/profile.h"

#include "collector/base/xalloc.h"

#define ADD(profile, table, row)                                                                   \
	do {                                                                                       \
		xgrow((profile)->table, (profile)->table##_count, (profile)->table##_capacity);    \
		(profile)->table[(profile)->table##_count++] = *(row);                             \
	} while (0)

uint32_t profile_probe_add(struct profile *profile, const struct profile_probe *probe)
{
	struct profile_probe row = *probe;

	row.note = probe->note ? xstrdup(probe->note) : NULL;
	ADD(profile, probes, &row);
	profile->timing_revision++;
	return (uint32_t)profile->probes_count - 1;
}

void profile_probe_set_note(struct profile *profile, uint32_t probe, const char *note)
{
	char *copy = note ? xstrdup(note) : NULL;

	free(profile->probes[probe].note);
	profile->probes[probe].note = copy;
	profile->timing_revision++;
}

void profile_timings_clear(struct profile *profile)
{
	profile->timings_count = profile->timing_buckets_count = profile->call_edges_count = 0;
	profile->timing_revision++;
}

void profile_timing_add(struct profile *profile, const struct profile_timing *timing)
{
	ADD(profile, timings, timing);
}

void profile_bucket_add(struct profile *profile, const struct profile_bucket *bucket)
{
	ADD(profile, timing_buckets, bucket);
}

void profile_edge_add(struct profile *profile, const struct profile_edge *edge)
{
	ADD(profile, call_edges, edge);
}

void profile_step_add(struct profile *profile, const struct profile_step *step)
{
	ADD(profile, steps, step);
}

uint32_t profile_bucket_of(uint64_t value)
{
	uint32_t exponent, bucket;

	if (value < 32)
		return (uint32_t)value;
	exponent = 58 - (uint32_t)__builtin_clzll(value);
	bucket = 32 * exponent + (uint32_t)(value >> exponent);
	return bucket < PROFILE_BUCKETS ? bucket : PROFILE_BUCKETS - 1;
}

uint64_t profile_bucket_start(uint32_t bucket)
{
	return bucket < 32 ? bucket : (uint64_t)(32 + bucket % 32) << (bucket / 32 - 1);
}

uint64_t profile_bucket_end(uint32_t bucket)
{
	return bucket + 1 < PROFILE_BUCKETS ? profile_bucket_start(bucket + 1) - 1 : UINT64_MAX;
}
