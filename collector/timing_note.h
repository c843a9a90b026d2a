/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_note: what a function's row in the profile says of its budget.
 */
#pragma once

#include "collector/profile/profile.h"
#include "collector/timing_budget.h"

/*
 * Says in a probe's row what the budget has made of it, behind what its note said before; again
 * with each call. A function that was probed all the time keeps its row as it is.
 *
 * @start_ns  CLOCK_MONOTONIC of the profile's times
 */
void timing_note_budget(struct profile *profile, uint32_t probe,
			const struct timing_budget_fate *fate, uint64_t start_ns);
