/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * output: where a report goes: standard output, or a file that appears only when it is whole.
 *
 * A file is written under a temporary name beside its place and renamed at the end, so a reader
 * never sees half a report and a failure leaves the older file alone. Write errors are noticed
 * once, at the end.
 *
 * The file that GITHUB_STEP_SUMMARY names is appended to: several commands of a step share it.
 *
 * What a report was made of is never written onto: who reads a recording says so here.
 */
#pragma once

#include "collector/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct output {
	FILE *stream;
	char *path;	 /* NULL: standard output */
	char *temporary; /* NULL: written in place, because it is no regular file */
};

/* Says that the file at @path, if there is one, is read: from now on output_open refuses to write
 * onto it, whatever name or link leads to it. */
void output_spare(const char *path);

/* @path  file to write; NULL or "-" for standard output: then what a terminal's character set has
 * not is put into ASCII (ascii.h). Returns 0 or a negative errno; -EEXIST when it is a file that
 * the report is made of. */
int output_open(struct output *output, const char *path, struct error *error);

/*
 * Completes the report. Returns 0, or a negative errno with a sentence, and then the file has not
 * been touched.
 */
int output_close(struct output *output, struct error *error);

/* Gives up: nothing remains of a file that was begun. */
void output_discard(struct output *output);

/* True when @stream is a terminal that wants colour, TERM not "dumb", or FORCE_COLOR or
 * CLICOLOR_FORCE ask for it (and are not 0); never with NO_COLOR. Source: no-color.org,
 * bixense.com/clicolors. */
bool output_has_colour(FILE *stream);

/* Says what output_has_colour is to answer from now on: "always", "never", or "auto", as above.
 * Returns 0, or -EINVAL for other words. */
int output_ask_colour(const char *when);

/* Columns a table may use: COLUMNS, else the terminal's width, else (no terminal) 0, no limit. */
int output_columns(FILE *stream);

/* Writes @json as a report does: a key a line, sorted, so that two reports can be compared by diff;
 * numbers with ten digits. */
void output_json(const json_t *json, FILE *stream);
