/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calls_notes: what restricts the figures of functions, said once of all that have the same reason.
 *
 *     note: 12 functions (f, g, h, …): counted in 6 to 31 windows of time from 0.26 to 0.41 s on
 *
 * Reasons are the same where no more than their numbers differ, those that stand by themselves.
 */
#pragma once

#include "reports/calls.h"

#include <stdio.h>

/* Writes those of the first @limit rows, in the order of the rows. */
void calls_notes_write(const struct report *report, const struct calls *calls, uint32_t limit,
		       FILE *stream);
