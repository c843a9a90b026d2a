/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: the commands of `reports`. A command is one row in main.c and one file command_NAME.c.
 *
 * Exit status of all: 0 done, 1 failed (with one sentence on standard error), 2 done and the
 * answer is no.
 */
#pragma once

#include "reports/output.h"
#include "reports/report.h"
#include "reports/selection.h"

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
extern const struct argp command_locks_argp;
extern const struct argp command_io_argp;
extern const struct argp command_sql_argp;
extern const struct argp command_calls_argp;
extern const struct argp command_compare_argp;
extern const struct argp command_gate_argp;
extern const struct argp command_steps_argp;
extern const struct argp command_memory_argp;
extern const struct argp command_report_argp;
extern const struct argp command_scaling_argp;
extern const struct argp command_phase_argp;
extern const struct argp command_matrix_argp;

int command_flame(int count, char **arguments);
int command_functions(int count, char **arguments);
int command_series(int count, char **arguments);
int command_summary(int count, char **arguments);
int command_export(int count, char **arguments);
int command_lines(int count, char **arguments);
int command_locks(int count, char **arguments);
int command_io(int count, char **arguments);
int command_sql(int count, char **arguments);
int command_calls(int count, char **arguments);
int command_compare(int count, char **arguments);
int command_gate(int count, char **arguments);
int command_steps(int count, char **arguments);
int command_memory(int count, char **arguments);
int command_report(int count, char **arguments);
int command_scaling(int count, char **arguments);
int command_phase(int count, char **arguments);
int command_matrix(int count, char **arguments);

/*
 * Takes NAME.prof and -o FILE, the options every report has, when listed as a child parser.
 * Its input is a struct command_files.
 */
struct command_files {
	const char *profile; /* set: exactly one was given */
	const char *output;  /* NULL: standard output */
};

extern const struct argp command_files_argp;

/* Takes --color WHEN, for all that may be coloured, as a child parser; command_files_argp has it.
 * Without input: what it says stands in the environment for output_has_colour. */
extern const struct argp command_colour_argp;

/* Takes --metric, for reports about samples, as a child parser. Its input is a const char *, set
 * beforehand to what it is by default. */
extern const struct argp command_metric_argp;

/* Takes --thread, --component and --steps, for reports about samples, as a child parser. Its input
 * is a struct selection. */
extern const struct argp command_selection_argp;

/* Takes --json, for reports that other programs can read, as a child parser. Its input is a bool *.
 */
extern const struct argp command_json_argp;

/* Takes --limit N and --json, for reports that are tables, as a child parser. Its input is a struct
 * command_rows. */
struct command_rows {
	uint32_t standard; /* rows of a table when nobody says how many; set beforehand, may be
			      UINT32_MAX for all */
	uint32_t limit;	   /* set: rows of a table to show, UINT32_MAX for all */
	bool json;	   /* set; then all rows are standard */
};

extern const struct argp command_rows_argp;

/* All options of a report that is nothing but tables: what its struct argp has as parser and
 * children; its input is a struct command_listing. command_listing_argp is the same as a child
 * parser, for reports that have options besides. */
struct command_listing {
	struct command_files files;
	struct command_rows rows;
};

error_t command_listing_parse(int key, char *argument, struct argp_state *state);
extern const struct argp_child command_listing_children[];
extern const struct argp command_listing_argp;

/* Takes NAME.prof, -o FILE and --json, for reports that are one thing, as a child parser. Its input
 * is a struct command_single. */
struct command_single {
	struct command_files files;
	bool json;
};

extern const struct argp command_single_argp;

/*
 * What lies between the options of a report command and what it writes: loads the profile and opens
 * the output.
 *
 * @metric  as report_open_metric takes it
 * @refuse  returns why the profile does not carry this report, a sentence, else NULL; may be NULL
 * Returns 0, and then command_end must follow; or 1, the exit status, and has printed why.
 */
int command_begin(const struct command_files *files, const char *metric,
		  const char *(*refuse)(const struct report *report), struct report *report,
		  struct output *output);

/* Selects samples between the two. Returns 0, or 1 and has printed why and done what command_end
 * does, without any output. */
int command_select(const struct selection *selection, struct report *report, struct output *output);

/* Completes the output. Returns the exit status, 0 or 1. */
int command_end(struct report *report, struct output *output);

/* Prints "PROGRAM: SENTENCE" on standard error and returns 1. */
int command_failed(const char *sentence);
