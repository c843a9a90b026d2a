/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_check: see engine_check.h. */
#include "reports/engine_check.h"

#include "reports/engine.h"
#include "reports/win.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define DRIVER "driver "

/* What values must be. */
static bool is_positive(const char *text)
{
	char *end;
	double number = strtod(text, &end);

	return end > text && !*end && isfinite(number) && number > 0;
}

static bool is_range(const char *text)
{
	double low, high;

	return win_read_gain(text, &low, &high);
}

static bool is_yes(const char *text)
{
	return !strcmp(text, "yes");
}

static const struct {
	const char *section, *key, *form;
	bool (*fits)(const char *text);
} values[] = {
	{"engine", "time_limit", "a number of seconds above 0", is_positive},
	{ENGINE_WIN, "gain", "a number above 0 or a range, as in 1.5-2", is_range},
	{ENGINE_WIN, "effort", "a number above 0", is_positive},
	{ENGINE_WIN, "already", "yes, or not there", is_yes},
	{ENGINE_PREDICTED, "share", "a number above 0 or a range of per cent, as in 10-20",
	 is_range},
	{ENGINE_PREDICTED, "earlier", "a number above 0", is_positive},
};

static bool is_of(const char *section, const char *kind)
{
	return !strncmp(section, kind, strlen(kind));
}

static bool check_values(const json_t *engine, const char *section, char *wrong, size_t bytes)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const char *text = is_of(section, values[i].section)
					   ? engine_text(engine, section, values[i].key, NULL)
					   : NULL;

		if (!text || values[i].fits(text))
			continue;
		snprintf(wrong, bytes, "%s of [%s] has to be %s, not '%.60s'", values[i].key,
			 section, values[i].form, text);
		return false;
	}
	return true;
}

/* A win needs both of its sides. */
static bool check_win(const json_t *engine, const char *section, char *wrong, size_t bytes)
{
	static const char *const needed[] = {"before", "after"};

	for (size_t i = 0; is_of(section, ENGINE_WIN) && i < sizeof(needed) / sizeof(*needed);
	     i++) {
		if (*engine_text(engine, section, needed[i], ""))
			continue;
		snprintf(wrong, bytes, "[%s] needs %s", section, needed[i]);
		return false;
	}
	return true;
}

/* Names become those of folders, and words of scripts. */
static bool check_names(const json_t *engine, const char *section, char *wrong, size_t bytes)
{
	static const char *const named[] = {"components", "hot", "vary"};
	bool is_named = false;
	const char *key;
	json_t *value;

	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++)
		is_named |= !strcmp(section, named[i]);
	if (!is_named)
		return true;
	json_object_foreach (json_object_get(engine, section), key, value) {
		for (const char *at = key; *at; at++) {
			if (isalnum((unsigned char)*at) || strchr("_-.+", *at) || (*at & 0x80))
				continue;
			snprintf(wrong, bytes,
				 "'%s' of [%s] is no name: it may have letters, digits, '_', '-' "
				 "and "
				 "'.'",
				 key, section);
			return false;
		}
	}
	return true;
}

/* Whether a command has {NAME}, for each name of "A+B". */
static bool has_names(const char *command, const char *names)
{
	while (*names) {
		size_t length = strcspn(names, "+");
		char braced[80];

		snprintf(braced, sizeof(braced), "{%.*s}", (int)length, names);
		if (!strstr(command, braced))
			return false;
		names += length + (names[length] == '+');
	}
	return true;
}

/* What a driver is given and its command has no place for, a key that is spelt wrong among them. */
static bool check_driver(const json_t *engine, const char *section, char *wrong, size_t bytes)
{
	static const char *const keys = " command time activity choose memory per ";
	const char *command = engine_text(engine, section, "command", "");
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(engine, section), key, value) {
		char word[80];

		snprintf(word, sizeof(word), " %.60s ", key);
		if (!is_of(section, DRIVER) || strstr(keys, word) || has_names(command, key))
			continue;
		snprintf(wrong, bytes, "[%s] takes no '%s', and its command has no {%s}", section,
			 key, key);
		return false;
	}
	return true;
}

/* "n" and "n+steps" would be one sweep. */
static bool check_vary(const json_t *engine, char *wrong, size_t bytes)
{
	json_t *vary = json_object_get(engine, "vary"), *value, *again;
	const char *key, *other;

	json_object_foreach (vary, key, value) {
		size_t length = strcspn(key, "+");

		json_object_foreach (vary, other, again) {
			if (!strcmp(key, other) || strcspn(other, "+") != length ||
			    strncmp(key, other, length) != 0)
				continue;
			snprintf(wrong, bytes, "[vary] has %.*s first in '%s' and in '%s'",
				 (int)length, key, key, other);
			return false;
		}
	}
	return true;
}

bool engine_check(const json_t *engine, char *wrong, size_t bytes)
{
	const char *section;
	json_t *section_values;

	json_object_foreach ((json_t *)engine, section, section_values) {
		if (!check_values(engine, section, wrong, bytes) ||
		    !check_win(engine, section, wrong, bytes) ||
		    !check_names(engine, section, wrong, bytes) ||
		    !check_driver(engine, section, wrong, bytes))
			return false;
	}
	return check_vary(engine, wrong, bytes);
}
