/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_file: fuzz target of collector/profile/profile_file_load.c. Input: the bytes of a file.
 * Every row that is loaded must refer to rows that are there.
 */
#include "collector/profile/profile_file.h"

#include "tests/fuzz/profile_mutator.h"

static void check_profile(const struct profile *profile)
{
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];

		if (sample->stack >= profile->stacks_count ||
		    sample->thread >= profile->threads_count ||
		    sample->metric >= profile->metrics_count || sample->ending >= PROFILE_ENDINGS)
			abort();
	}
	for (size_t i = 1; i < profile->stacks_count; i++)
		if (profile->stacks[i].parent >= i ||
		    profile->stacks[i].frame >= profile->frames_count)
			abort();
	for (size_t i = 1; i < profile->frames_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];

		if (frame->module >= profile->modules_count ||
		    (size_t)frame->first_line + frame->line_count > profile->lines_count)
			abort();
	}
	for (size_t i = 0; i < profile->lines_count; i++)
		if (profile->lines[i].function >= profile->functions_count)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct profile *profile;
	struct error error;

	if (!profile_file_load(file_of(data, bytes), &profile, &error)) {
		check_profile(profile);
		profile_free(profile);
	}
	return 0;
}
