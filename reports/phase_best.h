/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_best: which configuration of a component is best, with the evidence.
 *
 * The names of a driver that @choose lists, or else those whose values are no numbers, make a
 * configuration, with "none" no name does; points that agree in all other names did the same work
 * and are compared. Best is the least geometric mean of the wall time of the runs without
 * recording, which holds waiting: for a disk, a lock, a thread. What that takes of the processors
 * stands beside it. It is clear when the interval of its ratio to the next one (95 %, Welch's, of
 * the logarithms of the runs, statistics_groups) lies above 1; a single run of a point has none.
 */
#pragma once

#include "reports/scaling.h"

/* Appends the table "best" to a section, when there is anything to choose. @choose  list with
 * commas, or NULL */
void phase_add_best(json_t *section, const struct scaling *scaling, const char *choose);
