/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_check: what is wrong with a sweep of a phase → sentences, each with the sweep's name before
 * it, in the phase's array of problems.
 */
#pragma once

#include "reports/sweep.h"

#include <jansson.h>
#include <stdbool.h>

void phase_check_complain(json_t *problems, const char *sweep, const char *text);

/*
 * Asserts that the work that was to be measured happened.
 * @plan  of the sweep, one of those of phase_plan
 * Returns the least of each count over all runs, by name, owned by the caller.
 */
json_t *phase_check_activity(json_t *problems, const struct sweep *sweep, const json_t *plan);

/* @plan  of the sweep; where it says may_time_out, that is no problem. @runs  sweep_runs_json */
void phase_check_runs(json_t *problems, const json_t *plan, const json_t *runs);

/* @unreadable  sentences, one for each recording that cannot be read */
void phase_check_recordings(json_t *problems, const char *name, const json_t *unreadable);

/* Whether what recording takes (sweep_overhead_json) keeps the budget, as far as the runs can tell:
 * "kept", "broken", "cannot tell" or "not measured". */
const char *phase_check_overhead(const json_t *overhead);

/* Whether times are taken from a sweep, so that its recording has to keep the budget. */
bool phase_check_is_timed(const json_t *plan);

/* What was measured of a program that recording slows down is not what was asked for. */
void phase_check_budget(json_t *problems, const json_t *plan, const json_t *overhead);

/* @lacking  recordings of which the number of steps is not known */
void phase_check_steps(json_t *problems, const char *name, int lacking);
