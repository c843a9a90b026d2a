/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_hits: how often blocks and lines of functions were executed; see profile.h. */
#include "collector/profile/profile.h"

#include "collector/base/xalloc.h"

uint32_t profile_hit_function_add(struct profile *profile,
				  const struct profile_hit_function *function)
{
	struct profile_hit_function row = *function;

	row.note = function->note ? xstrdup(function->note) : NULL;
	xgrow(profile->hit_functions, profile->hit_functions_count,
	      profile->hit_functions_capacity);
	profile->hit_functions[profile->hit_functions_count++] = row;
	profile->hits_revision++;
	return (uint32_t)profile->hit_functions_count - 1;
}

void profile_hit_function_set(struct profile *profile, uint32_t row,
			      const struct profile_hit_function *function)
{
	struct profile_hit_function *known = &profile->hit_functions[row];
	char *note = function->note ? xstrdup(function->note) : NULL;
	uint32_t frame = known->frame;

	free(known->note);
	*known = *function;
	known->frame = frame;
	known->note = note;
	profile->hits_revision++;
}

void profile_hits_clear(struct profile *profile)
{
	profile->block_hits_count = profile->line_hits_count = 0;
	profile->hits_revision++;
}

void profile_block_hits_add(struct profile *profile, const struct profile_block_hits *hits)
{
	xgrow(profile->block_hits, profile->block_hits_count, profile->block_hits_capacity);
	profile->block_hits[profile->block_hits_count++] = *hits;
}

void profile_line_hits_add(struct profile *profile, const struct profile_line_hits *hits)
{
	xgrow(profile->line_hits, profile->line_hits_count, profile->line_hits_capacity);
	profile->line_hits[profile->line_hits_count++] = *hits;
}
