/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_firefox: see export_firefox in export.h.
 *
 * The format is the profiler's "processed profile" of version 60, the first with tables shared by
 * all threads, which every later profiler converts. A frame with inlined functions is several
 * frames of one address, inlineDepth 0 the outermost. Columns of one table lie side by side:
 *
 *     stack ─→ frame (frame of the profile, depth) ─→ func (symbol) ─→ name, source, resource
 *
 * Source: firefox-devtools/profiler, src/types/profile.ts and docs-developer/CHANGELOG-formats.md.
 */
#include "reports/export.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"
#include "reports/metric.h"

#include <inttypes.h>

struct firefox {
	const struct profile *profile;
	struct symbol_table symbols;
	struct export_rows rows;
	uint32_t *numbers;     /* of the functions that the file has, by symbol, from 1 */
	uint32_t *first_frame; /* of each frame's outermost function; one more than there are */
	uint32_t *first_stack; /* the same for each stack; 0 is the stack of EXPORT_NO_STACK */
	FILE *stream;
};

/* Colours of the graph; the file's categories in this order. */
static const struct {
	const char *name, *color;
} categories[] = {{"Other", "grey"}, {"Code", "blue"}, {"Kernel", "orange"}};

static int category_of(const struct firefox *file, uint32_t frame)
{
	switch (file->profile->modules[file->profile->frames[frame].module].kind) {
	case PROFILE_MODULE_KERNEL:
		return 2;
	case PROFILE_MODULE_NOTE:
	case PROFILE_MODULE_UNKNOWN:
		return 0;
	default:
		return 1;
	}
}

/* Numbers the rows of the frame table and of the stack table; row 0 is EXPORT_NO_STACK. */
static void number_rows(struct firefox *file)
{
	const struct profile *profile = file->profile;

	file->first_frame = xcalloc(profile->frames_count + 1, sizeof(*file->first_frame));
	file->first_stack = xcalloc(profile->stacks_count + 1, sizeof(*file->first_stack));
	file->first_frame[1] = file->first_stack[1] = 1;
	for (size_t i = 1; i < profile->frames_count; i++)
		file->first_frame[i + 1] = file->first_frame[i] + symbol_depth(profile, i);
	for (size_t i = 1; i < profile->stacks_count; i++)
		file->first_stack[i + 1] =
			file->first_stack[i] + symbol_depth(profile, profile->stacks[i].frame);
}

/* One column with a row for each frame and inlined function, from @value; row 0 is @first. */
static void frame_column(const struct firefox *file, const char *name, const char *first,
			 int64_t (*value)(const struct firefox *file, uint32_t frame,
					  uint32_t depth))
{
	fprintf(file->stream, ",\n\"%s\":[%s", name, first);
	for (uint32_t i = 1; i < file->profile->frames_count; i++)
		for (uint32_t depth = symbol_depth(file->profile, i); depth--;) {
			int64_t number = value(file, i, depth);

			fprintf(file->stream, number < -1 ? ",null" : ",%" PRId64, number);
		}
	fputc(']', file->stream);
}

enum {
	ABSENT = -2 /* null in the file */
};

/* JSON numbers are exact up to 2^53. */
static int64_t frame_address(const struct firefox *file, uint32_t frame, uint32_t depth)
{
	uint64_t address = file->profile->frames[frame].address;

	(void)depth;
	return address >> 53 ? -1 : (int64_t)address;
}

static int64_t frame_inline_depth(const struct firefox *file, uint32_t frame, uint32_t depth)
{
	return symbol_depth(file->profile, frame) - 1 - depth;
}

static int64_t frame_category(const struct firefox *file, uint32_t frame, uint32_t depth)
{
	(void)depth;
	return category_of(file, frame);
}

/* Functions that no sample holds are not in the file; nor is any stack that refers to them. */
static int64_t frame_function(const struct firefox *file, uint32_t frame, uint32_t depth)
{
	return file->numbers[symbol_at(file->profile, frame, depth).symbol];
}

static int64_t frame_line(const struct firefox *file, uint32_t frame, uint32_t depth)
{
	const struct profile_frame *row = &file->profile->frames[frame];
	uint32_t line = row->line_count ? file->profile->lines[row->first_line + depth].line : 0;

	return line ? (int64_t)line : ABSENT;
}

/* Writes @count numbers from @first on, or the same @cell again and again. */
static void number_column(FILE *stream, const char *name, uint32_t first, size_t count)
{
	fprintf(stream, ",\"%s\":[", name);
	for (size_t i = 0; i < count; i++)
		fprintf(stream, i ? ",%zu" : "%zu", first + i);
	fputc(']', stream);
}

