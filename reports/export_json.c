/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export_json: see export_json in export.h; docs/profile-v1.schema.json describes what it writes.
 */
#include "reports/export.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"

#include <inttypes.h>

struct json_file {
	const struct profile *profile;
	struct symbol_table symbols;
	struct export_rows rows;
	uint32_t *numbers; /* of the functions that the file has, by symbol; 0 is EXPORT_NO_STACK */
	FILE *stream;
};

static void write_text(const struct json_file *file, const char *key, const char *text)
{
	fprintf(file->stream, ",\n\"%s\":", key);
	export_json_text(file->stream, text);
}

static void write_head(const struct json_file *file)
{
	const struct profile *profile = file->profile;
	FILE *stream = file->stream;

	fputs("{\"schema\":\"simprof/profile-v1\",\n\"exporter\":\"simprof " VERSION "\"", stream);
	write_text(file, "command", profile_text(profile, "command", ""));
	write_text(file, "program", profile_text(profile, "program", ""));
	write_text(file, "start_time", profile_text(profile, "start_time", ""));
	write_text(file, "state", profile_text(profile, "state", ""));
	fputs(",\n\"metric\":{\"name\":", stream);
	export_json_text(stream, file->rows.name);
	fputs(",\"unit\":", stream);
	export_json_text(stream, file->rows.unit);
	fprintf(stream, ",\"period\":%ju},\n\"total\":{\"samples\":%ju,\"amount\":%ju}",
		(uintmax_t)file->rows.period, (uintmax_t)file->rows.samples,
		(uintmax_t)file->rows.amount);
}

static void write_modules(const struct json_file *file)
{
	const struct profile *profile = file->profile;

	fputs(",\n\"modules\":[{\"path\":\"\"}", file->stream);
	for (size_t i = 1; i < profile->modules_count; i++) {
		fputs(",\n{\"path\":", file->stream);
		export_json_text(file->stream, profile->modules[i].path);
		if (profile->modules[i].build_id) {
			fputs(",\"build_id\":", file->stream);
			export_json_text(file->stream, profile->modules[i].build_id);
		}
		fputc('}', file->stream);
	}
	fputc(']', file->stream);
}

static void write_functions(const struct json_file *file)
{
	FILE *stream = file->stream;

	fprintf(stream, ",\n\"functions\":[{\"name\":\"%s\",\"module\":0}", EXPORT_NO_STACK);
	for (uint32_t i = 1; i < file->symbols.count; i++) {
		const struct symbol *symbol = &file->symbols.symbols[i];

		if (!file->numbers[i])
			continue;
		fputs(",\n{\"name\":", stream);
		export_json_text(stream, symbol->label);
		fprintf(stream, ",\"module\":%u", symbol->module);
		if (symbol->file) {
			fputs(",\"file\":", stream);
			export_json_text(stream, file->profile->files[symbol->file]);
		}
		if (symbol->line)
			fprintf(stream, ",\"line\":%u", symbol->line);
		fputc('}', stream);
	}
	fputc(']', stream);
}

static void write_frames(const struct json_file *file)
{
	const struct profile *profile = file->profile;
	FILE *stream = file->stream;

	fputs(",\n\"frames\":[{\"module\":0,\"address\":\"0x0\",\"lines\":[[0,0]]}", stream);
	for (uint32_t i = 1; i < profile->frames_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];

		fprintf(stream, ",\n{\"module\":%u,\"address\":\"0x%" PRIx64 "\",\"lines\":[",
			frame->module, frame->address);
		for (uint32_t depth = 0; depth < symbol_depth(profile, i); depth++)
			fprintf(stream, "%s[%u,%u]", depth ? "," : "",
				file->numbers[symbol_at(profile, i, depth).symbol],
				frame->line_count ? profile->lines[frame->first_line + depth].line
						  : 0);
		fputs("]}", stream);
	}
	fputc(']', stream);
}

static void write_stacks(const struct json_file *file)
{
	fputs(",\n\"stacks\":[[null,0]", file->stream);
	for (size_t i = 1; i < file->profile->stacks_count; i++) {
		const struct profile_stack *stack = &file->profile->stacks[i];

		if (stack->parent)
			fprintf(file->stream, ",[%u,%u]", stack->parent, stack->frame);
		else
			fprintf(file->stream, ",[null,%u]", stack->frame);
	}
	fputc(']', file->stream);
}

