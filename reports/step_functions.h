/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * step_functions: what has to be known of the functions whose calls are the steps: that they are
 * several, which makes one series of steps of different kinds, and that a probe was not in place
 * all the time, so that steps are missing.
 */
#pragma once

#include "reports/report.h"

/* Calls @say for each such sentence, without a full stop. */
void step_functions_say(const struct report *report,
			void (*say)(void *context, const char *sentence), void *context);

/* Returns an array of {function, file, steps, partial, note}; owned by the caller. */
json_t *step_functions_json(const struct report *report);
