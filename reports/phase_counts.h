/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phase_counts: how often functions are called: exact, of recordings that count every call without
 * a budget (collector run --count --budget none).
 *
 * Where calls are timed, a budget takes probes off that would disturb; then the calls that were
 * timed are a part of all. The engine does the same in every run, so that numbers of one that is
 * slowed down by counting stand beside times of those that are not.
 */
#pragma once

#include "reports/scaling.h"

/*
 * Appends the section about the calls of a sweep of one point.
 *
 * @step  the step function, which is no call of interest; "": none
 * @turn  name of a count that the program prints: calls are told for one of it, too; "": not told
 */
void phase_add_counts(json_t *document, const struct scaling *scaling, const char *step,
		      const char *turn);

/*
 * Puts the fits of calls into what scaling_json made of another sweep over the same points.
 *
 * @counted  what it made of the sweep that counts
 */
void phase_join_counts(json_t *scaling, const json_t *counted);