static void same_column(FILE *stream, const char *name, const char *cell, size_t count)
{
	fprintf(stream, ",\"%s\":[", name);
	for (size_t i = 0; i < count; i++)
		fprintf(stream, i ? ",%s" : "%s", cell);
	fputc(']', stream);
}

static void write_frames(const struct firefox *file)
{
	uint32_t count = file->first_frame[file->profile->frames_count];

	fprintf(file->stream, "\"frameTable\":{\"length\":%u", count);
	frame_column(file, "address", "-1", frame_address);
	frame_column(file, "inlineDepth", "0", frame_inline_depth);
	frame_column(file, "category", "0", frame_category);
	same_column(file->stream, "subcategory", "0", count);
	frame_column(file, "func", "0", frame_function);
	same_column(file->stream, "nativeSymbol", "null", count);
	same_column(file->stream, "innerWindowID", "0", count);
	frame_column(file, "line", "null", frame_line);
	same_column(file->stream, "column", "null", count);
	fputs("},\n", file->stream);
}

static void write_stacks(const struct firefox *file)
{
	const struct profile *profile = file->profile;
	FILE *stream = file->stream;

	fprintf(stream, "\"stackTable\":{\"length\":%u,\n\"frame\":[0",
		file->first_stack[profile->stacks_count]);
	for (size_t i = 1; i < profile->stacks_count; i++) {
		uint32_t frame = profile->stacks[i].frame;

		for (uint32_t depth = 0; depth < symbol_depth(profile, frame); depth++)
			fprintf(stream, ",%u", file->first_frame[frame] + depth);
	}
	fputs("],\n\"prefix\":[null", stream);
	for (size_t i = 1; i < profile->stacks_count; i++) {
		uint32_t parent = profile->stacks[i].parent;

		if (parent)
			fprintf(stream, ",%u", file->first_stack[parent + 1] - 1);
		else
			fputs(",null", stream);
		for (uint32_t at = file->first_stack[i]; at + 1 < file->first_stack[i + 1]; at++)
			fprintf(stream, ",%u", at);
	}
	fputs("]},\n", stream);
}

enum function_column {
	FUNCTION_NAME,
	FUNCTION_RESOURCE,
	FUNCTION_SOURCE,
	FUNCTION_LINE
};

static void write_function_cell(const struct firefox *file, enum function_column column,
				uint32_t symbol)
{
	const struct symbol *row = &file->symbols.symbols[symbol];
	FILE *stream = file->stream;

	if (column == FUNCTION_NAME)
		fprintf(stream, "%u", file->numbers[symbol]);
	else if (column == FUNCTION_RESOURCE)
		fprintf(stream, "%d", row->module ? (int)row->module - 1 : -1);
	else if (column == FUNCTION_SOURCE && row->file)
		fprintf(stream, "%u", row->file - 1);
	else if (column == FUNCTION_LINE && row->line)
		fprintf(stream, "%u", row->line);
	else
		fputs("null", stream);
}

static void function_column(const struct firefox *file, const char *name,
			    enum function_column column)
{
	fprintf(file->stream, ",\n\"%s\":[", name);
	write_function_cell(file, column, 0);
	for (uint32_t i = 1; i < file->symbols.count; i++)
		if (file->numbers[i]) {
			fputc(',', file->stream);
			write_function_cell(file, column, i);
		}
	fputc(']', file->stream);
}

static uint32_t functions_count(const struct firefox *file)
{
	uint32_t count = 1;

	for (uint32_t i = 1; i < file->symbols.count; i++)
		count += file->numbers[i] > 0;
	return count;
}

static void write_functions(const struct firefox *file, uint32_t count)
{
	fprintf(file->stream, "\"funcTable\":{\"length\":%u", count);
	function_column(file, "name", FUNCTION_NAME);
	same_column(file->stream, "isJS", "false", count);
	same_column(file->stream, "relevantForJS", "false", count);
	function_column(file, "resource", FUNCTION_RESOURCE);
	function_column(file, "source", FUNCTION_SOURCE);
	function_column(file, "lineNumber", FUNCTION_LINE);
	same_column(file->stream, "columnNumber", "null", count);
	fputs("},\n", file->stream);
}

