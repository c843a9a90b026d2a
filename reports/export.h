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
};

extern const struct export_format export_formats[];
extern const size_t export_formats_count;

/*
 * Folded stacks: one line for each distinct stack, root first, innermost last, then the number of
 * samples: "main;step;observe 12". Inlined functions are frames of their own. The format has no
 * escapes, so ";" in a name becomes ":" and control characters become "?"; stacks that then read
 * the same are one line. Lines are in the order of their frames' names, byte by byte.
 * Samples without any stack have no line.
 */
void export_folded(const struct profile *profile, uint16_t metric, FILE *stream);
