/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_file_load_hits: the tables of executions of blocks and lines, and of source files; see
 * profile_loading.h. */
#include "collector/profile/profile_loading.h"

int loading_hit_function_row(struct loading *loading, sqlite3_stmt *row)
{
	struct profile *profile = loading->profile;
	uint64_t frame, calls[2], sizes[2];

	if (!loading_is_next_id(row, profile->hit_functions_count) ||
	    !loading_number(row, 1, profile->frames_count, &frame) || !frame ||
	    !loading_counters(row, 2, 2, calls) || calls[1] > calls[0] ||
	    !loading_number(row, 4, INT32_MAX, &sizes[0]) ||
	    !loading_number(row, 5, INT32_MAX, &sizes[1]) ||
	    (sqlite3_column_type(row, 6) != SQLITE_NULL && !loading_text(row, 6)))
		return loading_damaged(loading, "bad row in hit_functions");
	profile_hit_function_add(profile, &(struct profile_hit_function){
						  .frame = (uint32_t)frame,
						  .calls = calls[0],
						  .counted_calls = calls[1],
						  .probes = (uint32_t)sizes[0],
						  .windows = (uint32_t)sizes[1],
						  .note = (char *)loading_text(row, 6),
					  });
	return 0;
}

/* Reads hits, label and margin from column @first on. */
static bool read_hits(sqlite3_stmt *row, int first, uint64_t *hits, uint64_t *label,
		      uint64_t *margin)
{
	return loading_counters(row, first, 1, hits) &&
	       loading_number(row, first + 1, PROFILE_HIT_LABELS, label) &&
	       loading_counters(row, first + 2, 1, margin);
}

int loading_block_hits_row(struct loading *loading, sqlite3_stmt *row)
{
	uint64_t function, address, bytes, instructions, hits, label, margin;

	if (!loading_number(row, 0, loading->profile->hit_functions_count, &function) ||
	    !loading_counters(row, 1, 1, &address) || !loading_number(row, 2, INT32_MAX, &bytes) ||
	    !loading_number(row, 3, INT32_MAX, &instructions) ||
	    !read_hits(row, 4, &hits, &label, &margin))
		return loading_damaged(loading, "bad row in block_hits");
	profile_block_hits_add(loading->profile, &(struct profile_block_hits){
							 .function = (uint32_t)function,
							 .bytes = (uint32_t)bytes,
							 .instructions = (uint32_t)instructions,
							 .label = (uint8_t)label,
							 .address = address,
							 .hits = hits,
							 .margin = margin,
						 });
	return 0;
}

int loading_line_hits_row(struct loading *loading, sqlite3_stmt *row)
{
	uint64_t function, file, line, hits, label, margin;

	if (!loading_number(row, 0, loading->profile->hit_functions_count, &function) ||
	    !loading_number(row, 1, loading->profile->files_count, &file) || !file ||
	    !loading_number(row, 2, INT32_MAX, &line) || !read_hits(row, 3, &hits, &label, &margin))
		return loading_damaged(loading, "bad row in line_hits");
	profile_line_hits_add(loading->profile, &(struct profile_line_hits){
							.function = (uint32_t)function,
							.file = (uint32_t)file,
							.line = (uint32_t)line,
							.label = (uint8_t)label,
							.hits = hits,
							.margin = margin,
						});
	return 0;
}

int loading_source_row(struct loading *loading, sqlite3_stmt *row)
{
	uint64_t file, values[2];

	if (!loading_number(row, 0, loading->profile->files_count, &file) || !file ||
	    !loading_counters(row, 1, 2, values) ||
	    (sqlite3_column_type(row, 3) != SQLITE_NULL && !loading_text(row, 3)))
		return loading_damaged(loading, "bad row in sources");
	profile_source_add(loading->profile, &(struct profile_source){
						     .file = (uint32_t)file,
						     .bytes = values[0],
						     .hash = values[1],
						     .text = (char *)loading_text(row, 3),
					     });
	return 0;
}
