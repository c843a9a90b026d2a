/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * setting: a value that people choose, by one name, on the command line, in a file or by a preset.
 *
 * A setting is one row of the table in options.c: its name, the field of struct options it fills,
 * what that field may hold. Reading, refusing, printing and --help follow from the row.
 */
#pragma once

#include "sim/error.h"

#include <stddef.h>
#include <stdio.h>

enum setting_kind {
	SETTING_WHOLE,	/* uint32_t, from minimum to maximum */
	SETTING_LONG,	/* uint64_t, any */
	SETTING_REAL,	/* float, from minimum to maximum */
	SETTING_SWITCH, /* bool: on, off */
	SETTING_CHOICE, /* uint32_t: place in choices */
	SETTING_SET,	/* uint32_t: a bit for each of choices; none, or some with commas */
	SETTING_TEXT,	/* char[maximum], not empty */
};

struct setting {
	const char *section; /* of the configuration file; also a group of --help */
	const char *name;    /* --name, and name with _ for - in the file */
	const char *argument;
	enum setting_kind kind;
	size_t offset; /* of the field in struct options */
	double minimum;
	double maximum;
	const char *const *choices; /* ends with NULL */
	const char *help;
};

/*
 * Fills a setting's field.
 *
 * @values  the struct that the row's offset is in
 * @place   what the sentence begins with: "--", or "FILE:LINE: "
 * Returns 0 or -EINVAL with a sentence that says what the setting takes; the field is as it was.
 */
int setting_set(const struct setting *setting, void *values, const char *text, const char *place,
		struct error *error);

/* Writes a value as setting_set() reads it; cut at @capacity. */
void setting_print(const struct setting *setting, const void *values, char *text, size_t capacity);
