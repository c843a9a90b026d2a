/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * win: an improvement that an engine can do with and without ([win NAME] of its description):
 * what it was to gain, what it gains, and whether the results stay the same.
 *
 * A gain is a ratio: 2 is twice as fast, with its interval (95 %, Welch's, of the logarithms of the
 * runs). Those of the whole are of runs without recording: wall time, which holds waiting, and CPU
 * time. That of the component is of its sampled CPU time per step. A component with the share p
 * that gets f times as fast makes the whole 1 / (1 - p + p / f) times as fast (Amdahl, AFIPS 1967):
 * this turns what is said of a component into what is to be seen in the whole.
 *
 * The results are the same when the traces ([engine] trace) of both are, byte for byte.
 */
#pragma once

#include "reports/scaling.h"

/* How much faster the whole gets when a component with @share of the time gets @gain times as fast.
 */
double win_of_whole(double share, double gain);

/* Reads what is said of a component, "2-3" or "1.6": low and high, alike when it is one number.
 * Returns whether it is such. */
bool win_read_gain(const char *text, double *low, double *high);

/*
 * Measures a win: an object of
 *     name, component, before, after, changes
 *     promised  [low, high] of the component, expected the same of the whole; null: nothing was
 *               said, or the component has no samples
 *     share     of the component before
 *     gain      of the component, wall and cpu of the whole: {ratio, low, high}; null: not measured
 *     word      "faster", "slower", "no difference" (wall), "less CPU time", "more CPU time",
 *               "cannot tell"
 *     trace     "same", "differs", or null: not measured
 *     work      counts of activity that are others after than before, as text; "": none
 * Owned by the caller.
 *
 * @plan     of its sweep (phase_plan.h)
 * @scaling  its recordings
 * @folder   of the sweep; that of the traces lies beside it as FOLDER_trace
 */
json_t *win_json(const json_t *engine, const json_t *plan, const struct scaling *scaling,
		 const char *folder);

/* Appends the section of all wins, an array of such objects. */
void win_add_section(json_t *document, const json_t *wins);

/* What is wrong with a win, as a sentence: results differ, or the work done, though the description
 * names no change, or could not be compared. NULL when nothing is. */
const char *win_problem(const json_t *win);
