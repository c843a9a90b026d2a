/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_lines: the section of phase 3 about lines: those of the functions that the description
 * names, with hits and allocations, and the hottest ones of every component.
 *
 * The engine does the same in every run, so what was counted in one recording (hits, allocations)
 * can stand beside what was sampled in another: rows are joined by file and line.
 */
#pragma once

#include "reports/scaling.h"

/*
 * Appends it, of the first recording of the sweep that can be read.
 *
 * @scaling  of the sweep "lines"; those of hits (PHASE_HITS, PHASE_WINDOWS) and "memory" lie beside
 *           it, or were not measured
 * @hot      functions by name, those of [hot] of the engine that are to be told of
 */
void phase_add_lines(json_t *document, const struct scaling *scaling, const json_t *hot);
