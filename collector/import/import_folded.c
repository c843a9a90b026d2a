/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_folded: see import_folded in import.h. */
#include "collector/import/import.h"

#include "collector/base/xalloc.h"

#include <ctype.h>
#include <errno.h>

struct folded_line {
	uint32_t stack;
	uint64_t count;
};

/* Names as they stand in the text, marks included: most of a line was seen before. */
struct name {
	uint64_t hash;
	char *text; /* without a zero at its end; NULL: empty slot */
	size_t bytes;
	uint32_t frame;
};

struct names {
	struct name *slots; /* at most half full */
	size_t mask, count;
};

/* The line before: where its frames end, but the last, and the stacks up to there. */
struct open_level {
	size_t end; /* offset of the semicolon */
	uint32_t stack;
};

struct open_stack {
	char *line;
	size_t bytes, line_capacity;
	struct open_level *levels;
	size_t count, capacity;
};

struct folded {
	struct folded_line *lines;
	size_t count, capacity;
	uint64_t total;		/* of all counts; stays at the largest number when they are more */
	uint64_t stacks, pairs; /* lines that are no comments, and those with two counts */
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
	if (*end)
		return 0;
	while (number > line && (number[-1] == ' ' || number[-1] == '\t'))
		*--number = '\0';
	return *line && !errno && count < 9e18 ? (uint64_t)(count + 0.5) : 0;
}

/* Whether what is left of a line ends in a count once more: "main;step 3". */
static bool has_count(const char *line)
{
	const char *space = strrchr(line, ' ');

	return space > line && isdigit((unsigned char)space[1]) &&
	       !space[1 + strspn(space + 1, "0123456789.")];
}

static bool cut_mark(char *name, const char *mark)
{
	size_t bytes = strlen(name), mark_bytes = strlen(mark);

	if (bytes <= mark_bytes || strcmp(name + bytes - mark_bytes, mark) != 0)
		return false;
	name[bytes - mark_bytes] = '\0';
	return true;
}

static uint64_t hash(const char *text, size_t bytes)
{
	uint64_t sum = bytes, word;

	for (; bytes >= sizeof(word); text += sizeof(word), bytes -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		sum = (sum ^ word) * 0x9e3779b97f4a7c15;
		sum ^= sum >> 32;
	}
	word = 0;
	memcpy(&word, text, bytes);
	sum = (sum ^ word) * 0x9e3779b97f4a7c15;
	return sum ^ sum >> 32;
}

/* The name's own slot or, when it is new, the empty one where it belongs. */
static struct name *find_name(const struct names *names, uint64_t sum, const char *text,
			      size_t bytes)
{
	size_t at = sum & names->mask;

	for (;; at = (at + 1) & names->mask) {
		struct name *name = &names->slots[at];

		if (!name->text ||
		    (name->hash == sum && name->bytes == bytes && !memcmp(name->text, text, bytes)))
			return name;
	}
}

static void grow_names(struct names *names)
{
	size_t old_size = names->slots ? names->mask + 1 : 0;
	size_t size = old_size ? 2 * old_size : 1024;
	struct name *old = names->slots;

	names->slots = xcalloc(size, sizeof(*names->slots));
	names->mask = size - 1;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].text)
			*find_name(names, old[i].hash, old[i].text, old[i].bytes) = old[i];
	free(old);
}

/* Makes the frame of a name that was not there yet. */
static uint32_t make_frame(struct import *import, char *name)
{
	struct import_place place = {.function = name};

	if (cut_mark(name, "_[k]"))
		place.module = "[kernel]";
	else if (cut_mark(name, "_[j]"))
		place.module = "[jit]";
	else
		place.module = "[folded]";
	return import_frame(import, &place, 1);
}

static uint32_t frame_of(struct import *import, struct names *names, const char *text, size_t bytes)
{
	uint64_t sum = hash(text, bytes);
	struct name *name;

	if (2 * names->count >= names->mask)
		grow_names(names);
	name = find_name(names, sum, text, bytes);
	if (!name->text) {
		char *copy = xalloc_checked(strndup(text, bytes));

		*name = (struct name){.hash = sum,
				      .text = memcpy(xmalloc(bytes), text, bytes),
				      .bytes = bytes,
				      .frame = make_frame(import, copy)};
		names->count++;
		free(copy);
	}
	return name->frame;
}

