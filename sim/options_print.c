/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All options as a configuration file, or as JSON. */
#include "sim/options.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

/* A setting's name as the file and JSON have it. */
static void print_key(FILE *file, const char *name)
{
	for (; *name; name++)
		fputc(*name == '-' ? '_' : *name, file);
}

/* inih calls it with what it has read. */
static int is_the_same(void *expected, const char *section, const char *key, const char *value)
{
	(void)section;
	(void)key;
	return strcmp(value, expected) == 0;
}

/* Whether a text comes back from a file: ini has no quotes, and lines have an end. */
static bool survives(const char *key, const char *text)
{
	char *line = NULL;
	size_t length;
	FILE *stream = open_memstream(&line, &length);
	print_key(stream, key);
	fprintf(stream, " = %s\n", text);
	fclose(stream);
	char value[OPTIONS_PATH_CAPACITY];
	snprintf(value, sizeof(value), "%s", text);
	bool same = strpbrk(text, "\n\r") == NULL && length < INI_MAX_LINE &&
		    ini_parse_string(line, is_the_same, value) == 0;
	free(line);
	return same;
}

static int check_texts(const struct options *options, struct error *error)
{
	char value[OPTIONS_PATH_CAPACITY];
	size_t count;
	const struct setting *settings = options_settings(&count);
	for (size_t i = 0; i < count; i++) {
		if (settings[i].kind != SETTING_TEXT)
			continue;
		setting_print(&settings[i], options, value, sizeof(value));
		if (!survives(settings[i].name, value))
			return fail(error, -EINVAL,
				    "--%s %.300s cannot be said in a configuration file; take a "
				    "shorter name, without ; and blanks at its ends",
				    settings[i].name, value);
	}
	return 0;
}

int options_print(const struct options *options, FILE *file, struct error *error)
{
	char value[OPTIONS_PATH_CAPACITY], why[128];
	size_t count;
	const struct setting *settings = options_settings(&count);
	int failed = check_texts(options, error);
	for (size_t i = 0; i < count && !failed; i++) {
		const struct setting *setting = &settings[i];
		setting_print(setting, options, value, sizeof(value));
		if (i == 0 || strcmp(setting->section, settings[i - 1].section) != 0)
			fprintf(file, "%s[%s]\n", i == 0 ? "" : "\n", setting->section);
		bool effect = options_have_effect(options, setting, why, sizeof(why));
		fputs(effect ? "" : "; ", file);
		print_key(file, setting->name);
		if (effect)
			fprintf(file, " = %s\n", value);
		else
			fprintf(file, " does nothing %s\n", why);
	}
	return failed;
}

static void print_json_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(file, "\\u%04x", (unsigned)*text);
		else
			fputc(*text, file);
	fputc('"', file);
}

char *options_json(const struct options *options)
{
	char *json = NULL, value[OPTIONS_PATH_CAPACITY];
	size_t length, count;
	const struct setting *settings = options_settings(&count);
	FILE *file = open_memstream(&json, &length);
	for (size_t i = 0; i < count; i++) {
		setting_print(&settings[i], options, value, sizeof(value));
		fprintf(file, "%s\"", i == 0 ? "{" : ", ");
		print_key(file, settings[i].name);
		fputs("\": ", file);
		if (settings[i].kind == SETTING_WHOLE || settings[i].kind == SETTING_LONG ||
		    settings[i].kind == SETTING_REAL)
			fputs(value, file);
		else
			print_json_text(file, value);
	}
	fputc('}', file);
	fclose(file);
	return json;
}
