/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile: see profile.h. */
#include "collector/profile/profile.h"

#include "collector/base/xalloc.h"
#include "collector/profile/id_table.h"
#include "collector/profile/prefix_tree.h"

#include <assert.h>
#include <limits.h>
#include <uthash.h>

const struct profile_ending_row profile_endings[PROFILE_ENDINGS] = {
	[PROFILE_ENDING_COMPLETE] = {"complete", true, "reached the thread's first function"},
	[PROFILE_ENDING_FINISHED_LIVE] = {"finished_live", true,
					  "finished from the process's memory, a moment later"},
	[PROFILE_ENDING_FINISHED_CHAIN] = {"finished_chain", true,
					   "finished from the thread's last complete stack"},
	[PROFILE_ENDING_TRUNCATED] = {"truncated", false, "the copied stack ended too early"},
	[PROFILE_ENDING_GUESSED] =
		{"guessed", true,
		 "passed code without full call frame information by frame pointer, "
		 "epilogue or unchanged register"},
	[PROFILE_ENDING_NO_RULE] = {"no_rule", false,
				    "stopped in code without call frame information"},
	[PROFILE_ENDING_UNMAPPED] = {"unmapped", false, "stopped at an address no mapping holds"},
	[PROFILE_ENDING_BAD] = {"bad", false, "call frame information led nowhere"},
	[PROFILE_ENDING_TOO_DEEP] = {"too_deep", false, "deeper than the limit of frames"},
	[PROFILE_ENDING_NO_USER] = {"no_user", true, "no user code was running"},
	[PROFILE_ENDING_NOT_TAKEN] = {"no_stack_taken", false,
				      "no stack was copied, to keep the cost within its limit"},
	[PROFILE_ENDING_INTERRUPTED] =
		{"interrupted", false,
		 "in a handler on a stack of its own, and it was not told what that interrupted"},
	[PROFILE_ENDING_GONE] = {"gone", true,
				 "inside execve or exit, when the program's memory was gone"},
	[PROFILE_ENDING_NARROW] = {"narrow", false, "32-bit code, whose stacks are not walked"},
};

/* A string that has been seen, and its number. */
struct interned_string {
	UT_hash_handle hh;
	uint32_t id;
	char text[];
};

struct profile_index {
	struct interned_string *strings;
	struct id_table modules;
	struct id_table files;
	struct id_table names;	   /* (name, linkage name) → pair number */
	struct id_table functions; /* (pair, module), (file, line, named) */
	struct id_table frames;
	struct prefix_tree stacks; /* node i is stack i */
};

struct profile *profile_new(void)
{
	struct profile *profile = xcalloc(1, sizeof(*profile));

