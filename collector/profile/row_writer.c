/* SPDX-License-Identifier: GPL-3.0-or-later */
/* row_writer: see row_writer.h. */
#include "collector/profile/row_writer.h"

#include "collector/base/xalloc.h"

#include <stdarg.h>

enum statement {
	INSERT_META,
	INSERT_METRIC,
	INSERT_MODULE,
	INSERT_FILE,
	INSERT_FUNCTION,
	INSERT_FRAME,
	INSERT_LINE,
	INSERT_STACK,
	INSERT_THREAD,
	INSERT_SAMPLE,
	INSERT_THREAD_TIMES,
	INSERT_SERIES,
	INSERT_POINT,
	INSERT_PROBE,
	INSERT_TIMING,
	INSERT_BUCKET,
	INSERT_EDGE,
	INSERT_HIT_FUNCTION,
	INSERT_BLOCK_HITS,
	INSERT_LINE_HITS,
	INSERT_SOURCE,
	INSERT_STEP,
	INSERT_SUBJECT,
	INSERT_OPERATION,
	INSERT_SPREAD,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[INSERT_META] = "REPLACE INTO meta VALUES (?, ?)",
	[INSERT_METRIC] = "INSERT INTO metrics VALUES (?, ?, ?, ?, ?)",
	[INSERT_MODULE] = "INSERT INTO modules VALUES (?, ?, ?, ?)",
	[INSERT_FILE] = "INSERT INTO files VALUES (?, ?)",
	[INSERT_FUNCTION] = "INSERT INTO functions VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_FRAME] = "INSERT INTO frames VALUES (?, ?, ?)",
	[INSERT_LINE] = "INSERT INTO lines VALUES (?, ?, ?, ?)",
	[INSERT_STACK] = "INSERT INTO stacks VALUES (?, ?, ?)",
	[INSERT_THREAD] = "REPLACE INTO threads VALUES (?, ?, ?, ?)",
	[INSERT_SAMPLE] = "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)",
	[INSERT_THREAD_TIMES] = "INSERT INTO thread_times VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_SERIES] = "INSERT INTO series VALUES (?, ?, ?, ?)",
	[INSERT_POINT] = "INSERT INTO points VALUES (?, ?, ?)",
	[INSERT_PROBE] = "REPLACE INTO probes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[INSERT_TIMING] = "REPLACE INTO timings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[INSERT_BUCKET] = "REPLACE INTO timing_buckets VALUES (?, ?, ?)",
	[INSERT_EDGE] = "REPLACE INTO call_edges VALUES (?, ?, ?, ?)",
	[INSERT_HIT_FUNCTION] = "REPLACE INTO hit_functions VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_BLOCK_HITS] = "REPLACE INTO block_hits VALUES (?, ?, ?, ?, ?, ?, ?)",
	[INSERT_LINE_HITS] = "REPLACE INTO line_hits VALUES (?, ?, ?, ?, ?, ?)",
	[INSERT_SOURCE] = "INSERT INTO sources VALUES (?, ?, ?, ?)",
	[INSERT_STEP] = "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?)",
	[INSERT_SUBJECT] = "REPLACE INTO subjects VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[INSERT_OPERATION] = ("REPLACE INTO operations(rowid, subject, thread, kind, stack, other, "
			      "count, total_ns, longest_ns, amount, part_ns) "
			      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	[INSERT_SPREAD] = "REPLACE INTO spreads VALUES (?, ?, ?, ?)",
};

/* Rows of each table that the file already has; the placeholders at 0 are never written. */
struct written {
	size_t metrics, modules, files, functions, lines, frames, stacks, threads, steps;
	size_t thread_times, series, points, sources;
	uint32_t renames;
	uint32_t timing_revision, hits_revision;
	uint64_t operations_revision;
};

struct row_writer {
	sqlite3_stmt *statements[STATEMENTS];
	struct written written;
	struct written committed; /* as of the last commit */
};

static int step(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	sqlite3_reset(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Binds a row's columns in order: i an integer (int64_t), s a string or NULL (borrowed). */
static int insert(struct row_writer *writer, enum statement which, const char *types, ...)
{
	sqlite3_stmt *statement = writer->statements[which];
	va_list arguments;

	va_start(arguments, types);
	for (int i = 0; types[i]; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(statement, i + 1, va_arg(arguments, int64_t));
		else
			sqlite3_bind_text(statement, i + 1, va_arg(arguments, const char *), -1,
					  SQLITE_STATIC);
	}
	va_end(arguments);
	return step(statement);
}

static int write_code(struct row_writer *writer, const struct profile *profile)
{
	struct written *written = &writer->written;
	int result = 0;

	for (; written->modules < profile->modules_count && !result; written->modules++) {
		const struct profile_module *row = &profile->modules[written->modules];

		result = insert(writer, INSERT_MODULE, "iiss", (int64_t)written->modules,
				(int64_t)row->kind, row->path, row->build_id);
	}
	for (; written->files < profile->files_count && !result; written->files++)
		result = insert(writer, INSERT_FILE, "is", (int64_t)written->files,
				profile->files[written->files]);
	for (; written->functions < profile->functions_count && !result; written->functions++) {
		const struct profile_function *row = &profile->functions[written->functions];

		result = insert(writer, INSERT_FUNCTION, "issiiii", (int64_t)written->functions,
				row->name, row->linkage_name, (int64_t)row->module,
				(int64_t)row->file, (int64_t)row->line, (int64_t)row->named);
	}
	return result;
}

static int write_frame_lines(struct row_writer *writer, const struct profile *profile, size_t id)
{
	const struct profile_frame *frame = &profile->frames[id];
	int result = 0;

	for (uint32_t depth = 0; depth < frame->line_count && !result; depth++) {
		const struct profile_line *line = &profile->lines[frame->first_line + depth];

		result = insert(writer, INSERT_LINE, "iiii", (int64_t)id, (int64_t)depth,
				(int64_t)line->function, (int64_t)line->line);
	}
	return result;
}

static int write_stacks(struct row_writer *writer, const struct profile *profile)
{
	struct written *written = &writer->written;
	int result = 0;

	for (; written->frames < profile->frames_count && !result; written->frames++) {
		const struct profile_frame *row = &profile->frames[written->frames];

		result = insert(writer, INSERT_FRAME, "iii", (int64_t)written->frames,
				(int64_t)row->module, (int64_t)row->address);
	}
	for (; written->stacks < profile->stacks_count && !result; written->stacks++) {
		const struct profile_stack *row = &profile->stacks[written->stacks];

		result = insert(writer, INSERT_STACK, "iii", (int64_t)written->stacks,
				(int64_t)row->parent, (int64_t)row->frame);
	}
	if (written->lines == profile->lines_count)
		return result;
	for (size_t id = 1; id < profile->frames_count && !result; id++)
		if (profile->frames[id].first_line >= written->lines)
			result = write_frame_lines(writer, profile, id);
	written->lines = profile->lines_count;
	return result;
}

static int write_others(struct row_writer *writer, const struct profile *profile)
{
	struct written *written = &writer->written;
	int result = 0;

	for (; written->metrics < profile->metrics_count && !result; written->metrics++) {
		const struct profile_metric *row = &profile->metrics[written->metrics];

		result = insert(writer, INSERT_METRIC, "issii", (int64_t)written->metrics,
				row->name, row->unit, (int64_t)row->period, (int64_t)row->is_level);
	}
	if (written->renames != profile->renames)
		written->threads = 1;
	written->renames = profile->renames;
	for (; written->threads < profile->threads_count && !result; written->threads++) {
		const struct profile_thread *row = &profile->threads[written->threads];

		result = insert(writer, INSERT_THREAD, "iiis", (int64_t)written->threads,
				(int64_t)row->pid, (int64_t)row->tid, row->name);
	}
	return result;
}

static int write_curves(struct row_writer *writer, const struct profile *profile)
{
	struct written *written = &writer->written;
	int result = 0;

	for (; written->thread_times < profile->thread_times_count && !result;
	     written->thread_times++) {
		const struct profile_thread_times *row =
			&profile->thread_times[written->thread_times];

		result = insert(writer, INSERT_THREAD_TIMES, "iiiiiii", (int64_t)row->thread,
				(int64_t)row->wall_ns, (int64_t)row->cpu_ns,
				(int64_t)row->booked_ns, (int64_t)row->run_queue_ns,
				(int64_t)row->off_cpu_ns, (int64_t)row->switches);
	}
	for (; written->series < profile->series_count && !result; written->series++) {
		const struct profile_series *row = &profile->series[written->series];

		result = insert(writer, INSERT_SERIES, "issi", (int64_t)written->series, row->name,
				row->unit, (int64_t)row->is_total);
	}
	for (; written->points < profile->points_count && !result; written->points++) {
		const struct profile_point *row = &profile->points[written->points];

		result = insert(writer, INSERT_POINT, "iii", (int64_t)row->series,
				(int64_t)row->time_ns, row->value);
	}
	return result;
}

static int write_probes(struct row_writer *writer, const struct profile *profile)
{
	int result = 0;

	for (size_t i = 0; i < profile->probes_count && !result; i++) {
		const struct profile_probe *row = &profile->probes[i];

		result = insert(writer, INSERT_PROBE, "iiiiiiiiiisii", (int64_t)i,
				(int64_t)row->frame, (int64_t)row->mode, (int64_t)row->kind,
				(int64_t)row->place, (int64_t)row->count_ns, (int64_t)row->time_ns,
				(int64_t)row->inside_ns, (int64_t)row->attached_ns,
				(int64_t)row->is_partial, row->note, (int64_t)row->estimated_calls,
				(int64_t)row->calls_margin);
	}
	return result;
}

/* Counters that have grown replace their older selves. */
static int write_timings(struct row_writer *writer, const struct profile *profile)
{
	int result = 0;

	for (size_t i = 0; i < profile->timings_count && !result; i++) {
		const struct profile_timing *row = &profile->timings[i];

		result = insert(writer, INSERT_TIMING, "iiiiiiiiiiiiii", (int64_t)row->probe,
				(int64_t)row->thread, (int64_t)row->calls, (int64_t)row->step_calls,
				(int64_t)row->returns, (int64_t)row->sum_ns, (int64_t)row->outer_ns,
				(int64_t)row->self_ns, (int64_t)row->min_ns, (int64_t)row->max_ns,
				(int64_t)row->open, (int64_t)row->deep, (int64_t)row->subtracted_ns,
				(int64_t)row->thrown);
	}
	for (size_t i = 0; i < profile->timing_buckets_count && !result; i++) {
		const struct profile_bucket *row = &profile->timing_buckets[i];

		result = insert(writer, INSERT_BUCKET, "iii", (int64_t)row->probe,
				(int64_t)row->bucket, (int64_t)row->count);
	}
	for (size_t i = 0; i < profile->call_edges_count && !result; i++) {
		const struct profile_edge *row = &profile->call_edges[i];

		result = insert(writer, INSERT_EDGE, "iiii", (int64_t)row->caller,
				(int64_t)row->callee, (int64_t)row->calls, (int64_t)row->sum_ns);
	}
	return result;
}

static int write_hits(struct row_writer *writer, const struct profile *profile)
{
	int result = 0;

	if (writer->written.hits_revision == profile->hits_revision)
		return 0;
	for (size_t i = 0; i < profile->hit_functions_count && !result; i++) {
		const struct profile_hit_function *row = &profile->hit_functions[i];

		result = insert(writer, INSERT_HIT_FUNCTION, "iiiiiis", (int64_t)i,
				(int64_t)row->frame, (int64_t)row->calls,
				(int64_t)row->counted_calls, (int64_t)row->probes,
				(int64_t)row->windows, row->note);
	}
	for (size_t i = 0; i < profile->block_hits_count && !result; i++) {
		const struct profile_block_hits *row = &profile->block_hits[i];

		result = insert(writer, INSERT_BLOCK_HITS, "iiiiiii", (int64_t)row->function,
				(int64_t)row->address, (int64_t)row->bytes,
				(int64_t)row->instructions, (int64_t)row->hits, (int64_t)row->label,
				(int64_t)row->margin);
	}
	for (size_t i = 0; i < profile->line_hits_count && !result; i++) {
		const struct profile_line_hits *row = &profile->line_hits[i];

		result = insert(writer, INSERT_LINE_HITS, "iiiiii", (int64_t)row->function,
				(int64_t)row->file, (int64_t)row->line, (int64_t)row->hits,
				(int64_t)row->label, (int64_t)row->margin);
	}
	writer->written.hits_revision = profile->hits_revision;
	return result;
}

static int write_calls(struct row_writer *writer, const struct profile *profile)
{
	struct written *written = &writer->written;
	int result = 0;

	if (written->timing_revision != profile->timing_revision) {
		result = write_probes(writer, profile);
		if (!result)
			result = write_timings(writer, profile);
	}
	written->timing_revision = profile->timing_revision;
	for (; written->steps < profile->steps_count && !result; written->steps++) {
		const struct profile_step *row = &profile->steps[written->steps];

		result = insert(writer, INSERT_STEP, "iiiiii", (int64_t)written->steps,
				(int64_t)row->probe, (int64_t)row->thread, (int64_t)row->start_ns,
				(int64_t)row->end_ns, (int64_t)row->probe_ns);
	}
	return result;
}

/* The rows that were changed since, which are written again as a whole. */
static int write_operations(struct row_writer *writer, const struct profile *profile)
{
	uint64_t written = writer->written.operations_revision;
	int result = 0;

	for (size_t i = 1; i < profile->subjects_count && !result; i++) {
		const struct profile_subject *row = &profile->subjects[i];

		if (row->revision > written)
			result = insert(writer, INSERT_SUBJECT, "iisiiiii", (int64_t)i,
					(int64_t)row->kind, row->name, (int64_t)row->module,
					(int64_t)row->pid, (int64_t)row->address,
					(int64_t)row->site, (int64_t)row->taken);
	}
	for (size_t i = 0; i < profile->operations_count && !result; i++) {
		const struct profile_operation *row = &profile->operations[i];

		if (row->revision > written)
			result = insert(writer, INSERT_OPERATION, "iiiiiiiiiii", (int64_t)i + 1,
					(int64_t)row->subject, (int64_t)row->thread,
					(int64_t)row->kind, (int64_t)row->stack,
					(int64_t)row->other, (int64_t)row->count,
					(int64_t)row->total_ns, (int64_t)row->longest_ns,
					(int64_t)row->amount, (int64_t)row->part_ns);
	}
	for (size_t i = 0; i < profile->spreads_count && !result; i++) {
		const struct profile_spread *row = &profile->spreads[i];

		if (row->revision > written)
			result = insert(writer, INSERT_SPREAD, "iiii", (int64_t)row->subject,
					(int64_t)row->kind, (int64_t)row->bucket,
					(int64_t)row->count);
	}
	writer->written.operations_revision = profile->operations_revision;
	return result;
}

static int write_sources(struct row_writer *writer, const struct profile *profile)
{
	struct written *written = &writer->written;
	int result = 0;

	for (; written->sources < profile->sources_count && !result; written->sources++) {
		const struct profile_source *row = &profile->sources[written->sources];

		result = insert(writer, INSERT_SOURCE, "iiis", (int64_t)row->file,
				(int64_t)row->bytes, (int64_t)row->hash, row->text);
	}
	return result;
}

struct row_writer *row_writer_open(sqlite3 *database)
{
	struct row_writer *writer = xcalloc(1, sizeof(*writer));

	writer->written = (struct written){
		.modules = 1, .files = 1, .functions = 1, .frames = 1, .stacks = 1, .threads = 1};
	writer->committed = writer->written;
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(database, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &writer->statements[i], NULL)) {
			row_writer_close(writer);
			return NULL;
		}
	return writer;
}

int row_writer_sample(struct row_writer *writer, const struct profile_sample *sample)
{
	return insert(writer, INSERT_SAMPLE, "iiiiii", (int64_t)sample->time_ns,
		      (int64_t)sample->thread, (int64_t)sample->stack, (int64_t)sample->metric,
		      (int64_t)sample->value, (int64_t)sample->ending);
}

int row_writer_meta(struct row_writer *writer, const struct profile *profile)
{
	int result = SQLITE_OK;

	for (size_t i = 0; i < profile->meta_count && !result; i++) {
		const struct profile_meta *row = &profile->meta[i];

		if (row->text)
			result = insert(writer, INSERT_META, "ss", row->key, row->text);
		else
			result = insert(writer, INSERT_META, "si", row->key, row->number);
	}
	return result;
}

int row_writer_gained(struct row_writer *writer, const struct profile *profile)
{
	static int (*const tables[])(struct row_writer *, const struct profile *) = {
		row_writer_meta, write_code, write_stacks,     write_others,  write_curves,
		write_calls,	 write_hits, write_operations, write_sources,
	};
	int result = SQLITE_OK;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !result; i++)
		result = tables[i](writer, profile);
	return result;
}

void row_writer_committed(struct row_writer *writer)
{
	writer->committed = writer->written;
}

void row_writer_rolled_back(struct row_writer *writer)
{
	writer->written = writer->committed;
}

void row_writer_close(struct row_writer *writer)
{
	if (!writer)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(writer->statements[i]);
	free(writer);
}
