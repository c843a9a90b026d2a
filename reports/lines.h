/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lines: cost of single source lines.
 *
 * Self is what was sampled at the line, total also what it called; a sample counts once for a
 * line's total, however often the line is on the stack. Inlined code stands at its own lines, in
 * its own file, or with LINES_AT_CALL at the line of the function that it was inlined into.
 *
 * Allocations (collector run --memory) are those made at the line and by what it called. Hits
 * (collector run --hits) are how often control came to the line, in all the places that its code
 * was inlined into; the line itself had them, so where inlined code is charged to its call the hits
 * are those of the call's line only. A line that was counted and has no sample is a row, too.
 */
#pragma once

#include "reports/report.h"

enum lines_inlined {
	LINES_IN_SOURCE, /* inlined code at its own lines */
	LINES_AT_CALL	 /* charged to the line that calls it */
};

struct line_row {
	uint32_t symbol;
	uint32_t line;	      /* in the function's file; 0 unknown */
	uint64_t self, total; /* in periods */
	uint32_t self_samples, total_samples;
	struct interval share;	      /* of self, 95 %, this run */
	bool has_hits, is_restricted; /* a note on one of their functions says what they lack */
	enum profile_hit_label label; /* the least sure of those that were added up */
	uint64_t hits, hits_margin;
	uint64_t allocations, allocated; /* blocks and bytes */
	uint64_t own_allocations;	 /* of these, made at the line itself */
};

/* Says whether a row's hits can be divided by: an estimate that may be of nothing cannot. */
bool lines_know_hits(const struct line_row *row);

enum {
	LINES_HIT_TIME = 160
};

/*
 * Says what the time of one hit holds: what was sampled at the line was sampled while its probes
 * were there, and part of what they take counts as the line's. How much they took in all is added
 * where the file knows it. Returns @text.
 */
const char *lines_hit_time(const struct profile *profile, char text[LINES_HIT_TIME]);

struct lines {
	struct line_row *rows; /* by self, then total */
	uint32_t count;
	uint64_t value; /* of all samples of the metric */
	uint32_t samples;
	bool has_hits, has_allocations; /* any of them were recorded */
};

/*
 * Measures the lines of those functions that @wanted says yes to; NULL: of all. Intervals are
 * computed for the first @limit rows; others have 0 ... 1.
 */
void lines_measure(struct lines *lines, const struct report *report, enum lines_inlined inlined,
		   const bool *wanted, uint32_t limit);
void lines_done(struct lines *lines);

/* Measures all lines, inlined code at its own, where self is what the line bears: what libraries do
 * for it is its own. @bearing  component_map_bearing */
void lines_measure_borne(struct lines *lines, const struct report *report, const uint8_t *bearing,
			 uint32_t limit);

/*
 * Says which functions @name means: those of that name (C++ names also without parameters), else
 * those declared in a file of that path, whole or its last parts, else those that it means by less
 * than their whole names (function_name.h).
 *
 * Returns an array with one element for each symbol, owned by the caller, or NULL when there is
 * none.
 */
bool *lines_find(const struct report *report, const char *name);

/* Writes what may have been meant by a name that means nothing: "World::step, world.c", "" when
 * nothing is near. Returns @text. */
char *lines_near(const struct report *report, const char *name, char *text, size_t bytes);

/*
 * Says which function each row of the profile's line_hits belongs to: of the counted function and
 * those inlined into it, as far as the profile knows, the one declared last before the line in the
 * same file; 0 where none is.
 *
 * Returns an array of profile->line_hits_count symbols, owned by the caller.
 */
uint32_t *lines_of_hits(const struct profile *profile);
