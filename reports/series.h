/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series: what has a curve over the time of a recording: memory, faults, switches, I/O, cores. */
#pragma once

#include "reports/report.h"

#include <jansson.h>

/* The points of one series; of a total, what is shown is its rate between two points. */
struct series_curve {
	const char *name, *unit; /* any bytes; borrowed */
	bool is_total;
	bool is_stairs; /* a level that stays as it is from one point to the next */
	const struct profile_point *points; /* borrowed; in order of time */
	size_t count;
};

/* What was allocated and not yet freed, of a recording with --memory: nothing at its beginning, and
 * as each look found it that saw a change, until its end. */
#define SERIES_LIVE "live allocations"

/* Finds the series of a profile that have points, and behind them SERIES_LIVE, added up from the
 * changes. Returns them, owned by the caller. */
struct series_curve *series_curves(const struct profile *profile, size_t *count);

/* Of a level its values, the extremes those of its points; of a total, but for the last, its rates
 * a second. NAN where a single point tells none. */
struct series_figures {
	double last, mean, least, most;
};

struct series_figures series_measure(const struct series_curve *curve);

/*
 * Returns the most that a total rose within a second, from one point to another; where points are
 * further apart, the part of a second. Of a program that was recorded from its start on, which is
 * a point with 0. It is never more than the whole, as a rate of a short interval may be.
 */
double series_most_in_a_second(const struct series_curve *curve);

/* Value in the interval that ends with point @i, from 1: of a level its mean there, of stairs
 * what they were until then, of a total its rate a second. */
double series_value(const struct series_curve *curve, size_t i);

/*
 * Writes a value as people read it; CPU time a second is a share of a core. "" for NAN. Returns
 * @text.
 *
 * @is_rate  it is one of a total's rates
 */
const char *series_amount(const struct series_curve *curve, double value, bool is_rate,
			  char text[64]);

/*
 * Writes a table: of a level its mean and extremes, of a total the whole and its rates, and a small
 * picture of each. Nothing when the profile has no series. @width, @colour as for table_write.
 */
void series_write(const struct report *report, FILE *stream, int width, bool colour);

/* An array of all series with all their points. Owned by the caller. */
json_t *series_json(const struct report *report);

/* The ends of steps, as ticks of a picture. */
struct series_steps {
	const double *end_ns; /* since the start of the recording */
	size_t count;
};

/*
 * Draws one panel for each of @count (> 0) curves, over one axis of time with a tick for each step,
 * or for every so many.
 *
 * @title    clean UTF-8
 * @is_part  of a page that has the figures as a table: without title, style and table
 */
void series_draw(const struct series_curve *curves, size_t count, const struct series_steps *steps,
		 const char *title, bool is_part, FILE *stream);

/* Returns the ends of the profile's steps, owned by the caller, their number in @count. */
double *series_step_ends(const struct profile *profile, size_t *count);

enum series_choice {
	SERIES_ALL,
	SERIES_MEMORY, /* levels in bytes */
};

/* Says whether a curve is of the choice. */
bool series_is_chosen(const struct series_curve *curve, enum series_choice choice);

/* Draws the chosen series of a profile; false when there are none. */
bool series_draw_report(const struct report *report, enum series_choice choice, FILE *stream);