static void write_threads(const struct json_file *file)
{
	const struct profile *profile = file->profile;

	fputs(",\n\"threads\":[{\"pid\":0,\"tid\":0,\"name\":\"\"}", file->stream);
	for (size_t i = 1; i < profile->threads_count; i++) {
		fprintf(file->stream,
			",\n{\"pid\":%d,\"tid\":%d,\"name\":", profile->threads[i].pid,
			profile->threads[i].tid);
		export_json_text(file->stream, profile->threads[i].name);
		fputc('}', file->stream);
	}
	fputc(']', file->stream);
}

/* All that the recording says of itself: the machine, the sampler, what was lost and why. */
static void write_meta(const struct json_file *file)
{
	const struct profile *profile = file->profile;
	FILE *stream = file->stream;

	fputs(",\n\"meta\":{", stream);
	for (size_t i = 0; i < profile->meta_count; i++) {
		const struct profile_meta *meta = &profile->meta[i];

		fputs(i ? ",\n" : "", stream);
		export_json_text(stream, meta->key);
		fputc(':', stream);
		if (meta->text)
			export_json_text(stream, meta->text);
		else
			fprintf(stream, "%jd", (intmax_t)meta->number);
	}
	fputs("},\n\"metrics\":[", stream);
	for (size_t i = 0; i < profile->metrics_count; i++) {
		fputs(i ? ",\n{\"name\":" : "{\"name\":", stream);
		export_json_text(stream, profile->metrics[i].name);
		fputs(",\"unit\":", stream);
		export_json_text(stream, profile->metrics[i].unit);
		fprintf(stream, ",\"period\":%ju}", (uintmax_t)profile->metrics[i].period);
	}
	fputc(']', stream);
}

static void write_steps(const struct json_file *file)
{
	const struct profile *profile = file->profile;

	fputs(",\n\"steps\":[", file->stream);
	for (size_t i = 0; i < profile->steps_count; i++) {
		const struct profile_step *step = &profile->steps[i];

		fprintf(file->stream,
			"%s{\"thread\":%u,\"start_ns\":%ju,\"end_ns\":%ju,\"probe_ns\":%ju}",
			i ? ",\n" : "", step->thread, (uintmax_t)step->start_ns,
			(uintmax_t)step->end_ns, (uintmax_t)step->probe_ns);
	}
	fputc(']', file->stream);
}

static void write_series(const struct json_file *file)
{
	const struct profile *profile = file->profile;
	FILE *stream = file->stream;

	fputs(",\n\"series\":[", stream);
	for (size_t i = 0; i < profile->series_count; i++) {
		fputs(i ? ",\n{\"name\":" : "{\"name\":", stream);
		export_json_text(stream, profile->series[i].name);
		fputs(",\"unit\":", stream);
		export_json_text(stream, profile->series[i].unit);
		fputc('}', stream);
	}
	fputs("],\n\"points\":[", stream);
	for (size_t i = 0; i < profile->points_count; i++) {
		const struct profile_point *point = &profile->points[i];

		fprintf(stream, "%s[%u,%ju,%jd]", i ? "," : "", point->series,
			(uintmax_t)point->time_ns, (intmax_t)point->value);
	}
	fputc(']', stream);
}

void export_json(const struct profile *profile, uint16_t metric, FILE *stream)
{
	struct json_file file = {.profile = profile, .stream = stream};

	symbol_table_init(&file.symbols, profile);
	export_rows_init(&file.rows, profile, metric);
	file.numbers = export_number_symbols(&file.rows, profile, file.symbols.count);
	write_head(&file);
	write_meta(&file);
	write_modules(&file);
	write_functions(&file);
	write_frames(&file);
	write_stacks(&file);
	write_threads(&file);
	write_steps(&file);
	write_series(&file);
	fputs(",\n\"samples\":[", stream);
	for (size_t i = 0; i < file.rows.count; i++) {
		const struct export_row *row = &file.rows.rows[i];

		fprintf(stream, "%s{\"thread\":%u,\"stack\":%u,\"samples\":%ju,\"amount\":%ju}",
			i ? ",\n" : "", row->thread, row->stack, (uintmax_t)row->samples,
			(uintmax_t)row->amount);
	}
	fputs("]}\n", stream);
	free(file.numbers);
	export_rows_done(&file.rows);
	symbol_table_done(&file.symbols);
}
