/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each kind of setting: read, refused, printed. */
#include "sim/setting.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int read_whole(const struct setting *setting, const char *text, uint64_t maximum,
		      uint64_t *number)
{
	char *end;
	errno = 0;
	unsigned long long whole = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno ||
	    whole < (uint64_t)setting->minimum || whole > maximum)
		return -EINVAL;
	*number = whole;
	return 0;
}

static int set_whole(const struct setting *setting, void *field, const char *text,
		     const char *place, struct error *error)
{
	uint64_t maximum = setting->kind == SETTING_LONG ? UINT64_MAX : (uint64_t)setting->maximum;
	uint64_t number;
	if (read_whole(setting, text, maximum, &number) < 0)
		return fail(error, -EINVAL,
			    "%s%s takes a whole number from %.0f to %" PRIu64 ", not '%s'", place,
			    setting->name, setting->minimum, maximum, text);
	if (setting->kind == SETTING_LONG)
		*(uint64_t *)field = number;
	else
		*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static int set_real(const struct setting *setting, void *field, const char *text, const char *place,
		    struct error *error)
{
	char *end;
	float number = strtof(text, &end);
	/* Decimal only: what begins like a number and is none (inf, nan, 0x1p4) is refused too. */
	if (end == text || *end || strspn(text, "+-.0123456789eE") != strlen(text) ||
	    !(number >= (float)setting->minimum && number <= (float)setting->maximum))
		return fail(error, -EINVAL, "%s%s takes a number from %.9g to %.9g, not '%s'",
			    place, setting->name, setting->minimum, setting->maximum, text);
	*(float *)field = number;
	return 0;
}

static int set_switch(const struct setting *setting, void *field, const char *text,
		      const char *place, struct error *error)
{
	bool on = strcmp(text, "on") == 0;
	if (!on && strcmp(text, "off") != 0)
		return fail(error, -EINVAL, "%s%s takes on or off, not '%s'", place, setting->name,
			    text);
	*(bool *)field = on;
	return 0;
}

/* "a, b or c" */
static void list_choices(const struct setting *setting, const char *last, char *list,
			 size_t capacity)
{
	list[0] = '\0';
	for (uint32_t i = 0; setting->choices[i]; i++) {
		if (i > 0)
			strncat(list, setting->choices[i + 1] ? ", " : last,
				capacity - strlen(list) - 1);
		strncat(list, setting->choices[i], capacity - strlen(list) - 1);
	}
}

static int set_choice(const struct setting *setting, void *field, const char *text,
		      const char *place, struct error *error)
{
	for (uint32_t i = 0; setting->choices[i]; i++)
		if (strcmp(text, setting->choices[i]) == 0) {
			*(uint32_t *)field = i;
			return 0;
		}
	char list[256];
	list_choices(setting, " or ", list, sizeof(list));
	return fail(error, -EINVAL, "%s%s takes %s, not '%s'", place, setting->name, list, text);
}

/* The place of the choice that a text begins with, up to a comma or the end; -1 for none. */
static int choice_at(const struct setting *setting, const char *text, size_t length)
{
	for (int i = 0; setting->choices[i]; i++)
		if (strlen(setting->choices[i]) == length &&
		    strncmp(text, setting->choices[i], length) == 0)
			return i;
	return -1;
}

static int set_set(const struct setting *setting, void *field, const char *text, const char *place,
		   struct error *error)
{
	uint32_t set = 0;
	const char *rest = strcmp(text, "none") == 0 ? NULL : text;
	while (rest) {
		size_t length = strcspn(rest, ",");
		int choice = choice_at(setting, rest, length);
		if (choice < 0 || set & 1U << choice) {
			char list[256];
			list_choices(setting, " and ", list, sizeof(list));
			return fail(error, -EINVAL,
				    "%s%s takes none, or some of %s with commas between, not '%s'",
				    place, setting->name, list, text);
		}
		set |= 1U << choice;
		rest = rest[length] ? rest + length + 1 : NULL;
	}
	*(uint32_t *)field = set;
	return 0;
}

static int set_text(const struct setting *setting, void *field, const char *text, const char *place,
		    struct error *error)
{
	size_t length = strlen(text);
	if (length == 0 || (double)length >= setting->maximum)
		return fail(error, -EINVAL, "%s%s takes %s of at most %.0f characters, not %s",
			    place, setting->name, setting->argument, setting->maximum - 1,
			    length == 0 ? "an empty text" : "a longer text");
	memcpy(field, text, length + 1);
	return 0;
}

int setting_set(const struct setting *setting, void *values, const char *text, const char *place,
		struct error *error)
{
	void *field = (char *)values + setting->offset;
	switch (setting->kind) {
	case SETTING_WHOLE:
	case SETTING_LONG:
		return set_whole(setting, field, text, place, error);
	case SETTING_REAL:
		return set_real(setting, field, text, place, error);
	case SETTING_SWITCH:
		return set_switch(setting, field, text, place, error);
	case SETTING_CHOICE:
		return set_choice(setting, field, text, place, error);
	case SETTING_SET:
		return set_set(setting, field, text, place, error);
	case SETTING_TEXT:
		break;
	}
	return set_text(setting, field, text, place, error);
}

/* Few digits, yet enough to be read as the same float. */
static void print_real(float number, char *text, size_t capacity)
{
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, capacity, "%.*g", digits, number);
		if (strtof(text, NULL) == number)
			return;
	}
}

static void print_set(const struct setting *setting, uint32_t set, char *text, size_t capacity)
{
	size_t length = 0;
	snprintf(text, capacity, "none");
	for (int i = 0; setting->choices[i] && length < capacity; i++)
		if (set & 1U << i)
			length += (size_t)snprintf(text + length, capacity - length, "%s%s",
						   length > 0 ? "," : "", setting->choices[i]);
}

void setting_print(const struct setting *setting, const void *values, char *text, size_t capacity)
{
	const void *field = (const char *)values + setting->offset;
	switch (setting->kind) {
	case SETTING_WHOLE:
		snprintf(text, capacity, "%" PRIu32, *(const uint32_t *)field);
		break;
	case SETTING_LONG:
		snprintf(text, capacity, "%" PRIu64, *(const uint64_t *)field);
		break;
	case SETTING_REAL:
		print_real(*(const float *)field, text, capacity);
		break;
	case SETTING_SWITCH:
		snprintf(text, capacity, "%s", *(const bool *)field ? "on" : "off");
		break;
	case SETTING_CHOICE:
		snprintf(text, capacity, "%s", setting->choices[*(const uint32_t *)field]);
		break;
	case SETTING_SET:
		print_set(setting, *(const uint32_t *)field, text, capacity);
		break;
	case SETTING_TEXT:
		snprintf(text, capacity, "%s", (const char *)field);
		break;
	}
}
