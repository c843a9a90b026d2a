/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * matrix: the bottleneck matrix, one row per component of phase 1, made of nothing but the
 * summaries of the four phases. What no phase measured is "not measured".
 *
 * Priority = gain x confidence / effort, where
 *
 *   gain        1 / (1 - share) - 1: how much faster the whole would be at most, were the component
 *               free (Amdahl, AFIPS 1967)
 *   confidence  low / share: what the interval of the share leaves of it, 0 ... 1; 0 without one
 *   effort      1: nothing measures it
 */
#pragma once

#include "collector/base/error.h"

#include <jansson.h>

enum {
	MATRIX_PHASES = 4
};

/* Returns the priority of a component with @share of the time, at least @low of it. */
double matrix_priority(double share, double low);

/*
 * Reads DIR/phaseN/phaseN_summary.json of the four phases. A phase that is not there at all was not
 * measured; one that cannot be read, or is of another version, is an error, and so is no phase 1.
 *
 * Returns the report (document.h), owned by the caller, or NULL with a sentence.
 */
json_t *matrix_document(const char *folder, struct error *error);
