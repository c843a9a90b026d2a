/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_folded: see import_folded in import.h. */
#include "collector/import/import.h"

#include "collector/base/xalloc.h"

#include <errno.h>

struct folded_line {
	uint32_t stack;
	uint64_t count;
};

struct folded {
	struct folded_line *lines;
	size_t count, capacity;
	uint64_t total; /* of all counts; stays at the largest number when they are more */
};

/* Cuts the count off @line. Returns 0 when there is none that can be used. */
static uint64_t cut_count(char *line, size_t bytes)
{
	char *end = line + bytes, *number;
	double count;

	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	for (number = end; number > line && strchr("0123456789.", number[-1]);)
		number--;
	if (number == end || number == line || (number[-1] != ' ' && number[-1] != '\t') ||
	    *number == '.')
		return 0;
	errno = 0;
	count = strtod(number, &end);
	if (errno || *end || !(count < 9e18))
		return 0;
	while (number > line && (number[-1] == ' ' || number[-1] == '\t'))
		*--number = '\0';
	return *line ? (uint64_t)(count + 0.5) : 0;
}

static bool cut_mark(char *name, const char *mark)
{
	size_t bytes = strlen(name), mark_bytes = strlen(mark);

	if (bytes <= mark_bytes || strcmp(name + bytes - mark_bytes, mark) != 0)
		return false;
	name[bytes - mark_bytes] = '\0';
	return true;
}

static uint32_t read_stack(struct import *import, char *line)
{
	uint32_t stack = 0;
	char *name;

	while ((name = strsep(&line, ";"))) {
		struct import_place place = {.function = name};

		if (cut_mark(name, "_[k]"))
			place.module = "[kernel]";
		else if (cut_mark(name, "_[j]"))
			place.module = "[jit]";
		else
			place.module = "[folded]";
		stack = profile_stack(import->profile, stack, import_frame(import, &place, 1));
	}
	return stack;
}

static void read_lines(struct import *import, FILE *stream, struct folded *folded)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t bytes;

	while ((bytes = import_line(import, stream, &line, &capacity)) >= 0) {
		uint64_t count;

		if (!bytes || !strncmp(line, "# ", 2))
			continue;
		count = cut_count(line, (size_t)bytes);
		if (!count) {
			import_skip(import);
			continue;
		}
		xgrow(folded->lines, folded->count, folded->capacity);
		folded->lines[folded->count++] =
			(struct folded_line){read_stack(import, line), count};
		if (__builtin_add_overflow(folded->total, count, &folded->total))
			folded->total = UINT64_MAX;
	}
	free(line);
}

/* One sample of a line: number @nth of @count stands at (nth + ½) / count of the recording. */
struct spread {
	double at;
	uint32_t stack;
};

static int compare_spread(const void *left, const void *right)
{
	const struct spread *a = left, *b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (a->stack > b->stack) - (a->stack < b->stack);
}

static int take(struct import *import, uint16_t metric, uint32_t stack, uint64_t value,
		struct error *error)
{
	return import->take(import->context,
			    &(struct profile_sample){.time_ns = ++import->samples,
						     .value = value,
						     .stack = stack,
						     .metric = metric},
			    error);
}

static int take_spread(struct import *import, uint16_t metric, const struct folded *folded,
		       struct error *error)
{
	struct spread *samples = xcalloc(folded->total, sizeof(*samples));
	size_t count = 0;
	int result = 0;

	for (size_t i = 0; i < folded->count; i++)
		for (uint64_t nth = 0; nth < folded->lines[i].count; nth++)
			samples[count++] = (struct spread){(nth + 0.5) / folded->lines[i].count,
							   folded->lines[i].stack};
	qsort(samples, count, sizeof(*samples), compare_spread);
	for (size_t i = 0; i < count && !result; i++)
		result = take(import, metric, samples[i].stack, 1, error);
	free(samples);
	return result;
}

int import_folded(struct import *import, FILE *stream, const char *metric_name, const char *unit,
		  struct error *error)
{
	uint16_t metric = import_metric(import, metric_name, unit);
	struct folded folded = {0};
	int result = 0;

	read_lines(import, stream, &folded);
	if (folded.total <= IMPORT_SAMPLES)
		result = take_spread(import, metric, &folded, error);
	else
		for (size_t i = 0; i < folded.count && !result; i++)
			result = take(import, metric, folded.lines[i].stack, folded.lines[i].count,
				      error);
	free(folded.lines);
	return result;
}
