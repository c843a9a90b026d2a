/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * top: the table that `collector top` shows, as lines of text.
 */
#pragma once

#include "collector/live.h"

#include <stdio.h>

struct top {
	const char *title;  /* the processes */
	const char *engine; /* and its samples per second of CPU time */
	unsigned frequency_hz;
	const char *step; /* function whose calls are steps; NULL: none */
	bool is_by_total; /* sorted by total, not by self weight */
};

#define TOP_HEADING 5 /* line of the table's heading, from 0; its rows follow */

/*
 * Writes the lines; each ends with a newline and has only what can be shown.
 *
 * @view     its functions are put in order
 * @columns  of the longest line
 * @rows     of functions, at most
 */
void top_write(FILE *stream, const struct top *top, const struct live_view *view, int columns,
	       int rows);

/* Writes the same as one line of JSON, with all functions and threads. */
void top_write_json(FILE *stream, const struct top *top, const struct live_view *view);