	profile->index = xcalloc(1, sizeof(*profile->index));
#define PLACEHOLDER(table, ...)                                                                    \
	do {                                                                                       \
		xgrow(profile->table, profile->table##_count, profile->table##_capacity);          \
		profile->table[profile->table##_count++] = __VA_ARGS__;                            \
	} while (0)
	PLACEHOLDER(modules, (struct profile_module){PROFILE_MODULE_UNKNOWN, xstrdup(""), NULL});
	PLACEHOLDER(files, xstrdup(""));
	PLACEHOLDER(functions, (struct profile_function){.name = xstrdup("")});
	PLACEHOLDER(frames, (struct profile_frame){0});
	PLACEHOLDER(stacks, (struct profile_stack){0});
	PLACEHOLDER(threads, (struct profile_thread){.name = xstrdup("")});
	PLACEHOLDER(subjects, (struct profile_subject){.name = xstrdup("")});
#undef PLACEHOLDER
	return profile;
}

static void index_free(struct profile_index *index)
{
	struct interned_string *string, *next;

	HASH_ITER (hh, index->strings, string, next) {
		HASH_DEL(index->strings, string);
		free(string);
	}
	id_table_done(&index->modules);
	id_table_done(&index->files);
	id_table_done(&index->names);
	id_table_done(&index->functions);
	id_table_done(&index->frames);
	prefix_tree_done(&index->stacks);
	free(index);
}

static void rows_free(struct profile *profile)
{
	for (size_t i = 0; i < profile->meta_count; i++) {
		free(profile->meta[i].key);
		free(profile->meta[i].text);
	}
	for (size_t i = 0; i < profile->metrics_count; i++) {
		free(profile->metrics[i].name);
		free(profile->metrics[i].unit);
	}
	for (size_t i = 0; i < profile->modules_count; i++) {
		free(profile->modules[i].path);
		free(profile->modules[i].build_id);
	}
	for (size_t i = 0; i < profile->files_count; i++)
		free(profile->files[i]);
	for (size_t i = 0; i < profile->functions_count; i++) {
		free(profile->functions[i].name);
		free(profile->functions[i].linkage_name);
	}
	for (size_t i = 0; i < profile->threads_count; i++)
		free(profile->threads[i].name);
	for (size_t i = 0; i < profile->series_count; i++) {
		free(profile->series[i].name);
		free(profile->series[i].unit);
	}
	for (size_t i = 0; i < profile->probes_count; i++)
		free(profile->probes[i].note);
	for (size_t i = 0; i < profile->hit_functions_count; i++)
		free(profile->hit_functions[i].note);
	for (size_t i = 0; i < profile->sources_count; i++)
		free(profile->sources[i].text);
	for (size_t i = 0; i < profile->subjects_count; i++)
		free(profile->subjects[i].name);
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	index_free(profile->index);
	rows_free(profile);
	free(profile->meta);
	free(profile->metrics);
	free(profile->modules);
	free(profile->files);
	free(profile->functions);
	free(profile->frames);
	free(profile->lines);
	free(profile->stacks);
	free(profile->threads);
	free(profile->samples);
	free(profile->changes);
	free(profile->thread_times);
	free(profile->series);
	free(profile->points);
	free(profile->probes);
	free(profile->timings);
	free(profile->timing_buckets);
	free(profile->call_edges);
	free(profile->hit_functions);
	free(profile->block_hits);
	free(profile->line_hits);
	free(profile->sources);
	free(profile->steps);
	free(profile->subjects);
	free(profile->operations);
	free(profile->spreads);
	free(profile);
}

const struct profile_meta *profile_meta_find(const struct profile *profile, const char *key)
{
	for (size_t i = 0; i < profile->meta_count; i++)
		if (!strcmp(profile->meta[i].key, key))
			return &profile->meta[i];
	return NULL;
}

static struct profile_meta *meta_row(struct profile *profile, const char *key)
{
	struct profile_meta *row = (struct profile_meta *)profile_meta_find(profile, key);

	if (!row) {
		xgrow(profile->meta, profile->meta_count, profile->meta_capacity);
		row = &profile->meta[profile->meta_count++];
		*row = (struct profile_meta){.key = xstrdup(key)};
	}
	free(row->text);
	row->text = NULL;
	return row;
}

void profile_set_text(struct profile *profile, const char *key, const char *text)
{
	char *copy = xstrdup(text);

	meta_row(profile, key)->text = copy;
}

void profile_set_number(struct profile *profile, const char *key, int64_t number)
{
	meta_row(profile, key)->number = number;
}

const char *profile_text(const struct profile *profile, const char *key, const char *missing)
{
	const struct profile_meta *row = profile_meta_find(profile, key);

	return row && row->text ? row->text : missing;
}

int64_t profile_number(const struct profile *profile, const char *key, int64_t missing)
{
	const struct profile_meta *row = profile_meta_find(profile, key);

	return row && !row->text ? row->number : missing;
}

uint32_t profile_metric_add(struct profile *profile, const char *name, const char *unit,
			    uint64_t period)
{
	xgrow(profile->metrics, profile->metrics_count, profile->metrics_capacity);
	profile->metrics[profile->metrics_count] =
		(struct profile_metric){xstrdup(name), xstrdup(unit), period, false};
	return profile->metrics_count++;
}

void profile_metric_set_level(struct profile *profile, uint32_t metric)
{
	profile->metrics[metric].is_level = true;
}

/* Returns the number of @text, from 1; 0 for NULL. */
static uint32_t string_id(struct profile_index *index, const char *text)
{
	struct interned_string *string;
	size_t bytes;

	if (!text)
		return 0;
	bytes = strlen(text);
	HASH_FIND(hh, index->strings, text, bytes, string);
	if (!string) {
		string = xmalloc(sizeof(*string) + bytes + 1);
		memcpy(string->text, text, bytes + 1);
		string->id = HASH_COUNT(index->strings) + 1;
		HASH_ADD(hh, index->strings, text, bytes, string);
	}
	return string->id;
}

/* Returns @path, or its beginning in @room where it is longer than any path can be. */
static const char *possible_path(const char *path, char room[PATH_MAX])
{
	if (strnlen(path, PATH_MAX) < PATH_MAX)
		return path;
	memcpy(room, path, PATH_MAX - 1);
	room[PATH_MAX - 1] = '\0';
	return room;
}

uint32_t profile_module(struct profile *profile, enum profile_module_kind kind, const char *path,
			const char *build_id)
{
	char room[PATH_MAX];
	uint32_t *id;

	path = possible_path(path, room);
	id = id_table_slot(&profile->index->modules, string_id(profile->index, path),
			   (uint64_t)string_id(profile->index, build_id) << 8 | kind);
	if (!*id) {
		xgrow(profile->modules, profile->modules_count, profile->modules_capacity);
		*id = profile->modules_count++;
		profile->modules[*id] = (struct profile_module){
			kind, xstrdup(path), build_id ? xstrdup(build_id) : NULL};
	}
	return *id;
}

uint32_t profile_file_name(struct profile *profile, const char *path)
{
	char room[PATH_MAX];
	uint32_t *id;

	if (!*path)
		return 0;
	path = possible_path(path, room);
	id = id_table_slot(&profile->index->files, string_id(profile->index, path), 0);
	if (!*id) {
		xgrow(profile->files, profile->files_count, profile->files_capacity);
		*id = profile->files_count++;
		profile->files[*id] = xstrdup(path);
	}
	return *id;
}

uint32_t profile_function(struct profile *profile, const char *name, const char *linkage_name,
			  uint32_t module, uint32_t file, uint32_t line, bool named)
{
	struct profile_index *index = profile->index;
	uint32_t *pair, *id;

	if (linkage_name && !strcmp(name, linkage_name))
		linkage_name = NULL;
	pair = id_table_slot(&index->names, string_id(index, name), string_id(index, linkage_name));
	if (!*pair)
		*pair = index->names.count;
	id = id_table_slot(&index->functions, (uint64_t)*pair << 32 | module,
			   (uint64_t)file << 33 | (uint64_t)line << 1 | named);
	if (!*id) {
		xgrow(profile->functions, profile->functions_count, profile->functions_capacity);
		*id = profile->functions_count++;
		profile->functions[*id] = (struct profile_function){
			.name = xstrdup(name),
			.linkage_name = linkage_name ? xstrdup(linkage_name) : NULL,
			.module = module,
			.file = file,
			.line = line,
			.named = named,
		};
	}
	return *id;
}

uint32_t profile_frame(struct profile *profile, uint32_t module, uint64_t address)
{
	uint32_t *id = id_table_slot(&profile->index->frames, address, module);

	if (!*id) {
		xgrow(profile->frames, profile->frames_count, profile->frames_capacity);
		*id = profile->frames_count++;
		profile->frames[*id] = (struct profile_frame){.module = module, .address = address};
	}
	return *id;
}

uint32_t profile_stack(struct profile *profile, uint32_t parent, uint32_t frame)
{
	struct prefix_tree *tree = &profile->index->stacks;
	uint32_t id;

	/* Those that were loaded are not in it yet. */
	for (size_t i = tree->count ? tree->count : 1; i < profile->stacks_count; i++)
		prefix_tree_append(tree, profile->stacks[i].parent, profile->stacks[i].frame);
	id = prefix_tree_child(tree, parent, frame);
	if (id == profile->stacks_count) {
		xgrow(profile->stacks, profile->stacks_count, profile->stacks_capacity);
		profile->stacks[profile->stacks_count++] = (struct profile_stack){parent, frame};
	}
	return id;
}

void profile_forget_stacks(struct profile *profile)
{
	prefix_tree_done(&profile->index->stacks);
}

uint32_t profile_thread_add(struct profile *profile, int32_t pid, int32_t tid, const char *name)
{
	xgrow(profile->threads, profile->threads_count, profile->threads_capacity);
	profile->threads[profile->threads_count] =
		(struct profile_thread){.pid = pid, .tid = tid, .name = xstrdup(name)};
	return profile->threads_count++;
}

void profile_thread_rename(struct profile *profile, uint32_t thread, const char *name)
{
	char *copy = xstrdup(name);

	free(profile->threads[thread].name);
	profile->threads[thread].name = copy;
	profile->renames++;
}

void profile_frame_set_lines(struct profile *profile, uint32_t frame,
			     const struct profile_line *lines, uint32_t count)
{
	assert(profile->frames[frame].line_count == 0);
	profile->frames[frame].first_line = profile->lines_count;
	profile->frames[frame].line_count = count;
	for (uint32_t i = 0; i < count; i++) {
		xgrow(profile->lines, profile->lines_count, profile->lines_capacity);
		profile->lines[profile->lines_count++] = lines[i];
	}
}

void profile_sample_add(struct profile *profile, const struct profile_sample *sample)
{
	xgrow(profile->samples, profile->samples_count, profile->samples_capacity);
	profile->samples[profile->samples_count++] = *sample;
}

void profile_thread_times_add(struct profile *profile, const struct profile_thread_times *times)
{
	xgrow(profile->thread_times, profile->thread_times_count, profile->thread_times_capacity);
	profile->thread_times[profile->thread_times_count++] = *times;
}

uint32_t profile_series(struct profile *profile, const char *name, const char *unit, bool is_total)
{
	for (size_t i = 0; i < profile->series_count; i++)
		if (!strcmp(profile->series[i].name, name))
			return (uint32_t)i;
	xgrow(profile->series, profile->series_count, profile->series_capacity);
	profile->series[profile->series_count] =
		(struct profile_series){xstrdup(name), xstrdup(unit), is_total};
	return profile->series_count++;
}

void profile_point_add(struct profile *profile, uint32_t series, uint64_t time_ns, int64_t value)
{
	xgrow(profile->points, profile->points_count, profile->points_capacity);
	profile->points[profile->points_count++] = (struct profile_point){series, time_ns, value};
}
