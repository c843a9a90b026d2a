/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine: see engine.h. */
#include "reports/engine.h"

#include "collector/base/xalloc.h"
#include "reports/engine_check.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>

static const char *const sections[] = {"engine", "values", "quick", "components",
				       "hot",	 "vary",   "size"};

static const char *const kinds_of_sections[] = {"driver ", ENGINE_WIN, ENGINE_PREDICTED};

/* Sections, or kinds of them, whose keys are not names of the description's own. */
static const struct {
	const char *section;
	const char *keys[9];
} keys_of_sections[] = {
	{"engine", {"command", "step", "activity", "turn", "trace", "time_limit", "scratch"}},
	{ENGINE_WIN,
	 {"command", "before", "after", "component", "gain", "effort", "changes", "already"}},
	{ENGINE_PREDICTED, {"share", "earlier", "growth"}},
};

enum {
	NAME_LIMIT = 49, /* bytes of a name or a section that inih keeps */
};

/* What is read, and the first thing that is wrong with it. */
struct reading {
	json_t *engine;
	FILE *stream;
	bool is_indented; /* the line at hand: it goes on with the one before */
	int line;	  /* its number */
	int wrong_line;
	char wrong[300];
};

static bool is_section(const char *name)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		if (!strcmp(sections[i], name))
			return true;
	for (size_t i = 0; i < sizeof(kinds_of_sections) / sizeof(*kinds_of_sections); i++)
		if (!strncmp(name, kinds_of_sections[i], strlen(kinds_of_sections[i])))
			return true;
	return false;
}

static bool is_key(const char *section, const char *key)
{
	for (size_t i = 0; i < sizeof(keys_of_sections) / sizeof(*keys_of_sections); i++) {
		const char *kind = keys_of_sections[i].section;
		const char *const *known = keys_of_sections[i].keys;

		if (strncmp(section, kind, strlen(kind)) != 0)
			continue;
		while (*known && strcmp(*known, key) != 0)
			known++;
		return *known;
	}
	return true;
}

/* Whether what an indented line says was meant to be a value of its own. */
static bool looks_like_pair(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_')
		length++;
	return length && text[length + strspn(text + length, " \t")] == '=';
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct reading *reading = user;
	json_t *object = json_object_get(reading->engine, section);

	if (!is_section(section)) {
		snprintf(reading->wrong, sizeof(reading->wrong),
			 "there is no section [%.100s] in a description of an engine", section);
		return 0;
	}
	if (!is_key(section, name)) {
		snprintf(reading->wrong, sizeof(reading->wrong), "[%.100s] takes no '%.100s'",
			 section, name);
		return 0;
	}
	if (!object) {
		object = json_object();
		json_object_set_new(reading->engine, section, object);
	}
	if (!json_object_get(object, name))
		return !json_object_set_new(object, name, json_string(value));
	if (reading->is_indented && !looks_like_pair(value))
		return !json_object_set_new(
			object, name,
			json_sprintf("%s %s", json_string_value(json_object_get(object, name)),
				     value));
	snprintf(reading->wrong, sizeof(reading->wrong),
		 "[%.100s] has %.100s twice, or an indented line, which goes on with it", section,
		 name);
	return 0;
}

/* Notes what inih would cut without a word. */
static void check_line(struct reading *reading, const char *text, size_t bytes)
{
	const char *start = text + strspn(text, " \t");
	size_t length = strlen(text);
	const char *wrong = NULL;

	if (length + 1 == bytes && text[length - 1] != '\n')
		wrong = "a line has at most 198 characters; what is indented goes on with it";
	else if (*start == '[' && strcspn(start, "]") > NAME_LIMIT + 1)
		wrong = "the name of a section has at most 49 characters";
	else if (start == text && !strchr("[;#", *text) && strcspn(text, "=:") > NAME_LIMIT + 1 &&
		 text[strcspn(text, "=:")])
		wrong = "a name has at most 49 characters";
	if (!wrong || *reading->wrong)
		return;
	snprintf(reading->wrong, sizeof(reading->wrong), "%s", wrong);
	reading->wrong_line = reading->line;
}

