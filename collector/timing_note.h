/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_note: what is said of a function in the profile: of its budget, and of its tail calls.
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

/* Sets "tail_calls.N" of the profile, for the probe N: how many of a function's calls ended as
 * another function took their place, where its exits are probed. */
void timing_note_tail_calls(const struct uprobe *uprobe, uint32_t function,
			    struct profile *profile);
