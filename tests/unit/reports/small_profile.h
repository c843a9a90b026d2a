/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * small_profile: profiles in memory, spelt as folded stacks, for the tests of the reports.
 */
#pragma once

#include "collector/base/xalloc.h"
#include "collector/profile/profile.h"

/* Adds @count samples of @folded ("main;step;observe"); functions of one module, each one frame. */
static inline uint32_t add_stack(struct profile *profile, const char *folded, uint32_t count)
{
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL), stack = 0;
	uint64_t last =
		profile->samples_count ? profile->samples[profile->samples_count - 1].time_ns : 0;
	char *copy = xstrdup(folded), *rest = copy, *name;

	while ((name = strsep(&rest, ";"))) {
		uint32_t function = profile_function(profile, name, NULL, module, 0, 0, true);
		uint32_t frame = profile_frame(profile, module, 0x1000 + 16 * function);

		if (!profile->frames[frame].line_count)
			profile_frame_set_lines(profile, frame,
						&(struct profile_line){.function = function}, 1);
		stack = profile_stack(profile, stack, frame);
	}
	free(copy);
	for (uint32_t i = 1; i <= count; i++)
		profile_sample_add(profile, &(struct profile_sample){.time_ns = last + i * 1000000,
								     .value = 1,
								     .stack = stack});
	return stack;
}

static inline struct profile *new_profile(void)
{
	struct profile *profile = profile_new();

	profile_metric_add(profile, "cpu", "ns", 1000000);
	profile_set_text(profile, "state", "complete");
	profile_set_text(profile, "program", "sim");
	return profile;
}