/* Returns how many bytes two texts begin with alike. */
static size_t same_bytes(const char *left, const char *right, size_t most)
{
	uint64_t a, b;
	size_t same = 0;

	for (; same + sizeof(a) <= most; same += sizeof(a)) {
		memcpy(&a, left + same, sizeof(a));
		memcpy(&b, right + same, sizeof(b));
		if (a != b)
			return same + (size_t)__builtin_ctzll(a ^ b) / 8;
	}
	while (same < most && left[same] == right[same])
		same++;
	return same;
}

/* Adds a frame to the open stack, which ends at offset @end of the line. */
static void push(struct open_stack *open, uint32_t stack, size_t end)
{
	xgrow(open->levels, open->count, open->capacity);
	open->levels[open->count++] = (struct open_level){end, stack};
}

/*
 * Returns the stack of @line, which has @bytes. Texts are mostly sorted, so a line begins with
 * frames of the one before: those are not looked up again.
 */
static uint32_t read_stack(struct import *import, struct names *names, struct open_stack *open,
			   const char *line, size_t bytes)
{
	size_t same =
		open->line ? same_bytes(open->line, line, bytes < open->bytes ? bytes : open->bytes)
			   : 0;
	const char *end = line + bytes, *semicolon = NULL;
	uint32_t stack;

	/* Of the frames before, those whose semicolon is in both lines. */
	while (open->count && open->levels[open->count - 1].end >= same)
		open->count--;
	stack = open->count ? open->levels[open->count - 1].stack : 0;
	for (const char *at = open->count ? line + open->levels[open->count - 1].end + 1 : line;;
	     at = semicolon + 1) {
		semicolon = memchr(at, ';', (size_t)(end - at));
		stack = profile_stack(
			import->profile, stack,
			frame_of(import, names, at, (size_t)((semicolon ? semicolon : end) - at)));
		if (!semicolon)
			return stack;
		push(open, stack, (size_t)(semicolon - line));
	}
}

static void read_lines(struct import *import, FILE *stream, struct folded *folded)
{
	struct open_stack open = {0};
	struct names names = {0};
	char *line = NULL;
	size_t capacity = 0;
	ssize_t bytes;

	while ((bytes = import_line(import, stream, &line, &capacity)) >= 0) {
		size_t read_capacity = capacity;
		char *read = line;
		uint64_t count;

		if (!bytes || !strncmp(line, "# ", 2))
			continue;
		count = cut_count(line, (size_t)bytes);
		folded->stacks++;
		folded->pairs += has_count(line);
		if (!count) {
			import_skip(import);
			continue;
		}
		bytes = (ssize_t)strlen(line);
		xgrow(folded->lines, folded->count, folded->capacity);
		folded->lines[folded->count++] = (struct folded_line){
			read_stack(import, &names, &open, line, (size_t)bytes), count};
		if (__builtin_add_overflow(folded->total, count, &folded->total))
			folded->total = UINT64_MAX;
		/* This line stays for the next one to be compared with. */
		line = open.line;
		open.line = read;
		capacity = open.line_capacity;
		open.line_capacity = read_capacity;
		open.bytes = (size_t)bytes;
	}
	free(line);
	free(open.line);
	free(open.levels);
	for (size_t i = 0; names.slots && i <= names.mask; i++)
		free(names.slots[i].text);
	free(names.slots);
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
	if (folded.stacks && folded.pairs == folded.stacks)
		result = fail(error, -EINVAL,
			      "each line has two counts, as difffolded.pl writes them: import the "
			      "stacks of each side, and compare the two (collector compare)");
	else if (folded.total > INT64_MAX)
		result = fail(error, -EINVAL,
			      "the counts of all lines together are no number that "
			      "a profile can hold");
	else if (folded.total <= IMPORT_SAMPLES)
		result = take_spread(import, metric, &folded, error);
	else
		for (size_t i = 0; i < folded.count && !result; i++)
			result = take(import, metric, folded.lines[i].stack, folded.lines[i].count,
				      error);
	free(folded.lines);
	return result;
}
