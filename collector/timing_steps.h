/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_steps: what came to each step of what the target's processes sum up by themselves (enum
 * wire_total), as series of the profile with one point for each step, at its end:
 *
 *     step allocations  count      step lock-wait  ns       step io-time     ns
 *     step allocated    bytes      step await      ns       step io-bytes    bytes
 *                                                           step sql-time    ns
 *                                                           step executions  count
 *
 * Those of modes that are on. A step that began before its process was known has no points.
 */
#pragma once

#include "collector/capture/uprobe.h"
#include "collector/profile/profile.h"

#include <stdbool.h>

/* Zero-initialised: nothing is summed up. */
struct timing_steps {
	uint32_t modes;	    /* enum wire_mode */
	bool is_sampled;    /* allocations are: amounts are scaled as wire_tally says */
	uint64_t latest_ns; /* of all points */
};

/* Adds the points of a finished step, whose end is @end_ns since the start of the recording. */
void timing_steps_take(struct timing_steps *steps, struct profile *profile,
		       const struct uprobe_step *step, uint64_t end_ns);
