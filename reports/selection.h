/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * selection: a report of a part of the samples: those of some threads, of a component, of some
 * steps. All shares are then of that part. What is said of trust is about the whole recording.
 */
#pragma once

#include "reports/report.h"

struct selection {
	const char *thread;    /* its number, or a pattern for its name as fnmatch(3) takes it */
	const char *component; /* of the innermost function, as the flame graph's legend names it */
	const char *steps;     /* "slow", "typical", "warm-up", "FROM-TO" or one number, from 1 */
};

/*
 * Takes all samples of the report's metric out of its profile that are not selected, and describes
 * the selection in report->selection.
 *
 * Returns 0, or a negative errno with a sentence: there is no such thread, component or step; the
 * profile then is as it was.
 */
int selection_apply(struct report *report, const struct selection *selection, struct error *error);