/* Reads a line as fgets does, for inih. */
static char *read_line(char *text, int bytes, void *user)
{
	struct reading *reading = user;

	if (*reading->wrong || !fgets(text, bytes, reading->stream))
		return NULL;
	reading->line++;
	reading->is_indented = *text == ' ' || *text == '\t';
	check_line(reading, text, (size_t)bytes);
	return text;
}

const char *engine_text(const json_t *engine, const char *section, const char *key,
			const char *otherwise)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(engine, section), key));

	return text ? text : otherwise;
}

json_t *engine_list(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t length = strcspn(text, ",");
		const char *start = text, *end = text + length;

		while (start < end && isspace((unsigned char)*start))
			start++;
		while (end > start && isspace((unsigned char)end[-1]))
			end--;
		if (end > start)
			json_array_append_new(list, json_stringn(start, (size_t)(end - start)));
		text += length + (text[length] == ',');
	}
	return list;
}

/* The parts of "A+B". */
static json_t *split_pair(const char *text)
{
	json_t *parts = json_array();

	for (;;) {
		size_t length = strcspn(text, "+");

		json_array_append_new(parts, json_stringn(text, length));
		if (!text[length])
			return parts;
		text += length + 1;
	}
}

/* Multiplies the points by the values of one key, which may be several names at once. */
static void multiply(json_t *points, const char *key, const json_t *values)
{
	json_t *old = json_copy(points), *names = split_pair(key), *point, *value, *name;
	size_t i, k, n;

	json_array_clear(points);
	json_array_foreach (values, k, value) {
		json_t *parts = json_array_size(names) > 1 ? split_pair(json_string_value(value))
							   : json_pack("[O]", value);

		json_array_foreach (old, i, point) {
			json_t *copy = json_copy(point);

			json_array_foreach (names, n, name) {
				json_t *part = json_array_get(parts, n);

				json_object_set(copy, json_string_value(name), part ? part : value);
			}
			json_array_append_new(points, copy);
		}
		json_decref(parts);
	}
	json_decref(names);
	json_decref(old);
}

/* Puts numbers in order; others stay where they are, behind none that is greater. */
static void sort_values(json_t *values)
{
	size_t count = json_array_size(values);

	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k; k--) {
			json_t *left = json_array_get(values, k - 1);
			json_t *right = json_array_get(values, k);

			if (strtod(json_string_value(left), NULL) <=
			    strtod(json_string_value(right), NULL))
				break;
			json_incref(left);
			json_array_set(values, k - 1, right);
			json_array_set_new(values, k, left);
		}
}

/* "A, B | C": what is behind the bar is for full measurements. */
static json_t *values_of(const char *text, bool quick)
{
	char *copy = xstrdup(text), *bar = strchr(copy, '|');
	json_t *values;

	if (bar)
		*bar = quick ? '\0' : ',';
	values = engine_list(copy);
	if (bar && !quick)
		sort_values(values);
	free(copy);
	return values;
}

json_t *engine_points(const json_t *values, const char *const *skip, bool quick)
{
	json_t *points = json_pack("[{}]"), *text;
	const char *key;

	json_object_foreach ((json_t *)values, key, text) {
		bool is_skipped = false;
		json_t *list;

		for (const char *const *name = skip; *name; name++)
			is_skipped |= !strcmp(*name, key);
		if (is_skipped)
			continue;
		list = values_of(json_string_value(text), quick);
		multiply(points, key, list);
		json_decref(list);
	}
	return points;
}

/* Puts "NAME=VALUE" into a point. */
static void put_value(json_t *point, const char *text)
{
	size_t length = strcspn(text, "=");
	char name[64];

	if (!text[length] || length >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)length, text);
	json_object_set_new(point, name, json_string(text + length + 1));
}

json_t *engine_points_with(const json_t *points, const char *text)
{
	json_t *list = engine_list(text), *changed = json_array(), *point, *other, *value;
	size_t i, k;

	json_array_foreach (points, i, point) {
		json_t *copy = json_copy(point);
		bool is_new = true;

		json_array_foreach (list, k, value) {
			put_value(copy, json_string_value(value));
		}
		json_array_foreach (changed, k, other) {
			is_new &= !json_equal(copy, other);
		}
		if (is_new)
			json_array_append(changed, copy);
		json_decref(copy);
	}
	json_decref(list);
	return changed;
}