/* Strings: the functions by number, then files, then modules; both tables without element 0. */
static void write_strings(const struct firefox *file)
{
	const struct profile *profile = file->profile;
	FILE *stream = file->stream;

	fprintf(stream, "\"stringArray\":[\"%s\"", EXPORT_NO_STACK);
	for (uint32_t i = 1; i < file->symbols.count; i++)
		if (file->numbers[i]) {
			fputs(",\n", stream);
			export_json_text(stream, file->symbols.symbols[i].label);
		}
	for (size_t i = 1; i < profile->files_count; i++) {
		fputs(",\n", stream);
		export_json_text(stream, profile->files[i]);
	}
	for (size_t i = 1; i < profile->modules_count; i++) {
		fputs(",\n", stream);
		export_json_text(stream, symbol_base_name(profile->modules[i].path));
	}
	fputc(']', stream);
}

static void write_shared(const struct firefox *file)
{
	size_t files = file->profile->files_count - 1, modules = file->profile->modules_count - 1;
	uint32_t functions = functions_count(file);
	FILE *stream = file->stream;

	fputs("\"shared\":{", stream);
	write_stacks(file);
	write_frames(file);
	write_functions(file, functions);
	fprintf(stream, "\"resourceTable\":{\"length\":%zu", modules);
	number_column(stream, "lib", 0, modules);
	number_column(stream, "name", functions + files, modules);
	same_column(stream, "host", "null", modules);
	same_column(stream, "type", "1", modules);
	fputs("},\n\"nativeSymbols\":{\"length\":0,\"libIndex\":[],\"address\":[],\"name\":[],"
	      "\"functionSize\":[]},\n",
	      stream);
	fprintf(stream, "\"sources\":{\"length\":%zu", files);
	same_column(stream, "uuid", "null", files);
	number_column(stream, "filename", functions, files);
	fputs("},\n", stream);
	write_strings(file);
	fputs("},\n", stream);
}

static void write_libraries(const struct firefox *file)
{
	const struct profile *profile = file->profile;
	FILE *stream = file->stream;

	fputs("\"libs\":[", stream);
	for (size_t i = 1; i < profile->modules_count; i++) {
		const struct profile_module *module = &profile->modules[i];
		static const char *const keys[] = {"name", "path", "debugName", "debugPath"};

		fputs(i > 1 ? ",\n{\"arch\":\"x86_64\"" : "{\"arch\":\"x86_64\"", stream);
		for (int key = 0; key < 4; key++) {
			fprintf(stream, ",\"%s\":", keys[key]);
			export_json_text(stream,
					 key % 2 ? module->path : symbol_base_name(module->path));
		}
		fputs(",\"breakpadId\":\"\",\"codeId\":", stream);
		if (module->build_id)
			export_json_text(stream, module->build_id);
		else
			fputs("null", stream);
		fputc('}', stream);
	}
	fputs("],\n", stream);
}

/* The numbers of the samples of the metric, thread after thread, in order of time within each. */
struct by_thread {
	uint32_t *samples;
	uint32_t *begin; /* of each thread's; one more than there are threads */
};

static void by_thread_init(struct by_thread *order, const struct profile *profile, uint16_t metric)
{
	size_t threads = profile->threads_count;

	order->samples = xcalloc(profile->samples_count, sizeof(*order->samples));
	order->begin = xcalloc(threads + 2, sizeof(*order->begin));
	for (size_t i = 0; i < profile->samples_count; i++)
		if (profile->samples[i].metric == metric)
			order->begin[profile->samples[i].thread + 2]++;
	for (size_t i = 2; i < threads + 2; i++)
		order->begin[i] += order->begin[i - 1];
	for (size_t i = 0; i < profile->samples_count; i++)
		if (profile->samples[i].metric == metric)
			order->samples[order->begin[profile->samples[i].thread + 1]++] = i;
}

static void by_thread_done(struct by_thread *order)
{
	free(order->samples);
	free(order->begin);
}

/* Whether values are times themselves: waits, and the periods that perf script prints. */
static bool are_times(const struct profile *profile, uint16_t metric)
{
	const struct profile_metric *row = &profile->metrics[metric];

	return !strcmp(row->unit, "ns") &&
	       (row->period == 1 || metric_has_amounts(profile, metric));
}

/* Columns of one thread's samples. Weights are events counted; where rows are amounts, bytes or
 * milliseconds. */
