/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_source: source files of a profile; see profile.h. */
#include "collector/profile/profile.h"

#include "collector/base/xalloc.h"

void profile_source_add(struct profile *profile, const struct profile_source *source)
{
	struct profile_source row = *source;

	row.text = source->text ? xstrdup(source->text) : NULL;
	xgrow(profile->sources, profile->sources_count, profile->sources_capacity);
	profile->sources[profile->sources_count++] = row;
}

const struct profile_source *profile_source_find(const struct profile *profile, uint32_t file)
{
	for (size_t i = 0; i < profile->sources_count; i++)
		if (profile->sources[i].file == file)
			return &profile->sources[i];
	return NULL;
}

uint64_t profile_source_hash(const void *text, size_t bytes)
{
	const unsigned char *at = text;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ at[i]) * 0x100000001b3;
	return hash >> 1;
}
