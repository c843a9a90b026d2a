/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report: a loaded profile with what every report asks of it.
 */
#pragma once

#include "collector/profile/profile_file.h"
#include "reports/functions.h"
#include "reports/trust.h"

enum {
	REPORT_COMMAND_LIMIT = 160, /* bytes of a command line that are shown */
};

struct report {
	struct profile *profile;
	uint16_t metric;
	const char *metric_name; /* "cpu"; this and the unit are short and fit to be shown */
	const char *unit;	 /* of one event, "ns" */
	double period;		 /* in units; value times period is the unsampled amount */
	struct symbol_table symbols;
	struct trust trust;
	const char *selection; /* what the samples are restricted to (selection.h); NULL: all */
};

/*
 * Loads @path for a report about its first metric: a profile, or a text that import_load reads,
 * which may also come from a pipe, or as "-" from standard input.
 * Returns 0, or a negative errno as profile_file_load. report_done after success.
 */
int report_open(struct report *report, const char *path, struct error *error);

/* The same about any metric; its name as metric_find takes it, which may fail too. */
int report_open_metric(struct report *report, const char *path, const char *metric,
		       struct error *error);
void report_done(struct report *report);

/* The same of its first metric with a profile made elsewhere, which is then owned by the report. */
void report_init(struct report *report, struct profile *profile);

/* Program and command line, any bytes; both "" when the profile does not know. */
const char *report_program(const struct report *report);
const char *report_command(const struct report *report);

/* Says whether the report is about waits of a profile that has no samples of its first metric, so
 * that it should say why, too. */
bool report_has_waits_alone(const struct report *report);

/* Says whether the recording came to its end, and all its rows could be written. */
bool report_is_whole(const struct profile *profile);

/* Writes what it lacks, as clauses of a trust line; nothing when it is whole. */
void report_write_missing(const struct profile *profile, FILE *stream);

/* Writes the names of programs that ran without the probe, as a clause of a trust line; nothing
 * when there were none. */
void report_write_unprobed(const struct report *report, FILE *stream);

/*
 * Writes why a profile has no samples of its first metric, a sentence: the cause that the recording
 * left in it, else what its numbers tell, any bytes. Returns @text.
 */
const char *report_why_empty(const struct report *report, char *text, size_t bytes);
