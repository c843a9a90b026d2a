/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recording: what the recording commands share: their options, the names of their results, and
 * what is shown at the end.
 */
#pragma once

#include "collector/session.h"

#include <argp.h>
#include <stdbool.h>

struct recording_requests {
	struct timing_request *list;
	size_t count, capacity;
};

struct recording_options {
	const char *name;      /* of the results, without suffix; NULL: the program's */
	unsigned frequency_hz; /* 0: the default */
	const struct perf_engine *engine;
	bool is_off_cpu;
	bool embeds_sources;
	bool is_quiet;
	struct recording_requests timed; /* functions to count and time */
	struct recording_requests hits;	 /* functions whose lines are counted */
	double budget;			 /* of their cost, a share of CPU time; 0: no limit */
	bool has_budget;		 /* it was given */
	uint64_t steps;			 /* that the program will make; 0: not known */
	size_t hottest;			 /* functions to time after two seconds; 0: none */
	enum uprobe_rung rung;		 /* of timing */
};

/* Child parser for the options above; its input is a struct recording_options. Bad values end the
 * program with argp_err_exit_status and a sentence. */
extern const struct argp recording_argp;

/* Parse the arguments of -F and -e. Bad values end the program. */
unsigned recording_parse_frequency(const struct argp_state *state, const char *text);

/* The same of any whole number. */
uint64_t recording_parse_whole(const struct argp_state *state, const char *option, const char *text,
			       uint64_t least, uint64_t most);
const struct perf_engine *recording_parse_engine(const struct argp_state *state, const char *name);

/* Renames an existing file to PATH.old; returns false when there is one that cannot be renamed. */
bool recording_keep_old(const char *path);

/*
 * Makes a recording, draws it and prints its summary.
 *
 * @session  what to record and how by default; path, frequency and engine are filled in
 * @program  names the results when the options do not
 * @command  for messages: "collector run"
 * Returns the exit status of the command.
 */
int recording_make(const struct recording_options *options, struct session_options *session,
		   const char *program, const char *command);
