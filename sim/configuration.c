/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading through inih, with the lines counted and looked at on their way. */
#include "sim/configuration.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

struct reader {
	const char *path;
	FILE *file;
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

/* A section that stays empty is told to nobody, so headers are looked at here. */
static void check_header(struct reader *reader, const char *line)
{
	while (isspace((unsigned char)*line))
		line++;
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
	if (reader->failed || !fgets(text, capacity, reader->file))
		return NULL;
	reader->line++;
	size_t length = strlen(text);
	if (length > 0 && text[length - 1] != '\n' && !feof(reader->file)) {
		reader->failed =
			fail(reader->error, -EINVAL,
			     "%.300s:%d: the line is longer than %d characters, or no text",
			     reader->path, reader->line, capacity - 2);
		return NULL;
	}
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
	for (size_t i = 0; i < count; i++) {
		if (strcmp(settings[i].name, name) != 0)
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

int configuration_read(const char *path, struct options *options, struct error *error)
{
	struct reader reader = {.path = path, .options = options, .error = error};
	reader.file = fopen(path, "r");
	if (!reader.file)
		return fail(error, -errno,
			    "cannot read the configuration %.300s (%s); give a file that is there",
			    path, strerror(errno));
	int line = ini_parse_stream(read_line, &reader, take, &reader);
	if (!reader.failed && ferror(reader.file))
		reader.failed =
			fail(error, -EIO, "cannot read the configuration %.300s; give a text file",
			     path);
	if (!reader.failed && line != 0)
		reader.failed = fail(error, -EINVAL,
				     "%.300s:%d: neither a [section] nor key = value", path, line);
	fclose(reader.file);
	return reader.failed;
}
