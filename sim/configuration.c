/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading whole, then through inih, with the lines counted and looked at on their way. */
#include "sim/configuration.h"

#include "sim/allocate.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	BYTES_MAXIMUM = 1 << 20, /* a hundred times what all options take */
};

struct reader {
	const char *path;
	const char *rest; /* of the text, which ends with 0 */
	const char *end;
	int line;
	bool seen[OPTIONS_SETTINGS_MAXIMUM];
	struct options *options;
	struct error *error;
	int failed;
};

static void place_of(const struct reader *reader, char *place, size_t capacity)
{
	snprintf(place, capacity, "%.300s:%d: ", reader->path, reader->line);
}

static const char *skip_blanks(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* Sections that stay empty and what follows a header are told to nobody, so it is looked at here.
 */
static void check_header(struct reader *reader, const char *line)
{
	line = skip_blanks(line);
	size_t length = strcspn(line, "]");
	if (*line != '[')
		return;
	char place[320];
	if (line[length] == '\0') {
		place_of(reader, place, sizeof(place));
		reader->failed =
			fail(reader->error, -EINVAL, "%sthe name of a section ends with ]", place);
		return;
	}
	const char *after = skip_blanks(&line[length + 1]);
	if (*after && !strchr("#;", *after)) {
		place_of(reader, place, sizeof(place));
		reader->failed = fail(reader->error, -EINVAL,
				      "%safter the name of a section comes '%.*s'; put it into a "
				      "line of its own",
				      place, (int)strcspn(after, "\r\n"), after);
		return;
	}
	size_t count;
	const struct setting *settings = options_settings(&count);
	for (size_t i = 0; i < count; i++)
		if (strlen(settings[i].section) == length - 1 &&
		    strncmp(settings[i].section, line + 1, length - 1) == 0)
			return;
	place_of(reader, place, sizeof(place));
	reader->failed = fail(reader->error, -EINVAL, "%sthere is no section '%.*s'", place,
			      (int)length - 1, line + 1);
}

/* One line for inih; NULL ends the reading, at the first error too. */
static char *read_line(char *text, int capacity, void *context)
{
	struct reader *reader = context;
	if (reader->failed || reader->rest == reader->end)
		return NULL;
	reader->line++;
	const char *end = memchr(reader->rest, '\n', (size_t)(reader->end - reader->rest));
	size_t length = (size_t)((end ? end + 1 : reader->end) - reader->rest);
	if (length >= (size_t)capacity || memchr(reader->rest, '\0', length)) {
		reader->failed =
			fail(reader->error, -EINVAL,
			     "%.300s:%d: the line is longer than %d characters, or no text",
			     reader->path, reader->line, capacity - 2);
		return NULL;
	}
	memcpy(text, reader->rest, length);
	text[length] = '\0';
	reader->rest += length;
	check_header(reader, text);
	return reader->failed ? NULL : text;
}

/* inih calls it for each key and value; it wants 1 for good. */
static int take(void *context, const char *section, const char *key, const char *value)
{
	struct reader *reader = context;
	char place[320], name[128];
	size_t count;
	const struct setting *settings = options_settings(&count);
	if (reader->failed)
		return 0;
	place_of(reader, place, sizeof(place));
	if (!*section) {
		reader->failed =
			fail(reader->error, -EINVAL,
			     "%s%s belongs to no section; put it below its [section]", place, key);
		return 0;
	}
	snprintf(name, sizeof(name), "%s", key);
	for (char *letter = name; *letter; letter++)
		*letter = *letter == '_' ? '-' : *letter;
	const struct setting *known = options_find(name);
	if (!known || strcmp(known->section, section) != 0)
		reader->failed = fail(reader->error, -EINVAL, "%sthere is no '%s' in section %s",
				      place, key, section);
	for (size_t i = 0; i < count && !reader->failed; i++) {
		if (&settings[i] != known)
			continue;
		if (reader->seen[i])
			reader->failed = fail(reader->error, -EINVAL,
					      "%s%s was given in a line before", place, key);
		reader->seen[i] = true;
	}
	if (!reader->failed)
		reader->failed = options_set(reader->options, SOURCE_FILE, section, name, value,
					     place, reader->error);
	return reader->failed == 0;
}

/* A device may never end, and reading it may do things. */
static int read_whole(const char *path, char *text, size_t *length, struct error *error)
{
	struct stat status;
	if (stat(path, &status) < 0)
		return fail(error, -errno,
			    "cannot read the configuration %.300s (%s); give a file that is there",
			    path, strerror(errno));
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
		return fail(error, -EINVAL,
			    "cannot read the configuration %.300s; give a text file or a pipe",
			    path);
	FILE *file = fopen(path, "r");
	if (!file)
		return fail(error, -errno,
			    "cannot read the configuration %.300s (%s); give one you may read",
			    path, strerror(errno));
	*length = fread(text, 1, BYTES_MAXIMUM + 1, file);
	bool failed = ferror(file);
	fclose(file);
	if (failed)
		return fail(error, -EIO,
			    "cannot read the configuration %.300s; give a text file or a pipe",
			    path);
	if (*length > BYTES_MAXIMUM)
		return fail(error, -EFBIG,
			    "%.300s is larger than %d bytes, which no configuration is; give "
			    "another file",
			    path, BYTES_MAXIMUM);
	return 0;
}

int configuration_read(const char *path, struct options *options, struct error *error)
{
	static const char mark[] = "\xEF\xBB\xBF"; /* of UTF-8, with which some editors begin */
	struct reader reader = {.path = path, .options = options, .error = error};
	char *text = allocate(BYTES_MAXIMUM + 1, 1);
	size_t length = 0;
	reader.failed = read_whole(path, text, &length, error);
	reader.rest = text;
	reader.end = text + length;
	if (length >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0)
		reader.rest += strlen(mark);
	int line = reader.failed ? 0 : ini_parse_stream(read_line, &reader, take, &reader);
	if (!reader.failed && line != 0)
		reader.failed = fail(error, -EINVAL,
				     "%.300s:%d: neither a [section] nor key = value", path, line);
	free(text);
	return reader.failed;
}
