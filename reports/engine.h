/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine: the description of an engine, by which the four phases work for any (scripts/sim.engine).
 *
 * An INI file. Lists have commas between their parts; an indented line goes on with the one before,
 * what follows " ;" is a comment. A line has 198 characters at most, a name 49.
 *
 *     [engine]      what it is
 *         command = PROGRAM ... {NAME} ...    what a run is; needed
 *         step = FUNCTION                     takes one step; none: costs are per run
 *         activity = NAME, NAME               counts that the program prints as "NAME NUMBER" and
 *                                             that are 0 when it did not work
 *         turn = NAME                         one of these: phase 1 tells calls for each, too
 *         trace = OPTION                      makes it print what tells whether two runs did the
 *                                             same, and nothing else, on its standard output
 *         time_limit = SECONDS                of a run; else 600, with --quick 120
 *         scratch = PATH, PATH                files that runs leave; removed before and after each
 *     [values]      NAME = VALUE              of {NAME}, unless varied
 *     [quick]       NAME = VALUE              the same with --quick
 *     [components]  NAME = PATTERNS           what belongs to it: a/file.c, folder/, function globs
 *                                             (name_*), libraries (libz.so*)
 *     [hot]         NAME = FUNCTION           what phase 3 looks into
 *     [vary]        NAME = A, B | C           phase 4; what is behind the bar not with --quick,
 *                                             else among the others by size
 *                   A+B = 1+2, 3+4            two names at once
 *     [size]        NAME = COUNT              of a step, which is the size that NAME really was
 *     [driver COMPONENT TEST]                 phase 2: a program that works one component
 *         command, time = FUNCTIONS, activity, and values as in [vary]
 *         choose = NAME, NAME                 of the values: what may be configured (phase_best.h);
 *                                             none: nothing, the points do different work
 *         memory = NAME=VALUE, NAME=VALUE     count what its structures hold, too, with these
 *                                             values instead: few rounds tell as much
 *         per = NAME                          of the values: bytes are told for one of it
 *     [win NAME]    an improvement that the engine can do with and without (win.h)
 *         before, after = WORD                of the command line; needed
 *         command                             else that of [engine]
 *         component, gain = A-B               what it is to make A to B times as fast
 *         effort = NUMBER                     of making it, in a unit of one's own; else 1
 *         changes = TEXT                      in what the results may differ; none: in nothing
 *         already = yes                       the command of [engine] has it: measured to say what
 *                                             it brought, and no remedy for what is profiled
 *
 *     [predicted COMPONENT]                   what was said of it before it was measured
 *         share = A-B                         of the time, in per cent
 *         earlier = NUMBER                    what somebody measured elsewhere, likewise
 *         growth = TEXT
 *
 * A file needs no more than [engine] command: what is not described is not measured, and reports
 * say so.
 */
#pragma once

#include "collector/base/error.h"

#include <jansson.h>
#include <stdbool.h>

#define ENGINE_PREDICTED "predicted "
#define ENGINE_WIN	 "win "

/*
 * Reads and checks a description.
 * Returns an object of sections, objects of texts, in the order of the file, owned by the caller;
 * NULL with a sentence.
 */
json_t *engine_read(const char *path, struct error *error);

/* The value of a key, @otherwise when there is none. */
const char *engine_text(const json_t *engine, const char *section, const char *key,
			const char *otherwise);

/* Splits a list at its commas; parts are trimmed, empty ones left out. Returns an array of texts.
 */
json_t *engine_list(const char *text);

/*
 * The points of a section of values: a grid. Keys that @skip lists, NULL at its end, are none.
 * Returns an array of objects NAME to text, owned by the caller.
 */
json_t *engine_points(const json_t *values, const char *const *skip, bool quick);

/*
 * The same points with other values: @text is "NAME=VALUE, NAME=VALUE". What is the same then comes
 * once. Owned by the caller.
 */
json_t *engine_points_with(const json_t *points, const char *text);

/* The command line with the values of [values] and [quick] put in, but for the names that points
 * give it. Returns an array of words, owned by the caller. */
json_t *engine_command(const json_t *engine, const char *command, const json_t *points, bool quick);