/* Appends one word of a command line, quotes taken off. Returns what follows it, NULL when a quote
 * has no end. */
static const char *take_word(const char *text, FILE *stream)
{
	char quote = '\0';

	for (; *text && (quote || !isspace((unsigned char)*text)); text++) {
		if (quote ? *text == quote : *text == '"' || *text == '\'')
			quote = quote ? '\0' : *text;
		else
			fputc(*text, stream);
	}
	return quote ? NULL : text;
}

static json_t *split_words(const char *text)
{
	json_t *words = json_array();

	while (*(text += strspn(text, " \t"))) {
		char *word = NULL;
		size_t bytes;
		FILE *stream = xalloc_checked(open_memstream(&word, &bytes));

		text = take_word(text, stream);
		fclose(stream);
		json_array_append_new(words, json_string(word));
		free(word);
		if (!text) {
			json_decref(words);
			return NULL;
		}
	}
	return words;
}

/* Returns @text with {NAME} replaced where [quick] or [values] has it and @point has not. */
static char *put_values(const json_t *engine, const char *text, const json_t *point, bool quick)
{
	char *made = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&made, &bytes));

	while (*text) {
		size_t length = *text == '{' ? strcspn(text + 1, "}") : 0;
		char name[64] = "";
		const char *value = NULL;

		if (length && text[length + 1] == '}' && length < sizeof(name))
			memcpy(name, text + 1, length);
		if (*name && !json_object_get(point, name)) {
			value = quick ? engine_text(engine, "quick", name, NULL) : NULL;
			value = value ? value : engine_text(engine, "values", name, NULL);
		}
		if (value) {
			fputs(value, stream);
			text += length + 2;
		} else {
			fputc(*text++, stream);
		}
	}
	fclose(stream);
	return made;
}

json_t *engine_command(const json_t *engine, const char *command, const json_t *points, bool quick)
{
	const json_t *first = json_array_get(points, 0);
	json_t *words = split_words(command), *word;
	size_t i;

	json_array_foreach (words, i, word) {
		char *made = put_values(engine, json_string_value(word), first, quick);

		json_array_set_new(words, i, json_string(made));
		free(made);
	}
	return words;
}

/* Says so when a quote of a command has no end. */
static bool check_commands(const json_t *engine, char *wrong, size_t bytes)
{
	const char *section;
	json_t *values;

	json_object_foreach ((json_t *)engine, section, values) {
		json_t *words = split_words(engine_text(engine, section, "command", ""));

		if (!words) {
			snprintf(wrong, bytes, "in the command of [%s] a quote has no end",
				 section);
			return false;
		}
		json_decref(words);
	}
	return true;
}

json_t *engine_read(const char *path, struct error *error)
{
	struct reading reading = {.engine = json_object(), .stream = fopen(path, "re")};
	int line = -1;

	if (reading.stream)
		line = ini_parse_stream(read_line, &reading, take, &reading);
	if (reading.wrong_line)
		line = reading.wrong_line;
	if (line < 0)
		fail(error, -ENOENT, "cannot read the description of the engine, %s: %m", path);
	else if (line > 0 && *reading.wrong)
		fail(error, -EINVAL, "%s, line %d: %s", path, line, reading.wrong);
	else if (line > 0)
		fail(error, -EINVAL, "%s, line %d: neither [section] nor name = value", path, line);
	else if (!*engine_text(reading.engine, "engine", "command", ""))
		fail(error, -EINVAL,
		     "%s describes no engine: it has no command in its section [engine]", path);
	else if (!check_commands(reading.engine, reading.wrong, sizeof(reading.wrong)) ||
		 !engine_check(reading.engine, reading.wrong, sizeof(reading.wrong)))
		fail(error, -EINVAL, "%s: %s", path, reading.wrong);
	else
		line = -2;
	if (reading.stream)
		fclose(reading.stream);
	if (line == -2)
		return reading.engine;
	json_decref(reading.engine);
	return NULL;
}
