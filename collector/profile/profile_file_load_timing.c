/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_file_load_timing: the tables of probed functions; see profile_loading.h. */
#include "collector/profile/profile_loading.h"

/* Reads columns [first, first + count) of integers that may be anything from 0 on. */
bool loading_counters(sqlite3_stmt *row, int first, int count, uint64_t *values)
{
	for (int i = 0; i < count; i++)
		if (!loading_number(row, first + i, (uint64_t)INT64_MAX + 1, &values[i]))
			return false;
	return true;
}

int loading_probe_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t frame, mode, kind, costs[4], attached_ns, is_partial, estimate[2];

	if (!loading_is_next_id(row, profile->probes_count) ||
	    !loading_number(row, 1, profile->frames_count, &frame) || !frame ||
	    !loading_number(row, 2, PROFILE_PROBE_MODES, &mode) ||
	    !loading_number(row, 3, PROFILE_PROBE_KINDS, &kind))
		return loading_damaged(loading, "bad row in probes");
	for (int i = 0; i < 4; i++)
		if (!loading_number(row, 4 + i, INT32_MAX, &costs[i]))
			return loading_damaged(loading, "bad row in probes");
	if (!loading_counters(row, 8, 1, &attached_ns) || !loading_number(row, 9, 2, &is_partial) ||
	    !loading_counters(row, 11, 2, estimate) ||
	    (sqlite3_column_type(row, 10) != SQLITE_NULL && !loading_text(row, 10)))
		return loading_damaged(loading, "bad row in probes");
	profile_probe_add(profile, &(struct profile_probe){
					   .frame = frame,
					   .mode = mode,
					   .kind = kind,
					   .place = costs[0],
					   .count_ns = costs[1],
					   .time_ns = costs[2],
					   .inside_ns = costs[3],
					   .attached_ns = attached_ns,
					   .is_partial = is_partial,
					   .estimated_calls = estimate[0],
					   .calls_margin = estimate[1],
					   .note = (char *)loading_text(row, 10),
				   });
	return 0;
}

int loading_timing_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t probe, thread, values[12];

	if (!loading_number(row, 0, profile->probes_count, &probe) ||
	    !loading_number(row, 1, profile->threads_count, &thread) ||
	    !loading_counters(row, 2, 12, values))
		return loading_damaged(loading, "bad row in timings");
	profile_timing_add(profile, &(struct profile_timing){
					    .probe = probe,
					    .thread = thread,
					    .calls = values[0],
					    .step_calls = values[1],
					    .returns = values[2],
					    .sum_ns = values[3],
					    .outer_ns = values[4],
					    .self_ns = values[5],
					    .min_ns = values[6],
					    .max_ns = values[7],
					    .open = values[8],
					    .deep = values[9],
					    .subtracted_ns = values[10],
					    .thrown = values[11],
				    });
	return 0;
}

int loading_bucket_row(struct loading *loading, sqlite3_stmt *row)
{
	uint64_t probe, bucket, count;

	if (!loading_number(row, 0, loading->profile->probes_count, &probe) ||
	    !loading_number(row, 1, PROFILE_BUCKETS, &bucket) ||
	    !loading_counters(row, 2, 1, &count))
		return loading_damaged(loading, "bad row in timing_buckets");
	profile_bucket_add(loading->profile, &(struct profile_bucket){probe, bucket, count});
	return 0;
}

int loading_edge_row(struct loading *loading, sqlite3_stmt *row)
{
	uint64_t caller, callee, values[2];

	if (!loading_number(row, 0, loading->profile->probes_count, &caller) ||
	    !loading_number(row, 1, loading->profile->probes_count, &callee) ||
	    !loading_counters(row, 2, 2, values))
		return loading_damaged(loading, "bad row in call_edges");
	profile_edge_add(loading->profile,
			 &(struct profile_edge){caller, callee, values[0], values[1]});
	return 0;
}

int loading_step_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t probe, thread, times[3];

	if (!loading_is_next_id(row, profile->steps_count) ||
	    !loading_number(row, 1, profile->probes_count, &probe) ||
	    !loading_number(row, 2, profile->threads_count, &thread) ||
	    !loading_counters(row, 3, 3, times) || times[1] < times[0] ||
	    times[2] > times[1] - times[0])
		return loading_damaged(loading, "bad row in steps");
	profile_step_add(profile,
			 &(struct profile_step){probe, thread, times[0], times[1], times[2]});
	return 0;
}
