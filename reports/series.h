/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series: what has a curve over the time of a recording: memory, faults, switches, I/O, cores. */
#pragma once

#include "reports/report.h"

#include <jansson.h>

/*
 * Writes a table: of a level its mean and extremes, of a total the whole and its rates, and a small
 * picture of each. Nothing when the profile has no series. @width, @colour as for table_write.
 */
void series_write(const struct report *report, FILE *stream, int width, bool colour);

/* An array of all series with all their points. Owned by the caller. */
json_t *series_json(const struct report *report);
