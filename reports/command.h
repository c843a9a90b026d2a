/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: the commands of `reports`. A command is one row in main.c and one file command_NAME.c.
 *
 * Exit status of all: 0 done, 1 failed (with one sentence on standard error), 2 done and the
 * answer is no.
 */
#pragma once

#include <argp.h>

struct command {
	const char *name;
	const char *summary;
	const struct argp *argp;
	int (*run)(int count, char **arguments);
};

extern const struct argp command_flame_argp;
extern const struct argp command_functions_argp;
extern const struct argp command_series_argp;
extern const struct argp command_summary_argp;
extern const struct argp command_export_argp;
extern const struct argp command_lines_argp;
extern const struct argp command_calls_argp;
extern const struct argp command_compare_argp;
extern const struct argp command_gate_argp;
extern const struct argp command_steps_argp;
extern const struct argp command_memory_argp;

int command_flame(int count, char **arguments);
int command_functions(int count, char **arguments);
int command_series(int count, char **arguments);
int command_summary(int count, char **arguments);
int command_export(int count, char **arguments);
int command_lines(int count, char **arguments);
int command_calls(int count, char **arguments);
int command_compare(int count, char **arguments);
int command_gate(int count, char **arguments);
int command_steps(int count, char **arguments);
int command_memory(int count, char **arguments);

/*
 * Takes NAME.prof and -o FILE, the options every report has, when listed as a child parser.
 * Its input is a struct command_files.
 */
struct command_files {
	const char *profile; /* set: exactly one was given */
	const char *output;  /* NULL: standard output */
};

extern const struct argp command_files_argp;

/* Takes --metric, for reports about samples, as a child parser. Its input is a const char *, set
 * beforehand to what it is by default. */
extern const struct argp command_metric_argp;

/* Prints "PROGRAM: SENTENCE" on standard error and returns 1. */
int command_failed(const char *sentence);
