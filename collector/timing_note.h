/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_note: what is said of a function in the profile: of its budget, and of how its calls
 * ended.
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

/* Sets numbers of the profile for the probe N, where they are not 0: "tail_calls.N", how many of a
 * function's calls ended as another function took their place, where its exits are probed, and
 * "ended.N", how many their thread left as it ended. */
void timing_note_endings(const struct uprobe *uprobe, uint32_t function, struct profile *profile);
