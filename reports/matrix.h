/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * matrix: the bottleneck matrix, one row per component of phase 1, then a sheet for each: current,
 * cause, evidence, remedy, expected gain; and what was predicted beside what was measured. It is
 * made of nothing but the summaries of the phases and of the quick wins (finding.h).
 *
 * Priority = gain x confidence / effort, where
 *
 *   gain        1 / (1 - share) - 1: how much faster the whole would be at most, were the component
 *               free (Amdahl, AFIPS 1967)
 *   confidence  low / share: what the interval of the share leaves of it, 0 ... 1; 0 without one
 *   effort      of the remedy that the sheet shows, as the engine's description says ([win NAME]
 *               effort); else 1
 *
 * A priority is high from 1 on, where the whole could be twice as fast, medium from 0.1 on, else
 * low.
 */
#pragma once

#include "collector/base/error.h"

#include <jansson.h>

/* Returns the priority of a component with @share of the time, at least @low of it. */
double matrix_priority(double share, double low, double effort);

/*
 * Reads the summaries, as findings_read does.
 * Returns the report (document.h), owned by the caller, or NULL with a sentence.
 */
json_t *matrix_document(const char *folder, struct error *error);
