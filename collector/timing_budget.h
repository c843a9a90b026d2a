/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_budget: keeps what probes cost the target below a share of its own CPU time.
 *
 * Calls times cost are compared with the CPU time of the target every round. While they are too
 * much the dearest function falls back:
 *
 *     timed ─→ only counted, which costs less ─→ counted in some windows of time
 *
 * and what has become of it stands in its row. A window is one round, as soon as the budget of the
 * whole recording has room for it; from all windows follows how many calls there were between them.
 * Step functions stay as they are.
 */
#pragma once

#include "collector/capture/uprobe.h"

#include <stdbool.h>

struct timing_budget;

/* What has become of a function. Times are CLOCK_MONOTONIC; 0: it has not come to that. */
struct timing_budget_fate {
	uint64_t only_counted_ns; /* when it was timed last */
	uint64_t sampled_ns;	  /* when it was counted last all the time */
	uint32_t windows;	  /* since then */
	/* Calls since the beginning, estimated, and half of the 95 % interval, with a quarter of
	 * what probes took in the windows: their cost is known no better. 0: it cannot be told: no
	 * window yet, or calls come so fast that the probe itself takes nearly all the time. */
	double calls, margin;
};

/* @share  of CPU time, > 0 */
struct timing_budget *timing_budget_new(double share);
void timing_budget_free(struct timing_budget *budget); /* accepts NULL */

/*
 * Adds a function in the order of the uprobe's numbers. It is attached by itself.
 *
 * @fd  its file, open for reading until the budget is freed
 */
void timing_budget_add(struct timing_budget *budget, const struct uprobe_function *function,
		       int fd);

/*
 * One round; one that follows too soon does nothing.
 *
 * @cpu_ns  that the target has used so far, with what probes cost
 */
void timing_budget_round(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns,
			 uint64_t cpu_ns);

struct timing_budget_fate timing_budget_fate(const struct timing_budget *budget, size_t function);
