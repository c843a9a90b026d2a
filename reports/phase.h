/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase: what a phase measured, as one JSON object, "simprof/phase-v1":
 *     phase, quick, step (function), status ("success" or "failed"), problems (sentences)
 *     sweeps     name, about, runs, overhead (sweep.h), activity: the least of each count
 *     scaling    phase 4: scaling_json of every sweep, by name
 *     predictions  phase 1: the engine's [predicted COMPONENT], by component
 *     wins       of quick wins: win_json of each
 *     remedies   the engine's [win NAME]: name, and the keys as they stand there
 *     builds     of each program that was recorded; "" where there were several
 *     report     a document (document.h), of which Markdown and HTML are made
 *
 * A phase has succeeded when every run of its plan is done, every count of activity that the
 * engine's description names is there and not 0 in all of them, for what did not work was not
 * measured, and no recording that times are taken from breaks the budget for certain: what it took
 * of the CPU time has an interval (sweep.h) above 5 %. "cannot tell" is no problem.
 */
#pragma once

#include "reports/phase_plan.h"

/* What the problem of a broken budget says among other words. */
#define PHASE_BUDGET_WORDS "more than the budget of"

/*
 * Reads the results of a phase's plan.
 *
 * @folder  has a folder for each sweep of the plan
 * Returns the object, owned by the caller, or NULL with a sentence.
 */
json_t *phase_json(const json_t *engine, const struct phase_options *options, const char *folder,
		   struct error *error);
