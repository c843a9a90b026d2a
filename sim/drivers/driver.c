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

static const struct setting *engine_row(const char *name)
{
	size_t count;
	const struct setting *settings = options_settings(&count);
	for (size_t i = 0; i < count; i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	abort(); /* a driver names an option that there is not */
}

static void collect_rows(struct command_line *line)
{
	for (size_t i = 0; line->driver->engine[i]; i++)
		line->rows[line->count++] = engine_row(line->driver->engine[i]);
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
	if (key == ARGP_KEY_ARG) {
		argp_failure(state, EXIT_FAILURE, 0,
			     "'%s' belongs to no option; options begin with --", text);
	} else if (key == ARGP_KEY_END) {
		if (options_complete(line->values, &error) < 0 ||
		    options_check(line->values, &error) < 0)
			argp_failure(state, EXIT_FAILURE, 0, "%s", error.text);
	} else if (key >= KEY_FIRST && key < KEY_FIRST + (int)line->count) {
		if (set(line, (size_t)(key - KEY_FIRST), text, &error) < 0)
			argp_failure(state, EXIT_FAILURE, 0, "%s", error.text);
	} else {
		return ARGP_ERR_UNKNOWN;
	}
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
	argp_err_exit_status = EXIT_FAILURE;
	argp_parse(&argp, argc, argv, 0, NULL, &line);
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
