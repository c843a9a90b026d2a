/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timing_budget: keeps what probes cost the target below a share of its own CPU time.
 *
 * What the target uses fills a bank by that share, what probes cost empties it. When it is empty,
 * which the kernel side tells at once, the dearest function falls back:
 *
 *     timed ─→ only counted, which costs less ─→ counted, and timed, in some windows of time
 *
 * and what has become of it stands in its row. Where a step function is timed a window is one or
 * more whole steps, and from all windows follows how many calls the steps between them had. Where
 * none is, or where a step would cost more than can be kept, it is a piece of time, as long as the
 * bank can pay for whatever it shows, at most 5 ms. It comes when the bank has what it may cost. A
 * step function
 * stays as it is; but where its probe costs more than the budget, and more than any other, or
 * nothing else is left to fall back, it is only counted, and taken off where that is too much: the
 * steps until then are all known, of those after it no more than their number, or not even that,
 * and all windows are pieces of time. What is left in the bank is kept for as much as a second of
 * the target's CPU time asks for.
 */
#pragma once

#include "collector/capture/uprobe.h"
#include "collector/probe_bank.h"

#include <stdbool.h>

struct timing_budget;

/* What has become of a function. Times are CLOCK_MONOTONIC; 0: it has not come to that. */
struct timing_budget_fate {
	uint64_t only_counted_ns; /* when it was timed last */
	uint64_t sampled_ns; /* when it was counted last all the time; of a step function: at all */
	uint32_t windows;    /* since then */
	bool by_steps;	     /* they are whole steps: calls outside of steps are not estimated */
	/* Calls since the beginning, estimated, and half of the 95 % interval; of pieces of time
	 * with what it means that probes may have cost more, or less, than is taken for it
	 * (PROBE_BANK_COST_DOUBT). 0: it cannot be told: too few windows for an interval that
	 * holds (window_path_tells), or one that is as large as the estimate; or calls come so
	 * fast that the probe itself takes most of the time, and that alone would make the
	 * interval too wide to be told (PROBE_BANK_MOST_DOUBT).
	 * Of a step function those that were counted, if all were.
	 */
	double calls, margin;
	bool is_too_fast; /* that is why */
};

/* @share  of CPU time, > 0 */
struct timing_budget *timing_budget_new(double share);
void timing_budget_free(struct timing_budget *budget); /* accepts NULL */

/*
 * Adds a function in the order of the uprobe's numbers.
 *
 * @fd     its file, open for reading until the budget is freed
 * @group  number of the first function that one call of uprobe_attach puts in place with it
 */
void timing_budget_add(struct timing_budget *budget, const struct uprobe_function *function, int fd,
		       size_t group);

/* Begins, with the probes in place. */
void timing_budget_begin(struct timing_budget *budget, const struct probe_bank_clock *clock,
			 struct uprobe *uprobe, uint64_t now_ns);

/* One round; one that follows too soon does nothing, unless the limit of @uprobe is passed. Cost:
 * with a window up to 5 ms, and what putting probes in place takes. */
void timing_budget_round(struct timing_budget *budget, struct uprobe *uprobe, uint64_t now_ns);

/* Ends: estimates are for all until now. */
void timing_budget_end(struct timing_budget *budget, const struct uprobe *uprobe, uint64_t now_ns);

struct timing_budget_fate timing_budget_fate(const struct timing_budget *budget, size_t function);
