/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import_perf: see import_perf in import.h.
 *
 *     sim 1234/1235 [000] 12345.678901:     500250 cpu-clock:u:     ← head: name, process, thread,
 *                 55d0c0ffee10 distance+0x10 (inlined)                 processor, time, period,
 * event 55d0c0ffee10 observe+0x10 (/opt/sim)              ← frame, innermost first observation.c:51
 * ← its line, where asked for ← end of the sample
 *
 * Without call chains the frame stands in the head's line. A head is known by its time, the first
 * word of digits, a point, digits and a colon that follows a process number or a processor.
 */
#include "collector/import/import.h"

#include "collector/base/xalloc.h"

#include <ctype.h>
#include <errno.h>

struct perf {
	struct import *import;
	bool is_open; /* a head was read, its sample is not complete */
	struct profile_sample sample;
	struct import_place *places; /* those of one frame after the other, innermost first */
	bool *inlined;		     /* the place is inlined into the next one */
	size_t count, capacity, inlined_capacity;
	uint64_t start_ns; /* of the first sample */
	bool has_start;
};

static void drop_places(struct perf *perf)
{
	for (size_t i = 0; i < perf->count; i++) {
		free((char *)perf->places[i].function);
		free((char *)perf->places[i].module);
		free((char *)perf->places[i].file);
	}
	perf->count = 0;
}

/* Builds the stack, root first, and hands the sample on. */
static int close_sample(struct perf *perf, struct error *error)
{
	uint32_t stack = 0;
	int result = 0;

	if (!perf->is_open)
		return 0;
	perf->is_open = false;
	for (size_t end = perf->count; end > 0;) {
		size_t begin = end - 1;

		while (begin > 0 && perf->inlined[begin - 1])
			begin--;
		stack = profile_stack(
			perf->import->profile, stack,
			import_frame(perf->import, &perf->places[begin], end - begin));
		end = begin;
	}
	drop_places(perf);
	perf->sample.stack = stack;
	perf->import->samples++;
	result = perf->import->take(perf->import->context, &perf->sample, error);
	return result;
}

/* The end of the word at @text. */
static char *word_end(char *text)
{
	return text + strcspn(text, " \t");
}

static char *skip_space(char *text)
{
	return text + strspn(text, " \t");
}

/* "12345.678901:", in nanoseconds. */
static bool read_time(const char *word, size_t bytes, uint64_t *time_ns)
{
	char *end;
	uint64_t seconds, fraction = 0, unit = 100000000;

	if (bytes < 4 || word[bytes - 1] != ':' || !isdigit((unsigned char)*word))
		return false;
	errno = 0;
	seconds = strtoull(word, &end, 10);
	if (errno || *end != '.' || seconds > INT64_MAX / 1000000000 - 1)
		return false;
	for (end++; isdigit((unsigned char)*end); end++, unit /= 10)
		fraction += unit * (uint64_t)(*end - '0');
	*time_ns = seconds * 1000000000 + fraction;
	return end == word + bytes - 1;
}

/* "1234" or "1234/1235"; a process alone is its own first thread. */
static bool read_process(const char *word, size_t bytes, int32_t *pid, int32_t *tid)
{
	char *end;
	long first, second;

	if (!isdigit((unsigned char)*word))
		return false;
	first = second = strtol(word, &end, 10);
	if (*end == '/' && isdigit((unsigned char)end[1]))
		second = strtol(end + 1, &end, 10);
	if (end != word + bytes || first > INT32_MAX || second > INT32_MAX)
		return false;
	*pid = (int32_t)first;
	*tid = (int32_t)second;
	return true;
}

static bool is_processor(const char *word, size_t bytes)
{
	return bytes > 2 && *word == '[' && word[bytes - 1] == ']' &&
	       strspn(word + 1, "0123456789") == bytes - 2;
}

/* Returns what follows the time, NULL when the line is no head; the name ends at @name_end. */
static char *find_time(char *line, char **name_end, int32_t *pid, int32_t *tid, uint64_t *time_ns)
{
	bool has_process = false;
	char *end;

	for (char *word = skip_space(line); *word; word = skip_space(end)) {
		size_t bytes;

		end = word_end(word);
		bytes = (size_t)(end - word);
		if (has_process && read_time(word, bytes, time_ns))
			return end;
		if (word > line && read_process(word, bytes, pid, tid)) {
			has_process = true;
			*name_end = word;
		} else if (!is_processor(word, bytes)) {
			has_process = false;
		}
	}
	return NULL;
}

