/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_level: metrics that are levels; see profile.h. */
#include "collector/profile/profile.h"

#include "collector/base/xalloc.h"
#include "collector/profile/id_table.h"

void profile_change_add(struct profile *profile, const struct profile_sample *change)
{
	xgrow(profile->changes, profile->changes_count, profile->changes_capacity);
	profile->changes[profile->changes_count++] = *change;
}

/* Returns the row in which the changes of one thread, stack and level are added up. */
static struct profile_sample *level_row(struct id_table *table, struct profile_sample *levels,
					const struct profile_sample *change, uint32_t *count)
{
	uint32_t *id = id_table_slot(table, (uint64_t)change->thread << 32 | change->stack,
				     (uint64_t)change->metric << 16 | change->ending);

	if (!*id) {
		*id = ++*count;
		levels[*id - 1] = *change;
		levels[*id - 1].value = 0;
	}
	return &levels[*id - 1];
}

void profile_levels_end(struct profile *profile)
{
	struct profile_sample *levels = xcalloc(profile->changes_count + 1, sizeof(*levels));
	struct id_table table = {0};
	uint64_t time_ns = 0;
	uint32_t count = 0;

	for (size_t i = 0; i < profile->changes_count; i++) {
		const struct profile_sample *change = &profile->changes[i];

		level_row(&table, levels, change, &count)->value += change->value;
		time_ns = change->time_ns;
	}
	if (profile->samples_count &&
	    profile->samples[profile->samples_count - 1].time_ns > time_ns)
		time_ns = profile->samples[profile->samples_count - 1].time_ns;
	for (uint32_t i = 0; i < count; i++) {
		levels[i].time_ns = time_ns;
		if ((int64_t)levels[i].value > 0)
			profile_sample_add(profile, &levels[i]);
	}
	id_table_done(&table);
	free(levels);
}
