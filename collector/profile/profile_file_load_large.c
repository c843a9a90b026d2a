/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profile_file_load_large: the two tables that have millions of rows; see profile_loading.h.
 *
 * SQLite hands rows to an aggregate function of ours inside of one step, which costs half of what
 * stepping from row to row and asking for each column does. The rows of both tables come in the
 * order of their keys, being stored so; a row that does not is damage like any other.
 */
#include "collector/base/xalloc.h"
#include "collector/profile/profile_loading.h"

struct taking {
	struct loading *loading;
	bool (*take)(struct profile *profile, sqlite3_value **cells);
	bool is_bad; /* a row was refused */
};

static bool take_stack(struct profile *profile, sqlite3_value **cells)
{
	uint64_t id, parent, frame;

	/* parent < id keeps the tree a tree: no cycle can be told. */
	if (!loading_value(cells[0], UINT32_MAX, &id) || id != profile->stacks_count ||
	    !loading_value(cells[1], id, &parent) ||
	    !loading_value(cells[2], profile->frames_count, &frame) || !frame)
		return false;
	xgrow(profile->stacks, profile->stacks_count, profile->stacks_capacity);
	profile->stacks[profile->stacks_count++] =
		(struct profile_stack){(uint32_t)parent, (uint32_t)frame};
	return true;
}

/* Says whether a row comes after the last of those there are. */
static bool is_later(uint64_t time_ns, const struct profile_sample *rows, size_t count)
{
	return !count || time_ns > rows[count - 1].time_ns;
}

static bool take_sample(struct profile *profile, sqlite3_value **cells)
{
	uint64_t time_ns, thread, stack, metric, ending;
	int64_t value = sqlite3_value_int64(cells[4]);
	struct profile_sample sample;

	if (!loading_value(cells[0], INT64_MAX, &time_ns) ||
	    !is_later(time_ns, profile->samples, profile->samples_count) ||
	    !is_later(time_ns, profile->changes, profile->changes_count) ||
	    !loading_value(cells[1], profile->threads_count, &thread) ||
	    !loading_value(cells[2], profile->stacks_count, &stack) ||
	    !loading_value(cells[3], profile->metrics_count, &metric) ||
	    sqlite3_value_type(cells[4]) != SQLITE_INTEGER ||
	    (value < 0 && !profile->metrics[metric].is_level) ||
	    !loading_value(cells[5], PROFILE_ENDINGS, &ending))
		return false;
	sample = (struct profile_sample){time_ns, (uint64_t)value, thread, stack, metric, ending};
	if (profile->metrics[metric].is_level)
		profile_change_add(profile, &sample);
	else
		profile_sample_add(profile, &sample);
	return true;
}

static void step(sqlite3_context *context, int count, sqlite3_value **cells)
{
	struct taking *taking = sqlite3_user_data(context);

	(void)count;
	if (taking->is_bad || taking->take(taking->loading->profile, cells))
		return;
	taking->is_bad = true;
	sqlite3_result_error(context, "bad row", -1);
}

static void end(sqlite3_context *context)
{
	sqlite3_result_null(context);
}

int loading_large_tables(struct loading *loading)
{
	static const struct {
		const char *sql, *damage;
		bool (*take)(struct profile *profile, sqlite3_value **cells);
	} tables[] = {
		{"SELECT take(id, parent, frame) FROM stacks", "bad row in stacks", take_stack},
		{"SELECT take(time_ns, thread, stack, metric, value, ending) FROM samples",
		 "bad row in samples", take_sample},
	};
	struct taking taking = {.loading = loading};
	int result = 0;

	if (sqlite3_create_function(loading->database, "take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
				    &taking, NULL, step, end))
		return loading_failed(loading);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !result; i++) {
		taking.take = tables[i].take;
		if (!sqlite3_exec(loading->database, tables[i].sql, NULL, NULL, NULL))
			continue;
		result = taking.is_bad ? loading_damaged(loading, tables[i].damage)
				       : loading_failed(loading);
	}
	return result;
}
