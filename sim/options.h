/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * options: everything a run is told, from four places: the defaults, a preset, a configuration
 * file, the command line, each overriding those before it.
 *
 * Every option is one row of the table in options.c; the command line, the file's keys, --help and
 * --print-config follow from it.
 */
#pragma once

#include "sim/database.h"
#include "sim/error.h"
#include "sim/parameters.h"
#include "sim/setting.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	OPTIONS_PATH_CAPACITY = 4096,
	OPTIONS_SETTINGS_MAXIMUM = 192,
};

/* Where a setting's value came from; a higher one overrides a lower one. */
enum options_source {
	SOURCE_DEFAULT,
	SOURCE_PRESET,
	SOURCE_FILE,
	SOURCE_COMMAND_LINE,
};

struct argp;

struct options {
	struct parameters parameters;
	uint32_t steps;			      /* 0: until a signal ends it */
	char database[OPTIONS_PATH_CAPACITY]; /* file, ":memory:" or "none" */
	struct database_parameters logging;
	bool state_hash;
	bool print_config;
	uint8_t sources[OPTIONS_SETTINGS_MAXIMUM]; /* enum options_source per row */
};

/* All settings, in the order of their sections; @count receives how many. */
const struct setting *options_settings(size_t *count);

/* The setting of a name; NULL if there is none. */
const struct setting *options_find(const char *name);

/* Where the value of a setting, one of options_settings(), came from. */
enum options_source options_source(const struct options *options, const struct setting *setting);

/* Sets everything to its default; what follows from other settings is 0 until options_complete. */
void options_default(struct options *options);

/*
 * Sets the setting of a name unless it has come from a higher source already.
 *
 * @section  NULL: any
 * @place    what the sentence of an error begins with
 * Returns 0, or -EINVAL with the sentence: no such section or setting, or no such value.
 */
int options_set(struct options *options, enum options_source source, const char *section,
		const char *name, const char *text, const char *place, struct error *error);

/* Computes what was not given: agents of each type, resources, the population's limit. */
int options_complete(struct options *options, struct error *error);

/*
 * argp_parse() for every program here. What is wrong with the command line has been said by then
 * and ends the program with status 1; --help and --version end it with 0, or with 1 and a sentence
 * if nobody takes their text.
 */
void options_argp(const struct argp *argp, int argc, char **argv, void *input);

/*
 * Reads the command line, and what it names. What is wrong with it is said on stderr and ends the
 * program with status 1, as --help and --version end it with 0; that is argp's way.
 */
void options_parse(struct options *options, int argc, char **argv);

/*
 * Whether the options fit each other and this machine.
 * Returns 0, -EINVAL or -ENOMEM with the sentence.
 */
int options_check(const struct options *options, struct error *error);

/*
 * Whether the population may come to need more memory than this machine has, though the first
 * agents do not.
 *
 * @warning  receives the sentence if so
 */
bool options_may_outgrow(const struct options *options, struct error *warning);

/*
 * Whether a setting changes anything, the others being as they are; sim/options_effect.c has the
 * rules.
 *
 * @why  receives what leaves it without effect, "with --network none"; untouched if it has one
 */
bool options_have_effect(const struct options *options, const struct setting *setting, char *why,
			 size_t capacity);

/*
 * Refuses a setting without effect that somebody gave: in a file or on the command line, and in no
 * lower place than the choice that leaves it without. What a preset sets is no mistake of anybody,
 * nor is what a file sets for the case that the command line does not say otherwise.
 * Returns 0, or -EINVAL with the sentence.
 */
int options_check_effect(const struct options *options, struct error *error);

/*
 * Writes all settings that have an effect as a configuration file that makes the same run; of the
 * others a comment says why not.
 * Returns 0, or -EINVAL with the sentence for a text that such a file cannot hold.
 */
int options_print(const struct options *options, FILE *file, struct error *error);

/* All settings as one JSON object, names with _ for -. Owned by the caller, freed with free(). */
char *options_json(const struct options *options);