/* How exact the hardware was asked to be, "cycles:uppp", is no other event. */
static void cut_precision(char *event)
{
	char *colon = strrchr(event, ':');
	size_t bytes = strlen(event);

	if (colon <= event)
		return;
	while (event[bytes - 1] == 'p' || event[bytes - 1] == 'P')
		event[--bytes] = '\0';
	if (event + bytes - 1 == colon)
		*colon = '\0';
}

static const char *event_unit(const char *event)
{
	if (!strncmp(event, "cpu-clock", 9) || !strncmp(event, "task-clock", 10))
		return "ns";
	return strncmp(event, "cycles", 6) ? "count" : "cycles";
}

/* "500250 cpu-clock:u:"; both may be absent. Returns what follows. */
static char *read_event(struct perf *perf, char *text)
{
	char *end = word_end(text = skip_space(text)), *rest;
	uint64_t period = 0;
	char name[64];

	if (end > text && strspn(text, "0123456789") == (size_t)(end - text)) {
		errno = 0;
		period = strtoull(text, NULL, 10);
		if (errno || period > INT64_MAX) {
			perf->sample.metric = UINT16_MAX;
			return text;
		}
		end = word_end(text = skip_space(end));
	}
	rest = *end ? end + 1 : end;
	if (end == text || end[-1] != ':') {
		perf->sample.metric = import_metric(perf->import, "samples", "count");
		perf->sample.value = 1;
		return text;
	}
	end[-1] = '\0';
	cut_precision(text);
	snprintf(name, sizeof(name), period ? "%s" : "%s samples", text);
	perf->sample.metric =
		import_metric(perf->import, name, period ? event_unit(text) : "count");
	perf->sample.value = period ? period : 1;
	return rest;
}

static void add_place(struct perf *perf, const char *function, const char *module)
{
	bool inlined = !strcmp(module, "inlined");

	xgrow(perf->inlined, perf->count, perf->inlined_capacity);
	xgrow(perf->places, perf->count, perf->capacity);
	perf->inlined[perf->count] = inlined;
	perf->places[perf->count++] = (struct import_place){
		.function = xstrdup(function),
		.module = inlined ? NULL : xstrdup(module),
	};
}

/* Takes the kernel's remark out of "observe (/opt/sim (deleted))". Returns the bytes that stay. */
static size_t cut_deleted(char *text, size_t bytes)
{
	static const char mark[] = " (deleted))";

	if (bytes < sizeof(mark) || strcmp(text + bytes - (sizeof(mark) - 1), mark) != 0)
		return bytes;
	bytes -= sizeof(mark) - 2;
	text[bytes - 1] = ')';
	text[bytes] = '\0';
	return bytes;
}

/*
 * Returns the parenthesis before the file's path, NULL: there is none. Names of functions have
 * parentheses, and so do paths, but no function has one before a slash or a bracket.
 */
static char *find_module(char *text, size_t bytes)
{
	char *slash = strstr(text, " (/"), *bracket = strstr(text, " (["), *found = slash;

	if (!bytes || text[bytes - 1] != ')')
		return NULL;
	if (!found || (bracket && bracket < found))
		found = bracket;
	return found ? found + 1 : strrchr(text, '(');
}

/* "55d0c0ffee10 observe+0x10 (/opt/sim)". Returns false when it is no frame. */
static bool read_frame(struct perf *perf, char *text)
{
	char *end = word_end(text = skip_space(text)), *name = skip_space(end), *module, *offset;
	size_t bytes = strlen(name);

	if (end == text || strspn(text, "0123456789abcdef") != (size_t)(end - text) || !*name)
		return false;
	while (bytes && isspace((unsigned char)name[bytes - 1]))
		name[--bytes] = '\0';
	bytes = cut_deleted(name, bytes);
	module = find_module(name, bytes);
	if (module) {
		name[bytes - 1] = '\0';
		*module++ = '\0';
		for (bytes = strlen(name); bytes && isspace((unsigned char)name[bytes - 1]);)
			name[--bytes] = '\0';
	}
	offset = strrchr(name, '+');
	if (offset > name && !strncmp(offset, "+0x", 3) && offset[3] &&
	    strspn(offset + 3, "0123456789abcdef") == strlen(offset + 3))
		*offset = '\0';
	add_place(perf, *name ? name : "[unknown]", module ? module : "");
	return true;
}

