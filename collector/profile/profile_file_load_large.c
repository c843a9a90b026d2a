/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_file_load_large: the two tables that have millions of rows; see profile_loading.h. They
 * are read from their pages (table_pages.h), row by row in the order of their keys.
 */
#include "collector/base/xalloc.h"
#include "collector/profile/profile_loading.h"
#include "collector/profile/table_pages.h"

static bool is_below(int64_t value, uint64_t limit)
{
	return value >= 0 && (uint64_t)value < limit;
}

static bool take_stack(void *context, const int64_t *values)
{
	int64_t id = values[0], parent = values[1], frame = values[2];
	struct profile *profile = context;

	/* parent < id keeps the tree a tree: no cycle can be told. */
	if (!is_below(id, UINT32_MAX) || (size_t)id != profile->stacks_count ||
	    !is_below(parent, (uint64_t)id) || !is_below(frame, profile->frames_count) || !frame)
		return false;
	xgrow(profile->stacks, profile->stacks_count, profile->stacks_capacity);
	profile->stacks[profile->stacks_count++] =
		(struct profile_stack){(uint32_t)parent, (uint32_t)frame};
	return true;
}

/* Says whether a row comes after the last of those there are. */
static bool is_later(int64_t time_ns, const struct profile_sample *rows, size_t count)
{
	return !count || (uint64_t)time_ns > rows[count - 1].time_ns;
}

static bool take_sample(void *context, const int64_t *values)
{
	int64_t time_ns = values[0], metric = values[3], value = values[4];
	struct profile *profile = context;
	struct profile_sample sample;

	if (!is_below(time_ns, INT64_MAX) ||
	    !is_later(time_ns, profile->samples, profile->samples_count) ||
	    !is_later(time_ns, profile->changes, profile->changes_count) ||
	    !is_below(values[1], profile->threads_count) ||
	    !is_below(values[2], profile->stacks_count) ||
	    !is_below(metric, profile->metrics_count) ||
	    (value < 0 && !profile->metrics[metric].is_level) ||
	    !is_below(values[5], PROFILE_ENDINGS))
		return false;
	sample = (struct profile_sample){
		.time_ns = (uint64_t)time_ns,
		.value = (uint64_t)value,
		.thread = (uint32_t)values[1],
		.stack = (uint32_t)values[2],
		.metric = (uint16_t)metric,
		.ending = (uint16_t)values[5],
	};
	if (profile->metrics[metric].is_level)
		profile_change_add(profile, &sample);
	else
		profile_sample_add(profile, &sample);
	return true;
}

int loading_large_tables(struct loading *loading)
{
	static const struct {
		const char *name, *damage;
		int columns;
		bool (*take)(void *context, const int64_t *values);
	} tables[] = {
		{"stacks", "bad row in stacks", 3, take_stack},
		{"samples", "bad row in samples", 6, take_sample},
	};
	int result = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !result; i++)
		switch (table_pages_read(loading->database, tables[i].name, tables[i].columns,
					 tables[i].take, loading->profile)) {
		case TABLE_PAGES_DONE:
			break;
		case TABLE_PAGES_FAILED:
			result = loading_failed(loading);
			break;
		case TABLE_PAGES_REFUSED:
			result = loading_damaged(loading, tables[i].damage);
			break;
		case TABLE_PAGES_DAMAGED:
			result = loading_damaged(loading,
						 "it was cut or overwritten; record it again");
			break;
		}
	return result;
}
