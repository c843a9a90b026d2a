/* SPDX-License-Identifier: GPL-3.0-or-later */
/* export_speedscope: see export_speedscope in export.h. */
#include "reports/export.h"

#include "collector/base/xalloc.h"
#include "reports/export_rows.h"

struct speedscope {
	const struct profile *profile;
	struct symbol_table symbols;
	struct export_rows rows;
	uint32_t *numbers; /* of the frames that the file has, by symbol */
	FILE *stream;
};

static void write_frames(const struct speedscope *file)
{
	FILE *stream = file->stream;

	/* No symbol has number 0. */
	fprintf(stream, "{\"name\":\"%s\"}", EXPORT_NO_STACK);
	for (uint32_t i = 1; i < file->symbols.count; i++) {
		const struct symbol *symbol = &file->symbols.symbols[i];

		if (!file->numbers[i])
			continue;
		fputs(",\n{\"name\":", stream);
		export_json_text(stream, symbol->label);
		if (symbol->file) {
			fputs(",\"file\":", stream);
			export_json_text(stream, file->profile->files[symbol->file]);
		}
		if (symbol->line)
			fprintf(stream, ",\"line\":%u", symbol->line);
		fputc('}', stream);
	}
}

static void write_stack(struct speedscope *file, uint32_t stack)
{
	const uint32_t *frames;
	uint32_t count = export_frames(&file->rows, file->profile, stack, &frames);
	const char *separator = "";

	fputc('[', file->stream);
	if (!count)
		fputc('0', file->stream);
	while (count--) {
		for (uint32_t depth = symbol_depth(file->profile, frames[count]); depth--;) {
			struct symbol_walk walk = symbol_at(file->profile, frames[count], depth);

			fprintf(file->stream, "%s%u", separator, file->numbers[walk.symbol]);
			separator = ",";
		}
	}
	fputc(']', file->stream);
}

static const char *unit(const char *unit)
{
	static const char *const known[] = {"bytes", "nanoseconds", "microseconds", "milliseconds",
					    "seconds"};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i], export_unit(unit)))
			return known[i];
	return "none";
}

static uint64_t sum(const struct export_row *rows, size_t count, bool samples)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += samples ? rows[i].samples : rows[i].amount;
	return sum;
}

/* One thread; its number of samples, which the format has no place for, is part of its name. */
static void write_thread(struct speedscope *file, const struct export_row *rows, size_t count)
{
	const struct profile_thread *thread = &file->profile->threads[rows->thread];
	FILE *stream = file->stream;
	char *name = xasprintf("%s %d, %ju samples", thread->name ? thread->name : "", thread->tid,
			       (uintmax_t)sum(rows, count, true));

	fputs("{\"type\":\"sampled\",\"name\":", stream);
	export_json_text(stream, name);
	free(name);
	fprintf(stream, ",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%ju,\n\"samples\":[",
		unit(file->rows.unit), (uintmax_t)sum(rows, count, false));
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ",\n" : "", stream);
		write_stack(file, rows[i].stack);
	}
	fputs("],\n\"weights\":[", stream);
	for (size_t i = 0; i < count; i++)
		fprintf(stream, "%s%ju", i ? "," : "", (uintmax_t)rows[i].amount);
	fputs("]}", stream);
}

/* Writes the threads in the order of the rows; returns the number of the heaviest. */
static size_t write_threads(struct speedscope *file)
{
	size_t threads = 0, heaviest = 0, end;
	uint64_t most = 0;

	for (size_t i = 0; i < file->rows.count; i = end) {
		for (end = i; end < file->rows.count &&
			      file->rows.rows[end].thread == file->rows.rows[i].thread;)
			end++;
		fputs(threads ? ",\n" : "", file->stream);
		write_thread(file, &file->rows.rows[i], end - i);
		if (sum(&file->rows.rows[i], end - i, false) > most) {
			most = sum(&file->rows.rows[i], end - i, false);
			heaviest = threads;
		}
		threads++;
	}
	return heaviest;
}

void export_speedscope(const struct profile *profile, uint16_t metric, FILE *stream)
{
	struct speedscope file = {.profile = profile, .stream = stream};
	size_t heaviest;

	symbol_table_init(&file.symbols, profile);
	export_rows_init(&file.rows, profile, metric);
	file.numbers = export_number_symbols(&file.rows, profile, file.symbols.count);
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n", stream);
	fputs("\"exporter\":\"simprof@" VERSION "\",\n\"name\":", stream);
	export_json_text(stream, profile_text(profile, "command", "profile"));
	fputs(",\n\"shared\":{\"frames\":[", stream);
	write_frames(&file);
	fputs("]},\n\"profiles\":[", stream);
	heaviest = write_threads(&file);
	fprintf(stream, "],\n\"activeProfileIndex\":%zu}\n", heaviest);
	free(file.numbers);
	export_rows_done(&file.rows);
	symbol_table_done(&file.symbols);
}