static void write_samples(const struct firefox *file, const uint32_t *samples, uint32_t count)
{
	const struct profile *profile = file->profile;
	bool bytes = !strcmp(file->rows.unit, "bytes");
	bool times = count && are_times(profile, profile->samples[samples[0]].metric);
	FILE *stream = file->stream;

	fprintf(stream, "\"samples\":{\"length\":%u,\n\"stack\":[", count);
	for (uint32_t i = 0; i < count; i++)
		fprintf(stream, i ? ",%u" : "%u",
			file->first_stack[profile->samples[samples[i]].stack + 1] - 1);
	fputs("],\n\"time\":[", stream);
	for (uint32_t i = 0; i < count; i++)
		fprintf(stream, i ? ",%.6f" : "%.6f", profile->samples[samples[i]].time_ns / 1e6);
	fputs("],\n\"weight\":[", stream);
	for (uint32_t i = 0; i < count; i++) {
		const struct profile_sample *sample = &profile->samples[samples[i]];

		if (i)
			fputc(',', stream);
		if (times)
			fprintf(stream, "%.6f", (double)export_amount(profile, sample) / 1e6);
		else
			fprintf(stream, "%ju",
				(uintmax_t)(bytes ? export_amount(profile, sample)
						  : sample->value));
	}
	fprintf(stream, "],\"weightType\":\"%s\"}",
		bytes	? "bytes"
		: times ? "tracing-ms"
			: "samples");
}

static void write_thread(const struct firefox *file, uint32_t thread, const uint32_t *samples,
			 uint32_t count)
{
	const struct profile_thread *row = &file->profile->threads[thread];
	FILE *stream = file->stream;

	fputs("{\"processType\":\"default\",\"processStartupTime\":0,\"processShutdownTime\":null,"
	      "\"registerTime\":0,\"unregisterTime\":null,\"pausedRanges\":[],\"name\":",
	      stream);
	export_json_text(stream, row->name ? row->name : "");
	fprintf(stream, ",\"isMainThread\":%s,\"pid\":\"%d\",\"tid\":%d,\n",
		row->pid == row->tid ? "true" : "false", row->pid, row->tid);
	write_samples(file, samples, count);
	fputs(",\n\"markers\":{\"length\":0,\"data\":[],\"name\":[],\"startTime\":[],\"endTime\":[]"
	      ","
	      "\"phase\":[],\"category\":[]}}",
	      stream);
}

/* At least one thread: the profiler refuses a profile without any. */
static void write_threads(const struct firefox *file, uint16_t metric)
{
	uint32_t last = file->profile->threads_count - 1;
	const char *separator = "";
	struct by_thread order;

	by_thread_init(&order, file->profile, metric);
	fputs("\"threads\":[", file->stream);
	for (uint32_t i = 0; i < file->profile->threads_count; i++) {
		uint32_t count = order.begin[i + 1] - order.begin[i];

		if (!count && (i < last || *separator))
			continue;
		fputs(separator, file->stream);
		separator = ",\n";
		write_thread(file, i, order.samples + order.begin[i], count);
	}
	fputs("]}\n", file->stream);
	by_thread_done(&order);
}

static void write_meta(const struct firefox *file)
{
	FILE *stream = file->stream;
	bool time = !strcmp(file->rows.unit, "ns");

	fprintf(stream,
		"{\"meta\":{\"interval\":%.6f,\"startTime\":%.3f,\"processType\":0,"
		"\"stackwalk\":1,\"version\":27,\"preprocessedProfileVersion\":60,"
		"\"symbolicated\":true,\"markerSchema\":[],\"importedFrom\":\"simprof\","
		"\"product\":",
		time ? file->rows.period / 1e6 : 1.0, export_start_ns(file->profile) / 1e6);
	export_json_text(stream, profile_text(file->profile, "program", "unknown"));
	fputs(",\"arguments\":", stream);
	export_json_text(stream, profile_text(file->profile, "command", ""));
	fputs(",\"categories\":[", stream);
	for (size_t i = 0; i < sizeof(categories) / sizeof(*categories); i++)
		fprintf(stream,
			"%s{\"name\":\"%s\",\"color\":\"%s\",\"subcategories\":[\"Other\"]}",
			i ? "," : "", categories[i].name, categories[i].color);
	fputs("]},\n", stream);
}

void export_firefox(const struct profile *profile, uint16_t metric, FILE *stream)
{
	struct firefox file = {.profile = profile, .stream = stream};

	symbol_table_init(&file.symbols, profile);
	export_rows_init(&file.rows, profile, metric);
	file.numbers = export_number_symbols(&file.rows, profile, file.symbols.count);
	number_rows(&file);
	write_meta(&file);
	write_libraries(&file);
	write_shared(&file);
	write_threads(&file, metric);
	free(file.first_stack);
	free(file.first_frame);
	free(file.numbers);
	export_rows_done(&file.rows);
	symbol_table_done(&file.symbols);
}
