/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export: profiles in the formats of other tools. A format is one row in export.c and one file.
 */
#pragma once

#include "reports/symbol.h"

#include <stdio.h>

struct export_format {
	const char *name; /* as given to --format */
	const char *summary;
	/* Writes the samples of @metric to @stream; the caller checks the stream for errors. */
	void (*write)(const struct profile *profile, uint16_t metric, FILE *stream);
	bool binary; /* nothing for a terminal */
};

extern const struct export_format export_formats[];
extern const size_t export_formats_count;

/*
 * Folded stacks: one line for each distinct stack, root first, innermost last, then the number of
 * samples: "main;step;observe 12". Inlined functions are frames of their own. The format has no
 * escapes, so ";" in a name becomes ":", control characters become "?", and the blank before a
 * number that ends a name becomes "_"; stacks that then read the same are one line. Lines are in
 * the order of their frames' names, byte by byte. Samples without any stack are the line "[no
 * stack]" (export_rows.h).
 */
void export_folded(const struct profile *profile, uint16_t metric, FILE *stream);

/*
 * pprof: the gzipped message of pprof.proto. Two values for each sample: the number of samples and
 * the amount; one where the metric is called "samples" itself, as that of folded stacks is. A frame
 * is one location, its inlined functions the location's lines. Addresses are those in the files.
 * The thread's name is the label "thread". The same profile always gives the same bytes. Source:
 * google/pprof, proto/profile.proto.
 */
void export_pprof(const struct profile *profile, uint16_t metric, FILE *stream);

/*
 * speedscope: one sampled profile for each thread, each distinct stack once with its amount as
 * weight; the number of samples is part of the thread's name. A frame is a function with the line
 * of its declaration, or speedscope would split it by lines.
 * Source: the schema https://www.speedscope.app/file-format-schema.json.
 */
void export_speedscope(const struct profile *profile, uint16_t metric, FILE *stream);

/* Firefox Profiler: every sample with its time, thread by thread; see export_firefox.c. */
void export_firefox(const struct profile *profile, uint16_t metric, FILE *stream);

/*
 * callgrind: self cost by line, and for each call site the cost of what it called. Events are
 * "Amount" and "Samples". Call counts are not known to a sampler: calls= holds the number of
 * samples inside the call, and desc: says so. Inlined functions are functions that are called.
 */
void export_callgrind(const struct profile *profile, uint16_t metric, FILE *stream);

/* CSV: self and total of each function, ordered by self. A text that a spreadsheet would take for
 * a formula begins with an apostrophe. */
void export_csv(const struct profile *profile, uint16_t metric, FILE *stream);

/* JSON: the tables of the profile about the run, samples merged by thread and stack, with steps and
 * series. What was counted, timed or allocated has its own reports, each with --json. */
void export_json(const struct profile *profile, uint16_t metric, FILE *stream);
