/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_file_load_operations: the tables of subjects and operations; see profile_loading.h. */
#include "collector/profile/profile_loading.h"

int loading_subject_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	const char *name = loading_text(row, 2);
	uint64_t kind, module, pid, values[2], site;

	if (!loading_is_next_id(row, profile->subjects_count) || !name ||
	    !loading_number(row, 1, PROFILE_SUBJECT_KINDS, &kind) || !kind ||
	    !loading_number(row, 3, profile->modules_count, &module) ||
	    !loading_number(row, 4, INT32_MAX, &pid) || !loading_counters(row, 5, 1, values) ||
	    !loading_number(row, 6, profile->stacks_count, &site) ||
	    !loading_counters(row, 7, 1, values + 1))
		return loading_damaged(loading, "bad row in subjects");
	profile_subject_add(profile, &(struct profile_subject){
					     .kind = kind,
					     .name = (char *)name,
					     .module = module,
					     .pid = (int32_t)pid,
					     .address = values[0],
					     .site = site,
					     .taken = values[1],
				     });
	return 0;
}

int loading_operation_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t subject, thread, kind, stack, other, values[5];

	if (!loading_number(row, 0, profile->subjects_count, &subject) ||
	    !loading_number(row, 1, profile->threads_count, &thread) ||
	    !loading_number(row, 2, PROFILE_OPERATION_KINDS, &kind) || !kind ||
	    !loading_number(row, 3, profile->stacks_count, &stack) ||
	    !loading_number(row, 4, profile->stacks_count, &other) ||
	    !loading_counters(row, 5, 5, values) || values[1] >= MOST_NS || values[2] >= MOST_NS ||
	    values[4] > values[1])
		return loading_damaged(loading, "bad row in operations");
	profile_operation_add(profile, &(struct profile_operation){
					       .subject = subject,
					       .thread = thread,
					       .kind = kind,
					       .stack = stack,
					       .other = other,
					       .count = values[0],
					       .total_ns = values[1],
					       .longest_ns = values[2],
					       .amount = values[3],
					       .part_ns = values[4],
				       });
	return 0;
}

int loading_spread_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t subject, kind, bucket, count;

	if (!loading_number(row, 0, profile->subjects_count, &subject) ||
	    !loading_number(row, 1, PROFILE_SPREAD_KINDS, &kind) || !kind ||
	    (kind >= PROFILE_OPERATION_KINDS && (kind < PROFILE_SPREAD_SIZE || subject)) ||
	    !loading_number(row, 2, PROFILE_BUCKETS, &bucket) ||
	    !loading_counters(row, 3, 1, &count))
		return loading_damaged(loading, "bad row in spreads");
	profile_spread_add(profile, &(struct profile_spread){.subject = subject,
							     .bucket = bucket,
							     .kind = kind,
							     .count = count});
	return 0;
}
