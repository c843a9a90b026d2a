/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import: text that other profilers write → a profile, so that the reports serve their users too.
 *
 * A reader (import_folded, import_perf) takes one line after the other and puts frames together;
 * the samples leave through a function, one by one, so a text may be larger than memory. Nothing
 * about a line is believed: what cannot be read is counted and skipped. A zero byte in a line
 * becomes "?".
 */
#pragma once

#include "collector/base/error.h"
#include "collector/profile/profile.h"

#include <stdio.h>

enum import_format {
	IMPORT_GUESS,
	IMPORT_FOLDED,
	IMPORT_PERF,
	IMPORT_FORMATS
};

extern const char *const import_format_names[IMPORT_FORMATS]; /* as people say them */

struct import_place {
	const char *function; /* any bytes */
	const char *module;   /* path, or NULL */
	const char *file;     /* of @line, or NULL */
	uint32_t line;	      /* 0 unknown */
};

struct import_frame; /* the frames there are, by what they say; private to import.c */
struct import_thread;

struct import {
	struct profile *profile;
	/* Takes a sample; returns 0, or a negative errno that ends the import. */
	int (*take)(void *context, const struct profile_sample *sample, struct error *error);
	void *context;
	uint64_t lines, samples;
	uint64_t skipped; /* lines that could not be read */
	uint64_t first_skipped;
	uint64_t lost; /* samples that the text says are missing */
	struct import_frame *frames;
	struct import_thread *threads;
};

void import_init(struct import *import, struct profile *profile,
		 int (*take)(void *context, const struct profile_sample *sample,
			     struct error *error),
		 void *context);
void import_done(struct import *import);

/*
 * Reads the next line without its end; the mark of UTF-8 (byte order mark) before the first is none
 * of it.
 *
 * @line, @capacity  as for getline(3)
 * Returns its length, or -1 at the end.
 */
ssize_t import_line(struct import *import, FILE *stream, char **line, size_t *capacity);

/* Counts the present line as one that could not be read. */
void import_skip(struct import *import);

/* Returns the frame of @places, @count (> 0) of them, innermost inlined function first. */
uint32_t import_frame(struct import *import, const struct import_place *places, size_t count);

/* Returns the thread, now called @name. */
uint32_t import_thread(struct import *import, int32_t pid, int32_t tid, const char *name);

/* Returns the metric of that name; UINT16_MAX when there are too many. */
uint16_t import_metric(struct import *import, const char *name, const char *unit);

/*
 * Folded stacks, one a line: "main;step;observe 12". The last word is the count, a fraction is
 * rounded; names may hold spaces. A name that ends in _[k] is the kernel's, in _[j] generated code.
 *
 * Text whose lines all have two counts, as difffolded.pl writes it, is refused: it is a comparison.
 *
 * Folded text has no times. A line is as many samples as its count, spread evenly over the
 * recording, as long as all counts together are at most IMPORT_SAMPLES; otherwise a line is one
 * sample with its count as value.
 *
 * @metric, @unit  what is counted: "samples", "count"
 * Returns 0, -EINVAL for two counts, or the negative errno of @import->take.
 */
int import_folded(struct import *import, FILE *stream, const char *metric, const char *unit,
		  struct error *error);

enum {
	IMPORT_SAMPLES = 1 << 20
};

/*
 * Says by its first lines which of the formats a text is. Only heads of perf's samples have a time
 * like "12.345:", and only their frames begin with an address; names of functions do not.
 *
 * Returns a stream to read all of it from, which the caller closes instead of @stream: that one
 * itself, at its beginning; or another, which closes it, where there is no way back, as in a pipe.
 */
FILE *import_guess(FILE *stream, enum import_format *format);

/*
 * Says whether what was read is a text of that format: it has samples, and at most half of its
 * lines could not be read. Returns 0, or -EINVAL with a sentence about the text called @name.
 */
int import_check(const struct import *import, enum import_format format, const char *name,
		 struct error *error);

/* Writes into the profile where it comes from: from a text called @name. */
void import_describe(const struct import *import, enum import_format format, const char *name);

/*
 * Reads a text of one of the formats into a new profile, without a file between, so that reports
 * can be made of it at once.
 *
 * @path  a file or a pipe; "-" is standard input
 * Returns 0, or a negative errno with a sentence: among others that more than half of the lines
 * could not be read, so that it is something else.
 */
int import_load(const char *path, struct profile **profile, struct error *error);

/*
 * What `perf script` prints, with or without call chains, inlined functions and source lines
 * (-F +srcline). An event is a metric, its period a sample's value. Without periods nobody knows
 * what a sample stands for: they are counted, as another metric ("cycles samples").
 * Source: perf-script(1); tools/perf/builtin-script.c prints the lines.
 */
int import_perf(struct import *import, FILE *stream, struct error *error);
