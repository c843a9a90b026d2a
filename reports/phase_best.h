/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_best: which configuration of a component is best, with the evidence.
 *
 * The names of a driver that @choose lists, or else those whose values are no numbers, make a
 * configuration, with "none" no name does; points that agree in all other names did the same work
 * and are compared. Best is the least median of the CPU time of a run. It is clear when each of its
 * runs took less than each run of the next one; with r runs a side that comes by chance once in
 * C(2r, r) times: once in 20 for three.
 */
#pragma once

#include "reports/scaling.h"

/* Appends the table "best" to a section, when there is anything to choose. @choose  list with
 * commas, or NULL */
void phase_add_best(json_t *section, const struct scaling *scaling, const char *choose);
