/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_sections: sections of a phase's report, each about the recordings of one sweep. */
#pragma once

#include "reports/scaling.h"

/* Components, whose shares add up to 100 %, and functions, with intervals between runs. */
void phase_add_shares(json_t *document, const struct scaling *scaling);

/* Calls and durations of timed functions, at every point of the sweep: medians over its runs.
 * Returns the section, borrowed. */
json_t *phase_add_calls(json_t *document, const char *name, const struct scaling *scaling);
