/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines and counts of the drivers. */
#include "sim/drivers/driver.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROWS_MAXIMUM = 64,
	KEY_FIRST = 256,
};

/* Each row belongs to the engine, or to the driver from @own on. */
struct command_line {
	const struct driver *driver;
	void *values;
	const struct setting *rows[ROWS_MAXIMUM];
	size_t own;
	size_t count;
};

static void collect_rows(struct command_line *line)
{
	for (size_t i = 0; line->driver->engine[i]; i++)
		line->rows[line->count++] = options_find(line->driver->engine[i]);
	line->own = line->count;
	for (size_t i = 0; i < line->driver->count; i++)
		line->rows[line->count++] = &line->driver->settings[i];
}

static int set(struct command_line *line, size_t row, const char *text, struct error *error)
{
	if (row >= line->own)
		return setting_set(line->rows[row], line->values, text, "--", error);
	return options_set(line->values, SOURCE_COMMAND_LINE, NULL, line->rows[row]->name, text,
			   "--", error);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct command_line *line = state->input;
	struct error error;
	int failed = 0;
	if (key == ARGP_KEY_INIT) {
		state->err_stream = NULL; /* argp would add a hint to what is said */
	} else if (key == ARGP_KEY_ARG) {
		failed = fail(&error, -EINVAL, "'%s' belongs to no option; options begin with --",
			      text);
	} else if (key == ARGP_KEY_END) {
		failed = options_complete(line->values, &error);
		if (!failed)
			failed = options_check(line->values, &error);
	} else if (key >= KEY_FIRST && key < KEY_FIRST + (int)line->count) {
		failed = set(line, (size_t)(key - KEY_FIRST), text, &error);
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	if (failed)
		driver_fail(&error);
	return 0;
}

/* Adds what an option is unless told. */
static char *complete_help(int key, const char *text, void *input)
{
	const struct command_line *line = input;
	char *help = NULL, value[OPTIONS_PATH_CAPACITY];
	if (!line || key < KEY_FIRST || key >= KEY_FIRST + (int)line->count || strchr(text, '('))
		return (char *)text;
	setting_print(line->rows[key - KEY_FIRST], line->values, value, sizeof(value));
	return asprintf(&help, "%s (%s)", text, value) < 0 ? (char *)text : help;
}

void driver_parse(const struct driver *driver, void *values, int argc, char **argv)
{
	struct command_line line = {.driver = driver, .values = values};
	struct argp_option table[ROWS_MAXIMUM + 1] = {{0}};
	const struct argp argp = {
		.options = table,
		.parser = parse_option,
		.doc = driver->summary,
		.help_filter = complete_help,
	};
	signal(SIGXFSZ, SIG_IGN); /* a file that may not become larger is a write error */
	collect_rows(&line);
	for (size_t i = 0; i < line.count; i++)
		table[i] = (struct argp_option){.name = line.rows[i]->name,
						.key = KEY_FIRST + (int)i,
						.arg = line.rows[i]->argument,
						.doc = line.rows[i]->help};
	options_argp(&argp, argc, argv, &line);
}

void driver_count(const char *name, uint64_t count)
{
	printf("%-28s %12" PRIu64 "\n", name, count);
}

int driver_end(void)
{
	if (!ferror(stdout) && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s: cannot write to standard output (%s)\n", program_invocation_short_name,
		strerror(errno));
	return EXIT_FAILURE;
}

void driver_fail(const struct error *error)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, error->text);
	exit(EXIT_FAILURE);
}
