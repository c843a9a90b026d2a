/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * finding: what the summaries of the four phases, and of the quick wins, say about a component, in
 * words for a table. What no phase measured is "not measured".
 */
#pragma once

#include "collector/base/error.h"

#include <jansson.h>
#include <stdbool.h>

enum {
	FINDING_PHASES = 4,
	FINDING_TEXT = 512, /* bytes of a text that holds every finding */
};

struct findings {
	json_t *phases[FINDING_PHASES]; /* summaries (phase.h); NULL: not measured */
	json_t *wins;			/* likewise */
};

/*
 * Reads DIR/phaseN/phaseN_summary.json of the four phases and DIR/wins/wins_summary.json. One that
 * is not there at all was not measured; one that cannot be read, or is of another version, is an
 * error, and so is no phase 1.
 *
 * Returns 0, or a negative errno with a sentence. findings_done after success.
 */
int findings_read(struct findings *findings, const char *folder, struct error *error);
void findings_done(struct findings *findings);

/* The text of a key, "" without it. */
const char *finding_string(const json_t *object, const char *key);

/* The table of a section of a summary's report, borrowed; NULL without it. */
const json_t *finding_table(const json_t *summary, const char *section_id, const char *table_id);

/* The cell of a row by its column's id, borrowed; as text, "" when it is none. */
const json_t *finding_cell(const json_t *table, const json_t *row, const char *id);
const char *finding_cell_text(const json_t *table, const json_t *row, const char *id);

/* Says whether @name is that of @function, which has its parameters behind it in C++; not of "". */
bool finding_is_function(const char *name, const char *function);

/* A share is a number, or begins with one. */
double finding_share(const json_t *share);

/* Phase 1: "collect, 16.7 % with what it calls outside of components, 3.1 % in itself", the
 * function of the component that bears most (component_map.h), as the component's share does. */
const char *finding_function(const struct findings *findings, const char *component,
			     char text[FINDING_TEXT]);

/* Phase 2: the slowest median of the component's sweeps, and its point; the best configurations
 * that are clear, or only the one that is ahead of its rivals by most. */
const char *finding_duration(const struct findings *findings, const char *component,
			     char text[FINDING_TEXT]);
const char *finding_best(const struct findings *findings, const char *component, bool is_one,
			 char text[FINDING_TEXT]);

/* Phase 3: "matrix.c:61 (10.8 %)", the line of the component that bears most. */
const char *finding_line(const struct findings *findings, const char *component,
			 char text[FINDING_TEXT]);

/* Phase 4: the growth of the component itself over the first thing that was varied and tells one;
 * else that it is not measured, why, and how much it is at most. */
const char *finding_growth(const struct findings *findings, const char *component,
			   char text[FINDING_TEXT]);

/* Phase 2: the structure that holds most, and its point. */
const char *finding_memory(const struct findings *findings, const char *component,
			   char text[FINDING_TEXT]);

/* The win of the component that for certain makes the whole fastest (win.h): by the lower bound of
 * the wall time, or of the CPU time where that is what its verdict is about; where none is certain,
 * the one of the largest ratio of wall time. Borrowed; NULL: none was measured. */
const json_t *finding_win(const struct findings *findings, const char *component);

/* The remedy of the component that the engine's description (phase.h) promises most of, borrowed;
 * NULL: it names none. */
const json_t *finding_remedy(const struct findings *findings, const char *component);

/* The effort of the remedy that is shown: of the win, else of the promised one, as the engine's
 * description says; else 1. */
double finding_effort(const struct findings *findings, const char *component);