/*
 * What perf says instead of the line of a frame where it knows none: "sim[1060]", "observe+16".
 * Source: get_srcline, tools/perf/util/srcline.c.
 */
static bool is_no_line(const char *text)
{
	const char *bracket = strrchr(text, '['), *plus = strrchr(text, '+');
	size_t digits;

	if (bracket > text) {
		digits = strspn(bracket + 1, "0123456789abcdef");
		return digits && !strcmp(bracket + 1 + digits, "]");
	}
	return plus && isdigit((unsigned char)plus[1]) && !plus[1 + strspn(plus + 1, "0123456789")];
}

/* "  observation.c:51", the line of the frame before. */
static bool read_line(struct perf *perf, char *text)
{
	char *file = skip_space(text), *colon = strrchr(file, ':'), *end;
	struct import_place *place;
	unsigned long line;

	if (file == text || !perf->count)
		return false;
	if (is_no_line(file))
		return true;
	if (!colon || colon == file || !isdigit((unsigned char)colon[1]))
		return false;
	line = strtoul(colon + 1, &end, 10);
	place = &perf->places[perf->count - 1];
	if (*end || line > INT32_MAX || place->file)
		return false;
	*colon = '\0';
	place->file = xstrdup(file);
	place->line = (uint32_t)line;
	return true;
}

/* "PERF_RECORD_LOST lost 12", "PERF_RECORD_MMAP2 …": records that are no samples, of which there is
 * something to know only where they say what is missing. */
static bool read_other_record(struct perf *perf, char *text)
{
	static const char record[] = "PERF_RECORD_", lost[] = " lost ";
	const char *amount;

	text = skip_space(text);
	if (strncmp(text, record, sizeof(record) - 1) != 0)
		return false;
	amount = strncmp(text + sizeof(record) - 1, "LOST", 4) ? NULL : strstr(text, lost);
	if (amount)
		perf->import->lost += strtoul(amount + sizeof(lost) - 1, NULL, 10);
	return true;
}

/* Returns 1 when the line was a head, 0 when it is not, or a negative errno. */
static int read_head(struct perf *perf, char *line, struct error *error)
{
	int32_t pid = 0, tid = 0;
	uint64_t time_ns = 0;
	char *name_end = line, *rest = find_time(line, &name_end, &pid, &tid, &time_ns), *name;
	int result;

	if (!rest)
		return 0;
	result = close_sample(perf, error);
	if (result)
		return result;
	while (name_end > line && isspace((unsigned char)name_end[-1]))
		*--name_end = '\0';
	name = skip_space(line);
	if (read_other_record(perf, rest))
		return 1;
	if (!perf->has_start)
		perf->start_ns = time_ns;
	perf->has_start = true;
	perf->sample = (struct profile_sample){
		.time_ns = time_ns > perf->start_ns ? time_ns - perf->start_ns : 0,
		.thread = import_thread(perf->import, pid, tid, name),
	};
	rest = read_event(perf, rest);
	perf->is_open = perf->sample.metric != UINT16_MAX;
	if (!perf->is_open)
		import_skip(perf->import);
	else if (*skip_space(rest))
		read_frame(perf, rest);
	return 1;
}

int import_perf(struct import *import, FILE *stream, struct error *error)
{
	struct perf perf = {.import = import};
	char *line = NULL;
	size_t capacity = 0;
	int result = 0;

	while (result >= 0 && import_line(import, stream, &line, &capacity) >= 0) {
		if (!*skip_space(line)) {
			result = close_sample(&perf, error);
			continue;
		}
		if (*line == '#')
			continue;
		result = read_head(&perf, line, error);
		if (!result &&
		    !(perf.is_open && (read_frame(&perf, line) || read_line(&perf, line))))
			import_skip(import);
	}
	if (result >= 0)
		result = close_sample(&perf, error);
	drop_places(&perf);
	free(perf.places);
	free(perf.inlined);
	free(line);
	return result < 0 ? result : 0;
}
